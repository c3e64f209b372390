"""Draft a config for a table."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from classification_model.config.complaints import nearest
from classification_model.config.references import bin_names
from classification_model.errors import DataError
from classification_model.processing.class_drafting import (
    DraftedTarget,
    draft_classes,
    marks_of_target,
    unlabelled_lines,
)
from classification_model.processing.draft_audit import DraftAudit, audit_draft
from classification_model.processing.draft_texts import comments, key, scalar
from classification_model.processing.drafted_table import draft_layout, draft_prefix, read_to_draft
from classification_model.processing.kinds.infer_columns import infer_table
from classification_model.processing.kinds.inferred import Evidence, Inferred
from classification_model.processing.raw_tables import GIVEN_TABLE
from classification_model.processing.rows import read_numbers
from classification_model.processing.target_bins import bins_of, describe_bins, learn_edges
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT, spell_key
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.config.features import ColumnFeature
    from classification_model.processing.kinds.decimal_signs import Decision

#: Share of held-out rows.
HOLDOUT = 0.2


def draft_config(
    source: str | pd.DataFrame,
    target: str,
    folder: Path,
    *,
    target_bins: int | None = None,
    drop_unlabelled: bool = False,
    layout: FileLayout = UNKNOWN,
) -> str:
    """Draft a commented ``config.yml`` from a table.

    Parameters
    ----------
    source
        CSV, Parquet or JSON file, a workbook, a URL of one, a table or query of a database, or a frame, which the
        config cannot name.
    target
        Column to predict.
    folder
        Folder of the config; a file is named relative to it.
    target_bins
        Number of classes into which a numeric target is divided; see ``data.target_bins``.
    drop_unlabelled
        Whether the config leaves out rows without a target; see ``data.unlabelled``.
    layout
        How a CSV file or a workbook is written; what this leaves open is guessed.

    Raises
    ------
    DataError
        If the table cannot be read, or lacks the target, or the target has too many values. The draft says how many
        rows have no target, and is made of the others.
    """
    read = read_to_draft(source, layout)
    table, shown = read.frame, read.name
    columns = [str(name) for name in table.columns]
    if target not in columns:
        msg = f"{shown} has no column {target!r}, the target: expected {nearest(target, columns)}"
        raise DataError(msg)
    marks = DEFAULT_MISSING_VALUES if target_bins else marks_of_target(table[target])
    is_missing = _is_missing(table[target], marks)
    rows = len(table)
    lines_of_unlabelled = unlabelled_lines(table[target], is_missing, drop=drop_unlabelled)
    if is_missing.any() and not is_missing.all():
        table = table[~is_missing].reset_index(drop=True)
    drafted = None if target_bins else draft_classes(table[target], marks, shown)
    if drafted is not None:
        table = table[drafted.is_kept].reset_index(drop=True)
    found = infer_table(table, evidence=Evidence(delimiter=read.layout.delimiter or ","))
    inferred, sign = [column for column in found.columns if column.name != target], found.sign
    drafted = drafted or _bins(table, target, target_bins or 0, sign)
    named = _name_in_config(source, folder)
    sections = [
        "app:",
        "  # Name of the problem in reports, stores and logs: do not change it later.",
        f"  name: {scalar(target)}",
        *draft_prefix(columns),
        "",
        "data:",
        f"  source: {scalar(named)}",
        *draft_layout(read),
        *_decimal(sign),
        f"  target: {scalar(target)}",
        *lines_of_unlabelled,
        *drafted.lines,
        *_unused(inferred),
    ]
    audit = audit_draft(table, "\n".join(sections), inferred, HOLDOUT)
    return "\n".join(
        [
            f"# Drafted from {rows} rows of {len(columns)} columns: read it, correct it, then train.",
            *(line for remark in audit.on_rows for line in comments(remark, "")),
            "",
            *sections,
            *_leakage(audit),
            "",
            *_features(inferred, audit),
            "",
            *_training(drafted.smallest),
            "",
            "# Limits that the model must reach on the hold-out to be saved, such as",
            "# gates:",
            "#   roc_auc: 0.70",
            "",
        ]
    )


def _name_in_config(source: str | pd.DataFrame, folder: Path) -> str:
    if not isinstance(source, str):
        return GIVEN_TABLE
    return source if "://" in source else os.path.relpath(source, folder)


def _decimal(sign: Decision) -> list[str]:
    """Draft the decimal sign of the table, where it is no point."""
    if sign.decimal == ",":
        return [*comments(f"Numbers have a decimal comma, {sign.reason}.", "  "), '  decimal: ","']
    return [] if sign.decimal else comments(f"Decimal signs: {sign.reason}; features say theirs.", "  ")


def _is_missing(target: pd.Series, marks: tuple[str, ...]) -> NDArray[np.bool_]:
    return np.array([spell_key(value, frozenset(marks)) is None for value in target.tolist()], dtype=bool)


def _bins(table: pd.DataFrame, target: str, count: int, sign: Decision) -> DraftedTarget:
    """Draft the bins of a numeric target."""
    values = read_numbers(
        table,
        target,
        "the target",
        marks=frozenset(DEFAULT_MISSING_VALUES),
        longest_text=LONGEST_PARSED_TEXT,
        written=NumberFormat(decimal=sign.decimal or "."),
    )
    edges = learn_edges(values, count, target)
    lines = [
        "  # Classes of about the same size; training learns the edges between them.",
        f"  target_bins: {count}",
        "  # Label of each bin, the lowest first.",
        "  classes:",
    ]
    names = bin_names(count)
    for (number, name), description in zip(names.items(), describe_bins(edges, [""] * count), strict=True):
        lines += [f"    # {description.removeprefix(': ')} in this table", f"    {number}: {name}"]
    return DraftedTarget(lines, int(np.bincount(bins_of(values, edges)).min()), np.ones(len(table), dtype=bool))


def _unused(inferred: list[Inferred]) -> list[str]:
    identifying = [column.name for column in inferred if column.identifies][:1]
    lines = []
    for name in identifying:
        lines += [
            "  # Different in every row: it identifies rows.",
            f"  index: {scalar(name)}",
        ]
    unused = [column for column in inferred if column.feature is None and column.name not in identifying]
    if unused:
        lines.append("  drop:")
        for column in unused:
            lines += [line for text in (column.reason, *column.remarks) for line in comments(text, "    ")]
            lines.append(f"    - {scalar(column.name)}")
    return lines


def _leakage(audit: DraftAudit) -> list[str]:
    lines = ["  # List columns here that are known only after the outcome:"]
    if not audit.leaks:
        return [*lines, "  # leakage:", "  #   - name"]
    lines.append("  leakage:")
    for name, reason in audit.leaks.items():
        lines += [*comments(f"It gives the target away: {reason}", "    "), f"    - {scalar(name)}"]
    return lines


def _features(inferred: list[Inferred], audit: DraftAudit) -> list[str]:
    lines = ["features:"]
    for column in inferred:
        if column.feature is not None and column.name not in audit.leaks:
            remarks = (*column.remarks, *audit.remarks.get(column.name, ()))
            lines += [line for text in (column.reason, *remarks) for line in comments(text, "  ")]
            lines += _feature(column.name, column.feature)
    if len(lines) == 1:
        msg = (
            "expected a column to learn from, found none: each is empty, the same in every row, or different in "
            "every row"
        )
        raise DataError(msg)
    return [
        *lines,
        "  # Features can be derived from those above, by pattern, contains, combine, sum, ratio, log or date_parts:",
        "  # title:",
        "  #   derive: pattern",
        "  #   from: name",
        r"  #   pattern: '^[^,]*,([^.]+)\.'",
    ]


def _feature(name: str, feature: ColumnFeature) -> list[str]:
    options = feature.model_dump(exclude_unset=True, exclude={"kind"})
    if not options:
        return [f"  {key(name)}: {feature.kind}"]
    lines = [f"  {key(name)}:", f"    kind: {feature.kind}"]
    for option, value in options.items():
        if isinstance(value, (list, tuple)):
            lines += [f"    {option}:", *(f"      - {scalar(item)}" for item in value)]
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value)
            lines.append(f"    {option}: {scalar(text)}")
    return lines


def _training(smallest_class: int) -> list[str]:
    return [
        "training:",
        "  random_state: 0",
        "  # Metric to compare candidates by: log_loss, roc_auc, average_precision, brier, accuracy or f1.",
        "  metric: log_loss",
        f"  folds: {max(2, min(5, smallest_class // 3))}",
        "  split:",
        "    # random, group (set data.group) or time (set data.time)",
        "    kind: random",
        f"    holdout: {HOLDOUT}",
        "  # Settings to try for each candidate; by default the size of the table decides, the same for every run.",
        "  # trials: 4",
        "  # Seconds after which no further setting is tried.",
        "  budget_seconds: 300",
    ]
