"""Read a label: a class of the model by its name, or by a value of the target that stands for it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from classification_model.runtime.input.number_format import PLAIN, NumberFormat
from classification_model.runtime.input.values import (
    NO_MARKS,
    UnreadableValue,
    read_category,
    read_number,
    without_fraction,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

#: Code of the `UnreadableValue` for a value that can be a label, but is none of the model's.
UNKNOWN_LABEL = "unknown_label"
#: Labels and values that an error lists, and characters of each.
MOST_LISTED, LONGEST_LISTED = 20, 40


class LabelReader:
    """Reads labels. Training, `POST /feedback`, ``labels join`` and the models read a label with it alike.

    1, 1.0 and "1" are the same label. A truth value of JSON or Parquet, and the word for it, is the value ``true`` or
    ``false`` of the target in any case, or else 1 or 0 where the target has both.

    Parameters
    ----------
    classes
        Names of the classes; empty if only `values` are labels.
    values
        Class of each value of the target. A value goes before a name, which is the same unless they contradict.
    edges
        Edges of the bins of a numeric target, whose numbers are labels too; see `Manifest.target_edges`.
    marks
        Words, in lower case, that mean "missing" unless they are labels.
    written
        How numbers are written that are given as text, for bins.
    """

    def __init__(
        self,
        classes: Sequence[str],
        values: Mapping[str, str] | None = None,
        edges: Sequence[float] = (),
        marks: frozenset[str] = NO_MARKS,
        written: NumberFormat = PLAIN,
    ) -> None:
        self._classes, self._edges, self._written = tuple(classes), tuple(edges), written
        given = {} if values is None else dict(values)
        self._exact = {name: name for name in classes} | given
        self._labels = {without_fraction(name.strip()): label for name, label in self._exact.items()}
        self._labels |= {word: label for word in ("true", "false") if (label := self._label_of_truth(word))}
        listed = {name.lower() for name in self._labels}
        self._marks = frozenset(mark for mark in marks if without_fraction(mark) not in listed)

    def _label_of_truth(self, word: str) -> str | None:
        if word in self._labels:
            return self._labels[word]
        spelled = {label for name, label in self._labels.items() if name.lower() == word}
        if len(spelled) == 1:
            return spelled.pop()
        return self._labels["1" if word == "true" else "0"] if {"0", "1"} <= self._labels.keys() else None

    @property
    def accepted(self) -> str:
        """Return the labels that are read, names of classes first, at most 20 of them."""
        found = list(dict.fromkeys([*self._classes, *self._exact]))
        listed = ", ".join(
            name if len(name) <= LONGEST_LISTED else f"{name[: LONGEST_LISTED - 3]}..." for name in found[:MOST_LISTED]
        )
        more = f" and {len(found) - MOST_LISTED} more" if len(found) > MOST_LISTED else ""
        return f"{listed}{more}{', or a number' if self._edges else ''}"

    def read(self, value: Any) -> str | None:
        """Return the class of a label; None for a missing one.

        Raises
        ------
        UnreadableValue
            If it is no label of the model, with the code ``unknown_label``, or cannot be one, such as a list.
        """
        if self._edges:
            try:
                number = read_number(value, self._marks, written=self._written)
            except UnreadableValue:
                pass  # a name, perhaps
            else:
                return None if number is None else self._classes[bisect_left(self._edges, number)]
        if isinstance(value, str) and value in self._exact:
            return self._exact[value]
        text = read_category(value, self._marks)
        if text is None:
            return None
        if text not in self._labels and text.lower() in {"true", "false"}:
            text = text.lower()  # as pandas and Excel write it
        if text not in self._labels:
            raise UnreadableValue(UNKNOWN_LABEL, f"expected one of {self.accepted}")
        return self._labels[text]
