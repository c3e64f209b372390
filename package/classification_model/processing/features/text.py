"""Categories, flags and numbers from texts."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd

from classification_model.processing.features.base import AppendColumns
from classification_model.values import UnreadableValue, is_missing, read_category, read_number


class _AppendText(AppendColumns):
    """Base of transformers that read texts: computed once for each distinct value."""

    _numeric = False

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        names = self._new_names()
        return {
            name: self._map_unique(columns[variable]) for name, variable in zip(names, columns.columns, strict=True)
        }

    def _new_names(self) -> list[str]:
        if len(self.variables_) == 1:
            return [self.name]
        return [f"{variable}_{self.name}" for variable in self.variables_]

    def _map_unique(self, column: pd.Series) -> np.ndarray:
        texts = [None if is_missing(value) else str(value) for value in column.tolist()]
        codes, values = pd.factorize(np.asarray(texts, dtype=object), use_na_sentinel=True)
        answer = self._answerer()
        table = pd.Series([*(answer(value) for value in values), None], dtype=self._dtype())
        return table.to_numpy()[codes]

    def _dtype(self) -> Any:
        return object

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

    def _dtype(self) -> Any:
        return np.float64 if self.as_number else object

    def _answerer(self) -> Callable[[str], str | float | None]:
        pattern = re.compile(self.pattern)
        read = read_number if self.as_number else read_category

        def answer(text: str) -> str | float | None:
            match = pattern.search(text)
            found = match and (match[1] if match.re.groups else match[0])
            try:
                return read(found, frozenset()) if found else None
            except UnreadableValue:
                return None

        return answer


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

    def _dtype(self) -> Any:
        return np.float64

    def _answerer(self) -> Callable[[str], str | float | None]:
        pattern = re.compile(whole_words(self.words), re.IGNORECASE)
        return lambda text: float(pattern.search(text) is not None)


def whole_words(words: Sequence[str]) -> str:
    """Return a regular expression that finds one of the words where it is not part of a longer one."""
    return r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + r")(?!\w)"


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
        parts = [self._text(columns[variable]) for variable in columns.columns]
        combined = parts[0].astype(object)
        for part in parts[1:]:
            combined = combined + "|" + part
        combined[columns.isna().all(axis=1).to_numpy()] = None
        return {self.name: combined}

    @staticmethod
    def _text(column: pd.Series) -> np.ndarray:
        if column.dtype == object and pd.api.types.infer_dtype(column) != "string":  # 1 and True would be one value
            return np.asarray([read_category(value, frozenset()) or "" for value in column.tolist()], dtype=object)
        codes, values = pd.factorize(column, use_na_sentinel=True)
        texts = [read_category(value, frozenset()) or "" for value in values.tolist()]
        return np.asarray([*texts, ""], dtype=object)[codes]
