"""Sentences that draw conclusions from the profile of a table, each with its figure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from classification_model.profiling.table_profile import ColumnProfile, TableProfile

#: An association that is worth a word, and one that is as good as none.
NOTABLE, NEGLIGIBLE = 0.1, 0.02
#: Two columns with more than this association say about the same.
THE_SAME = 0.95
#: Gaps that tell the class: their association with it, and their least number.
TELLING_GAPS, LEAST_GAPS = 0.1, 10
MOSTLY_MISSING, MANY_CATEGORIES, SKEWED = 0.5, 50, 3.0
#: A class below this share is a minority; one of fewer rows is hard to learn.
MINORITY, FEW_ROWS = 0.2, 30
#: Rows for each column below which a table is small.
ROWS_PER_COLUMN = 20
_NAMED = 5


@dataclass(frozen=True)
class Conclusion:
    """What follows from a figure.

    Attributes
    ----------
    topic
        One or two words, such as ``Signal``.
    finding
        A sentence with the figure.
    advice
        What may be done about it; empty if there is nothing to do.
    """

    topic: str
    finding: str
    advice: str = ""


def conclude(profile: TableProfile) -> tuple[Conclusion, ...]:
    """Draw conclusions from a profile, in the order of a page: classes, columns, gaps, shapes.

    An association is a relation in these rows: neither a cause, nor what a column adds beside others.

    Parameters
    ----------
    profile
        The profile, as `profile_rows` returns it.
    """
    return (
        *_on_classes(profile),
        *_on_strengths(profile),
        *_on_gaps(profile),
        *_on_pairs(profile),
        *_on_shapes(profile),
        *_on_size(profile),
    )


def _on_classes(profile: TableProfile) -> Iterator[Conclusion]:
    if len(profile.classes) < 2 or not profile.rows:
        return
    by_rows = sorted(profile.classes, key=lambda one: -one.rows)
    most, least = by_rows[0], by_rows[-1]
    shares = [one.rows / profile.rows for one in (most, least)]
    always = f"always predicting {most.name!r} is right in {shares[0]:.1%} of the rows"
    if len(by_rows) == 2 and shares[1] < MINORITY:
        yield Conclusion(
            "Balance",
            f"{least.name!r} has {shares[1]:.1%} of the rows ({least.rows:,}), and {always}.",
            "Accuracy says little then: compare candidates by log_loss or average_precision, choose the threshold by "
            "f1 or balanced_accuracy, and try class_weights: balanced.",
        )
    elif len(by_rows) > 2 and (shares[0] > 2 / len(by_rows) or shares[1] < 2 * MINORITY / len(by_rows)):
        yield Conclusion(
            "Balance",
            f"Of {len(by_rows):,} classes, {most.name!r} has {shares[0]:.1%} of the rows and {least.name!r} has "
            f"{shares[1]:.1%}; {always}.",
            "Read metrics by class, and try class_weights: balanced.",
        )
    else:
        yield Conclusion("Balance", f"The classes are fairly balanced: {always}, which a model has to beat.")
    rare = [one for one in reversed(by_rows) if one.rows < FEW_ROWS]
    if rare:
        yield Conclusion(
            "Rare classes",
            f"{_listed([f'{one.name} ({one.rows:,})' for one in rare])} {_have(rare)} fewer than {FEW_ROWS} rows.",
            "A model cannot learn them well, nor can it be judged by them: merge classes, or collect rows.",
        )


def _on_strengths(profile: TableProfile) -> Iterator[Conclusion]:
    columns = [column for column in profile.by_strength() if column.association is not None and not column.is_constant]
    if not columns:
        return
    strong = [column for column in columns if (column.association or 0) >= NOTABLE]
    if strong:
        yield Conclusion(
            "Signal",
            f"{_listed([_with_figure(column) for column in strong])} {_go(strong)} most with the class (association, "
            "0 to 1).",
            "Make sure that they are known when a prediction is made; a model may find more in several together.",
        )
    else:
        yield Conclusion(
            "Signal",
            f"No column goes with the class by itself: the strongest is {_with_figure(columns[0])}.",
            "Expect a weak model, unless columns tell the class together; look for other sources of data.",
        )
    silent = [column for column in columns if (column.association or 0) < NEGLIGIBLE and column.kind != "text"]
    if silent and len(silent) < len(columns):
        yield Conclusion(
            "No signal",
            f"{_listed([column.name for column in silent])} {_say(silent)} nothing about the class by "
            f"{'itself' if len(silent) == 1 else 'themselves'} (association below {NEGLIGIBLE}).",
            "They may still matter together with others: drop them one by one, if the metrics stay as they are.",
        )


def _on_gaps(profile: TableProfile) -> Iterator[Conclusion]:
    telling = [
        column
        for column in profile.columns
        if (column.gap_association or 0) >= TELLING_GAPS and column.missing >= LEAST_GAPS
    ]
    telling.sort(key=lambda column: -(column.gap_association or 0))
    for column in telling[:_NAMED]:
        shares = [
            (missing / group.rows, group.name)
            for missing, group in zip(column.missing_by_group, profile.groups, strict=True)
            if group.rows
        ]
        most, least = max(shares), min(shares)
        yield Conclusion(
            "Telling gaps",
            f"{column.name} is missing in {most[0]:.1%} of {most[1]!r} and in {least[0]:.1%} of {least[1]!r} "
            f"(association {column.gap_association:.2f}).",
            "Ask why it is missing. If it is filled in only once the outcome is known, list it under data.leakage.",
        )
    mostly = [column for column in profile.columns if column.missing_share > MOSTLY_MISSING and not column.is_constant]
    if mostly:
        yield Conclusion(
            "Mostly missing",
            f"{_listed([f'{column.name} ({column.missing_share:.1%})' for column in mostly])} {_are(mostly)} missing "
            "in most rows.",
            "Whether there is a value may say more than the value.",
        )


def _on_pairs(profile: TableProfile) -> Iterator[Conclusion]:
    same = [(one, other) for one, other, value in profile.associations.pairs() if value > THE_SAME]
    if same:
        yield Conclusion(
            "Redundant",
            f"{_listed([f'{one} and {other}' for one, other in same])} say about the same (association above "
            f"{THE_SAME}).",
            "One of each pair is enough, and importances are easier to read without the other.",
        )


def _on_shapes(profile: TableProfile) -> Iterator[Conclusion]:
    skewed = [
        column
        for column in profile.columns
        if column.kind == "numeric" and column.numbers is not None and column.numbers.skewness > SKEWED
        and column.numbers.least >= 0
    ]  # fmt: skip
    if skewed:
        named = [
            f"{column.name} (median {column.numbers.written['median']}, most {column.numbers.written['most']})"
            for column in skewed
            if column.numbers is not None
        ]
        yield Conclusion(
            "Skewed",
            f"{_listed(named)} {_have(skewed)} a long tail of large values.",
            "Trees do not mind; for a linear model, derive: log may help.",
        )
    many = [column for column in profile.columns if column.kind == "categorical" and column.distinct > MANY_CATEGORIES]
    if many:
        yield Conclusion(
            "Many categories",
            f"{_listed([f'{column.name} ({column.distinct:,})' for column in many])} {_have(many)} more than "
            f"{MANY_CATEGORIES} categories.",
            "encode: target suits them, where the rows of a category are several.",
        )
    constant = [column for column in profile.columns if column.is_constant]
    if constant and profile.rows > 1:
        yield Conclusion(
            "Constant", f"{_listed([column.name for column in constant])} {_are(constant)} the same in every row.",
            "They cannot tell rows apart: drop them.",
        )  # fmt: skip
    infinite = [column for column in profile.columns if column.infinite]
    if infinite:
        yield Conclusion(
            "Infinite numbers",
            f"{_listed([f'{column.name} ({column.infinite:,})' for column in infinite])} {_have(infinite)} infinite "
            "numbers.",
            "Find out what divided by zero.",
        )


def _on_size(profile: TableProfile) -> Iterator[Conclusion]:
    columns = len(profile.columns)
    if profile.classes and 0 < profile.rows < ROWS_PER_COLUMN * columns:
        yield Conclusion(
            "Few rows",
            f"There are {profile.rows:,} rows for {columns:,} columns.",
            "Some columns will seem to tell the class by chance: trust figures over folds, not those of one column.",
        )


def _with_figure(column: ColumnProfile) -> str:
    return f"{column.name} ({column.association or 0:.2f})"


def _listed(names: Sequence[str]) -> str:
    """List the first names, and how many more there are."""
    shown, more = list(names[:_NAMED]), len(names) - _NAMED
    if more > 0:
        shown.append(f"{more:,} more")
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"


def _have(things: Collection[object]) -> str:
    return "has" if len(things) == 1 else "have"


def _are(things: Collection[object]) -> str:
    return "is" if len(things) == 1 else "are"


def _go(things: Collection[object]) -> str:
    return "goes" if len(things) == 1 else "go"


def _say(things: Collection[object]) -> str:
    return "says" if len(things) == 1 else "say"
