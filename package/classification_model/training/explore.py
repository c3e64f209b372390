"""Explore a table: its columns, what is odd about it, and which models suit it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from classification_model.audit.audit import audit_rows
from classification_model.errors import DataError, TrainingError
from classification_model.estimators import trials_of
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.drafted_table import read_to_draft
from classification_model.processing.inferred_rows import InferredRows, infer_rows, infer_table_without_target
from classification_model.processing.rows import read_rows
from classification_model.profiling.profile import profile_rows
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.runtime.system.clock import time_of_making
from classification_model.tables.locations import short_name
from classification_model.training.audit_training_data import audit_training_data
from classification_model.training.exploration import Exploration
from classification_model.training.model_selection import Selection, select_model
from classification_model.training.profile_training_data import profile_derived, profile_training_data
from classification_model.training.selection_sample import sample_training_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import TrainingData
    from classification_model.profiling.table_profile import TableProfile
    from classification_model.runtime.model_folder.manifest import AuditFinding
    from classification_model.training.progress import Progress

#: Rows that candidates are compared on, at most.
SAMPLE_ROWS = 5_000
#: Of a sample of more values, at most so many settings of each candidate are tried, none after so many seconds.
_MANY_VALUES, _MOST_TRIALS, _MOST_SECONDS = 30_000, 2, 30.0


def explore_problem(
    config: Config,
    progress: Progress,
    *,
    source: str | None = None,
    name: str | None = None,
    compare_models: bool = True,
    sample_rows: int = SAMPLE_ROWS,
    jobs: int = -1,
) -> Exploration:
    """Explore the table of a config.

    Parameters
    ----------
    config
        The config.
    progress
        Called before each step and after each fit.
    source
        Table instead of ``data.source``: a path or a URL.
    name
        Name of the page instead of that of the problem.
    compare_models
        Whether to compare the candidates of the config.
    sample_rows
        Number of rows to train on that candidates are compared on, at most; a sample, always the same, of more.
    jobs
        Number of threads; -1 for one per core.

    Raises
    ------
    DataError
        If the table cannot be read, or cannot be trained on.
    """
    created = time_of_making()
    with threadpool_limits(1):  # sums differ in their last digits by how many threads share them
        progress.step("reading the table")
        tables = DataLoader(config, source).read()
        data = DataLoader(config, tables).load()
        progress.step("auditing the table")
        audit = audit_training_data(data)
        progress.step("profiling the columns")
        profile = profile_training_data(data)
        unused, unused_audit, roles = _look_at_unused(tables.table.frame, data)
        selection, why_not = None, "They were left out."
        sample = sample_training_data(data, sample_rows)
        if compare_models:
            selection, why_not = _compare(sample, progress, jobs)
    return Exploration(
        name=name or config.app.name,
        created=created,
        source=tables.table.name,
        rows=data.fingerprint.rows,
        columns=data.fingerprint.columns,
        profile=profile,
        audit=audit,
        data=data,
        derived=profile_derived(data),
        unused=unused,
        roles=roles,
        unused_audit=unused_audit,
        selection=selection,
        compared_rows=len(sample.train),
        not_compared=why_not,
        left_out=data.left_out,
    )


def explore_columns(source: str, progress: Progress, layout: FileLayout = UNKNOWN) -> Exploration:
    """Explore a table without a target: all rows, all columns, no classes and no models.

    Parameters
    ----------
    source
        CSV, Parquet or JSON file, a workbook, a URL of one, or a table or query of a database.
    progress
        Called before each step.
    layout
        How a CSV file or a workbook is written; what this leaves open is guessed.

    Raises
    ------
    DataError
        If the table cannot be read, or has no rows.
    """
    created = time_of_making()
    progress.step("reading the table")
    read = read_to_draft(source, layout)
    progress.step("profiling the columns")
    found = infer_table_without_target(read)
    labels = np.full(len(read.frame), "", dtype=object)
    name = short_name(source)
    return Exploration(
        name=name,
        created=created,
        source=name,
        rows=len(read.frame),
        columns=len(read.frame.columns),
        profile=profile_rows(found.features, found.kinds),
        audit=tuple(one for one in _audit(found, labels, ("",)) if one.kind != "rare_class"),
    )


def _compare(sample: TrainingData, progress: Progress, jobs: int) -> tuple[Selection | None, str]:
    """Compare the candidates, or say why they cannot be; the rest of the page does not depend on them."""
    training = sample.config.training
    trials = trials_of(training, len(sample.train), sample.train.features.shape[1])
    if sample.train.features.size > _MANY_VALUES:
        trials = min(trials, _MOST_TRIALS)
    update = {"trials": trials, "budget_seconds": min(training.budget_seconds, _MOST_SECONDS)}
    config = sample.config.model_copy(update={"training": training.model_copy(update=update)})
    try:
        return select_model(replace(sample, config=config), progress, jobs), ""
    except (DataError, TrainingError) as error:
        return None, f"The candidates could not be compared: {error}."


def _look_at_unused(
    table: pd.DataFrame, data: TrainingData
) -> tuple[TableProfile | None, tuple[AuditFinding, ...], dict[str, str]]:
    """Profile and audit the columns that are not learned from; rows are all, as none of them is judged by these."""
    config = data.config
    roles = _roles(tuple(map(str, table.columns)), config)
    names = [name for name in table.columns if str(name) in roles and name != config.data.target]
    if not names:
        return None, (), roles
    found = infer_rows(table[names], config)
    labels = read_rows(pd.DataFrame(index=table.index), table, config).in_bins(data.target_edges, data.classes).labels
    profile = profile_rows(found.features, found.kinds, labels, data.classes)
    audit = tuple(one for one in _audit(found, labels, data.classes) if one.column is not None)
    return profile, audit, roles


def _audit(found: InferredRows, labels: NDArray[np.object_], classes: Sequence[str]) -> tuple[AuditFinding, ...]:
    def read(names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
        return found.features[list(names)].iloc[rows]

    return audit_rows(read, found.kinds, labels, classes=classes, held_out=0.0)


def _roles(columns: Sequence[str], config: Config) -> dict[str, str]:
    """Say of each column that is not learned from why it is not."""
    data = config.data
    said = dict.fromkeys(data.leakage, "known only after the outcome: data.leakage")
    said |= dict.fromkeys(data.drop, "left out: data.drop")
    for role in ("index", "group", "time", "weight", "target"):
        if (name := getattr(data, role)) is not None:
            said[name] = f"the {role}"
    learned = {name for name, feature in config.features.items() if not feature.sources}
    old_names = {old for old, new in data.rename.items() if old != new}
    return {
        name: said.get(name, "no feature of the config")
        for name in columns
        if name not in learned and name not in old_names
    }
