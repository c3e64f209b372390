"""Whether a model, and the installed package around it, are what they were when they were made."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from importlib.metadata import distribution, packages_distributions
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
    installed = _verify_installed_files() if folder.resolve() == packaged.resolve() else 0
    predictor = Predictor.load(folder)
    return Verification(folder, predictor.manifest, installed, predictor.notes)


def _verify_installed_files() -> int:
    """Hold every file of the installed wheel against its record; return how many there were."""
    here = Path(__file__).resolve()
    name = next(iter(packages_distributions().get(__name__.partition(".")[0], ())), None)
    if name is None:
        return 0
    installed = distribution(name)
    recorded = {Path(str(file.locate())): file.hash for file in installed.files or () if file.hash is not None}
    if here not in {path.resolve() for path in recorded}:
        return 0  # this code runs from a checkout, not from the wheel
    for path, record in recorded.items():
        try:
            content = path.read_bytes()
        except OSError as error:
            msg = f"{path.name} is missing from the installed package"
            raise VerificationError(msg) from error
        expected = base64.urlsafe_b64decode(record.value + "=" * (-len(record.value) % 4)).hex()
        actual = hashlib.new(record.mode, content).hexdigest()
        if actual != expected:
            msg = f"{path.name} was changed: expected {record.mode} {expected}, found {actual}"
            raise VerificationError(msg)
    return len(recorded)
