"""Derive features from many distinct texts at once: with Arrow if its result is Python's, otherwise with Python."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from classification_model.batch.expressions import FOUND, translate, translate_words
from classification_model.batch.texts import DistinctTexts, is_plain
from classification_model.runtime.inference.derivations.texts import pattern_finder, word_finder
from classification_model.runtime.input.columns import Column, Encoded, encode
from classification_model.tables.arrays import as_arrow, codes_of, flags_of, text_array

if TYPE_CHECKING:
    from classification_model.runtime.inference.derivations import Derivation

_EVERYTHING = r"(?s).*"
#: For each text a number, or the code of its new text, -1 for none; and the new texts.
_Derived = tuple[NDArray[Any], Sequence[str]]


class TextDerivation:
    """Computes a ``pattern`` or a ``contains`` of distinct texts.

    Parameters
    ----------
    derivation
        What is derived.
    expression
        The expression for Arrow; see `expressions`.
    """

    def __init__(self, derivation: Derivation, expression: str) -> None:
        self._is_flag = derivation.derive == "contains"
        self._as_number = self._is_flag or derivation.as_number
        self._expression = expression
        find = pattern_finder(derivation.pattern, as_number=derivation.as_number)
        self._of_text: Callable[[str], str | float | None] = word_finder(derivation.words) if self._is_flag else find
        self._of_match = pattern_finder(_EVERYTHING, as_number=derivation.as_number)

    @classmethod
    def of(cls, derivation: Derivation) -> TextDerivation | None:
        """Return what computes a derivation; None where it is no such one, or one that Arrow cannot compute."""
        if derivation.derive == "contains":
            expression = translate_words(derivation.words)
        else:
            expression = translate(derivation.pattern) if derivation.derive == "pattern" else None
        if expression is None:
            return None
        try:
            pc.extract_regex(text_array([""]), expression if FOUND in expression else f"(?P<{FOUND}>{expression})")
        except pa.ArrowInvalid:  # such as one that is too large
            return None
        return cls(derivation, expression)

    def compute(self, column: Encoded) -> Column:
        """Return the new column of a column of texts."""
        numbers, values = self._of_distinct(column.values)
        if self._as_number:
            return np.append(numbers, np.nan)[column.codes]
        return Encoded(np.append(numbers, -1)[column.codes], values)

    def _of_distinct(self, texts: Sequence[str]) -> _Derived:
        if not isinstance(texts, DistinctTexts):
            return self._apply(self._of_text, texts)
        plain = is_plain(texts.texts)
        if plain.all():
            return self._apply_arrow(texts.texts)
        numbers, values = self._apply_arrow(texts.texts.filter(as_arrow(plain)))
        rest, more = self._apply(self._of_text, texts.texts.filter(as_arrow(~plain)).to_pylist())
        merged = np.empty(len(plain), dtype=numbers.dtype)
        merged[plain] = numbers
        merged[~plain] = rest if self._as_number else np.where(rest < 0, -1, rest + len(values))
        return merged, [*values, *more]

    def _apply_arrow(self, texts: pa.StringArray) -> _Derived:
        if self._is_flag:
            flags = flags_of(pc.match_substring_regex(texts, self._expression, ignore_case=True))
            return flags.astype(np.float64), []
        matches = pc.struct_field(pc.extract_regex(texts, self._expression), [0]).dictionary_encode()
        numbers, values = self._apply(self._of_match, matches.dictionary.to_pylist())
        return np.append(numbers, np.nan if self._as_number else -1)[codes_of(matches.indices)], values

    def _apply(self, function: Callable[[str], str | float | None], texts: Sequence[str]) -> _Derived:
        answers: list[Any] = [function(text) for text in texts]
        if self._as_number:
            return np.array(answers, dtype=np.float64), []
        found = encode(answers)
        return found.codes, found.values
