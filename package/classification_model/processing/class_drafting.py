"""Draft the classes of a target: which of two is the positive one, and which are too rare to learn."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import DataError
from classification_model.processing.class_inference import count_classes, in_order, positive_word
from classification_model.processing.draft_texts import comments, key, scalar
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES
from classification_model.runtime.input.values import spell_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

MOST_CLASSES = 50
#: A class of fewer rows is too rare: after the hold-out too few may be left for two folds.
FEWEST_ROWS = 6
#: Share of the rows that rare classes may have, for a target of more than `MOST_CLASSES` values.
MOST_LEFT_OUT = 0.05
#: Rare classes that a draft names on lines of their own, and within a sentence.
MOST_NAMED, MOST_IN_A_SENTENCE = 20, 5
#: Some marks of missing values are classes where a target holds them: none and mild, + and -.
MARKS_OF_TARGETS = tuple(mark for mark in DEFAULT_MISSING_VALUES if mark not in {"none", "-"})


@dataclass(frozen=True)
class DraftedTarget:
    """The classes of a target, drafted.

    Attributes
    ----------
    lines
        Lines of the section ``data``.
    smallest
        Number of rows of the smallest class.
    is_kept
        Mask of the rows that the draft trains on, shape (n_rows,).
    """

    lines: list[str]
    smallest: int
    is_kept: NDArray[np.bool_]


def marks_of_target(column: pd.Series) -> tuple[str, ...]:
    """Return the words that mean "missing" in a target of classes.

    One of them is a class where the target would have a single class without it: NA and yes.
    """
    marks = frozenset(MARKS_OF_TARGETS)
    texts = {text for value in column.tolist() if (text := spell_key(value)) is not None}
    words = {text.lower() for text in texts} & marks
    if len(words) == 1 and len([text for text in texts if text.lower() not in words]) == 1:
        return tuple(mark for mark in MARKS_OF_TARGETS if mark not in words)
    return MARKS_OF_TARGETS


def unlabelled_lines(column: pd.Series, is_missing: NDArray[np.bool_], *, drop: bool) -> list[str]:
    """Draft what to do with the rows without a target.

    Parameters
    ----------
    column
        Raw values of the target.
    is_missing
        Mask of the rows without one.
    drop
        Whether to leave them out.
    """
    count, rows = int(is_missing.sum()), len(column)
    if not count:
        return ["  # Rows without a target are left out and counted; there is none in this table.", _DROP] * drop
    words = Counter(text for value in column[is_missing].tolist() if (text := spell_key(value)) is not None)
    named = [
        line
        for word, number in words.most_common(3)
        for line in comments(
            f"{number} of them hold {scalar(word)}: if it is a class, list it below, under classes.", "  "
        )
    ]
    if drop:
        return [f"  # It is missing in {count} of {rows} rows, which are left out and counted.", *named, _DROP]
    return [
        f"  # It is missing in {count} of {rows} rows, which training refuses. To leave them out, uncomment the next",
        "  # line; or use `process --drop-bad-rows`, and train on what that writes with `train --source`.",
        f"  # {_DROP.strip()}",
        *named,
    ]


_DROP = "  unlabelled: drop"


def draft_classes(column: pd.Series, marks: Sequence[str], shown: str) -> DraftedTarget:
    """Draft the classes of a target.

    Classes too rare to learn are left out where two others stay, and named with what keeps them.

    Parameters
    ----------
    column
        Raw values, none of which is missing.
    marks
        Words that mean "missing".
    shown
        Name of the table in messages.

    Raises
    ------
    DataError
        If there are too many classes, a single one, or a value cannot be one.
    """
    counts = count_classes(column, marks)
    kept = Counter({value: count for value, count in counts.items() if count >= FEWEST_ROWS})
    is_told = len(counts) <= MOST_CLASSES or counts.total() - kept.total() <= MOST_LEFT_OUT * counts.total()
    if len(kept) < 2 or not is_told:
        kept = counts
    if not 2 <= len(kept) <= MOST_CLASSES:
        remedy = "choose another target, or divide a number into classes with --target-bins"
        if len(counts) == 1:
            remedy = "choose another target, or write a word where it is empty, if that is the other class"
        msg = (
            f"{shown}: expected a target of 2 to {MOST_CLASSES} classes, found {len(counts)} distinct value(s) "
            f"in {str(column.name)!r}: {remedy}"
        )
        raise DataError(msg)
    values, why = _in_order(kept)
    left_out = Counter({value: count for value, count in counts.items() if value not in kept})
    lines = [
        *comments(why, "  "),
        *_few_rows(kept),
        "  classes:",
        *(f"    {key(value)}: {scalar(value)}" for value in values),
        *_left_out_lines(left_out, kept),
    ]
    is_kept = np.array([spell_key(value) in kept for value in column.tolist()], dtype=bool)
    return DraftedTarget(lines, min(kept.values()), is_kept)


def _in_order(counts: Counter[str]) -> tuple[list[str], str]:
    """Order the values, the positive one of two last, and say why it is."""
    values = in_order(counts)
    if len(values) != 2:
        return values, "Label of each value of the target, in order; values with the same label are one class."
    what = "Label of each value of the target, the positive one last: {}, {}."
    word = positive_word(values)
    if word is not None:
        return values, what.format(scalar(word), "by its meaning")
    first, second = (counts[value] for value in values)
    if first == second:
        return values, what.format(scalar(values[1]), f"as both have {first} rows")
    values.sort(key=lambda value: -counts[value])
    return values, what.format(scalar(values[1]), f"the rarer one ({counts[values[1]]} of {counts.total()} rows)")


def _few_rows(kept: Counter[str]) -> list[str]:
    """Name classes that are rare, but stay as there would be no two without them."""
    few = [f"{scalar(value)} ({count})" for value, count in kept.most_common() if count < FEWEST_ROWS]
    if not few:
        return []
    return [
        *comments(f"Of few rows, so that training may refuse them: {_listed(few)}.", "  "),
        "  # Add rows, or give several values the same label.",
    ]


def _left_out_lines(left_out: Counter[str], kept: Counter[str]) -> list[str]:
    """Name the classes that are left out, and how they would stay."""
    if not left_out:
        return []
    named = left_out.most_common(MOST_NAMED)
    listed = _listed([f"{scalar(value)} ({count})" for value, count in left_out.most_common()])
    why = f"Left out, as there are fewer than {FEWEST_ROWS} rows: {listed}."
    if sum(count for _, count in named) >= FEWEST_ROWS:
        label = next(name for name in ("other", "other classes", "all others") if name not in {*kept, *left_out})
        remedy = "To learn them as one class, uncomment these lines:"
    else:
        label = kept.most_common(1)[0][0]
        remedy = "To keep their rows, uncomment these lines with the label of a class, such as:"
    rows = left_out.total() + kept.total()
    return [
        *comments(why, "    "),
        f"    # {remedy}",
        *(f"    # {key(value)}: {scalar(label)}" for value, _ in named),
        f"  # Rows of values that are not listed are left out and counted: {left_out.total()} of {rows}.",
        "  other_classes: drop",
    ]


def _listed(items: Sequence[str]) -> str:
    more = len(items) - MOST_IN_A_SENTENCE
    return ", ".join(items[:MOST_IN_A_SENTENCE]) + (f" and {more} more" if more > 0 else "")
