"""Categories, flags and numbers from texts."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from classification_model.processing.features.base import AppendColumns, AppendEach
from classification_model.runtime.inference.derivations.plan import combine_columns, map_texts, spell_column
from classification_model.runtime.inference.derivations.texts import pattern_finder, word_finder
from classification_model.runtime.input.columns import Encoded, encode
from classification_model.runtime.input.values import is_missing, read_category, text_of, without_fraction


class _AppendText(AppendEach):
    """Base of transformers that read texts: computed once for each distinct value."""

    _numeric = False

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        names = self._new_names()
        return {
            name: self._map_unique(columns[variable]) for name, variable in zip(names, columns.columns, strict=True)
        }

    def _map_unique(self, column: pd.Series) -> np.ndarray:
        texts = encode(None if is_missing(value) else str(value) for value in column.tolist())
        derived = map_texts(self._answerer(), texts, as_number=self._gives_numbers())
        return np.array(derived.tolist(), dtype=np.float64 if self._gives_numbers() else object)

    def _gives_numbers(self) -> bool:
        return False

    @abstractmethod
    def _answerer(self) -> Callable[[str], str | float | None]:
        """Return the function that gives the new value of one text."""


class TextPattern(_AppendText):
    r"""The first match of a regular expression in a text, as a category or a number.

    Parameters
    ----------
    variables
        Columns of text; all columns when None. With several, ``_<name>`` is appended to each one's name.
    name
        Name of the new column.
    pattern
        Regular expression as in `re`. The first group is the result, or the whole match without groups.
        No match, an empty or an unreadable one is a missing value.
    as_number
        Read the match as a number; a match that is none is missing.

    Examples
    --------
    >>> import pandas as pd
    >>> names = pd.DataFrame({"name": ["Allen, Miss. Elisabeth", "Sage"]})
    >>> TextPattern(["name"], "title", pattern=r",\s*(\w+)\.").fit_transform(names)["title"].tolist()
    ['Miss', None]
    """

    def __init__(
        self,
        variables: Sequence[str] | None = None,
        name: str = "match",
        pattern: str = r"\w+",
        as_number: bool = False,
    ) -> None:
        super().__init__(variables, name)
        self.pattern = pattern
        self.as_number = as_number

    def _check_parameters(self, count: int) -> None:  # noqa: ARG002
        try:
            re.compile(self.pattern)
        except re.error as error:
            msg = f"pattern {self.pattern!r} is not a regular expression: {error}"
            raise ValueError(msg) from error

    def _gives_numbers(self) -> bool:
        return self.as_number

    def _answerer(self) -> Callable[[str], str | float | None]:
        return pattern_finder(self.pattern, as_number=self.as_number)


class TextContains(_AppendText):
    """Whether a text contains one of some words: whole words, upper and lower case alike.

    Parameters
    ----------
    variables
        Columns of text; all columns when None. With several, ``_<name>`` is appended to each one's name.
    name
        Name of the new column: 1.0, 0.0, or NaN where the text is missing.
    words
        Words or phrases to look for.
    """

    def __init__(
        self, variables: Sequence[str] | None = None, name: str = "contains", words: Sequence[str] = ("yes",)
    ) -> None:
        super().__init__(variables, name)
        self.words = words

    def _check_parameters(self, count: int) -> None:  # noqa: ARG002
        if isinstance(self.words, str) or not self.words or not all(self.words):
            msg = f"words must be a sequence of one word or more, none of them empty, found {self.words!r}"
            raise ValueError(msg)

    def _gives_numbers(self) -> bool:
        return True

    def _answerer(self) -> Callable[[str], str | float | None]:
        return word_finder(self.words)


class Combine(AppendColumns):
    """The values of several columns side by side, as one category.

    Parameters
    ----------
    variables
        Columns of texts or numbers; all columns when None.
    name
        Name of the new column: the values with ``|`` between, a missing one empty; missing when all are.
    """

    _numeric = False

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        combined = combine_columns([self._encode(columns[name]) for name in columns.columns])
        return {self.name: np.array(combined.tolist(), dtype=object)}

    @staticmethod
    def _encode(column: pd.Series) -> Encoded:
        if column.dtype == np.float64:
            return spell_column(column.to_numpy())
        return encode(_spell(value) for value in column.tolist())


def _spell(value: Any) -> str | None:
    """Spell a value as a category; a text that was combined before may be longer than one that is read."""
    if not isinstance(value, str):
        return read_category(value, frozenset())
    text = text_of(value, frozenset())
    return None if text is None else without_fraction(text)
