"""Match the labels of a file or database with the predictions of a log, and add them to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from classification_model.errors import DataError
from classification_model.labels.latest import NOTHING, Counted, repetitions
from classification_model.log_frames.log_frame import read_labels, read_log
from classification_model.runtime.input.labels import LabelReader
from classification_model.runtime.input.number_format import PLAIN, NumberFormat
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import UnreadableValue, spell_key
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.sealed_lines import LogFaults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.labels.sources import LabelSource

#: What the keys of a source are: the predictions' own, or those that the caller gave.
By = Literal["prediction_id", "index"]

_APPENDED = 10_000
_NONE, _OTHER = -1, -2


@dataclass(frozen=True)
class JoinReport:
    """The result of joining labels.

    Attributes
    ----------
    source
        Name of the source.
    rows
        Number of its rows.
    predictions
        Number of predictions in the log.
    matched
        Number of rows whose key matches a prediction and whose label is a class.
    labelled
        Number of predictions that these rows match; several may have the same key.
    appended
        Number of labels added to the log, or that would be added.
    present
        Number of labels that are in the log already.
    without_key, without_label
        Number of rows without a key, and without a label.
    unknown_keys
        Rows whose key matches no prediction. These and the following are counted, with the first five keys.
    unknown_classes
        Rows whose label is not a class.
    conflicts
        Rows whose label contradicts an earlier row of the same key; the last is used.
    faults
        What is wrong with the log, a line each.
    """

    source: str
    rows: int = 0
    predictions: int = 0
    matched: int = 0
    labelled: int = 0
    appended: int = 0
    present: int = 0
    without_key: int = 0
    without_label: int = 0
    unknown_keys: Counted = NOTHING
    unknown_classes: Counted = NOTHING
    conflicts: Counted = NOTHING
    faults: tuple[str, ...] = ()


def join_labels(
    log_folder: Path,
    source: LabelSource,
    *,
    by: By,
    classes: Sequence[str],
    raw_values: Mapping[str, str] | None = None,
    target_edges: Sequence[float] = (),
    missing_values: Sequence[str] = DEFAULT_MISSING_VALUES,
    written: NumberFormat = PLAIN,
    model: str | None = None,
    dry_run: bool = False,
) -> JoinReport:
    """Match labels with the predictions of a log, and add those that are new to the log.

    A label that is the last one of this source for a prediction is not added again: joining again adds nothing, and
    does not undo a correction from another source. Sources are identified by their names. The source is read part by
    part, so memory grows with the log only.

    Parameters
    ----------
    log_folder
        The log folder.
    source
        Table of keys and labels.
    by
        ``index``: keys are the callers' own; ``prediction_id``: they are the ids of predictions. Keys are compared as
        texts, in which 7, 7.0 and "7" are the same. A label applies to all predictions of its key.
    classes
        Classes of the model.
    raw_values
        Label of each raw value of the target, such as `Manifest.label_values`. Other values are read as labels.
    target_edges
        Edges of the bins of a numeric target, such as `Manifest.target_edges`. Other values are read as labels.
    missing_values
        Words, in lower case, that mean "missing", unless they are labels.
    written
        How numbers of the target are written that are given as text.
    model
        Name of the problem whose predictions to label. The default is all.
    dry_run
        Whether to add nothing.

    Returns
    -------
    JoinReport
        Counts of matched, added and unmatched rows.

    Raises
    ------
    DataError
        If the log or the source cannot be read.
    LogUnavailableError
        If the labels cannot be written. Run it again then: those that were written are not added again.
    """
    faults = LogFaults()
    names = {"prediction_id", "model", by}
    predictions = read_log(log_folder, faults, columns=names)
    if model is not None:
        predictions = _of_model(predictions, model)
    ids = predictions["prediction_id"]
    known = {value: label for value, label in (raw_values or {}).items() if label in classes}
    marks = frozenset(word.lower() for word in missing_values)
    matching = _Matching(
        JoinReport(source.name, predictions=len(ids)),
        [spell_key(value) for value in predictions[by].tolist()],
        _Numbers(LabelReader(classes, known, target_edges, marks, written), classes),
    )
    for part in source.parts():
        matching.add(*part)
    wanted = matching.labels_of_predictions()
    labels = read_labels(log_folder, faults)
    recorded = _recorded(labels[labels["source"] == source.name], ids, classes)
    is_wanted = wanted >= 0
    missing = np.flatnonzero(is_wanted & (wanted != recorded))
    report = replace(
        matching.report,
        labelled=int(is_wanted.sum()),
        appended=len(missing),
        present=int(is_wanted.sum()) - len(missing),
        faults=tuple(faults.describe()),
    )
    if len(missing) and not dry_run:
        _append(log_folder, ids.iloc[missing].tolist(), [classes[code] for code in wanted[missing]], source.name)
    return report


def _of_model(predictions: pd.DataFrame, model: str) -> pd.DataFrame:
    found = predictions[predictions["model"] == model]
    if len(predictions) and not len(found):
        others = ", ".join(map(repr, sorted(set(predictions["model"]))[:5]))
        msg = f"expected predictions of {model!r} in the log, found those of {others}: set --model or --store"
        raise DataError(msg)
    return found


def _append(folder: Path, ids: list[str], labels: list[str], source: str) -> None:
    log = LabelLog(folder)
    log.open()
    try:
        for start in range(0, len(ids), _APPENDED):
            part = slice(start, start + _APPENDED)
            log.add(zip(ids[part], labels[part], strict=True), source)
    finally:
        log.close()


def _recorded(labels: pd.DataFrame, ids: pd.Series, classes: Sequence[str]) -> NDArray[np.int64]:
    """Return the number of the class that each prediction's last label is; -1 for none, -2 for what is no class."""
    latest = labels.drop_duplicates("prediction_id", keep="last")
    places = pd.Index(latest["prediction_id"]).get_indexer(pd.Index(ids))
    codes = pd.Index(list(classes), dtype=object).get_indexer(pd.Index(latest["label"], dtype=object))
    codes = np.append(np.where(codes < 0, _OTHER, codes), _NONE)  # the last for those without a place
    recorded: NDArray[np.int64] = codes[places]
    return recorded


class _Numbers:
    """Reads labels as numbers of classes: -1 for a missing one, -2 for one that is no class."""

    def __init__(self, reader: LabelReader, classes: Sequence[str]) -> None:
        self._reader = reader
        self._numbers = {label: number for number, label in enumerate(classes)}

    def read(self, value: Any) -> int:
        """Return the number of a label."""
        try:
            label = self._reader.read(value)
        except UnreadableValue:
            return _OTHER
        return _NONE if label is None else self._numbers.get(label, _OTHER)


class _Matching:
    """Gathers the last label of each key that a prediction has."""

    def __init__(self, report: JoinReport, keys: list[str | None], numbers: _Numbers) -> None:
        self.report = report
        self._read = numbers.read
        self._numbers, known = pd.factorize(np.array(keys, dtype=object))  # -1 for none
        self._known = pd.Index(known, dtype=object)
        self._labels = np.full(len(known), _NONE)
        if len(keys) and not len(known):
            msg = (
                "expected predictions with an index in the log, found none: send an index with each row, or join by "
                "prediction_id (--by prediction_id)"
            )
            raise DataError(msg)

    def add(self, keys: Sequence[Any], labels: Sequence[Any]) -> None:
        """Take some rows."""
        names = np.fromiter(map(spell_key, keys), dtype=object, count=len(keys))
        codes = np.fromiter(map(self._read, labels), dtype=np.int64, count=len(labels))
        has_key = np.fromiter((name is not None for name in names), dtype=bool, count=len(names))
        places = self._known.get_indexer(names)
        places[~has_key] = -1
        has_label = codes != _NONE
        is_found = has_key & has_label & (places >= 0)
        chosen = np.flatnonzero(is_found & (codes >= 0))
        report = self.report
        self.report = replace(
            report,
            rows=report.rows + len(names),
            matched=report.matched + len(chosen),
            without_key=report.without_key + int(np.count_nonzero(~has_key)),
            without_label=report.without_label + int(np.count_nonzero(has_key & ~has_label)),
            unknown_keys=report.unknown_keys.add(names[has_key & has_label & (places < 0)].tolist()),
            unknown_classes=report.unknown_classes.add(names[is_found & (codes == _OTHER)].tolist()),
            conflicts=report.conflicts.add(self._take(names[chosen], places[chosen], codes[chosen])),
        )

    def _take(self, names: NDArray[np.object_], places: NDArray[np.int64], codes: NDArray[np.int64]) -> list[str]:
        """Take labels of known keys; return the keys of those that contradict one before."""
        found = repetitions(places, codes)
        before = self._labels[places[found.first]]
        contradicted = found.first[(before != _NONE) & (before != codes[found.first])]
        self._labels[places[found.last]] = codes[found.last]
        conflicts: list[str] = names[np.sort(np.append(contradicted, found.other))].tolist()
        return conflicts

    def labels_of_predictions(self) -> NDArray[np.int64]:
        """Return the number of the class of each prediction, -1 where there is none."""
        return np.append(self._labels, _NONE)[self._numbers]
