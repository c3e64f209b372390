"""Read a column of a batch with the same result as row by row: numbers at once, each distinct text once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from classification_model.batch.readings import Reading, Remarks
from classification_model.batch.texts import DistinctTexts, is_plain
from classification_model.runtime.input.checking import read_value
from classification_model.runtime.input.columns import Encoded, encode
from classification_model.runtime.input.number_format import PLAIN
from classification_model.runtime.input.values import LARGEST_EXACT_INTEGER, LARGEST_NUMBER, spellings_of
from classification_model.tables.arrays import as_arrow, codes_of, doubles_of, flags_of, numbers_of, text_array
from classification_model.tables.python_values import python_values, seconds_of

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import Finding, SchemaField, Value
    from classification_model.tables.source import Values

#: Texts whose reading is remembered, and the length of the longest one.
REMEMBERED, LONGEST_REMEMBERED = 2**15, 200
#: What both Python and Arrow read as the same finite number, to the last bit.
_PLAIN_NUMBER = r"^-?(?:\d{1,30}(?:\.\d{0,30})?|\.\d{1,30})(?:[eE][+-]?\d\d?)?$"
#: The same with a decimal comma.
_PLAIN_WITH_COMMA = r"^-?(?:\d{1,30}(?:,\d{0,30})?|,\d{1,30})$"
_WHOLE_WITH_FRACTION = r"^[+-]?\d+\.0+$"

_Answer = tuple["Value", "Finding | None", bool]


class ColumnReader:
    """Reads the columns of one field; safe for several threads at once.

    What it gives is what `SchemaField.reader` and `SchemaField.remark` give for each value.

    Parameters
    ----------
    field
        The field.

    Attributes
    ----------
    remarks
        What was said so far.
    """

    def __init__(self, field: SchemaField) -> None:
        self._field = field
        self._is_text = field.kind in {"categorical", "text"}
        self._answer: Callable[[Any], _Answer] = partial(read_value, field, field.reader())
        self._remembered: dict[str, _Answer] = {}
        self.remarks = Remarks()
        _, finding, is_error = self._answer(None)
        self._missing = self.remarks.code(finding, is_error=is_error)
        limit = LARGEST_NUMBER if field.kind == "numeric" else np.inf
        self._low = -limit if field.minimum is None else field.minimum
        self._high = limit if field.maximum is None else field.maximum
        marks = spellings_of(field.marks)
        self._marks = text_array(sorted(marks | {""})).cast(pa.string())
        self._has_marks_of_numbers = bool(PLAIN.numbers_among(field.marks))
        self._missing_numbers = np.array(sorted(field.missing_numbers), dtype=np.float64)
        self._categories = None if field.categories is None else text_array(field.categories).cast(pa.string())

    def read(self, values: Values) -> Reading:
        """Read the values of some rows.

        Raises
        ------
        UnreadableArray
            If an array does not hold what its type says, as a text that is no UTF-8.
        """
        if isinstance(values, list):
            return self._read_list(values)
        kind = values.type
        if pa.types.is_null(kind):
            return self._read_list([None] * len(values))
        quick = self._read_quickly(values)
        if quick is not None:
            return quick
        try:
            if pa.types.is_string_view(kind):
                values = values.cast(pa.large_string())
            encoded = values if pa.types.is_dictionary(kind) else values.dictionary_encode()
        except pa.ArrowException:  # of a list, a structure and the like
            return self._read_list(python_values(values))
        return self._read_distinct(encoded.dictionary, codes_of(encoded.indices))

    def _read_quickly(self, values: pa.Array) -> Reading | None:
        """Read an array of numbers where numbers are due, of truth values or moments where these are."""
        kind = values.type
        if self._field.kind == "numeric" and (pa.types.is_integer(kind) or pa.types.is_floating(kind)):
            return self._read_numbers(values)
        if self._field.kind == "boolean" and pa.types.is_boolean(kind) and not len(self._missing_numbers):
            return self._judge(doubles_of(values.cast(pa.int8())))
        if self._field.kind == "datetime" and (pa.types.is_timestamp(kind) or pa.types.is_date(kind)):
            seconds = seconds_of(values)
            return None if seconds is None else self._judge(seconds)
        return None

    def _read_numbers(self, values: pa.Array) -> Reading:
        if pa.types.is_integer(values.type) and values.type.bit_width == 64:
            whole = np.where(flags_of(values.is_valid()), numbers_of(values), 0)
            beyond = np.flatnonzero((whole > LARGEST_EXACT_INTEGER) | (whole < -LARGEST_EXACT_INTEGER))
        else:
            beyond = np.empty(0, dtype=np.int64)
        reading = self._judge(doubles_of(values))
        if not len(beyond):
            return reading
        _, finding, is_error = self._answer(int(whole[beyond[0]]))
        numbers = np.array(reading.column)
        remarks = np.zeros(len(values), dtype=np.int64) if reading.remarks is None else reading.remarks
        numbers[beyond], remarks[beyond] = np.nan, self.remarks.code(finding, is_error=is_error)
        return Reading(numbers, remarks)

    def _judge(self, numbers: NDArray[np.float64]) -> Reading:
        """Hold numbers against the range of training; what is to be said depends on the side they are on."""
        if len(self._missing_numbers):
            numbers = np.where(np.isin(numbers, self._missing_numbers), np.nan, numbers)
        odd = np.flatnonzero(~((numbers >= self._low) & (numbers <= self._high)))
        if not len(odd):
            return Reading(numbers, None)
        found = numbers[odd]
        is_numeric = self._field.kind == "numeric"
        sides = [np.isnan(found), np.isinf(found), np.abs(found) > LARGEST_NUMBER, found < self._low]
        which = np.select(sides, range(len(sides)), default=len(sides))
        remarks = np.zeros(len(numbers), dtype=np.int64)
        for side in np.unique(which).tolist():
            rows = odd[which == side]
            sample = float(numbers[rows[0]])
            finding, is_error = self._field.remark(sample), False
            if is_numeric or side == 0:
                _, finding, is_error = self._answer(None if side == 0 else sample)
            remarks[rows] = self.remarks.code(finding, is_error=is_error)
            if is_error:
                numbers = np.array(numbers)
                numbers[rows] = np.nan
        return Reading(numbers, remarks if remarks.any() else None)

    def _read_list(self, values: list[Any]) -> Reading:
        """Read Python's values one by one, texts from memory."""
        if self._field.kind == "numeric" and set(map(type, values)) <= {int, float, type(None)}:
            beyond = any(type(value) is int and abs(value) > LARGEST_EXACT_INTEGER for value in values)
            if not beyond:
                return self._judge(np.array(values, dtype=np.float64))
        answers = [self._recall(value) if isinstance(value, str) else self._answer(value) for value in values]
        parsed = [value for value, _, _ in answers]
        column = encode(parsed) if self._is_text else np.array(parsed, dtype=np.float64)  # type: ignore[arg-type]
        remarks = [self.remarks.code(finding, is_error=is_error) for _, finding, is_error in answers]
        return Reading(column, np.array(remarks, dtype=np.int64) if any(remarks) else None)

    def _recall(self, text: str) -> _Answer:
        answer = self._remembered.get(text)
        if answer is None:
            answer = self._answer(text)
            if len(text) <= LONGEST_REMEMBERED:
                if len(self._remembered) >= REMEMBERED:
                    self._remembered.clear()
                self._remembered[text] = answer
        return answer

    def _read_distinct(self, distinct: pa.Array, codes: NDArray[np.int64]) -> Reading:
        """Read each distinct value once, then spread what was read over the rows that hold it."""
        distinct, codes = _occurring(distinct, codes)
        if pa.types.is_string(distinct.type) or pa.types.is_large_string(distinct.type):
            reading = self._read_texts(distinct.cast(pa.string()))
        else:
            reading = self._read_list(python_values(distinct))
        column = reading.column
        if isinstance(column, Encoded):
            spread: Encoded | NDArray[np.float64] = Encoded(np.append(column.codes, -1)[codes], column.values)
        else:
            spread = np.append(column, np.nan)[codes]
        if reading.remarks is None and (not self._missing or not (codes < 0).any()):
            return Reading(spread, None)
        said = np.zeros(len(distinct), dtype=np.int64) if reading.remarks is None else reading.remarks
        return Reading(spread, np.append(said, self._missing)[codes])

    def _read_texts(self, texts: pa.StringArray) -> Reading:
        """Read distinct texts: the plain ones at once, the others one by one."""
        if self._field.kind == "numeric" and self._field.written.spelling == "plain":
            is_mark = pc.is_in(pc.ascii_lower(texts), value_set=self._marks)
            pattern = _PLAIN_NUMBER if self._field.written.decimal == "." else _PLAIN_WITH_COMMA
            quick = flags_of(pc.and_not(pc.match_substring_regex(texts, pattern), is_mark))
        elif self._is_text:
            quick = self._reads_as_itself(texts)
        else:
            quick = np.zeros(len(texts), dtype=bool)
        read = self._read_plain_texts if self._is_text else self._read_plain_numbers
        if quick.all():
            return read(texts)
        rest = self._read_list(python_values(texts.filter(as_arrow(~quick))))
        return _join(read(texts.filter(as_arrow(quick))), rest, quick) if quick.any() else rest

    def _read_plain_numbers(self, texts: pa.StringArray) -> Reading:
        if self._field.written.decimal == ",":
            texts = pc.replace_substring(texts, ",", ".")
        return self._judge(doubles_of(texts.cast(pa.float64())))

    def _reads_as_itself(self, texts: pa.StringArray) -> NDArray[np.bool_]:
        """Tell which texts are plain, and nothing but blanks around them is to be left out."""
        quick = is_plain(texts)
        quick &= numbers_of(pc.binary_length(texts)) <= self._field.longest_text
        if self._field.kind == "categorical" or self._has_marks_of_numbers:
            trimmed = pc.ascii_trim_whitespace(texts)
            ends = np.flatnonzero(flags_of(pc.ends_with(trimmed, "0")))
            if len(ends):
                quick[ends] &= ~flags_of(pc.match_substring_regex(trimmed.take(as_arrow(ends)), _WHOLE_WITH_FRACTION))
        return quick

    def _read_plain_texts(self, texts: pa.StringArray) -> Reading:
        trimmed = pc.ascii_trim_whitespace(texts)
        is_missing = flags_of(pc.is_in(pc.ascii_lower(trimmed), value_set=self._marks))
        remarks = np.where(is_missing, self._missing, 0)
        if self._categories is not None:
            unseen = np.flatnonzero(~(flags_of(pc.is_in(trimmed, value_set=self._categories)) | is_missing))
            if len(unseen):
                finding = self._field.remark(trimmed[int(unseen[0])].as_py())
                remarks[unseen] = self.remarks.code(finding, is_error=False)
        codes = np.where(is_missing, -1, np.arange(len(texts)))
        return Reading(Encoded(codes, DistinctTexts(trimmed)), remarks if remarks.any() else None)


def _join(quick: Reading, rest: Reading, is_quick: NDArray[np.bool_]) -> Reading:
    """Put what was read in two ways back into one order."""

    def merge(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
        merged = np.empty(len(is_quick), dtype=one.dtype)
        merged[is_quick], merged[~is_quick] = one, other
        return merged

    def said(reading: Reading) -> NDArray[np.int64]:
        return np.zeros(len(reading.column), dtype=np.int64) if reading.remarks is None else reading.remarks

    remarks = None if quick.remarks is rest.remarks is None else merge(said(quick), said(rest))
    one, other = quick.column, rest.column
    if not (isinstance(one, Encoded) and isinstance(other, Encoded)):
        return Reading(merge(np.asarray(one), np.asarray(other)), remarks)
    texts = pa.concat_arrays([_arrow_texts(one.values), _arrow_texts(other.values)])
    codes = merge(one.codes, np.where(other.codes < 0, -1, other.codes + len(one.values)))
    return Reading(Encoded(codes, DistinctTexts(texts)), remarks)


def _arrow_texts(texts: Sequence[str]) -> pa.StringArray:
    return texts.texts if isinstance(texts, DistinctTexts) else text_array(texts).cast(pa.string())


def _occurring(distinct: pa.Array, codes: NDArray[np.int64]) -> tuple[pa.Array, NDArray[np.int64]]:
    """Leave out the values of a dictionary that are null, and of a large one those that no row holds."""
    if not distinct.null_count and len(distinct) <= len(codes):
        return distinct, codes
    occurs = np.zeros(len(distinct) + 1, dtype=bool)
    occurs[codes] = True
    occurs[-1] = False
    occurs[:-1] &= flags_of(distinct.is_valid())
    places = np.flatnonzero(occurs)
    renumbered = np.full(len(occurs), -1, dtype=np.int64)
    renumbered[places] = np.arange(len(places))
    return distinct.take(as_arrow(places)), renumbered[codes]
