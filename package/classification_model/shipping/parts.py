"""Read the files of a log in parts of one day, as columns that are the same for every model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

import orjson
import pyarrow as pa

from classification_model.log_frames.record_blocks import Block, read_records
from classification_model.runtime.log.label_log import MEMBERS as LABEL_MEMBERS
from classification_model.runtime.log.line_files import Kind, LogFile, contents_of, read_complete_lines
from classification_model.runtime.log.prediction_log import MEMBERS as PREDICTION_MEMBERS
from classification_model.runtime.log.sealed_lines import LogFaults

if TYPE_CHECKING:
    from collections.abc import Sequence

_MOMENT = pa.timestamp("us", "UTC")
_MICROSECONDS_OF_A_DAY = 24 * 60 * 60 * 10**6
_MEMBERS: Mapping[Kind, tuple[str, ...]] = {"predictions": PREDICTION_MEMBERS, "labels": LABEL_MEMBERS}
#: The columns of each kind. A model with other features or classes needs no others, because those are JSON.
SCHEMAS: Mapping[Kind, pa.Schema] = {
    "predictions": pa.schema(
        [
            ("prediction_id", pa.string()),
            ("timestamp", _MOMENT),
            ("model", pa.string()),
            ("version", pa.string()),
            ("index", pa.string()),
            ("prediction", pa.string()),
            ("probabilities", pa.string()),
            ("features", pa.string()),
        ]
    ),
    "labels": pa.schema(
        [("prediction_id", pa.string()), ("timestamp", _MOMENT), ("label", pa.string()), ("source", pa.string())]
    ),
}


@dataclass(frozen=True)
class Part:
    """Some records of a file of the log, one after the other, all of one day.

    Attributes
    ----------
    kind
        What they are.
    file
        Name of the file.
    start, end
        The bytes of the file that were shipped before the part, and with it.
    day
        The day in UTC; None if the part has no records, because all its lines are damaged.
    rows
        The records, with the columns of `SCHEMAS`.
    faults
        Lines that were left out.
    """

    kind: Kind
    file: str
    start: int
    end: int
    day: date | None
    rows: pa.Table
    faults: LogFaults


@dataclass(frozen=True)
class _Piece:
    """Some lines, which are read at once."""

    end: int
    day: int | None
    rows: pa.RecordBatch
    faults: LogFaults


def parts_of(file: LogFile, kind: Kind, start: int, end: int, most_rows: int) -> Iterator[Part]:
    """Yield what is in a file of the log between two bytes, without lines that are not complete yet.

    Parameters
    ----------
    file, kind
        The file, and what its lines are.
    start, end
        The bytes.
    most_rows
        Number of records of a part, about.

    Raises
    ------
    OSError
        If the file cannot be read.
    """
    waiting: list[_Piece] = []
    for offset, lines in read_complete_lines(file.path, start, end):
        for piece in _pieces(lines, kind, file.path.name, offset):
            days = {one.day for one in (*waiting, piece)} - {None}
            rows = sum(one.rows.num_rows for one in waiting)
            if waiting and (len(days) > 1 or rows + piece.rows.num_rows > most_rows):
                yield _part(waiting, kind, file.path.name, start)
                start, waiting = waiting[-1].end, []
            waiting.append(piece)
    if waiting:
        yield _part(waiting, kind, file.path.name, start)


def _part(pieces: Sequence[_Piece], kind: Kind, file: str, start: int) -> Part:
    faults = LogFaults()
    for piece in pieces:
        faults.add(piece.faults)
    days = [piece.day for piece in pieces if piece.day is not None]
    day = datetime.fromtimestamp(days[0] * 24 * 60 * 60, UTC).date() if days else None
    rows = pa.Table.from_batches([piece.rows for piece in pieces], SCHEMAS[kind])
    return Part(kind, file, start, pieces[-1].end, day, rows, faults)


def _pieces(lines: list[bytes], kind: Kind, file: str, offset: int) -> Iterator[_Piece]:
    """Read lines; those of several days by halves, because few lines are near midnight."""
    faults = LogFaults()
    block = read_records(contents_of(lines, file, offset, faults), _MEMBERS[kind], faults)
    days = block.moments // _MICROSECONDS_OF_A_DAY
    if len(lines) > 1 and len(days) and (days != days[0]).any():
        middle = len(lines) // 2
        yield from _pieces(lines[:middle], kind, file, offset)
        yield from _pieces(lines[middle:], kind, file, offset + sum(map(len, lines[:middle])))
        return
    yield _Piece(offset + sum(map(len, lines)), int(days[0]) if len(days) else None, _as_rows(block, kind), faults)


def _as_rows(block: Block, kind: Kind) -> pa.RecordBatch:
    columns: dict[str, pa.Array] = {"timestamp": pa.array(block.moments).cast(_MOMENT)}
    for name, values in block.columns.items():
        if name in {"features", "probabilities"}:
            columns[name] = pa.array(map(orjson.dumps, values), pa.binary()).cast(pa.string())
        else:
            columns[name] = pa.array(map(_as_text, values) if name == "index" else values, pa.string())
    schema = SCHEMAS[kind]
    return pa.RecordBatch.from_arrays([columns[name] for name in schema.names], schema=schema)


def _as_text(key: Any) -> str | None:
    return None if key is None else str(key)
