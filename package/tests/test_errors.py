"""The tree of errors, and the error that names a missing extra."""

import importlib
import importlib.metadata
import os
import re
import sys
from pathlib import Path

import pytest

from classification_model import errors
from classification_model.errors import ClassificationModelError, MissingExtraError, require_extra


def test_every_error_is_exported_and_of_one_tree() -> None:
    """Each exception class of the module is in a sorted `__all__` and descends from one base."""
    classes = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert {*classes, "require_extra"} == set(errors.__all__)
    assert errors.__all__ == sorted(errors.__all__)
    assert all(issubclass(getattr(errors, name), ClassificationModelError) for name in classes)


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    """The drawing names every class once, each below its own base."""
    drawn: dict[str, str] = {}
    bases: list[str] = []
    for indent, name in re.findall(r"^    ([ │├└─]*)(\w+Error)\b", errors.__doc__ or "", re.MULTILINE):
        depth = len(indent) // 4
        bases = [*bases[:depth], name]
        drawn[name] = bases[depth - 1] if depth else "Exception"
    real = {name: getattr(errors, name).__bases__[0].__name__ for name in errors.__all__ if name.endswith("Error")}
    assert drawn == real


def test_a_missing_dependency_names_the_extra_that_brings_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that fails inside the block becomes one line that says what to install."""
    monkeypatch.setitem(sys.modules, "sklearn", None)
    expected = r"\Atraining needs sklearn, which is not installed: run pip install 'classification-model\[train\]'\Z"
    with pytest.raises(MissingExtraError, match=expected), require_extra("train", "training"):
        importlib.import_module("sklearn")


def test_the_remedy_for_a_missing_extra_is_right_in_a_clone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the package runs from its source and was never installed, the source folder is what pip installs."""
    monkeypatch.setitem(sys.modules, "sklearn", None)

    monkeypatch.setattr(importlib.metadata, "packages_distributions", dict)
    source = Path(errors.__file__).parents[1]
    expected = rf"is not installed: run pip install -e '{re.escape(str(source))}\[train\]'\Z"
    with pytest.raises(MissingExtraError, match=expected), require_extra("train", "training"):
        importlib.import_module("sklearn")
    assert (source / "pyproject.toml").is_file() or os.environ.get("TESTED") == "wheel"  # which is no clone


def test_a_missing_module_of_our_own_is_not_blamed_on_an_extra() -> None:
    """A broken install of this package shows as what it is."""
    with pytest.raises(ModuleNotFoundError, match=r"classification_model\.nowhere"), require_extra("train", "training"):
        importlib.import_module("classification_model.nowhere")


def test_other_errors_pass_unchanged() -> None:
    """What goes wrong inside the block for another reason is not reworded."""
    with pytest.raises(ImportError, match="cannot import name") as caught, require_extra("train", "training"):
        exec("from pathlib import nothing")  # noqa: S102 - a name that mypy must not look for
    assert not isinstance(caught.value, MissingExtraError)
