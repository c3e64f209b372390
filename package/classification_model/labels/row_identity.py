"""Identify the row that each logged prediction is of, and whether a table has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.labels.known_rows import hash_rows
from classification_model.log_frames.log_frame import FEATURE
from classification_model.processing.fields import to_frame
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.values import spell_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.labels.known_rows import KnownRows

#: Largest share of the rows of the tables that may have an equal one where features tell rows apart.
MOST_EQUAL_ROWS = 0.1


def identify(log: pd.DataFrame, names: Sequence[str], known: KnownRows) -> tuple[pd.DataFrame, list[str]]:
    """Tell of each logged prediction which row it is of.

    Parameters
    ----------
    log
        Labelled predictions, the oldest first.
    names
        Features that the log has.
    known
        What the tables hold.

    Returns
    -------
    tuple
        The log with further columns, and what is to be known of them. ``key`` is the caller's key as a text, or None;
        a row without one has that of a row with the same features where features tell rows apart. ``row`` is the same
        for predictions of one row. ``group`` is a text, or None; ``unit`` is what is learned from or compared on as a
        whole: the group, or else the row. ``first`` is the time of the first prediction of the unit.
        ``has_known_key`` and ``has_known_features`` tell whether a table has the row, ``is_readable`` whether the
        config can read it.
    """
    config = known.config
    named = [name for name in names if name in known.features.columns]
    checked = check_columns(known.schema, {name: log[FEATURE + name].tolist() for name in named}, len(log))
    features = to_frame(checked.columns, known.schema)[named]
    is_classed = log["label"].isin(config.data.labels).to_numpy()
    is_readable = is_classed & ~np.isin(np.arange(len(log)), list(checked.bad_rows))
    contents = pd.Series(hash_rows(features), index=log.index).astype(str).where(is_readable, log["prediction_id"])
    keys = [spell_key(value) for value in log["index"].tolist()]
    equal_share = known.equal_share(named)
    are_told = equal_share <= MOST_EQUAL_ROWS
    notes = _describe(keys, equal_share, are_told, has_index=config.data.index is not None)
    if are_told:
        key_of = {content: key for content, key in zip(contents, keys, strict=True) if key is not None}
        keys = [key_of.get(content) if key is None else key for content, key in zip(contents, keys, strict=True)]
    without = "features:" + contents if are_told else "prediction:" + log["prediction_id"].astype(str)
    names_of_rows = [other if key is None else f"key:{key}" for key, other in zip(keys, without, strict=True)]
    has_key = np.array([key is not None for key in keys], dtype=bool)
    # Keys say nothing of a table that has none.
    is_by_features = are_told & (~has_key | (config.data.index is None))
    rows = log.assign(
        key=pd.Series(keys, index=log.index, dtype=object),
        row=pd.Series(names_of_rows, index=log.index, dtype=object),
        is_readable=is_readable,
        has_known_key=np.array([key in known.keys for key in keys], dtype=bool),
        has_known_features=known.holds(features) & is_by_features,
    )
    rows["group"] = pd.Series(_groups(rows, names, known), index=log.index, dtype=object)
    rows["unit"] = rows["row"]
    if config.training.split.kind == "group" and config.data.group in names:
        # Rows without a group are groups of their own by their features, see `rows.read_rows`.
        rows["unit"] = ("group:" + rows["group"]).where(rows["group"].notna(), "features:" + contents)
    elif config.training.split.kind == "group" and len(rows):
        notes.append(
            f"data.group, {config.data.group}, is not a feature and so not logged: each logged row is its own group"
        )
    rows["first"] = rows["timestamp"]
    for name in ("row", "unit"):
        rows["first"] = rows.groupby(name, sort=False)["first"].transform("min")
    return rows, notes


def _groups(rows: pd.DataFrame, names: Sequence[str], known: KnownRows) -> list[str | None]:
    """Return the groups of rows: where they are not in the log, the key or else the prediction."""
    name = known.config.data.group
    if name in names:
        return [known.spell_group(value) for value in rows[f"{FEATURE}{name}"].tolist()]
    return own_names(rows)


def own_names(rows: pd.DataFrame) -> list[str | None]:
    """Return what names each row: its key, or else the prediction."""
    pairs = zip(rows["key"].tolist(), rows["prediction_id"].tolist(), strict=True)
    return [name if key is None else key for key, name in pairs]


def _describe(keys: Sequence[str | None], equal_share: float, are_told: bool, *, has_index: bool) -> list[str]:
    count = keys.count(None)
    if are_told:
        return (
            [f"{count} of {len(keys)} labelled rows have no index: they are identified by their features"]
            if count
            else []
        )
    if not count and (has_index or not keys):
        return []
    what = f"{count} of {len(keys)} labelled rows have no index" if count else "the table has no index"
    note = (
        f"{what}, and features do not identify rows, as {equal_share:.0%} of the table's rows have the same as another"
    )
    return [f"{note}: a row may be trained on twice, or trained on and compared on"]
