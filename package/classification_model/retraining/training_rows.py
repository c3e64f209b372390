"""Labelled predictions of a log as rows to train on and rows to compare models on."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.labels.row_identity import identify, own_names
from classification_model.log_frames.log_frame import FEATURE
from classification_model.processing.target_bins import value_in_bin
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.values import is_missing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.labels.known_rows import KnownRows
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Manifest


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


def training_rows(frame: pd.DataFrame, known: KnownRows, manifest: Manifest) -> TrainingRows:
    """Divide the labelled predictions of a log into rows to learn from and rows to be compared on.

    A row is told from others by the caller's key. One without a key is told by the values of its features, as they are
    read, and so is each row, from those of the tables, where these have no index. That is sound only where features
    tell rows apart: at most a tenth of the rows of the tables may have an equal one. Where more have, as in a table of
    two categories, equal rows are taken for different ones, and a note says that.

    Of several predictions of one row the newest counts, and none of a row that a table has, the validation table
    included. What the config cannot read, such as the record of a former version, is left out.

    Models are compared on the newest ``promotion.recent_share`` of the rows that were first predicted after the current
    model was made, as that model may have been trained on the others. With a split by group, the same is true of whole
    groups: the newest groups that the table does not have are compared on, and not trained on. Groups that both models
    hold out by their hash are compared on as well.

    With masked features there are no rows, and none if the bins of the target are others than those of the current
    model, or have other names.

    Parameters
    ----------
    frame
        The log, with labels, as `labels.latest.with_labels` gives it.
    known
        What the tables of the problem hold.
    manifest
        Manifest of the model that serves.
    """
    masked = manifest.monitoring.get("masked", ())
    if masked:
        note = f"logged rows are not used, as monitoring.masked leaves out {', '.join(masked)}"
        return TrainingRows(pd.DataFrame(), notes=[note])
    data, edges = known.config.data, manifest.target_edges
    is_binned = data.target_bins is not None
    if is_binned != bool(edges) or (is_binned and data.labels != manifest.classes):
        note = (
            "logged rows are not used, as data.target_bins or the names of the bins have changed: a label means another"
        )
        return TrainingRows(pd.DataFrame(), notes=[f"{note} range"])
    notes: list[str] = []
    rows = _keep(frame, (frame["model"] == manifest.name).to_numpy(), "of another problem", notes)
    rows = _keep(rows, rows["label"].notna().to_numpy(), "", notes)
    names = [field_.name for field_ in manifest.input_schema.fields if FEATURE + field_.name in rows.columns]
    rows, more = identify(rows, names, known)
    notes += more
    rows = _keep(rows, rows["is_readable"].to_numpy(), "with values that the config does not allow", notes)
    for has_key, what in ((True, "the same index"), (False, "no index and the same features")):
        is_such = (rows["key"].notna() == has_key).to_numpy()
        is_older = is_such & rows["row"].duplicated(keep="last").to_numpy()
        rows = _keep(rows, ~is_older, f"with {what} as a newer one", notes)
    for column, what in (("has_known_key", "the same index"), ("has_known_features", "the same features")):
        rows = _keep(rows, ~rows[column].to_numpy(), f"with {what} as a row of a training table", notes)
    is_recent, is_extra = _divide(rows, known, manifest, notes)
    return TrainingRows(
        extra=_as_table(rows[is_extra], [name for name in names if name in known.columns], known.config, edges),
        recent=_as_rows(rows[is_recent], names),
        recent_labels=rows.loc[is_recent, "label"].tolist(),
        notes=notes,
    )


def _keep(rows: pd.DataFrame, mask: NDArray[np.bool_], what: str, notes: list[str]) -> pd.DataFrame:
    if what and not mask.all():
        notes.append(f"left out: {int((~mask).sum())} logged rows {what}")
    return rows[mask].reset_index(drop=True)


def _divide(
    rows: pd.DataFrame, known: KnownRows, manifest: Manifest, notes: list[str]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Tell which rows are compared on and which are learned from."""
    config = known.config
    created = pd.Timestamp(datetime.fromisoformat(manifest.created))
    is_newer = (rows["timestamp"] >= created).to_numpy()
    is_eligible = (rows["first"] >= created).to_numpy()
    is_held = is_validated = np.zeros(len(rows), dtype=bool)
    what = "row"
    if config.training.split.kind == "group":
        what = "group"
        is_held = np.array([g is not None and known.is_held_out(g, manifest) for g in rows["group"]], dtype=bool)
        is_validated = rows["group"].isin(known.validation_groups).to_numpy()
        is_eligible = is_newer & is_held | is_eligible & ~rows["group"].isin(known.groups).to_numpy()
    count = int((is_newer & ~is_eligible).sum())
    if count:
        notes.append(
            f"{count} newer logged rows are not compared on: the current model may have been trained on their {what}"
        )
    is_eligible = is_eligible & _can_read(manifest.input_schema, rows)
    newest_first = rows.loc[is_eligible, "unit"].iloc[::-1]
    sizes = newest_first.groupby(newest_first, sort=False).size()
    wanted = math.ceil(len(newest_first) * config.promotion.recent_share)
    chosen = sizes.index[(sizes.cumsum() - sizes) < wanted]
    is_chosen = rows["unit"].isin(chosen).to_numpy()
    is_recent = is_eligible & is_chosen
    is_barred = ~is_recent & ~is_held & (is_chosen | is_validated)
    if is_barred.any():
        notes.append(f"left out: {int(is_barred.sum())} logged rows of a group that models are evaluated on")
    return is_recent, ~is_recent & ~is_barred


def _can_read(schema: InputSchema, rows: pd.DataFrame) -> NDArray[np.bool_]:
    given = {f.name: rows[FEATURE + f.name].tolist() for f in schema.fields if FEATURE + f.name in rows.columns}
    return ~np.isin(np.arange(len(rows)), list(check_columns(schema, given, len(rows)).bad_rows))


def _as_rows(rows: pd.DataFrame, names: Sequence[str]) -> list[dict[str, Any]]:
    columns = [[None if is_missing(value) else value for value in rows[FEATURE + name].tolist()] for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*columns, strict=True)]


def _as_table(rows: pd.DataFrame, names: Sequence[str], config: Config, edges: tuple[float, ...]) -> pd.DataFrame:
    """Return rows with the columns that the table of the problem has."""
    data = config.data
    table = pd.DataFrame(_as_rows(rows, names), columns=list(names), dtype=object)
    values: dict[str, Any] = {label: value for value, label in reversed(data.classes.items())}
    if data.target_bins is not None:
        values = {label: value_in_bin(number, edges) for number, label in enumerate(data.labels)}
    table[data.target] = pd.Series([values[label] for label in rows["label"]], dtype=object)
    if data.index is not None:
        table[data.index] = pd.Series(own_names(rows), dtype=object)
    if data.group is not None and data.group not in names:
        table[data.group] = pd.Series(rows["group"].tolist(), dtype=object)
    if data.time is not None and data.time not in names:
        table[data.time] = [moment.isoformat() for moment in rows["timestamp"]]
    if data.weight is not None:
        table[data.weight] = 1
    return table
