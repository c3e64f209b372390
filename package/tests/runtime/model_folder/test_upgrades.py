"""A model folder written by an earlier version: it loads and predicts as it did, or says how to make it again."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import Command
from packaging.version import Version
from resealed import reseal

from classification_model.errors import ArtifactError, VerificationError
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.artifact import MANIFEST, read_manifest
from classification_model.runtime.model_folder.manifest import FORMAT_VERSION
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.store.reader import StoreReader
from classification_model.runtime.verification import verify

DATA = Path(__file__).resolve().parents[2] / "data"
EARLIER = DATA / "model_of_1.0.0"


@pytest.fixture
def answered() -> dict[str, Any]:
    """Give rows, and the answer of version 1.0.0 for them."""
    found: dict[str, Any] = json.loads((DATA / "predictions_of_1.0.0.json").read_bytes())
    return found


def test_a_folder_of_1_0_0_predicts_as_it_did(answered: dict[str, Any]) -> None:
    """Labels, warnings and errors are those on record; probabilities agree within what each load allows."""
    assert Version(package_version()) >= Version("1.0.0")
    answer: dict[str, Any] = {**Predictor.load(EARLIER).predict(answered["rows"])}
    recorded = answered["answer"]
    for given, expected in zip(answer.pop("probabilities"), recorded.pop("probabilities"), strict=True):
        assert given is expected or given == pytest.approx(expected, abs=1e-9)
    assert answer == recorded


def test_a_folder_of_1_0_0_is_verified_and_served_from_a_store(command: Command, tmp_path: Path) -> None:
    """Its hashes and golden rows hold, by the command too, and a store takes it as its current version."""
    assert verify(EARLIER).manifest.version == "1.0.0"
    done = command("verify", EARLIER)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("yes: Colours, version 1.0.0: 4 files and ")
    done = command("promote", EARLIER, "--store", tmp_path / "store")
    assert (done.code, done.err) == (0, "")
    assert StoreReader(tmp_path / "store").current() == "1.0.0"


@pytest.mark.parametrize("version", [FORMAT_VERSION - 1, FORMAT_VERSION + 1])
def test_a_folder_of_another_format_is_refused_with_the_command_that_makes_it(
    version: int, command: Command, tmp_path: Path
) -> None:
    """An older and a newer format are told by number in one line; nothing is called damaged."""
    folder = shutil.copytree(EARLIER, tmp_path / "folder")
    reseal(folder, format_version=version)
    for path in folder.iterdir():
        if path.name != MANIFEST and path.is_file():
            path.unlink()
    expected = (
        rf"manifest\.json: expected format version {FORMAT_VERSION}, found {version}: make the model again with "
        "`classification-model train --config CONFIG --replace`, or install the version of this package that made it"
    )
    for read in (read_manifest, Predictor.load, verify):
        with pytest.raises(ArtifactError, match=f"^{expected}$") as caught:
            read(folder)
        assert not isinstance(caught.value, VerificationError)
    for arguments in (("verify", folder), ("predict", "--model", folder, "rows.csv"), ("wheel", folder, "--name", "x")):
        done = command(*arguments)
        assert (done.code, done.out) == (2, "")
        assert re.fullmatch(f"error: {expected}\n", done.err)
