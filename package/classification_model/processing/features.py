"""Transformers of our own: each appends columns that are computed row by row from columns before it.

They follow scikit-learn's contract: ``__init__`` only stores, ``fit`` validates, what is learned ends in an
underscore, the input is never changed. A transformer whose `variables` are left out works on all columns, so that it
also serves outside of this package's pipelines.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_array, check_is_fitted, validate_data

from classification_model.values import UnreadableValue, read_category, read_number

SECONDS_A_DAY = 86_400.0


class _AppendColumns(TransformerMixin, BaseEstimator, ABC):
    """Base: checks the input, and appends what `_derive` computes.

    Parameters
    ----------
    variables
        Columns to compute from, in order; all columns when None.
    name
        Name of the appended column, or its beginning where several are appended.
    """

    #: Whether the values must be numbers.
    _numeric = True

    def __init__(self, variables: Sequence[str] | None = None, name: str = "derived") -> None:
        self.variables = variables
        self.name = name

    def fit(self, X: Any, y: Any = None) -> Self:  # noqa: ARG002 - scikit-learn's signature
        """Learn the columns; nothing else is learned.

        Parameters
        ----------
        X
            Table of shape (n_samples, n_features).
        y
            Ignored.

        Raises
        ------
        ValueError
            If a variable is no column of `X`, or a parameter is out of its range.
        """
        frame = self._frame(X, reset=True)
        variables = list(frame.columns) if self.variables is None else list(self.variables)
        unknown = [name for name in variables if name not in frame.columns]
        if unknown:
            msg = f"variables {unknown} are not among the columns {list(frame.columns)}"
            raise ValueError(msg)
        self._check_parameters(len(variables))
        self.variables_ = variables
        return self

    def transform(self, X: Any) -> pd.DataFrame:
        """Return `X` with the new columns appended, shape (n_samples, n_features + new)."""
        check_is_fitted(self)
        frame = self._frame(X, reset=False)
        derived = self._derive(frame[self.variables_])
        new = {name: pd.Series(values, index=frame.index, dtype=values.dtype) for name, values in derived.items()}
        return pd.concat([frame, pd.DataFrame(new)], axis=1)

    def get_feature_names_out(self, input_features: Any = None) -> np.ndarray:  # noqa: ARG002
        """Return the names of the input's columns and of the new ones."""
        check_is_fitted(self)
        names = getattr(self, "feature_names_in_", None)
        names = [f"x{position}" for position in range(self.n_features_in_)] if names is None else list(names)
        return np.asarray([*names, *self._new_names()], dtype=object)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = not self._numeric
        tags.input_tags.categorical = not self._numeric
        tags.transformer_tags.preserves_dtype = []
        return tags

    def _frame(self, X: Any, *, reset: bool) -> pd.DataFrame:
        if isinstance(X, pd.DataFrame):
            if X.shape[1] == 0 or len(X) == 0:
                check_array(X)  # raises scikit-learn's own message
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X.copy()
        dtype = "numeric" if self._numeric else None
        array = validate_data(
            self, X, reset=reset, dtype=dtype, ensure_all_finite="allow-nan" if self._numeric else False
        )
        return pd.DataFrame(array, columns=[f"x{position}" for position in range(array.shape[1])])

    def _check_parameters(self, count: int) -> None:
        """Raise ValueError for a parameter that makes no sense with `count` variables."""

    def _new_names(self) -> list[str]:
        return [self.name]

    @abstractmethod
    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        """Compute the new columns, by name, from the columns of `variables_`."""


class _AppendText(_AppendColumns):
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
        codes, values = pd.factorize(column, use_na_sentinel=True)
        answers = [self._answer(str(value)) for value in values]
        table = pd.Series([*answers, None], dtype=self._dtype())
        return table.to_numpy()[codes]

    def _dtype(self) -> Any:
        return object

    @abstractmethod
    def _answer(self, text: str) -> str | float | None:
        """Give the new value of one text."""


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
        No match, or an empty one, is a missing value.
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

    def _answer(self, text: str) -> str | float | None:
        match = re.search(self.pattern, text)
        found = match and (match[1] if match.re.groups else match[0])
        if not found:
            return None
        if not self.as_number:
            return read_category(found, frozenset())
        try:
            return read_number(found, frozenset())
        except UnreadableValue:
            return None


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
        if isinstance(self.words, str) or not self.words:
            msg = f"words must be a sequence of one word or more, found {self.words!r}"
            raise ValueError(msg)

    def _dtype(self) -> Any:
        return np.float64

    def _map_unique(self, column: pd.Series) -> np.ndarray:
        self._pattern = re.compile(whole_words(self.words), re.IGNORECASE)
        try:
            return super()._map_unique(column)
        finally:
            del self._pattern

    def _answer(self, text: str) -> float:
        return float(self._pattern.search(text) is not None)


def whole_words(words: Sequence[str]) -> str:
    """Return a regular expression that finds one of the words where it is not part of a longer one."""
    return r"(?<!\w)(?:" + "|".join(re.escape(word) for word in words) + r")(?!\w)"


class Combine(_AppendColumns):
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
        codes, values = pd.factorize(column, use_na_sentinel=True)
        texts = [read_category(value, frozenset()) or "" for value in values.tolist()]
        return np.asarray([*texts, ""], dtype=object)[codes]


class Sum(_AppendColumns):
    """The sum of numeric columns and a constant; NaN when one of them is.

    Parameters
    ----------
    variables
        Numeric columns; all columns when None.
    name
        Name of the new column.
    plus
        What is added to the sum.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "sum", plus: float = 0.0) -> None:
        super().__init__(variables, name)
        self.plus = plus

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        return {self.name: columns.to_numpy(dtype=np.float64).sum(axis=1) + self.plus}


class Ratio(_AppendColumns):
    """The first of two numeric columns divided by the second; NaN when either is, or the divisor is zero.

    Parameters
    ----------
    variables
        Dividend and divisor; the first and the last column when None.
    name
        Name of the new column.
    """

    def _check_parameters(self, count: int) -> None:
        if self.variables is not None and count != 2:
            msg = f"a ratio needs two variables, found {count}"
            raise ValueError(msg)

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        dividend, divisor = values[:, 0], values[:, -1]
        safe = np.where(divisor == 0, np.nan, divisor)
        with np.errstate(over="ignore"):
            ratio = dividend / safe
        return {self.name: np.where(np.isfinite(ratio), ratio, np.nan)}


class LogOnePlus(_AppendColumns):
    """The natural logarithm of one plus a number; NaN for a missing one and for -1 or less.

    Parameters
    ----------
    variables
        Numeric columns; all columns when None. With several, ``_<name>`` is appended to each one's name.
    name
        Name of the new column.
    """

    def __init__(self, variables: Sequence[str] | None = None, name: str = "log") -> None:
        super().__init__(variables, name)

    def _new_names(self) -> list[str]:
        if len(self.variables_) == 1:
            return [self.name]
        return [f"{variable}_{self.name}" for variable in self.variables_]

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = columns.to_numpy(dtype=np.float64)
        logs = np.log1p(np.where(values > -1, values, np.nan))
        return dict(zip(self._new_names(), logs.T, strict=True))


class DateParts(_AppendColumns):
    """Parts of a moment as numbers.

    Parameters
    ----------
    variables
        Columns of seconds since 1970-01-01 UTC, or of datetime64; all columns when None.
    name
        Beginning of the new names, which end in ``_<part>``; before it stands the column's own name when
        there are several.
    parts
        ``year``; ``quarter`` 1 to 4; ``month`` 1 to 12; ``day`` 1 to 31; ``weekday`` 0 (Monday) to 6;
        ``day_of_year`` 1 to 366; ``hour`` 0 to 23; ``days``: days since 1970-01-01 with their fraction.
    """

    _PARTS = ("year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days")
    #: Seconds of years 1 and 9999, the range of Python's own dates; beyond it is missing.
    _RANGE = (-62_135_596_800.0, 253_402_300_799.0)

    def __init__(
        self, variables: Sequence[str] | None = None, name: str = "date", parts: Sequence[str] = ("year", "month")
    ) -> None:
        super().__init__(variables, name)
        self.parts = parts

    def _check_parameters(self, count: int) -> None:  # noqa: ARG002
        unknown = [part for part in self.parts if part not in self._PARTS]
        if unknown or not self.parts:
            msg = f"parts must be among {', '.join(self._PARTS)}, found {list(self.parts)}"
            raise ValueError(msg)

    def _new_names(self) -> list[str]:
        if len(self.variables_) == 1:
            return [f"{self.name}_{part}" for part in self.parts]
        return [f"{variable}_{self.name}_{part}" for variable in self.variables_ for part in self.parts]

    def _derive(self, columns: pd.DataFrame) -> dict[str, np.ndarray]:
        values = [part for name in columns.columns for part in self._parts_of(columns[name])]
        return dict(zip(self._new_names(), values, strict=True))

    def _parts_of(self, column: pd.Series) -> list[np.ndarray]:
        if pd.api.types.is_datetime64_any_dtype(column.dtype):
            column = (column - pd.Timestamp(0, tz=column.dt.tz)).dt.total_seconds()
        seconds = column.to_numpy(dtype=np.float64)
        seconds = np.where((seconds >= self._RANGE[0]) & (seconds <= self._RANGE[1]), seconds, np.nan)
        missing = np.isnan(seconds)
        whole = np.where(missing, 0, np.floor(seconds)).astype("int64").astype("datetime64[s]")
        moments = pd.DatetimeIndex(whole)
        answers = {
            "year": moments.year,
            "quarter": moments.quarter,
            "month": moments.month,
            "day": moments.day,
            "weekday": moments.weekday,
            "day_of_year": moments.dayofyear,
            "hour": moments.hour,
            "days": seconds / SECONDS_A_DAY,
        }
        return [np.where(missing, np.nan, np.asarray(answers[part], dtype=np.float64)) for part in self.parts]
