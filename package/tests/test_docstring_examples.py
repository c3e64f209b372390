"""Examples in docstrings are run, and give what they say."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import classification_model

FOLDER = Path(classification_model.__file__).parent
EXAMPLES = [
    ".".join(file.relative_to(FOLDER.parent).with_suffix("").parts).removesuffix(".__init__")
    for file in sorted(FOLDER.rglob("*.py"))
    if ">>> " in file.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", EXAMPLES)
def test_examples_of_a_module_give_what_they_say(module: str, model_folder: Path) -> None:
    """Each line behind `>>>` gives the lines below it; some of them load the packaged model."""
    assert model_folder.is_dir()
    done = doctest.testmod(import_module(module))
    assert done.attempted > 0
    assert done.failed == 0, "what is printed above differs"
