"""Warnings of unseen categories: of a column of thousands of categories they are counted, not repeated for each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from classification_model.runtime.input.schema import UNSEEN_CATEGORY

if TYPE_CHECKING:
    from collections.abc import Collection

    from classification_model.runtime.input.checking import Issue
    from classification_model.runtime.input.schema import InputSchema

#: Known categories above which a column gets one warning for all of its unseen ones.
MOST_CATEGORIES = 1000


def counted_fields(schema: InputSchema) -> frozenset[str]:
    """Return the fields whose unseen categories are counted."""
    return frozenset(field.name for field in schema.fields if len(field.categories or ()) > MOST_CATEGORIES)


def count_unseen(warnings: Sequence[Issue], fields: Collection[str]) -> list[Issue]:
    """Replace the warnings of several rows with unseen categories of one of some fields by one for the column.

    Parameters
    ----------
    warnings
        Warnings, in order of rows.
    fields
        See `counted_fields`.

    Returns
    -------
    list of Issue
        Those for columns first, each with the number of its rows and without a row; a single one keeps its row.
    """
    code, _ = UNSEEN_CATEGORY
    counts = Counter(issue.field for issue in warnings if issue.code == code and issue.field in fields)
    several = {field: count for field, count in counts.items() if count > 1}
    if not several:
        return list(warnings)
    rest = [issue for issue in warnings if issue.code != code or issue.field not in several]
    first = next(issue for issue in warnings if issue.field in several)
    said = [
        type(first)(None, field, code, f"{count} rows have categories that training did not see")
        for field, count in several.items()
    ]
    return [*said, *rest]
