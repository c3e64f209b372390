"""The record of a run of a pipeline: what went in, what came out, what was dropped and why."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from classification_model.errors import DataError
from classification_model.runtime.system.locks import lock


class RunRecord(BaseModel):
    """The record of a run.

    Attributes
    ----------
    run
        ``process`` or ``train``.
    problem
        Name of the problem.
    started
        Start, UTC.
    seconds
        Duration.
    source, sink
        What was read and written, without secrets.
    rows_in, rows_out
        Number of rows read, and of those written or trained on.
    held_out
        For a training, number of rows that were held out.
    dropped
        Number of rows that were dropped, by reason.
    fingerprint
        SHA-256 of the rows; see `Fingerprint`.
    config_hash
        SHA-256 of the config.
    version
        Version of the model that was trained.
    """

    model_config = ConfigDict(frozen=True)

    run: Literal["process", "train"]
    problem: str
    started: datetime
    seconds: float
    source: str
    sink: str
    rows_in: int
    rows_out: int
    held_out: int | None = None
    dropped: dict[str, int] = Field(default_factory=dict)
    fingerprint: str
    config_hash: str
    version: str | None = None


def append_record(path: Path, record: RunRecord) -> None:
    """Append a record to a file of JSON lines, which is made if it does not exist; several processes take turns.

    Raises
    ------
    DataError
        If the file cannot be written.
    """
    line = record.model_dump_json().encode() + b"\n"
    try:
        with path.open("ab") as file:
            lock(file.fileno())
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise _unwritable(path, error) from error


def check_appendable(path: Path) -> None:
    """Refuse a file that cannot be appended to, before a run begins; it is made if it does not exist.

    Raises
    ------
    DataError
        If the system refuses.
    """
    try:
        path.open("ab").close()
    except OSError as error:
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path} cannot be written: {error.strerror}")
