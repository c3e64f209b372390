"""Select the predictions of one model from a log, with their probabilities and labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.monitoring.windows import read_window, span_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.model_folder.manifest import Manifest

_MOST_NAMED = 5
_COLUMNS = ("model", "version", "timestamp", "prediction")


@dataclass(frozen=True)
class MonitoredRows:
    """Predictions of one version of a model, in order of time.

    Attributes
    ----------
    frame
        Their rows of the log.
    moments
        When each was made, in microseconds since 1970 UTC, shape (n_rows,).
    predicted, truth
        Numbers of the class that was predicted and of the one that it turned out to be, shape (n_rows,); -1 where
        that is no class, or not known.
    probabilities
        Shape (n_rows, n_classes).
    usable
        Whether prediction and probabilities are such as a model gives, shape (n_rows,).
    notes
        What was left out.
    """

    frame: pd.DataFrame
    moments: NDArray[np.int64]
    predicted: NDArray[np.int64]
    truth: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    usable: NDArray[np.bool_]
    notes: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.frame)


def select_rows(frame: pd.DataFrame, manifest: Manifest, recent: str | None = None) -> MonitoredRows:
    """Select the predictions of a model.

    Parameters
    ----------
    frame
        The log, one row a prediction; with a column ``label`` where labels are known.
    manifest
        The model's manifest.
    recent
        How many of the newest predictions to take, such as ``5000``, or from how long before the last one, such as
        ``30d``; all when left out.

    Raises
    ------
    InputError
        If `recent` is spelt otherwise.
    """
    notes: list[str] = []
    if frame.empty:
        frame = frame.reindex(columns=[*frame.columns, *(name for name in _COLUMNS if name not in frame.columns)])
    for column, mine, what in (("model", manifest.name, "problem"), ("version", manifest.version, "version")):
        frame = _of_model(frame, column, mine, what, notes)
    frame = _in_order(frame, notes)
    moments = _microseconds(frame["timestamp"])
    frame = frame.iloc[_first_recent(moments, recent) :]
    moments = moments[len(moments) - len(frame) :]
    predicted = _numbers(frame["prediction"], manifest.classes)
    has_labels = "label" in frame.columns
    truth = _numbers(frame["label"], manifest.classes) if has_labels else np.full(len(frame), -1, dtype=np.int64)
    names = [f"probabilities.{label}" for label in manifest.classes]
    columns = [frame[name].to_numpy(np.float64) if name in frame else np.full(len(frame), np.nan) for name in names]
    probabilities = np.column_stack(columns)
    with np.errstate(invalid="ignore"):
        usable = ((probabilities >= 0) & (probabilities <= 1)).all(axis=1) & (predicted >= 0)
    if not usable.all():
        notes.append(
            f"{(~usable).sum()} row(s) have a prediction that is not a class of the model, or a probability outside 0 "
            "to 1: they are used for the number of predictions and the drift of features only"
        )
    if has_labels and (unknown := frame["label"].notna().to_numpy() & (truth < 0)).any():
        notes.append(f"{unknown.sum()} label(s) are not a class of the model and count as unknown")
    return MonitoredRows(frame, moments, predicted, truth, probabilities, usable, tuple(notes))


def _of_model(frame: pd.DataFrame, column: str, mine: str, what: str, notes: list[str]) -> pd.DataFrame:
    others = frame[column] != mine
    if others.any():
        found = frame.loc[others, column].astype(str).value_counts().items()
        named = [f"{name!r} ({count})" for name, count in found]
        more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
        notes.append(
            f"{int(others.sum())} row(s) of another {what} than {mine!r} are left out: "
            f"{', '.join(named[:_MOST_NAMED])}{more}"
        )
        frame = frame[~others]
    return frame


def _in_order(frame: pd.DataFrame, notes: list[str]) -> pd.DataFrame:
    timeless = frame["timestamp"].isna()
    if timeless.any():
        notes.append(f"{int(timeless.sum())} row(s) without a time are left out")
        frame = frame[~timeless]
    backwards = int((np.diff(_microseconds(frame["timestamp"])) < 0).sum())
    if backwards:
        notes.append(
            f"{backwards} row(s) are older than the one before them: the clock was set back, or files were mixed"
        )
        frame = frame.sort_values("timestamp", kind="stable")
    return frame


def _microseconds(moments: pd.Series) -> NDArray[np.int64]:
    return np.asarray(moments.to_numpy("datetime64[us]").astype(np.int64))


def _first_recent(moments: NDArray[np.int64], recent: str | None) -> int:
    if recent is None or not len(moments):
        return 0
    size, unit = read_window(recent)
    if not unit:
        return max(0, len(moments) - size)
    return int(np.searchsorted(moments, moments[-1] - span_of(size, unit), side="right"))


def _numbers(labels: pd.Series, classes: tuple[str, ...]) -> NDArray[np.int64]:
    return np.asarray(pd.Index(classes, dtype=object).get_indexer(pd.Index(labels, dtype=object)), dtype=np.int64)
