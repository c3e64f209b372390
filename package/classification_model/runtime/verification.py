"""Verify a model folder, and the installed package that contains it."""

from __future__ import annotations

import base64
import csv
import hashlib
import os
from dataclasses import dataclass
from importlib.metadata import Distribution, distributions
from pathlib import Path

from classification_model.errors import VerificationError
from classification_model.runtime.model_folder.artifact import MANIFEST, read_files, read_manifest
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.portable import check_golden_rows
from classification_model.runtime.predictor import Predictor


@dataclass(frozen=True)
class Verification:
    """The result of a successful verification.

    Attributes
    ----------
    folder
        The model folder.
    manifest
        Its manifest.
    installed_files
        Number of verified files of the wheel that installed the model; 0 if no wheel did, or for an editable install.
    notes
        Differences that do not matter for the predictions, such as library versions.
    """

    folder: Path
    manifest: Manifest
    installed_files: int
    notes: tuple[str, ...]

    @property
    def summary(self) -> str:
        """The result in one line."""
        manifest = self.manifest
        held = f"{len(manifest.files)} files and {len(manifest.golden_rows)} golden rows verified"
        installed = f", and {self.installed_files} files of the installed package" if self.installed_files else ""
        return f"{manifest.name}, version {manifest.version}: {held}{installed}"


def verify(folder: Path | str | None = None) -> Verification:
    """Verify a model folder: the manifest, the hash of every file, and the predictions for the golden rows.

    The golden rows are rows whose probabilities were recorded in training. If the model was installed by a wheel, the
    other files of this wheel are verified too.

    Parameters
    ----------
    folder
        A model folder. The default is the packaged model.

    Returns
    -------
    Verification
        The verified manifest, the number of verified files, and notes.

    Raises
    ------
    ArtifactError
        If the folder contains no model.
    VerificationError
        If a file was changed, or the model does not give the recorded probabilities of a golden row. The message names
        the file or the row.

    Examples
    --------
    >>> import classification_model as cm
    >>> verified = cm.verify()
    >>> verified.manifest.version == cm.__version__
    True
    """
    folder = packaged_model() if folder is None else Path(folder)
    installed = _verify_installed_files(folder / MANIFEST)
    manifest = read_manifest(folder)
    contents = read_files(folder, manifest)
    predictor = Predictor.of_files(manifest, contents)
    if manifest.portable is not None:
        check_golden_rows(contents[manifest.portable], manifest)
    return Verification(folder, manifest, installed, predictor.notes)


def installed_around(path: Path) -> Distribution | None:
    """Return the installed wheel that brought a file; None where no wheel did, as in a checkout."""
    path = Path(os.path.realpath(path))
    for folder in path.parents:
        file = path.relative_to(folder).as_posix()
        for installed in distributions(path=[str(folder)]):
            # A search in the text first, since there may be hundreds of records, each of hundreds of lines.
            if file in _record_text(installed) and file in _read_record(installed):
                return installed
    return None


def read_installed_files(installed: Distribution) -> dict[str, bytes]:
    """Return the files of an installed wheel by the paths in its record, if they are as they were installed.

    Raises
    ------
    VerificationError
        If a file or the record was changed.
    """
    return {
        file: _read_installed_file(Path(str(installed.locate_file(file))), file, recorded)
        for file, recorded in _read_record(installed).items()
    }


def _verify_installed_files(path: Path) -> int:
    """Hold every file of the wheel that brought a file against that wheel's record; return how many there were."""
    installed = installed_around(path)
    return 0 if installed is None else len(read_installed_files(installed))


def _record_text(installed: Distribution) -> str:
    try:
        return installed.read_text("RECORD") or ""
    except ValueError as error:  # no UTF-8
        msg = f"RECORD of the installed {installed.name} was changed: reinstall it"
        raise VerificationError(msg) from error


def _read_record(installed: Distribution) -> dict[str, str]:
    """Return the hash of each installed file by its path.

    `importlib.metadata.Distribution.files` leaves out files that are gone.
    """
    try:
        rows = list(csv.reader(_record_text(installed).splitlines()))
        return {file: recorded for file, recorded, _ in rows if recorded}
    except (ValueError, csv.Error) as error:
        msg = f"RECORD of the installed {installed.name} was changed: reinstall it"
        raise VerificationError(msg) from error


def _read_installed_file(path: Path, file: str, recorded: str) -> bytes:
    mode, _, value = recorded.partition("=")
    try:
        expected = base64.urlsafe_b64decode(value + "=" * (-len(value) % 4)).hex()
        content = path.read_bytes()
        actual = hashlib.new(mode, content).hexdigest()
    except OSError as error:
        msg = f"{file} of the installed package cannot be read: {error.strerror}; reinstall it"
        raise VerificationError(msg) from error
    except (TypeError, ValueError) as error:
        msg = f"RECORD of the installed package was changed in the line of {file}: reinstall it"
        raise VerificationError(msg) from error
    if actual != expected:
        msg = f"{file} was changed: expected {mode} {expected}, found {actual}: reinstall it"
        raise VerificationError(msg)
    return content
