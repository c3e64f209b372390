"""Write a wheel as a reproducible zip archive.

Entries are sorted, and have one mode and the date of the model: two wheels of one model are equal byte for byte, if
they are built with the same version of this package and of zlib.

References
----------
The binary distribution format of the Python Packaging User Guide, for the layout and RECORD;
https://reproducible-builds.org/specs/source-date-epoch/ for the clock.
"""

from __future__ import annotations

import base64
import csv
import hashlib
import io
import time
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from classification_model.errors import ArtifactError
from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.system.clock import source_date_epoch
from classification_model.runtime.system.durable import replacing_file

_EARLIEST, _LATEST = 315532800, 4354819198  # 1980 and 2107, what the dates of a zip archive can hold


def dated(created: str) -> int:
    """Return the seconds since 1970 that entries are dated with: SOURCE_DATE_EPOCH, or when the model was made.

    Parameters
    ----------
    created
        The model's ``created``, in ISO 8601; UTC where it names no zone.

    Raises
    ------
    InputError
        If SOURCE_DATE_EPOCH is set and no number.
    ArtifactError
        If it is not, and `created` is no time.
    """
    wanted = source_date_epoch()
    if wanted is not None:
        return wanted
    try:
        moment = datetime.fromisoformat(created)
    except ValueError as error:
        msg = f"created in {MANIFEST}: expected a time, found {created[:60]!r}: train the model again"
        raise ArtifactError(msg) from error
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


def write_wheel(path: Path, files: Mapping[str, bytes], about: Mapping[str, bytes], moment: int) -> None:
    """Write a wheel beside its place, then rename it there: it is whole or it is not.

    Parameters
    ----------
    path
        Where the wheel shall be, called as the format demands; what is there is replaced.
    files
        What is installed, by its path.
    about
        Files of the folder of metadata, by their names; RECORD is added here.
    moment
        Date of every entry, in seconds since 1970.

    Raises
    ------
    ArtifactError
        If the disk refuses.
    """
    info = "-".join(path.name.split("-")[:2]) + ".dist-info"
    contents = {name: files[name] for name in sorted(files)}
    contents |= {f"{info}/{name}": about[name] for name in sorted(about)}  # last, as the format recommends
    contents[f"{info}/RECORD"] = _record(contents, f"{info}/RECORD")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing_file(path) as file:
            _write_archive(file, contents, time.gmtime(min(max(moment, _EARLIEST), _LATEST)))
    except OSError as error:
        msg = f"{path} cannot be written: {error.strerror or error}"
        raise ArtifactError(msg) from error


def _write_archive(file: BinaryIO, contents: Mapping[str, bytes], moment: time.struct_time) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in contents.items():
            entry = zipfile.ZipInfo(name, moment[:6])
            entry.create_system = 3  # Unix, whose modes follow, whatever builds it
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, content, zipfile.ZIP_DEFLATED, compresslevel=9)


def _record(contents: Mapping[str, bytes], own_path: str) -> bytes:
    """List every file with its hash and size; the list itself has neither."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    for path, content in contents.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        rows.writerow([path, f"sha256={digest}", len(content)])
    rows.writerow([own_path, "", ""])
    return text.getvalue().encode()
