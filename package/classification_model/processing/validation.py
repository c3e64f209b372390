"""Rules for a training table: each raises an error that names the column that breaks it."""

from __future__ import annotations

import reprlib
from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.config.complaints import nearest
from classification_model.config.features import ColumnFeature
from classification_model.errors import DataError
from classification_model.processing.left_out_rows import label_reader
from classification_model.runtime.input.labels import UNKNOWN_LABEL
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.values import LONGEST_TEXT, UnreadableValue

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from classification_model.config.data_section import DataConfig
    from classification_model.config.sections import Config
    from classification_model.runtime.input.checking import CheckedRows
    from classification_model.runtime.input.schema import InputSchema, SchemaField, Value

#: Remedies for a row without a target, and for one that breaks another rule.
FOR_UNLABELLED = (
    "fill it, or leave such rows out with data.unlabelled: drop in the config or with process --drop-bad-rows"
)
FOR_BAD_ROWS = "fill it or remove the row, as process --drop-bad-rows does"


def check_columns_exist(config: Config, table: pd.DataFrame, source: str) -> None:
    """Refuse a table without rows, or without a column that the config names."""
    if table.empty:
        msg = f"{source} has no rows: expected at least one"
        raise DataError(msg)
    data = config.data
    named = {"data.target": data.target}
    named |= {f"data.{role}": name for role in ("index", "group", "time", "weight") if (name := getattr(data, role))}
    named |= {f"features.{name}": name for name, item in config.features.items() if isinstance(item, ColumnFeature)}
    named |= {f"data.{role}": name for role in ("drop", "leakage") for name in getattr(data, role)}
    columns = [str(name) for name in table.columns]
    for key, name in named.items():
        if name not in columns:
            msg = f"{source} has no column {name!r}, which {key} names: expected {nearest(name, columns)}"
            raise DataError(msg)


def check_new_names(config: Config, columns: Sequence[str], source: str) -> None:
    """Refuse to rename a column that does not exist, or to a name that another column has."""
    for old, new in config.data.rename.items():
        if old not in columns:
            msg = f"{source} has no column {old!r}, which data.rename names: expected {nearest(old, columns)}"
            raise DataError(msg)
        if new in columns and new not in config.data.rename:
            msg = (
                f"data.rename.{old}: expected a name that no other column of {source} has, found {new!r}: rename that "
                "column too, or choose another name"
            )
            raise DataError(msg)


def checked_labels(column: pd.Series, data: DataConfig) -> NDArray[np.object_]:
    """Read the target as labels; refuse rows without one, values that are no class, and a single class.

    Parameters
    ----------
    column
        Raw values of the target; its index are the numbers of the rows in messages.
    data
        Which values are classes.
    """
    reader, target = label_reader(data), data.target
    labels: list[str | None] = []
    others: list[tuple[int, Any]] = []
    for row, value in zip(column.index, column.tolist(), strict=True):
        try:
            labels.append(reader.read(value))
        except UnreadableValue as error:
            if error.code != UNKNOWN_LABEL:
                msg = f"column {target!r}, the target, row {row} (counted from 0): {error}"
                raise DataError(msg) from error
            labels.append("")
            others.append((row, value))
    missing = [row for row, label in zip(column.index, labels, strict=True) if label is None]
    if missing:
        msg = (
            f"column {target!r}, the target, is missing in {len(missing)} row(s), first in row {missing[0]} (counted "
            f"from 0): {FOR_UNLABELLED}; words such as NA count as missing unless data.classes in the config lists them"
        )
        raise DataError(msg)
    if others:
        row, value = others[0]
        msg = (
            f"column {target!r}, the target: expected a value of data.classes ({reader.accepted}), found "
            f"{reprlib.repr(value)} in row {row} (counted from 0), one of {len(others)} such row(s): list it there "
            "with the label of a class, or leave such rows out with data.other_classes: drop"
        )
        raise DataError(msg)
    found = set(labels)
    if len(found) < 2:
        msg = f"column {target!r}, the target: expected two classes or more, found one ({', '.join(map(str, found))})"
        raise DataError(msg)
    return np.array(labels, dtype=object)


def check_tables_differ(config: Config, table: pd.DataFrame, second: pd.DataFrame) -> None:
    """Refuse a validation table that holds rows of the training table."""
    index = config.data.index
    if index is not None and index in second.columns:
        shared = set(map(str, table[index])) & set(map(str, second[index]))
        if shared:
            msg = (
                f"data.validation_source: expected rows that data.source does not hold, found {len(shared)} row(s) "
                f"with the same {index!r}: remove them from one of the tables"
            )
            raise DataError(msg)
    if table.astype(str).reset_index(drop=True).equals(second.astype(str).reset_index(drop=True)):
        msg = "data.validation_source: expected rows that data.source does not hold, found the same table: name another"
        raise DataError(msg)


def check_class_sizes(
    labels: Sequence[str], classes: Sequence[str], target: str, folds: int, given_edges: Sequence[float] = ()
) -> None:
    """Refuse a class with fewer rows to train on than there are folds."""
    counts = Counter(labels)
    for label in classes:
        if counts[label] < folds and given_edges:
            edges = ", ".join(f"{edge:g}" for edge in given_edges)
            msg = (
                f"column {target!r}, the target: expected {folds} rows of each class to train on, as many as "
                f"training.folds, found {counts[label]} of {label!r} by the edges of the current version ({edges}): "
                "its classes no longer fit the data; train a model with new edges, and promote it with --schema-change"
            )
            raise DataError(msg)
        if counts[label] < folds:
            fewer = f"; or set training.folds to {counts[label]}" if counts[label] > 1 else ""
            msg = (
                f"column {target!r}, the target: expected {folds} rows of each class to train on, as many as "
                f"training.folds, found {counts[label]} of {label!r}: add rows, give its values the label of another "
                f"class in data.classes, or remove them there and set data.other_classes: drop{fewer}"
            )
            raise DataError(msg)


def check_readable(schema: InputSchema, checked: CheckedRows, table: pd.DataFrame, source: str) -> None:
    """Refuse values that are not of their feature's kind, or too long."""
    if not checked.errors:
        return
    first = checked.errors[0]
    (field,) = (field for field in schema.fields if field.name == first.field)
    alike = sum(issue.field == first.field for issue in checked.errors)
    cell = None if first.row is None else table[first.field].iloc[first.row]
    value = "" if first.row is None else f" ({reprlib.repr(cell)})"
    row = "" if first.row is None else f" row {table.index[first.row]} (counted from 0):"
    if not (isinstance(cell, str) and len(cell) > field.longest_text):
        other = _other_decimal(field, cell)
        remedy = f"{other}, or " if other else ""
        remedy += f"correct them, list the words in features.{field.name}.missing_values, or set another kind"
    elif field.longest_text < LONGEST_TEXT:
        remedy = f"shorten them, or raise data.longest_text (maximum {LONGEST_TEXT})"
    else:
        remedy = "shorten them"
    msg = f"{source}: column {field.name!r}, {field.kind},{row} {first.message}{value}, in {alike} row(s): {remedy}"
    raise DataError(msg)


def _other_decimal(field: SchemaField, cell: Any) -> str:
    """Name the key that makes a text a number which has the other decimal sign; nothing for other cells."""
    if field.kind != "numeric" or not isinstance(cell, str) or field.written.spelling != "plain":
        return ""
    sign = "," if field.written.decimal == "." else "."
    other = NumberFormat.model_validate(field.written.model_dump() | {"decimal": sign, "thousands": None})
    if other.read(cell.strip()) is None:
        return ""
    return f"set data.decimal or features.{field.name}.decimal to {sign!r} if all its numbers are written so"


def check_features_vary(features: pd.DataFrame) -> None:
    """Refuse a feature that is missing everywhere, or the same everywhere."""
    check_features_filled(features)
    for name in features.columns:
        if features[name].nunique(dropna=False) == 1:
            msg = f"column {name!r} is the same in every row: remove it from features, or list it in data.drop"
            raise DataError(msg)


def check_features_filled(features: pd.DataFrame) -> None:
    """Refuse a feature that is missing everywhere."""
    for name in features.columns:
        if features[name].isna().all():
            msg = f"column {name!r} is missing in every row: remove it from features, or list it in data.drop"
            raise DataError(msg)


def check_derived(name: str, sources: Sequence[str], all_missing: bool) -> None:
    """Refuse a derived feature that is missing everywhere, such as a pattern that nothing matches."""
    if all_missing:
        msg = (
            f"feature {name!r}, derived from {', '.join(sources)}, is missing in every row: correct features.{name} "
            "or remove it"
        )
        raise DataError(msg)


def check_unique(name: str, values: Sequence[Value], rows: Sequence[int] | pd.Index) -> None:
    """Refuse an index with a missing or a repeated value; `rows` are the numbers of the rows."""
    seen: dict[Value, int] = {}
    for row, value in zip(rows, values, strict=True):
        if value is None:
            msg = f"column {name!r}, the index, is missing in row {row} (counted from 0): fill it or remove data.index"
            raise DataError(msg)
        if value in seen:
            both = f"rows {seen[value]} and {row} (counted from 0)"
            msg = f"column {name!r}, the index: expected unique values, found {reprlib.repr(value)} in {both}"
            raise DataError(msg)
        seen[value] = row
