"""Transformers from texts to categories, flags and numbers."""

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
        Columns of text. The default is all columns.
    name
        Name of the new column; with several variables, the new columns are called ``<variable>_<name>``.
    pattern
        Regular expression as in `re`. The result is its first group, or the whole match without groups. Without a
        match, or with an empty one, it is missing.
    as_number
        Whether to read the match as a number; a match that is not a number gives a missing value.

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
            msg = f"pattern: expected a regular expression, found {self.pattern!r} ({error})"
            raise ValueError(msg) from error

    def _gives_numbers(self) -> bool:
        return self.as_number

    def _answerer(self) -> Callable[[str], str | float | None]:
        return pattern_finder(self.pattern, as_number=self.as_number)


class TextContains(_AppendText):
    """Whether a text contains one of the given words, as a whole word and in any case: 1.0, 0.0, or NaN if missing.

    Parameters
    ----------
    variables
        Columns of text. The default is all columns.
    name
        Name of the new column; with several variables, the new columns are called ``<variable>_<name>``.
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
            msg = f"words: expected a sequence of one non-empty word or more, found {self.words!r}"
            raise ValueError(msg)

    def _gives_numbers(self) -> bool:
        return True

    def _answerer(self) -> Callable[[str], str | float | None]:
        return word_finder(self.words)


class Combine(AppendColumns):
    """The values of several columns joined by ``|`` to one category; missing when all values are missing.

    Parameters
    ----------
    variables
        Columns of texts or numbers. The default is all columns.
    name
        Name of the new column.
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
