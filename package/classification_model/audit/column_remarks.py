"""Columns that say little or say it oddly: hardly varying ones, ids, categories spelled in two ways."""

from __future__ import annotations

import re
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from classification_model.audit.coded_column import CodedColumn

#: Rows that differ from the rest in a column that hardly varies: this share, or in a small table so many.
MOST_VARIED_SHARE, MOST_VARIED = 0.01, 3
#: The same as a share of a small table.
MOST_VARIED_SMALL_SHARE = 0.05
#: Fewer different values are no ids.
LEAST_IDS = 20
#: Categories of which this share differs in every row name rows.
ID_SHARE = 0.95
_ID_NAME = re.compile(r"(?i:(^|[_\W])(id|key|uuid|guid)$)|[a-z]I[dD]$")


def hardly_varies(column: CodedColumn) -> str | None:
    """Say that nearly all rows have one value, a gap counting as a value."""
    counts = column.counts
    others = len(column) - int(counts.max())
    small = min(MOST_VARIED, MOST_VARIED_SMALL_SHARE * len(column))
    if others > max(MOST_VARIED_SHARE * len(column), small):
        return None
    what = "missing" if counts.argmax() == 0 else "the same"
    return f"{what} in every row" if not others else f"{what} in all but {others:,} of {len(column):,} rows"


def looks_like_an_id(column: CodedColumn) -> str | None:
    """Say that a column names rows or things rather than describing them.

    Categories do so if nearly every row has another one. Whole numbers do so if their column is called like an id, or
    if all differ and follow each other without a gap.
    """
    filled, distinct = int(column.filled.sum()), len(column.values)
    if distinct < LEAST_IDS:
        return None
    if column.kind == "categorical" and distinct >= ID_SHARE * filled:
        return f"looks like an id: {distinct:,} different categories in {filled:,} rows"
    if column.kind != "numeric" or not np.array_equal(column.values, np.round(column.values)):
        return None
    if _ID_NAME.search(column.name):
        return f"looks like an id: whole numbers under the name {column.name!r}, whose size means nothing"
    if distinct == filled and column.values[-1] - column.values[0] + 1 == distinct:
        return "looks like an id: whole numbers that follow each other, another one in every row"
    return None


def spelled_alike(column: CodedColumn) -> str | None:
    """Name categories that differ in case or blanks only: two examples, and how many more there are."""
    if column.kind != "categorical":
        return None
    spellings: dict[str, list[int]] = defaultdict(list)
    for code, value in enumerate(column.values.tolist(), start=1):
        spellings["".join(str(value).split()).casefold()].append(code)
    counts = column.counts
    alike = [sorted(codes, key=lambda code: -counts[code]) for codes in spellings.values() if len(codes) > 1]
    if not alike:
        return None
    alike.sort(key=lambda codes: -counts[codes[1]])  # the most rows at stake
    examples = "; ".join(" and ".join(_spelled(column, code) for code in codes[:2]) for codes in alike[:2])
    return examples if len(alike) <= 2 else f"{examples}; and {len(alike) - 2:,} more"


def _spelled(column: CodedColumn, code: int) -> str:
    text = str(column.values[code - 1])[:40]
    return repr(re.sub(r"\s{2,}", lambda blanks: "\N{OPEN BOX}" * len(blanks[0]), text))  # else they look like one
