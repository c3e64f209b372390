"""Read and check the records of a log in blocks of columns."""

from __future__ import annotations

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain, compress
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pyarrow as pa

from classification_model.errors import DataError
from classification_model.runtime.log.line_files import Kind, files_of, read_blocks
from classification_model.runtime.log.sealed_lines import LogFaults

if TYPE_CHECKING:
    from numpy.typing import NDArray

_NUMBERS = {float, int}
#: What the values of a member can be, as JSON has them.
_KINDS: dict[str, set[type]] = {
    "prediction_id": {str},
    "timestamp": {str},
    "model": {str},
    "version": {str},
    "index": {str, int, type(None)},
    "features": {dict},
    "prediction": {str},
    "probabilities": {dict},
    "label": {str},
    "source": {str},
}


@dataclass(frozen=True)
class Block:
    """Some records, one after the other in a file.

    Attributes
    ----------
    columns
        Values of each member, in the order of the records.
    moments
        When each was written, in microseconds since 1970 UTC, shape (n_records,).
    """

    columns: Mapping[str, Sequence[Any]]
    moments: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.moments)

    def take(self, wanted: NDArray[np.bool_]) -> Block:
        """Return some of the records."""
        if wanted.all():
            return self
        columns = {name: tuple(compress(values, wanted)) for name, values in self.columns.items()}
        return Block(columns, self.moments[wanted])


def record_blocks(folder: Path, kind: Kind, members: Sequence[str], faults: LogFaults) -> Iterator[Block]:
    """Yield the records of a log folder, process by process, each in the order of writing.

    Parameters
    ----------
    folder
        Where they were logged.
    kind
        What they are.
    members
        What each of them has.
    faults
        Where it is counted what cannot be read, what is no such record, and where the clock was set back.

    Raises
    ------
    DataError
        If there is no such folder, or it cannot be read.
    """
    if not folder.is_dir():
        msg = f"expected a log folder, found no folder {folder}"
        raise DataError(msg)
    stream, latest = "", None
    try:
        for file in files_of(folder, kind):
            if file.stream != stream:
                stream, latest = file.stream, None
            for contents in read_blocks(file.path, faults):
                block = read_records(contents, members, faults)
                if len(block):
                    moments = block.moments if latest is None else np.append(latest, block.moments)
                    faults.backwards += int(np.count_nonzero(np.diff(moments) < 0))
                    latest = moments[-1]
                    yield block
    except OSError as error:
        msg = f"the log in {folder} cannot be read: {error.strerror or error}"
        raise DataError(msg) from error


@contextmanager
def _uncollected() -> Iterator[None]:
    """Spare the garbage collector the records that are being made: it would go through them again and again."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()


def read_records(contents: list[bytes], members: Sequence[str], faults: LogFaults) -> Block:
    """Return the records in the contents of lines, and count those that are none.

    Parameters
    ----------
    contents
        Contents of lines.
    members
        What each record has.
    faults
        Where it is counted what is no such record.
    """
    with _uncollected():
        records = [_parse(content) for content in contents]
        block = _as_block(records, members)
        if block is None:
            sound = _sound(records, members)
            faults.strange += len(records) - len(sound)
            block = _as_block(sound, members)
    return Block(dict.fromkeys(members, ()), np.empty(0, np.int64)) if block is None else block


def _parse(content: bytes) -> Any:
    """Parse a content; None for what is no JSON."""
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        return None


def _sound(records: list[Any], members: Sequence[str]) -> list[Any]:
    """Return the records that are of the kind, found by halves: there are few others."""
    if _as_block(records, members) is not None:
        return records
    if len(records) < 2:
        return []
    middle = len(records) // 2
    return _sound(records[:middle], members) + _sound(records[middle:], members)


def _as_block(records: list[Any], members: Sequence[str]) -> Block | None:
    """Return records as columns; None where one of them is none of the kind, or there is none."""
    try:
        columns = dict(zip(members, zip(*map(itemgetter(*members), records), strict=True), strict=True))
        if any(not set(map(type, columns[name])) <= _KINDS[name] for name in members):
            return None
        shares = chain.from_iterable(map(dict.values, columns.get("probabilities", ())))
        if not set(map(type, shares)) <= _NUMBERS:
            return None
        moments = pa.array(columns.pop("timestamp"), pa.string()).cast(pa.timestamp("us", "UTC"))
    except (KeyError, TypeError, ValueError):  # no object, without a member, no time, no record at all
        return None
    return Block(columns, moments.cast(pa.int64()).to_numpy())
