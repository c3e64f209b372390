"""Leave out the rows that a config does not train on: without a target, or of another class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.errors import DataError
from classification_model.runtime.input.labels import UNKNOWN_LABEL, LabelReader
from classification_model.runtime.input.values import UnreadableValue, read_number
from classification_model.runtime.model_folder.manifest import NONE_LEFT_OUT, LeftOut

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from classification_model.config.data_section import DataConfig

#: Reasons for which `RunRecord.dropped` counts rows.
MISSING_TARGET, NO_CLASS = "{}: the target is missing", "{}: the target is no class"


def label_reader(data: DataConfig) -> LabelReader:
    """Return what reads the values of the target of a table as classes."""
    return LabelReader((), data.classes, marks=frozenset(word.lower() for word in data.missing_values))


def leave_out(table: pd.DataFrame, data: DataConfig, source: str) -> tuple[pd.DataFrame, LeftOut]:
    """Leave out rows by ``data.unlabelled`` and ``data.other_classes``.

    Parameters
    ----------
    table
        Raw values, with the target.
    data
        The section of the config.
    source
        Name of the table in messages.

    Returns
    -------
    tuple
        The other rows, which keep the numbers that they have in the table as their index, and how many were left out.

    Raises
    ------
    DataError
        If no row stays.
    """
    if "drop" not in (data.unlabelled, data.other_classes):
        return table, NONE_LEFT_OUT
    of_row = _kind_of(data)
    kinds = np.array([of_row(value) for value in table[data.target].tolist()], dtype=object)
    is_unlabelled = (kinds == "unlabelled") & (data.unlabelled == "drop")
    is_other = (kinds == "other") & (data.other_classes == "drop")
    left_out = LeftOut(unlabelled=int(is_unlabelled.sum()), other_classes=int(is_other.sum()))
    is_kept = ~(is_unlabelled | is_other)
    if not is_kept.any():
        msg = f"{source}: expected rows to train on, found none: of {len(table)} are {describe_left_out(left_out)}"
        raise DataError(msg)
    return (table if is_kept.all() else table[is_kept]), left_out


def _kind_of(data: DataConfig) -> Callable[[Any], str]:
    """Return a function that tells a row by its target: unlabelled, other, or neither."""
    marks = frozenset(word.lower() for word in data.missing_values)
    reader = label_reader(data)

    def of_number(value: Any) -> str:
        try:
            return "" if read_number(value, marks, data.longest_text, data.written) is not None else "unlabelled"
        except UnreadableValue:
            return ""  # refused when the rows are read

    def of_class(value: Any) -> str:
        try:
            return "" if reader.read(value) is not None else "unlabelled"
        except UnreadableValue as error:
            return "other" if error.code == UNKNOWN_LABEL else ""

    return of_class if data.target_bins is None else of_number


def describe_left_out(left_out: LeftOut) -> str:
    """Say how many rows were left out, and why; an empty text for none."""
    counts = {
        "without a target (data.unlabelled: drop)": left_out.unlabelled,
        "of values that data.classes does not list (data.other_classes: drop)": left_out.other_classes,
    }
    return ", ".join(f"{count} {which}" for which, count in counts.items() if count)


def reasons_of(left_out: LeftOut, target: str) -> dict[str, int]:
    """Return the number of rows that were left out by reason, as a `RunRecord` has it."""
    counts = {MISSING_TARGET: left_out.unlabelled, NO_CLASS: left_out.other_classes}
    return {reason.format(target): count for reason, count in counts.items() if count}
