"""The label log: what turned out to be true of predictions, beside them in the same folder."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from classification_model.runtime.log.line_files import iter_records
from classification_model.runtime.log.line_writer import LineWriter
from classification_model.runtime.log.sealed_lines import LogFaults, seal
from classification_model.runtime.system.clock import utc_timestamp

#: Members of a record, in order.
MEMBERS = ("prediction_id", "timestamp", "label", "source")


class LabelLog(LineWriter):
    """Writes records of labels; see `LineWriter`.

    Parameters
    ----------
    folder, durability, file_size, kept_size
        See `LineWriter`.

    Examples
    --------
    Record the label of a prediction, and read it again:

    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with cm.LabelLog(folder) as log:
    ...         log.add([("0194e6f2-8a4c-7000-8000-000000000001", "survived")], source="registry")
    ...     cm.read_labels(folder)["label"].tolist()
    ['survived']
    """

    kind = "labels"

    def add(self, labels: Iterable[tuple[str, str]], source: str) -> None:
        """Put labels on record.

        Parameters
        ----------
        labels
            Name of a prediction, and the label that is true of it.
        source
            Where they come from: ``feedback``, or the name of a file or table.

        Raises
        ------
        LogUnavailableError
            If they cannot be written; none of them is, then.
        """
        moment = utc_timestamp()
        lines = [
            seal(orjson.dumps({"prediction_id": name, "timestamp": moment, "label": label, "source": source}))
            for name, label in labels
        ]
        if lines:
            self.append(b"".join(lines))


def iter_labels(folder: Path, faults: LogFaults | None = None) -> Iterator[dict[str, Any]]:
    """Yield the records of labels of a log folder, process by process, each in the order of writing.

    Parameters
    ----------
    folder
        Where they were logged.
    faults
        Where it is counted what cannot be read.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    yield from iter_records(folder, "labels", MEMBERS, LogFaults() if faults is None else faults)
