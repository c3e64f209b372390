"""Compute the accuracy of logged predictions from their labels, and decide whether it is too low."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification_model.errors import InputError, LogUnavailableError
from classification_model.runtime.input.values import UnreadableValue
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.runtime.mle.accuracy_rule import verdict, wilson

if TYPE_CHECKING:
    from classification_model.runtime.input.labels import LabelReader
    from classification_model.runtime.mle.accuracy_rule import Verdict
    from classification_model.runtime.model_folder.manifest import Manifest


@dataclass(frozen=True)
class AccuracyVerdict:
    """A decision on retraining from the accuracy of logged predictions.

    Attributes
    ----------
    retrain
        ``yes``, ``no`` or ``wait``; see `mle.accuracy_rule.verdict`.
    count, right
        Number of the model's labelled predictions in the log, and of those that are right.
    accuracy, low, high
        Share that is right, and its 95% Wilson interval; the share is None without labels.
    floor
        Accuracy below which the model needs retraining.
    minimum_count
        Minimum number of labels for a decision.
    unknown
        Number of labels of predictions that are not in the log.
    others
        Number of labels of predictions of another model or version.
    """

    retrain: Verdict
    count: int
    right: int
    accuracy: float | None
    low: float
    high: float
    floor: float
    minimum_count: int
    unknown: int
    others: int


def judge_predictions(
    folder: Path, manifest: Manifest, labels: Mapping[str, Any], *, floor: float, minimum_count: int
) -> AccuracyVerdict:
    """Decide whether the accuracy of a model's logged predictions is too low.

    Parameters
    ----------
    folder
        The log folder.
    manifest
        Manifest of the model.
    labels
        True label by ``prediction_id``, read as `POST /feedback` reads it; see `LabelReader`.
    floor
        Accuracy below which the model needs retraining, between 0 and 1.
    minimum_count
        Minimum number of labels for a decision, 1 or more.

    Raises
    ------
    LogUnavailableError
        If the log cannot be read.
    InputError
        If a label is not a class of the model, or a limit is out of its range.
    """
    if not 0 < floor < 1 or minimum_count < 1:
        found = f"{floor!r} and {minimum_count!r}"
        msg = f"expected a floor between 0 and 1 and a minimum_count of 1 or more, found {found}"
        raise InputError(msg)
    reader = manifest.label_reader()
    wanted = {str(name): _read(label, reader) for name, label in labels.items()}
    count = right = others = 0
    try:
        for record in iter_predictions(folder):
            label = wanted.pop(record["prediction_id"], None)
            if label is None:
                continue
            if (record["model"], record["version"]) == (manifest.name, manifest.version):
                count += 1
                right += record["prediction"] == label
            else:
                others += 1
    except OSError as error:
        msg = f"the log in {folder} cannot be read: {error.strerror or error}"
        raise LogUnavailableError(msg) from error
    low, high = wilson(right, count)
    return AccuracyVerdict(
        retrain=verdict(right, count, floor, minimum_count),
        count=count,
        right=right,
        accuracy=right / count if count else None,
        low=low,
        high=high,
        floor=floor,
        minimum_count=minimum_count,
        unknown=len(wanted),
        others=others,
    )


def _read(value: Any, reader: LabelReader) -> str:
    try:
        label = reader.read(value)
    except UnreadableValue:
        label = None
    if label is None:
        msg = f"expected labels among {reader.accepted}, found {reprlib.repr(value)}"
        raise InputError(msg)
    return label
