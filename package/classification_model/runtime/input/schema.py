"""The input schema of a model: the columns that a row must have."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from classification_model.runtime.input.moments import moments_among, read_moment, spell_moment
from classification_model.runtime.input.number_format import PLAIN, NumberFormat, TextMarks
from classification_model.runtime.input.values import (
    LONGEST_PARSED_TEXT,
    LONGEST_TEXT,
    read_boolean,
    read_category,
    read_number,
    read_text,
)

Kind = Literal["numeric", "categorical", "boolean", "text", "datetime"]
Value = float | str | None
#: Code and text of a remark on a value.
Finding = tuple[str, str]
#: A limit on the characters of a text; no number that is written in full needs 100.
LongestText = Annotated[int, Field(ge=100, le=LONGEST_TEXT)]

DEFAULT_MISSING_VALUES = ("?", "na", "n/a", "nan", "null", "none", "<na>", "#n/a", "-", "\\n")

_READERS: dict[str, Callable[..., Value]] = {"categorical": read_category, "text": read_text}


def _longest_text(field: dict[str, Any]) -> int:
    """Return the limit of a field in a manifest that is older than limits: patterns may be sought in its texts."""
    return LONGEST_TEXT if field["kind"] == "categorical" else LONGEST_PARSED_TEXT


#: The warning for a category that did not occur in training.
UNSEEN_CATEGORY: Finding = ("unseen_category", "a category that training did not see")


class SchemaField(BaseModel):
    """A raw column that the model takes.

    Attributes
    ----------
    name
        Key of the value in a row.
    aliases
        Other keys of the value, such as the name before a rename.
    kind
        ``numeric``, ``categorical``, ``boolean``, ``text`` or ``datetime``.
    nullable
        Whether training saw missing values. If not, a missing key is an error, and a null is imputed with a warning.
    missing_values
        Texts, in lower case, that mean "missing". With `marks_by_value`, one that spells a number or a date stands for
        its value, however that is given.
    minimum, maximum
        Range in training, for numbers and dates (seconds since 1970). A value outside it gets a warning.
    categories
        Categories in training; another one gets a warning. None without categories.
    datetime_format
        Format of dates as in `datetime.datetime.strptime`, ``unix_s`` or ``unix_ms``; None for ISO 8601.
    written
        How numbers are written that are given as text.
    marks_by_value
        Whether a mark stands for its value. Models of the first release compare texts alone, and go on to do so.
    longest_text
        Maximum number of characters of a category, a text, or a number given as text, 100 to 10,000. The default is
        10,000 for categories, else 1,000.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    aliases: tuple[str, ...] = ()
    kind: Kind
    nullable: bool
    missing_values: tuple[str, ...] = DEFAULT_MISSING_VALUES
    minimum: float | None = None
    maximum: float | None = None
    categories: tuple[str, ...] | None = None
    datetime_format: str | None = None
    written: NumberFormat = PLAIN
    marks_by_value: bool = False
    longest_text: LongestText = Field(default_factory=_longest_text)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.categories or ())

    @cached_property
    def marks(self) -> frozenset[str]:
        """The texts that mean "missing", as the functions that read values take them."""
        return frozenset(self.missing_values) if self.marks_by_value else TextMarks(self.missing_values)

    @cached_property
    def missing_numbers(self) -> frozenset[float]:
        """Numbers that mean "missing": of a date its seconds since 1970, of a truth value 1.0 or 0.0."""
        marks = self.marks
        if self.kind == "datetime":
            return moments_among(marks, self.datetime_format)
        return self.written.numbers_among(marks) if self.kind in {"numeric", "boolean"} else frozenset()

    def spell(self, number: float) -> str:
        """Write a bound of the training range: a date as a date, a number as a number."""
        return spell_moment(number) if self.kind == "datetime" else f"{number:g}"

    def reader(self) -> Callable[[Any], Value]:
        """Return the function that reads a value of this column: value in, float, text or None out."""
        marks = self.marks
        if self.kind == "datetime":
            return partial(read_moment, marks=marks, pattern=self.datetime_format)
        if self.kind == "boolean":
            return partial(read_boolean, marks=marks)
        if self.kind == "numeric":
            return partial(read_number, marks=marks, longest=self.longest_text, written=self.written)
        return partial(_READERS[self.kind], marks=marks, longest=self.longest_text)

    def remark(self, value: Value) -> Finding | None:
        """Return the code and text of a warning when a readable value is unlike those of training."""
        if value is None:
            return None if self.nullable else ("unexpected_missing", "missing, unlike in training: imputed")
        if isinstance(value, float):
            if self.minimum is not None and value < self.minimum:
                return "out_of_range", f"below the training range, which begins at {self.spell(self.minimum)}"
            if self.maximum is not None and value > self.maximum:
                return "out_of_range", f"above the training range, which ends at {self.spell(self.maximum)}"
        elif self.categories is not None and value not in self._known:
            return UNSEEN_CATEGORY
        return None


class InputSchema(BaseModel):
    """The raw columns that a model takes, and those that it accepts and ignores.

    Attributes
    ----------
    fields
        The columns that the model takes, in order.
    ignored
        Names of columns that a row may have, and that are not used.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    fields: tuple[SchemaField, ...]
    ignored: tuple[str, ...] = ()

    @cached_property
    def names(self) -> dict[str, str | None]:
        """Field of each key; None for a key that is ignored."""
        names = {key: field.name for field in self.fields for key in (field.name, *field.aliases)}
        return dict.fromkeys(self.ignored) | names

    @cached_property
    def texts(self) -> frozenset[str]:
        """Names of the fields that hold categories or texts; the others hold numbers."""
        return frozenset(field.name for field in self.fields if field.kind in {"categorical", "text"})

    def for_own_rows(self) -> InputSchema:
        """Return the schema that rows of the manifest itself are read by: they may be older than limits on texts."""
        fields = tuple(field.model_copy(update={"longest_text": LONGEST_TEXT}) for field in self.fields)
        return self.model_copy(update={"fields": fields})
