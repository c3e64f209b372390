"""Examine the rows to learn from, before there is a model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from classification_model.audit.class_labels import ClassLabels, class_labels
from classification_model.audit.coded_column import CodedColumn, code_column
from classification_model.audit.column_remarks import hardly_varies, looks_like_an_id, spelled_alike
from classification_model.audit.rare_classes import rare_classes
from classification_model.audit.repeated_rows import Repetition, count_repeated
from classification_model.audit.sure_leaks import sure_leak
from classification_model.audit.suspicion import suspicion
from classification_model.runtime.model_folder.manifest import AuditFinding

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

#: Reads some columns of some rows, by name and ascending row number, as `Rows.features`.
ReadColumns = Callable[[Sequence[str], "NDArray[np.intp]"], "pd.DataFrame"]

#: Of a larger table, as many rows are audited as have this many values, but at least `LEAST_ROWS`.
MOST_VALUES, LEAST_ROWS = 2_000_000, 1_000


def audit_rows(
    read: ReadColumns,
    kinds: Mapping[str, str],
    labels: NDArray[Any],
    *,
    classes: Sequence[str],
    held_out: NDArray[np.bool_] | float,
    target: NDArray[np.float64] | None = None,
    most_values: int = MOST_VALUES,
) -> tuple[AuditFinding, ...]:
    """Find leaks, repeated rows, rare classes, and columns that say little.

    Of a large table a sample is audited, always the same, in which rare classes keep more of their rows. What seems to
    be a sure leak is then held against all rows.

    Parameters
    ----------
    read
        Reads columns of the table.
    kinds
        Kind of each column to audit, by its name.
    labels
        Label of each row, shape (n_rows,).
    classes
        All labels, in order.
    held_out
        Mask of the held-out rows, or before they are drawn their share, 0 to 1.
    target
        The number of each row, if classes are bins of numbers.
    most_values
        Number of values to audit; a larger table is sampled.

    Returns
    -------
    tuple of AuditFinding
        Of columns in their order, leaks first; then of the rows as a whole.
    """
    names = list(kinds)
    everything = np.arange(len(labels))
    rows = _sample(labels, max(LEAST_ROWS, most_values // max(1, len(names))))
    is_sample = len(rows) < len(labels)
    sampled = class_labels(labels[rows], None if target is None else target[rows])
    frame = read(names, rows)
    columns = [code_column(name, kinds[name], frame[name]) for name in names]
    suffix = f" (of {len(rows):,} of {len(labels):,} rows, sampled)" if is_sample else ""

    def confirm(name: str) -> str | None:
        column = code_column(name, kinds[name], read([name], everything)[name])
        return sure_leak(column, class_labels(labels, target), len(names))

    leaks, remarks = [], []
    for column in columns:
        leak = _leak_of(column, sampled, len(names), suffix, confirm if is_sample else None)
        leaks += [] if leak is None else [leak]
        remarks += _remarks_on(column, suffix)
    leaks.sort(key=lambda finding: finding.kind != "leak")
    drawn = None if isinstance(held_out, float) else held_out[rows]
    found = [*leaks, *remarks, *_repeated(count_repeated(columns, sampled, drawn) if columns else None, drawn, suffix)]
    rare = rare_classes(labels, classes, held_out)
    return (*found, *([] if rare is None else [AuditFinding(kind="rare_class", message=rare)]))


def _sample(labels: NDArray[Any], most: int) -> NDArray[np.intp]:
    """Draw at most so many rows, the same ones each time: all of a rare class, and equally many of the others."""
    if len(labels) <= most:
        return np.arange(len(labels))
    numbered = class_labels(labels)
    counts = np.sort(numbered.counts)
    left, quota = most, 0
    for place, count in enumerate(counts):
        quota = left // (len(counts) - place)
        left -= min(int(count), quota)
    random = np.random.default_rng(0)
    drawn = []
    for number in range(len(counts)):
        members = np.flatnonzero(numbered.numbers == number)
        drawn.append(members if len(members) <= quota else random.choice(members, quota, replace=False))
    return np.sort(np.concatenate(drawn))


def _leak_of(
    column: CodedColumn, labels: ClassLabels, columns: int, suffix: str, confirm: Callable[[str], str | None] | None
) -> AuditFinding | None:
    sure = sure_leak(column, labels, columns)
    if sure is not None and confirm is not None:
        seen, sure = sure, confirm(column.name)
        if sure is None:
            return AuditFinding(kind="suspected_leak", column=column.name, message=f"{seen}{suffix}")
    if sure is not None:
        return AuditFinding(kind="leak", column=column.name, message=sure)
    suspected = suspicion(column, labels, columns)
    if suspected is None:
        return None
    return AuditFinding(kind="suspected_leak", column=column.name, message=f"{suspected}{suffix}")


def _remarks_on(column: CodedColumn, suffix: str) -> list[AuditFinding]:
    kinds: tuple[tuple[Literal["hardly_varying", "identifier", "similar_categories"], str | None], ...] = (
        ("hardly_varying", hardly_varies(column)),
        ("identifier", looks_like_an_id(column)),
        ("similar_categories", spelled_alike(column)),
    )
    return [
        AuditFinding(kind=kind, column=column.name, message=f"{message}{suffix}")
        for kind, message in kinds
        if message is not None
    ]


def _repeated(found: Repetition | None, drawn: NDArray[np.bool_] | None, suffix: str) -> list[AuditFinding]:
    if found is None:
        return []
    if found.held_out and drawn is not None:
        message = (
            f"{found.held_out:,} of {int(drawn.sum()):,} held-out rows have the features of a training row, "
            f"{found.held_out_alike:,} of them its label too"
        )
    else:
        message = f"{found.rows:,} rows have the features of another row"
    findings = [AuditFinding(kind="repeated_rows", message=f"{message}{suffix}")]
    if found.conflicting:
        message = f"{found.conflicting:,} rows have the features of another row, but another label"
        findings.append(AuditFinding(kind="conflicting_labels", message=f"{message}{suffix}"))
    return findings
