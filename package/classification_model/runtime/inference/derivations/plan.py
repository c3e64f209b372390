"""The plan of a model's derived features, for one row and for columns."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from classification_model.runtime.inference.derivations.dates import parts_of_moment, parts_of_moments
from classification_model.runtime.inference.derivations.numbers import add, divide, log_one_plus
from classification_model.runtime.inference.derivations.texts import combine, pattern_finder, spell, word_finder
from classification_model.runtime.input.columns import Column, Encoded, encode

#: A value of one row: a number, NaN where it is missing, or a text, None where it is missing.
Scalar = float | str | None


class Derivation(BaseModel):
    """How new columns come from others.

    Attributes
    ----------
    derive
        ``pattern``: the first match of a regular expression in a text. ``contains``: whether a text contains one
        of some words. ``combine``: several values as one category. ``sum``, ``ratio``, ``log``: arithmetic.
        ``date_parts``: numbers from a moment.
    sources
        Columns it is computed from, of the table or derived before.
    outputs
        Names of the new columns: one, or one for each part of a date.
    pattern, as_number, words, plus, parts
        Parameters, each of the derivation that has it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    derive: Literal["pattern", "contains", "combine", "sum", "ratio", "log", "date_parts"]
    sources: tuple[str, ...]
    outputs: tuple[str, ...]
    pattern: str = ""
    as_number: bool = False
    words: tuple[str, ...] = ()
    plus: float = 0.0
    parts: tuple[str, ...] = ()

    def of_columns(self, sources: list[Any]) -> list[Column]:
        """Compute the new columns from those of the sources."""
        match self.derive:
            case "pattern":
                find = pattern_finder(self.pattern, as_number=self.as_number)
                return [map_texts(find, *sources, as_number=self.as_number)]
            case "contains":
                return [map_texts(word_finder(self.words), *sources, as_number=True)]
            case "combine":
                return [combine_columns([spell_column(source) for source in sources])]
            case "sum":
                return [add(sources, self.plus)]
            case "ratio":
                return [divide(*sources)]
            case "log":
                return [log_one_plus(*sources)]
            case "date_parts":
                (moments,) = sources
                return list(parts_of_moments(moments, self.parts))


class Plan:
    """Derivations in order, ready to run.

    Parameters
    ----------
    derivations
        Each computed from columns of the table and from derivations before it.
    """

    def __init__(self, derivations: Iterable[Derivation]) -> None:
        self.derivations = tuple(derivations)
        self._steps = [_step(item) for item in self.derivations]

    def extend_row(self, row: dict[str, Any]) -> None:
        """Add the derived values of one row to it: numbers with NaN, texts with None for missing ones."""
        for step in self._steps:
            step(row)

    def extend_columns(self, columns: Mapping[str, Column]) -> dict[str, Column]:
        """Return the columns and those derived from them; one that is there already is not computed again."""
        extended = dict(columns)
        spelled: dict[str, Encoded] = {}
        for item in self.derivations:
            if item.outputs[0] in columns:
                continue
            if item.derive == "combine":
                for name in item.sources:
                    spelled.setdefault(name, spell_column(extended[name]))
                new: list[Column] = [combine_columns([spelled[name] for name in item.sources])]
            else:
                new = item.of_columns([extended[name] for name in item.sources])
            extended.update(zip(item.outputs, new, strict=True))
        return extended


def _step(item: Derivation) -> Callable[[dict[str, Any]], None]:
    """Return the function that adds the derived values to a row; it calls as little as it can."""
    match item.derive:
        case "pattern":
            find = pattern_finder(item.pattern, as_number=item.as_number)
            return _of_text(item, find, math.nan if item.as_number else None)
        case "contains":
            return _of_text(item, word_finder(item.words), math.nan)
        case "combine":
            return _combination_of_two(item) if len(item.sources) == 2 else _combination(item)
        case "sum":
            return _of_numbers(item, lambda *numbers: add(numbers, item.plus))
        case "ratio":
            return _of_numbers(item, divide)
        case "log":
            return _of_numbers(item, log_one_plus)
        case "date_parts":
            return _of_moment(item)


def _of_text(item: Derivation, function: Callable[[str], Scalar], missing: Scalar) -> Callable[[dict[str, Any]], None]:
    (source,), (output,) = item.sources, item.outputs

    def step(row: dict[str, Any]) -> None:
        text = row[source]
        value = None if text is None else function(text)
        row[output] = missing if value is None else value

    return step


def _combination_of_two(item: Derivation) -> Callable[[dict[str, Any]], None]:
    (first, second), (output,) = item.sources, item.outputs

    def step(row: dict[str, Any]) -> None:
        one, other = row[first], row[second]
        one = spell(one) if isinstance(one, float) else one or ""
        other = spell(other) if isinstance(other, float) else other or ""
        row[output] = f"{one}|{other}" if one or other else None

    return step


def _combination(item: Derivation) -> Callable[[dict[str, Any]], None]:
    sources, (output,) = item.sources, item.outputs

    def step(row: dict[str, Any]) -> None:
        values = [row[name] for name in sources]
        row[output] = combine([spell(value) if isinstance(value, float) else value or "" for value in values])

    return step


def _of_numbers(item: Derivation, function: Callable[..., float]) -> Callable[[dict[str, Any]], None]:
    sources, (output,) = item.sources, item.outputs

    def step(row: dict[str, Any]) -> None:
        row[output] = function(*[row[name] for name in sources])

    return step


def _of_moment(item: Derivation) -> Callable[[dict[str, Any]], None]:
    (source,), outputs, parts = item.sources, item.outputs, item.parts

    def step(row: dict[str, Any]) -> None:
        row.update(zip(outputs, parts_of_moment(row[source], parts=parts), strict=True))

    return step


def map_texts(function: Callable[[str], Scalar], column: Encoded, *, as_number: bool) -> Column:
    """Apply a function to each distinct text of a column."""
    answers: list[Any] = [function(value) for value in column.values]
    if as_number:
        return np.array([*answers, None], dtype=np.float64)[column.codes]
    found = encode(answers)
    return Encoded(np.append(found.codes, -1)[column.codes], found.values)


def spell_column(column: Column) -> Encoded:
    """Spell the values of a column, each distinct one once."""
    if isinstance(column, Encoded):
        return column
    numbers, codes = _distinct_numbers(column)
    return Encoded(codes, [spell(number) for number in numbers.tolist()])


def _distinct_numbers(numbers: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the distinct ones of numbers, sorted, NaN last, and the place of each number in them."""
    missing = np.isnan(numbers)
    if not missing.any() or np.isinf(numbers).any():
        return np.unique(numbers, return_inverse=True)
    found, places = np.unique(np.where(missing, np.inf, numbers), return_inverse=True)  # NaN is slow to sort
    found[-1] = np.nan
    return found, places


def combine_columns(columns: list[Encoded]) -> Encoded:
    """Put columns side by side as one of categories, spelled once for each combination that occurs."""
    groups = columns[0].codes + 1
    combinations: list[tuple[str, ...]] = [("",), *((text,) for text in columns[0].values)]
    for column in columns[1:]:
        texts = ["", *column.values]
        pairs, groups = _distinct(groups * len(texts) + column.codes + 1, len(combinations) * len(texts))
        combinations = [(*combinations[pair // len(texts)], texts[pair % len(texts)]) for pair in pairs.tolist()]
    found = encode(combine(texts) for texts in combinations)
    return Encoded(found.codes[groups], found.values)


def _distinct(numbers: NDArray[np.int64], limit: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct ones of numbers from 0 to below a limit, sorted, and the place of each number in them."""
    if limit > 8 * len(numbers) + 1024:
        return np.unique(numbers, return_inverse=True)
    occurs = np.zeros(limit, dtype=bool)
    occurs[numbers] = True
    found = np.flatnonzero(occurs)
    places = np.empty(limit, dtype=np.int64)
    places[found] = np.arange(len(found))
    return found, places[numbers]
