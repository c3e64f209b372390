"""Explore a table: its columns, what is odd about it, and which models suit it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
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
from classification_model.training.learning_curve import learning_curve
from classification_model.training.model_selection import Selection, select_model
from classification_model.training.profile_training_data import profile_derived, profile_training_data
from classification_model.training.selection_sample import sample_training_data

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.evaluation.judged import LearningCurve
    from classification_model.processing.data_manager import TrainingData
    from classification_model.profiling.table_profile import TableProfile
    from classification_model.runtime.model_folder.manifest import AuditFinding
    from classification_model.training.progress import Progress
    from classification_model.training.training_report import TrainingReport

#: Rows that candidates are compared on, at most.
SAMPLE_ROWS = 5_000
#: Settings of each candidate that are tried, at most, by the number of values; none is begun after so many seconds.
_TRIALS = ((30_000, 1000), (60_000, 2), (math.inf, 1))
_MOST_SECONDS = 30.0


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
        sample = sample_training_data(data, sample_rows)
        compared = _Compared(why_not="They were left out.")
        if compare_models:
            compared = _compare(sample, progress, jobs)
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
        selection=compared.selection,
        compared_rows=len(sample.train),
        not_compared=compared.why_not,
        learning_curve=compared.learning_curve,
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


def exploration_of(report: TrainingReport) -> Exploration:
    """Return what a training explored of its table."""
    data = report.data
    return Exploration(
        name=report.manifest.name,
        created=report.manifest.created,
        source="",
        rows=data.fingerprint.rows,
        columns=data.fingerprint.columns,
        profile=profile_training_data(data),
        audit=report.audit,
        data=data,
        derived=profile_derived(data),
        roles=_roles(data.schema.ignored, data.config),
        selection=report.selection,
        compared_rows=len(data.train),
        importances=report.judged.importances,
        learning_curve=report.judged.learning_curve,
        left_out=data.left_out,
    )


@dataclass(frozen=True)
class _Compared:
    """The comparison of candidates, and how the winner depends on the number of rows; or why there is none."""

    selection: Selection | None = None
    learning_curve: LearningCurve | None = None
    why_not: str = ""


def _compare(sample: TrainingData, progress: Progress, jobs: int) -> _Compared:
    """Compare the candidates, or say why they cannot be; the rest of the page does not depend on them."""
    training = sample.config.training
    rows, columns = sample.train.features.shape
    trials = min(trials_of(training, rows, columns), next(most for values, most in _TRIALS if rows * columns <= values))
    update = {"trials": trials, "budget_seconds": min(training.budget_seconds, _MOST_SECONDS)}
    config = sample.config.model_copy(update={"training": training.model_copy(update=update)})
    try:
        selection = select_model(replace(sample, config=config), progress, jobs)
    except (DataError, TrainingError) as error:
        return _Compared(why_not=f"The candidates could not be compared: {error}.")
    progress.step(f"fitting {selection.winner.candidate} on fewer rows: the learning curve")
    return _Compared(selection, learning_curve(sample, selection, math.nan, jobs))


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
