"""Measure a model for a comparison: its predictions for labelled rows, and its latency."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.errors import DataError
from classification_model.evaluation.metrics import Outcome
from classification_model.processing.fields import to_frame
from classification_model.processing.pipeline_model import columns_of
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.values import UnreadableValue

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.input.checking import CheckedRows
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.predictor import Predictor

Row = Mapping[str, Any]

TIMED_ROWS = 200
_WARM_UP = 5


def outcome_of(
    predictor: Predictor, rows: pd.DataFrame | Sequence[Row], labels: Sequence[Any] | NDArray[np.object_]
) -> Outcome:
    """Compute the probabilities of a model for labelled rows.

    Parameters
    ----------
    predictor
        The model.
    rows
        The raw rows as dicts, or a prepared frame such as `processing.rows.Rows.features`.
    labels
        True label of each row, shape (n_rows,): the name of a class, or a value of the target that stands for one.

    Returns
    -------
    Outcome
        The true labels and the probabilities.

    Raises
    ------
    DataError
        If there are no rows, the numbers of rows and labels differ, a row violates the input schema, a column is
        missing, or a label is not a class of the model.

    Examples
    --------
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> outcome = cm.outcome_of(cm.Predictor.load(), [passenger], ["died"])
    >>> outcome.truth.tolist(), outcome.predicted.tolist()
    ([0], [0])
    """
    manifest = predictor.manifest
    who = f"{manifest.name}, version {manifest.version}"
    if not len(rows) or len(rows) != len(labels):
        msg = f"expected one row or more and a label for each, found {len(rows)} rows and {len(labels)} labels"
        raise DataError(msg)
    truth = _truth(labels, manifest, who)
    if isinstance(rows, pd.DataFrame):
        missing = [field.name for field in manifest.input_schema.fields if field.name not in rows.columns]
        if missing:
            msg = f"{who}: expected the columns {', '.join(missing)} in the rows to compare on, found none of them"
            raise DataError(msg)
        probabilities = predictor.model.probabilities(columns_of(rows, manifest.input_schema), len(rows))
    else:
        probabilities = predictor.probabilities(_read(manifest.input_schema, rows, who))
    return Outcome(manifest.classes, truth, probabilities, manifest.threshold)


def _truth(labels: Sequence[Any] | NDArray[np.object_], manifest: Manifest, who: str) -> NDArray[np.int64]:
    """Return the number of the class of each label."""
    reader = manifest.label_reader()
    places: dict[str | None, int] = {label: number for number, label in enumerate(manifest.classes)}
    numbers: list[int] = []
    unknown: set[str] = set()
    for value in labels.tolist() if isinstance(labels, np.ndarray) else labels:
        try:
            numbers.append(places[reader.read(value)])
        except (UnreadableValue, KeyError):  # KeyError: of a missing one
            unknown.add(str(value))
    if unknown:
        msg = f"{who}: expected labels among {reader.accepted}, found {', '.join(sorted(unknown)[:5])}"
        raise DataError(msg)
    return np.array(numbers, dtype=np.int64)


def features_of(schema: InputSchema, rows: Sequence[Row]) -> pd.DataFrame:
    """Prepare raw rows as a frame of their features, by which they are cut into slices.

    Raises
    ------
    DataError
        If a row breaks the schema.
    """
    return to_frame(_read(schema, rows, "the schema").columns, schema)


def latency_of(predictor: Predictor, rows: Sequence[Row], *, clock: Callable[[], float] = time.perf_counter) -> float:
    """Measure how long a model needs for a single row: the median of 200 predictions.

    Up to five predictions before them warm up the model, and are not measured.

    Parameters
    ----------
    predictor
        The model.
    rows
        One or more raw rows as dicts. They are used in turn.
    clock
        Function that returns the time in seconds.

    Returns
    -------
    float
        Median time for one row, in milliseconds.

    Raises
    ------
    DataError
        If there are no rows.

    Examples
    --------
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> cm.latency_of(cm.Predictor.load(), [passenger]) > 0
    True
    """
    if not rows:
        msg = "expected one row or more to measure the latency on, found none"
        raise DataError(msg)
    for row in rows[:_WARM_UP]:
        predictor.predict([row])
    seconds = []
    for number in range(TIMED_ROWS):
        row = rows[number % len(rows)]
        start = clock()
        predictor.predict([row])
        seconds.append(clock() - start)
    return median(seconds) * 1000


def _read(schema: InputSchema, rows: Sequence[Row], who: str) -> CheckedRows:
    checked = check_rows(schema, rows)
    if checked.errors:
        first = checked.errors[0]
        msg = (
            f"{who}: {len(checked.bad_rows)} of {len(rows)} rows to compare on break its input schema, first row "
            f"{first.row} (counted from 0), {first.field}: {first.message}: leave them out"
        )
        raise DataError(msg)
    return checked
