"""Config of a feature: a column of the table, or one derived from other features."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, get_args

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag, field_validator

from classification_model.runtime.input.moments import EPOCHS
from classification_model.runtime.input.number_format import Decimal, Spelling, Thousands
from classification_model.runtime.input.schema import Kind

Encoding = Literal["one_hot", "ordinal", "target", "none"]
DatePart = Literal["year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days"]

_EXAMPLE = datetime(2000, 12, 31, tzinfo=UTC)


class Section(BaseModel):
    """Base of every section of a config: immutable, without unknown keys or infinite numbers."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def as_list(value: Any) -> Any:
    """Take one name where a list of names is expected, and nothing for an empty list."""
    return [value] * bool(value) if isinstance(value, str) else value


Name = Annotated[str, Field(min_length=1)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_list)]
SomeNames = Annotated[Names, Field(min_length=1)]
#: Marks of missing values, of which "" is one.
Marks = Annotated[tuple[str, ...], BeforeValidator(as_list)]
Parts = Annotated[tuple[DatePart, ...], BeforeValidator(as_list), Field(min_length=1)]


def _reads_what_it_writes(pattern: str) -> bool:
    if pattern in EPOCHS:
        return True
    try:
        datetime.strptime(_EXAMPLE.strftime(pattern), pattern)  # noqa: DTZ007 - only the format counts
    except (ValueError, re.error):
        return False
    return "%" in pattern


class ColumnFeature(Section):
    """A feature that is a column of the table.

    Attributes
    ----------
    kind
        ``numeric``, ``categorical``, ``boolean``, ``text`` or ``datetime``. Text enters the model only through
        features derived from it.
    encode
        How categories become numbers: ``one_hot`` (rare categories are merged first), ``ordinal``, ``target`` (the
        cross-fitted rate of each class in the category, for columns of many categories), or ``none``: the column
        is used by derived features only.
    impute
        What replaces a missing number: ``median``, ``mean`` or a number.
    missing_values
        Words and numbers that mean "missing" in this column, in addition to `data.missing_values`. One that spells a
        number or a date stands for its value, however a row spells it.
    not_missing
        Words of `data.missing_values` that are values of this column, such as ``none``.
    decimal, thousands
        How numbers are written in this column, where unlike `data.decimal` and `data.thousands`.
    unit
        A unit before or after each number, such as ``km``, in any case.
    censored
        Whether limits such as ``90+`` and ``<0.5`` are read as the number in them.
    number_format
        ``plain``, ``clock`` (times of day, such as ``14:35``, in seconds since midnight) or ``duration`` (such as
        ``2h 5m``, in seconds).
    datetime_format
        Format of dates as in `datetime.datetime.strptime`, ``unix_s`` or ``unix_ms`` (seconds or milliseconds since
        1970). The default is ISO 8601.
    parts
        Numbers that a date becomes: ``year``, ``quarter``, ``month``, ``day``, ``weekday``, ``day_of_year``,
        ``hour``, ``days`` since 1970-01-01.
    """

    kind: Kind
    encode: Encoding = "one_hot"
    impute: Literal["median", "mean"] | float = "median"
    missing_values: Marks = ()
    not_missing: Marks = ()
    decimal: Decimal | None = None
    thousands: Thousands | None = None
    unit: str | None = Field(None, min_length=1, max_length=20)
    censored: bool = False
    number_format: Spelling = "plain"
    datetime_format: str | None = None
    parts: Parts = ("days", "month", "weekday")

    @field_validator("datetime_format")
    @classmethod
    def _reads_a_date(cls, value: str | None) -> str | None:
        if value is not None and not _reads_what_it_writes(value):
            msg = "a format as in datetime.strptime, such as %d.%m.%Y, or unix_s or unix_ms"
            raise ValueError(msg)
        return value

    @property
    def sources(self) -> tuple[str, ...]:
        """Features that this one is derived from: none, as it is a column of the table."""
        return ()


class _Derived(Section):
    """Base of features computed row by row from features above them in the config."""

    sources: SomeNames = Field(alias="from")


class PatternFeature(_Derived):
    """The first match of a regular expression in a text: its first group, or the whole match without groups.

    A text without a match gives a missing value. With ``kind: numeric`` the match is read as a number.
    """

    derive: Literal["pattern"]
    kind: Literal["categorical", "numeric"] = "categorical"
    encode: Encoding = "one_hot"
    pattern: str = Field(min_length=1)

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except (re.error, OverflowError, RecursionError) as error:  # the latter of counts and groups beyond measure
            msg = f"a regular expression ({error})"
            raise ValueError(msg) from error
        return value


class ContainsFeature(_Derived):
    """Whether a text contains one of the given words, as a whole word and in any case."""

    derive: Literal["contains"]
    kind: Literal["boolean"] = "boolean"
    words: SomeNames


class CombineFeature(_Derived):
    """The values of several features joined to one category; missing when all values are missing."""

    derive: Literal["combine"]
    kind: Literal["categorical"] = "categorical"
    encode: Encoding = "one_hot"


class SumFeature(_Derived):
    """The sum of numeric features and a constant; missing when a value is missing."""

    derive: Literal["sum"]
    kind: Literal["numeric"] = "numeric"
    plus: float = 0.0


class RatioFeature(_Derived):
    """The first of two numeric features divided by the second; missing when a value is, or the divisor is zero."""

    derive: Literal["ratio"]
    kind: Literal["numeric"] = "numeric"


class LogFeature(_Derived):
    """The natural logarithm of one plus a numeric feature; missing when the value is missing, or -1 or less."""

    derive: Literal["log"]
    kind: Literal["numeric"] = "numeric"


class DatePartsFeature(_Derived):
    """Parts of a date as numbers: a column ``<feature>_<part>`` for each part."""

    derive: Literal["date_parts"]
    kind: Literal["numeric"] = "numeric"
    parts: Parts


DerivedFeature = (
    PatternFeature | ContainsFeature | CombineFeature | SumFeature | RatioFeature | LogFeature | DatePartsFeature
)


#: Stands for a column where derivations have their name; no derivation is called so.
COLUMN = "<column>"


def _tag(value: Any) -> Any:
    return value.get("derive", COLUMN) if isinstance(value, dict) else getattr(value, "derive", COLUMN)


def _short_form(value: Any) -> Any:
    return {"kind": value} if isinstance(value, str) else value


Feature = Annotated[
    Annotated[ColumnFeature, Tag(COLUMN)]
    | Annotated[PatternFeature, Tag("pattern")]
    | Annotated[ContainsFeature, Tag("contains")]
    | Annotated[CombineFeature, Tag("combine")]
    | Annotated[SumFeature, Tag("sum")]
    | Annotated[RatioFeature, Tag("ratio")]
    | Annotated[LogFeature, Tag("log")]
    | Annotated[DatePartsFeature, Tag("date_parts")],
    Discriminator(_tag),
    BeforeValidator(_short_form),
]


def enters_model(feature: Feature) -> bool:
    """Tell whether a feature reaches the estimator itself; a date does so by its parts."""
    return feature.kind != "text" and getattr(feature, "encode", "") != "none"


def used_features(features: Mapping[str, Feature]) -> dict[str, Feature]:
    """Return the features that enter the model, or that one of those is derived from, in the given order."""
    used: set[str] = set()
    for name, feature in reversed(list(features.items())):
        if name in used or enters_model(feature):
            used |= {name, *feature.sources}
    return {name: feature for name, feature in features.items() if name in used}


FEATURE_MODELS: dict[str, type[Section]] = {
    COLUMN: ColumnFeature,
    **{get_args(model.model_fields["derive"].annotation)[0]: model for model in get_args(DerivedFeature)},
}

#: Which kind of column an option is for. `encode: none` is for all, as it says that the column only feeds others.
OPTION_KINDS = {
    **dict.fromkeys(("impute", "decimal", "thousands", "unit", "censored", "number_format"), "numeric"),
    "encode": "categorical",
    "datetime_format": "datetime",
    "parts": "datetime",
}

#: How many sources a derivation takes (at least, at most) and of which kinds they must be.
SOURCE_RULES: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "pattern": (1, 1, ("text", "categorical")),
    "contains": (1, 1, ("text", "categorical")),
    "combine": (2, 9, ("categorical", "boolean", "numeric")),
    "sum": (1, 99, ("numeric", "boolean")),
    "ratio": (2, 2, ("numeric", "boolean", "datetime")),
    "log": (1, 1, ("numeric",)),
    "date_parts": (1, 1, ("datetime",)),
}
