"""Predict the Parquet files of a folder, one by one, without those that are complete."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import orjson
import pyarrow as pa
import pyarrow.parquet

from classification_model.batch.predict_file import PLAIN, Options, Outcome, predict_file
from classification_model.errors import DataError, InputError
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.tables.reading.open_file import state_of, unreadable
from classification_model.tables.writing.replacing import told

if TYPE_CHECKING:
    from classification_model.runtime.predictor import Predictor

#: Key of a Parquet file's metadata that says from what its predictions were made.
MADE_FROM = "classification_model"


@dataclass(frozen=True)
class PredictedFile:
    """What became of one file of a folder.

    Attributes
    ----------
    name
        Its path in the folder.
    outcome
        None for one whose predictions were there already.
    """

    name: str
    outcome: Outcome | None


def files_of(folder: Path) -> list[Path]:
    """Return the Parquet files in and below a folder, in order, but for those whose names begin with ``.`` or ``_``.

    Raises
    ------
    DataError
        If there is none, or the folder cannot be read.
    """
    try:
        found = sorted(
            path
            for path in folder.rglob("*")
            if path.suffix.lower() == ".parquet"
            and not any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
            and path.is_file()
        )
    except OSError as error:
        raise unreadable(str(folder), error) from error
    if not found:
        msg = f"expected files that end in .parquet in the folder {folder}, found none"
        raise DataError(msg)
    return found


def predict_folder(
    predictor: Predictor, source: Path, target: Path, options: Options = PLAIN
) -> Iterator[PredictedFile]:
    """Predict every Parquet file of a folder into a file of the same name in another one, and yield each result.

    A file that has complete predictions of the same model, and has not changed since, is left alone; so an interrupted
    run is continued by running it again.

    Parameters
    ----------
    predictor
        The model.
    source, target
        Folder of the data, and folder of the predictions, which is made if it does not exist.
    options
        Options for explaining and logging.

    Raises
    ------
    InputError
        If the folder of the predictions is inside that of the data.
    DataError
        If a file cannot be read or its predictions cannot be written.
    """
    if target.resolve().is_relative_to(source.resolve()):
        msg = f"expected an output folder outside {source}, found {target}: set another --output"
        raise InputError(msg)
    files = files_of(source)
    for number, file in enumerate(files, start=1):
        name = file.relative_to(source)
        made_from = _made_from(predictor, file, options)
        if _metadata_of(target / name) == made_from:
            yield PredictedFile(str(name), None)
            continue
        with told(str(target)):
            (target / name).parent.mkdir(parents=True, exist_ok=True)
        title = f"{name} ({number} of {len(files)})"
        metadata = {MADE_FROM: made_from}
        yield PredictedFile(
            str(name), predict_file(predictor, str(file), str(target / name), options, metadata=metadata, title=title)
        )


def _made_from(predictor: Predictor, file: Path, options: Options) -> str:
    """Say by which model, how and from which state of a file predictions are made."""
    try:
        state = state_of(file)
    except OSError as error:
        raise unreadable(str(file), error) from error
    content = {
        "model": predictor.manifest.digest,
        "package": package_version(),
        "explain": options.explain,
        "prefix": options.prefix,
        "ignore_extra": options.ignore_extra,
        "max_errors": None if options.max_errors is None else options.max_errors.text,
        "size": state and state.size,
        "modified": state and state.modified,
    }
    return orjson.dumps(content).decode()


def _metadata_of(path: Path) -> str | None:
    """Return what a whole Parquet file says it was made from; None without one."""
    try:
        found = pa.parquet.read_metadata(path).metadata or {}
    except (OSError, pa.ArrowException):
        return None
    made_from = found.get(MADE_FROM.encode())
    return None if made_from is None else made_from.decode(errors="replace")
