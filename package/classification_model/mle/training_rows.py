"""Logged predictions whose label is known, as rows to learn from and rows to be compared on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.mle.log_frame import FEATURE
from classification_model.values import UnreadableValue, read_category

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.manifest import Manifest

_NO_MARKS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class TrainingRows:
    """What the log adds to the table of a problem.

    Attributes
    ----------
    extra
        Rows to put below the table, oldest first: its columns, named as after the rename, the target in its raw values.
    recent, recent_labels
        The newest labelled rows, as callers sent them, and their labels: to be compared on, and learned from by nobody.
    notes
        What was left out, and why; a line each.
    """

    extra: pd.DataFrame
    recent: list[dict[str, Any]] = field(default_factory=list)
    recent_labels: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def training_rows(frame: pd.DataFrame, config: Config, manifest: Manifest, known: Collection[str] = ()) -> TrainingRows:
    """Divide the labelled predictions of a log into rows to learn from and rows to be compared on.

    Parameters
    ----------
    frame
        The log, with labels, as `labels.with_labels` gives it.
    config
        The problem.
    manifest
        Manifest of the model that serves.
    known
        Keys of the rows that the table has already, as texts.

    Returns
    -------
    TrainingRows
        Compared on are the newest ``promotion.recent_share`` of the predictions that were made since the model that
        serves was: it may have learned from older ones. Of several predictions with one key of the caller's the newest
        counts. What is masked cannot be learned from: then there are no rows at all.
    """
    masked = manifest.monitoring.get("masked", ())
    if masked:
        note = f"the log is not learned from: {', '.join(masked)} {'is' if len(masked) == 1 else 'are'} masked in it"
        return TrainingRows(pd.DataFrame(), notes=[note])
    notes: list[str] = []
    kept = _keep(frame, (frame["model"] == manifest.name).to_numpy(), "of another problem", notes)
    kept = _keep(kept, kept["label"].notna().to_numpy(), "", notes)
    keys = _keys(kept)
    is_last = ~pd.Series(keys, dtype=object).duplicated(keep="last").to_numpy() | (keys == None)  # noqa: E711
    kept, keys = _keep(kept, is_last, "with a key that a newer one has", notes), keys[is_last]
    is_new = np.array([key is None or key not in known for key in keys], dtype=bool)
    kept = _keep(kept, is_new, "with a key that the table has", notes)
    since = pd.Timestamp(datetime.fromisoformat(manifest.created))
    newer = np.flatnonzero((kept["timestamp"] >= since).to_numpy())
    first_recent = len(newer) - math.ceil(len(newer) * config.promotion.recent_share)
    is_recent = np.zeros(len(kept), dtype=bool)
    is_recent[newer[first_recent:]] = True
    names = [field_.name for field_ in manifest.input_schema.fields if FEATURE + field_.name in kept.columns]
    recent = kept[is_recent]
    return TrainingRows(
        extra=_as_table(kept[~is_recent], names, config),
        recent=_as_rows(recent, names),
        recent_labels=recent["label"].tolist(),
        notes=notes,
    )


def _keep(frame: pd.DataFrame, mask: NDArray[np.bool_], what: str, notes: list[str]) -> pd.DataFrame:
    if what and not mask.all():
        notes.append(f"{int((~mask).sum())} logged rows {what} are left out")
    return frame[mask].reset_index(drop=True)


def _keys(frame: pd.DataFrame) -> NDArray[np.object_]:
    """Return the caller's key of each row as a text, None without one."""
    keys = np.full(len(frame), None, dtype=object)
    keys[:] = [None if _is_missing(key) else str(key) for key in frame["index"].tolist()]
    return keys


def _as_rows(frame: pd.DataFrame, names: list[str]) -> list[dict[str, Any]]:
    columns = [[None if _is_missing(value) else value for value in frame[FEATURE + name].tolist()] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _as_table(frame: pd.DataFrame, names: list[str], config: Config) -> pd.DataFrame:
    """Return rows with the columns that the table of the problem has."""
    data = config.data
    rows = pd.DataFrame(_as_rows(frame, names), columns=names, dtype=object)
    values = {label: value for value, label in reversed(data.classes.items())}
    rows[data.target] = pd.Series([values.get(label, label) for label in frame["label"]], dtype=object)
    own = pd.Series(
        [name if key is None else key for key, name in zip(_keys(frame), frame["prediction_id"], strict=True)],
        dtype=object,
    )
    if data.index is not None:
        rows[data.index] = own
    if data.group is not None and data.group not in names:
        rows[data.group] = own
    if data.time is not None and data.time not in names:
        rows[data.time] = [moment.isoformat() for moment in frame["timestamp"]]
    if data.weight is not None:
        rows[data.weight] = 1
    return rows


def keys_of_table(table: pd.DataFrame, column: str | None) -> set[str]:
    """Return the keys that a table has, as texts; none where it has no column of them."""
    if column is None or column not in table.columns:
        return set()
    return {key for value in table[column].tolist() if (key := _spell(value)) is not None}


def _spell(value: Any) -> str | None:
    try:
        return read_category(value, _NO_MARKS)
    except UnreadableValue:
        return repr(value)
