"""Infer the kind of each column of an unknown table."""

from __future__ import annotations

import itertools
import math
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from classification_model.processing.kinds.categories import (
    EVERY_ONE_DIFFERS,
    infer_boolean,
    infer_category,
    words_that_are_values,
)
from classification_model.processing.kinds.dates import (
    infer_dates,
    infer_dates_of_digits,
    remark_on_epochs,
    unread_dates,
)
from classification_model.processing.kinds.decimal_signs import Decision, Signs, decide_for_column, decide_for_table
from classification_model.processing.kinds.distinct_values import DistinctValues
from classification_model.processing.kinds.inferred import ONE_HOT_LIMIT, Evidence, Guess, Inferred
from classification_model.processing.kinds.numbers import infer_numbers, infer_times, may_be_numbers
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT, UnreadableValue

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.config.features import ColumnFeature

#: A column is as good as constant when fewer rows than this, and than this share, differ from the rest: all of them
#: may be held out.
LEAST_VARIED, LEAST_VARIED_SHARE = 4, 0.05
_ID_NAME = re.compile(r"(?i:(^|[_\W])(id|key|uuid|guid|index|idx|rownum|row)$|^unnamed)|[a-z]I[dD]$")
_NOTHING_KNOWN = Evidence()


@dataclass(frozen=True)
class InferredTable:
    """What is inferred of a table.

    Attributes
    ----------
    columns
        Each column, in order.
    sign
        The decimal sign of its numbers; columns that differ say so by themselves.
    """

    columns: list[Inferred]
    sign: Decision


def infer_table(
    table: pd.DataFrame,
    missing_values: Sequence[str] = DEFAULT_MISSING_VALUES,
    longest_text: int = LONGEST_PARSED_TEXT,
    evidence: Evidence = _NOTHING_KNOWN,
) -> InferredTable:
    """Infer the kind of each column from the values of all.

    Parameters
    ----------
    table
        Raw values, as `raw_tables.parse_table` returns them.
    missing_values
        Texts that mean "missing", in any case.
    longest_text
        Maximum number of characters of a number given as text.
    evidence
        What is known of the table besides its values.
    """
    marks = frozenset(word.lower() for word in missing_values)
    counted = {str(name): _count(table[name].tolist(), marks) for name in table.columns}
    signs = {
        name: Signs.of(values)
        for name, values in counted.items()
        if isinstance(values, DistinctValues) and may_be_numbers(values, marks)
    }
    sign = decide_for_table(signs.values(), evidence.decimal, evidence.delimiter)
    inferring = _Inferring(marks, longest_text, sign, signs)
    return InferredTable([inferring.infer(name, values) for name, values in counted.items()], sign)


def infer_columns(
    table: pd.DataFrame,
    missing_values: Sequence[str] = DEFAULT_MISSING_VALUES,
    longest_text: int = LONGEST_PARSED_TEXT,
    evidence: Evidence = _NOTHING_KNOWN,
) -> list[Inferred]:
    """Infer the kind of each column, in order; see `infer_table`."""
    return infer_table(table, missing_values, longest_text, evidence).columns


def _count(column: list[Any], marks: frozenset[str]) -> DistinctValues | str:
    """Count the values of a column; if that is impossible, say why."""
    try:
        return DistinctValues.of(column, marks)
    except UnreadableValue as error:
        return f"its values are of no known kind: {error}"


@dataclass(frozen=True)
class _Inferring:
    marks: frozenset[str]
    longest_text: int
    sign: Decision
    signs: dict[str, Signs]

    def infer(self, name: str, values: DistinctValues | str) -> Inferred:
        """Infer the kind of a column."""
        if isinstance(values, str):
            return Inferred(name, None, values)
        words, why = words_that_are_values(values)
        if words:
            values = values.with_marks(words)
        if values.total == 0:
            return Inferred(name, None, "every value is missing")
        if any(isinstance(value, (float, Decimal)) and math.isinf(value) for value in values.samples.values()):
            return Inferred(name, None, "it holds infinite numbers")
        guess = self._guess(name, values)
        if words and guess.kind is not None:
            guess.options["not_missing"] = words
            guess.remarks.append(why)
        feature, remarks = guess.feature, tuple(guess.remarks)
        if values.all_differ and _looks_like_an_id(name, values, feature):
            return Inferred(name, None, "it identifies rows", identifies=True)
        if feature is None:
            identifies = values.all_differ and guess.reason == EVERY_ONE_DIFFERS
            return Inferred(name, None, guess.reason, identifies=identifies, remarks=remarks)
        same = _same(values, guess)
        return Inferred(name, feature, guess.reason, remarks=remarks) if same is None else Inferred(name, None, same)

    def _guess(self, name: str, values: DistinctValues) -> Guess:
        marks = self.marks
        guess = infer_boolean(values) or infer_dates_of_digits(name, values, marks)
        if guess is None and name in self.signs:
            column_sign = decide_for_column(self.signs[name], self.sign)
            guess = infer_numbers(values, marks, self.longest_text, column_sign, self.sign.decimal or ".")
            if guess is not None and guess.kind == "numeric":
                return _repeated_id(name, values) or _with_epochs(guess, values)
        guess = guess or infer_dates(name, values, marks) or infer_times(values, marks, self.longest_text)
        if guess is not None:
            return guess
        guess, dates = infer_category(values), unread_dates(values)
        if dates is None:
            return guess
        if len(values.counts) > ONE_HOT_LIMIT:
            return Guess(None, dates)
        return Guess(guess.kind, guess.reason, guess.options, [*guess.remarks, dates])


def _with_epochs(guess: Guess, values: DistinctValues) -> Guess:
    guess.remarks += remark_on_epochs(values)
    return guess


def _repeated_id(name: str, values: DistinctValues) -> Guess | None:
    """Take whole numbers in a column called as ids are, which repeat, for names of things: they are no quantities."""
    if values.all_differ or not _ID_NAME.search(name):
        return None
    if not all(re.fullmatch(r"\d{1,20}", text) for text in values.counts):
        return None
    options = {"encode": "target"} if len(values.counts) > ONE_HOT_LIMIT else {}
    return Guess("categorical", f"{len(values.counts)} ids that repeat: categories, no quantities", options)


def _looks_like_an_id(name: str, values: DistinctValues, feature: ColumnFeature | None) -> bool:
    """Tell whether values that all differ name rows: whole numbers without a gap, or codes in a column called so."""
    if feature is not None and feature.kind == "datetime":
        return False
    texts = list(values.counts)
    if feature is None or feature.kind != "numeric":
        return bool(_ID_NAME.search(name))
    numbers = [int(text) for text in texts if re.fullmatch(r"[0-9]{1,20}", text)]
    if len(numbers) < len(texts):
        return False
    return bool(_ID_NAME.search(name)) or max(numbers) - min(numbers) + 1 == len(set(numbers))


def _same(values: DistinctValues, guess: Guess) -> str | None:
    """Say that a column is constant, or as good as that, once its values are read."""
    first = itertools.islice(guess.read.values() if guess.read else values.counts, LEAST_VARIED + 2)
    if len({value for value in first if value is not None}) > LEAST_VARIED:
        return None
    counts: Counter[Any] = Counter({None: values.missing})
    unread = set(guess.options.get("missing_values", ()))
    for text, count in values.counts.items():
        counts[None if text.lower() in unread else guess.read.get(text, text)] += count
    (commonest, count), rows = counts.most_common(1)[0], counts.total()
    others = rows - count
    if others >= max(1, min(LEAST_VARIED, LEAST_VARIED_SHARE * rows)):
        return None
    what = "missing" if commonest is None else "the same"
    return f"all values but {others} are {what}" if others else f"every value is {what}"
