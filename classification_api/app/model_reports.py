"""The reports of a model folder: listed from its manifest, read from the folder when they are requested."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from io import BufferedReader
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import quote

from classification_model.errors import VerificationError
from classification_model.runtime.model_folder.artifact import open_regular_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from classification_model.runtime.model_folder.manifest import FileRecord, Manifest

#: Folder of the reports in a model folder.
REPORTS = "reports"
_TITLES = {
    "report.html": "Training report",
    "model_card.md": "Model card",
    "eda.html": "Exploratory data analysis",
    "eda.pdf": "Exploratory data analysis (PDF)",
    "leaderboard.csv": "Leaderboard",
}
#: Media type of each suffix; `OTHER` of any other suffix.
MEDIA_TYPES = {
    ".csv": "text/csv; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".json": "application/json",
    ".md": "text/markdown; charset=utf-8",
    ".pdf": "application/pdf",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
}
OTHER = "application/octet-stream"
_BLOCK = 64 * 2**10


@dataclass(frozen=True)
class Report:
    """A report of a model.

    Attributes
    ----------
    name
        File name.
    record
        What the file must be, according to the manifest.
    """

    name: str
    record: FileRecord

    @property
    def title(self) -> str:
        """Title for a link; the file name where the report is not one of the package's own."""
        return _TITLES.get(self.name, self.name)

    @property
    def path(self) -> str:
        """Path of the URL that serves it."""
        return f"/model/reports/{quote(self.name)}"

    @property
    def media_type(self) -> str:
        """Media type, by the suffix of the file name."""
        return MEDIA_TYPES.get(PurePosixPath(self.name).suffix, OTHER)

    def open(self, folder: Path) -> BufferedReader:
        """Open the file at its start, after verifying its hash; nothing of it is kept in memory.

        Parameters
        ----------
        folder
            The model folder.

        Raises
        ------
        VerificationError
            If the file is missing or changed.
        """
        file = open_regular_file(folder, f"{REPORTS}/{self.name}", self.record.size)
        try:
            self._check(hashlib.file_digest(file, "sha256").hexdigest())
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    def blocks(self, file: BufferedReader) -> Iterator[bytes]:
        """Yield the bytes of the open file; hash them once more, and withhold the last block if they were changed.

        Raises
        ------
        VerificationError
            Instead of the last block.
        """
        sent = hashlib.sha256()
        for block in iter(partial(file.read, _BLOCK), b""):
            sent.update(block)
            if file.tell() >= self.record.size:
                self._check(sent.hexdigest())
            yield block

    def _check(self, actual: str) -> None:
        if actual != self.record.sha256:
            msg = f"{REPORTS}/{self.name} was changed: expected sha256 {self.record.sha256}, found {actual}"
            raise VerificationError(msg)


def reports_of(manifest: Manifest) -> dict[str, Report]:
    """Return the reports that a manifest lists, by file name."""
    paths = ((PurePosixPath(name), record) for name, record in sorted(manifest.files.items()))
    return {path.name: Report(path.name, record) for path, record in paths if str(path.parent) == REPORTS}
