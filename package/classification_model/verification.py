"""Whether a model, and the installed package around it, are what they were when they were made."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path

from classification_model.artifact import packaged_model
from classification_model.errors import VerificationError
from classification_model.manifest import Manifest
from classification_model.predict import Predictor


@dataclass(frozen=True)
class Verification:
    """A model that holds.

    Attributes
    ----------
    folder
        Where it is.
    manifest
        What it says of itself.
    installed_files
        Files of the installed distribution that were held against its record; 0 for another folder, and for a
        development install, whose files have no record.
    notes
        What differs without harm, such as library versions.
    """

    folder: Path
    manifest: Manifest
    installed_files: int
    notes: tuple[str, ...]


def verify(folder: Path | str | None = None) -> Verification:
    """Verify a model folder: its manifest, then the hash of every file, then the golden rows.

    Of the packaged model, the files of the installed distribution are held against its record as well.

    Parameters
    ----------
    folder
        A model folder; the packaged model when left out.

    Raises
    ------
    ArtifactError
        If there is no model, or something was changed: the first file at fault is named.
    """
    packaged = packaged_model()
    folder = packaged if folder is None else Path(folder)
    installed = _verify_installed_files() if os.path.realpath(folder) == os.path.realpath(packaged) else 0
    predictor = Predictor.load(folder)
    return Verification(folder, predictor.manifest, installed, predictor.notes)


def _verify_installed_files() -> int:
    """Hold every file of the installed wheel against its record; return how many there were."""
    here = Path(__file__).resolve()
    for name in sorted(set(packages_distributions().get(here.parent.name, ()))):
        installed = distribution(name)
        record = _read_record(installed)
        if here in {Path(str(installed.locate_file(file))).resolve() for file in record}:
            for file, recorded in record.items():
                _verify_installed_file(Path(str(installed.locate_file(file))), file, recorded)
            return len(record)
    return 0  # this code runs from a checkout, not from a wheel


def _read_record(installed: Distribution) -> dict[str, str]:
    """Return the hash of each installed file by its path; `Distribution.files` leaves out files that are gone."""
    try:
        rows = list(csv.reader((installed.read_text("RECORD") or "").splitlines()))
        return {file: recorded for file, recorded, _ in rows if recorded}
    except ValueError as error:
        msg = f"RECORD of the installed {installed.name} was changed: install the wheel again"
        raise VerificationError(msg) from error


def _verify_installed_file(path: Path, file: str, recorded: str) -> None:
    mode, _, value = recorded.partition("=")
    try:
        expected = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
        actual = hashlib.new(mode, path.read_bytes()).hexdigest()
    except OSError as error:
        msg = f"{file} of the installed package cannot be read: {error.strerror}"
        raise VerificationError(msg) from error
    except (TypeError, ValueError) as error:
        msg = f"RECORD of the installed package was changed where it lists {file}: install the wheel again"
        raise VerificationError(msg) from error
    if actual != expected:
        msg = f"{file} was changed: expected {mode} {expected}, found {actual}"
        raise VerificationError(msg)
