"""The hash of the code that trained a model covers every module and template of the package."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import classification_model
from classification_model.runtime.model_folder.packaged import package_folder
from classification_model.training import describe_model
from classification_model.training.describe_model import code_hash

PACKAGE = Path(classification_model.__file__).parent


def test_a_change_in_any_room_is_another_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One module of each folder is changed in turn, and each template; each time the hash is another one."""
    assert package_folder() == PACKAGE
    expected = code_hash()
    copy = Path(
        shutil.copytree(PACKAGE, tmp_path / "package", ignore=shutil.ignore_patterns("trained_models", "*.pyc"))
    )
    monkeypatch.setattr(describe_model, "package_folder", lambda: copy)
    assert code_hash() == expected
    files = [*copy.rglob("*.j2"), *{path.parent: path for path in copy.rglob("*.py")}.values()]
    assert {"runtime", "tables", "templates"} <= {path.parent.name for path in files} | {
        path.parents[1].name for path in files
    }
    hashes = {expected}
    for path in files:
        path.write_bytes(path.read_bytes() + b"\n")
        hashes.add(code_hash())
    assert len(hashes) == len(files) + 1
