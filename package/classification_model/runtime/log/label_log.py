"""The label log: true labels of logged predictions, in the same folder."""

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
    """Writes the true labels of predictions to a log folder. Each process writes files of its own.

    Parameters
    ----------
    folder
        The log folder. It is created if it does not exist.
    durability
        ``os``: labels survive a killed process. ``disk``: labels also survive a power failure.
    file_size
        Size in bytes at which a new file is started. The default is 64 MiB.
    kept_size
        Maximum size in bytes of all label files together. Beyond it, the oldest files are deleted. The default is
        8 GiB.

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
        """Log several labels: all of them, or none if that fails.

        Parameters
        ----------
        labels
            Pairs of a ``prediction_id`` and the true label of this prediction.
        source
            Where the labels come from: ``feedback``, or the name of a file or table.

        Raises
        ------
        LogUnavailableError
            If the labels cannot be written.
        """
        moment = utc_timestamp()
        lines = [
            seal(orjson.dumps({"prediction_id": name, "timestamp": moment, "label": label, "source": source}))
            for name, label in labels
        ]
        if lines:
            self.append(b"".join(lines))


def iter_labels(folder: Path, faults: LogFaults | None = None) -> Iterator[dict[str, Any]]:
    """Yield the labels of a log folder, process by process, in the order of writing.

    A record is a dict of ``prediction_id``, ``timestamp``, ``label`` and ``source``.

    Parameters
    ----------
    folder
        The log folder.
    faults
        Counts what cannot be read.

    Raises
    ------
    OSError
        If the folder cannot be read.
    """
    yield from iter_records(folder, "labels", MEMBERS, LogFaults() if faults is None else faults)
