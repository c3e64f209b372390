"""The columns between the steps of a pipeline, while these are converted one by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from classification_model.errors import ExportError
from classification_model.runtime.inference.compiled import CODES, NUMBERS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from collections.abc import Set as AbstractSet

    from numpy.typing import NDArray

    from classification_model.export.graph import Graph

#: Stands for every text that training did not see; no text that was read holds a NUL.
UNSEEN = "\0unseen"
#: What a category is inside of the pipeline: a text, or None while a missing one is not replaced.
Text = str | None


@dataclass
class Category:
    """A column of categories: what the steps so far make of a raw text."""

    steps: list[Callable[[Text], Text]] = field(default_factory=list)
    known: set[str] = field(default_factory=set)

    def now(self, text: Text) -> Text:
        """Return what a raw text has become."""
        for step in self.steps:
            text = step(text)
        return text


@dataclass(frozen=True)
class Encoding:
    """A raw category as numbers: a row for missing ones, one for unseen ones, one for each category."""

    column: str
    names: Sequence[str]
    categories: tuple[str, ...]
    rows: NDArray[np.float64]


@dataclass(frozen=True)
class Features:
    """What an estimator takes: each of its features is a column of a tensor, in whatever order.

    Attributes
    ----------
    tensor
        Doubles of shape (n_rows, width).
    places
        Column of each feature, shape (n_features,).
    width
        Number of columns.
    may_be_missing
        Whether there can be NaN among them.
    """

    tensor: str
    places: NDArray[np.int64]
    width: int
    may_be_missing: bool = False


class Table:
    """Columns in order; numbers stand in one tensor, categories wait for the step that encodes them.

    Parameters
    ----------
    graph
        Where nodes are added.
    order
        All columns as they stand in the frame after the derivations.
    texts
        Those of them that hold categories or texts; the others are numbers.

    Attributes
    ----------
    inputs
        Columns of the graph's input of numbers.
    gaps
        Columns of numbers that may have missing values.
    """

    def __init__(self, graph: Graph, order: Sequence[str], texts: AbstractSet[str]) -> None:
        self.graph = graph
        self.order = list(order)
        self.inputs = [name for name in order if name not in texts]
        self.numbers = list(self.inputs)
        self.gaps = set(self.inputs)
        self.categories = {name: Category() for name in order if name in texts}
        self.encodings: list[Encoding] = []
        self.tensor = NUMBERS

    def drop(self, names: AbstractSet[str]) -> None:
        """Leave out columns; numbers only before a step has used them."""
        if self.tensor != NUMBERS:
            msg = "columns are dropped after a step that changes numbers: drop them before"
            raise ExportError(msg)
        self.order = [name for name in self.order if name not in names]
        self.inputs = [name for name in self.inputs if name not in names]
        self.numbers = list(self.inputs)
        self.categories = {name: category for name, category in self.categories.items() if name not in names}

    def category(self, column: str) -> Category:
        """Return a column of categories or texts, which no step has encoded yet."""
        if column not in self.categories:
            msg = f"column {column!r} is no column of texts at this step"
            raise ExportError(msg)
        return self.categories[column]

    def places_of(self, columns: Sequence[str]) -> NDArray[np.int64]:
        """Return the places of some columns in the tensor of numbers."""
        unknown = set(columns) - set(self.numbers)
        if unknown:
            msg = f"column {min(unknown)!r} is no column of numbers at this step"
            raise ExportError(msg)
        return np.array([self.numbers.index(name) for name in columns], dtype=np.int64)

    def vector(self, values: dict[str, float], neutral: float) -> NDArray[np.float64]:
        """Return a value for each column of numbers, a neutral one where none is given."""
        self.places_of(list(values))
        return np.array([values.get(name, neutral) for name in self.numbers], dtype=np.float64)

    def append_numbers(self, tensor: str, names: Sequence[str]) -> None:
        """Append columns of numbers, given as a tensor of shape (n_rows, n_names)."""
        self.tensor = self.graph.add("Concat", self.tensor, tensor, axis=1)
        self.numbers += names
        self.order += names

    def encode(
        self, column: str, names: Sequence[str], rows: Mapping[str, Sequence[float]], *, otherwise: Sequence[float]
    ) -> None:
        """Turn a column of categories into columns of numbers.

        Parameters
        ----------
        column
            Its name.
        names
            Names of the new columns; where they stand is up to the step.
        rows
            Numbers of each category.
        otherwise
            Numbers of a category that is not among them.
        """
        category = self.category(column)
        del self.categories[column]

        def numbers_of(raw: Text) -> list[float]:
            text = category.now(raw)
            if text is None:
                msg = f"column {column!r} is encoded with missing values: impute it before"
                raise ExportError(msg)
            return list(rows.get(text, otherwise))

        missing, unseen = numbers_of(None), numbers_of(UNSEEN)
        texts = sorted(category.known | set(rows))
        known = {text: numbers for text in texts if (numbers := numbers_of(text)) != unseen}
        table = np.array([missing, unseen, *known.values()], dtype=np.float64).reshape(2 + len(known), len(names))
        self.encodings.append(Encoding(column, tuple(names), tuple(known), table))

    def finish(self) -> Features:
        """Return what the estimator takes."""
        if self.categories:
            msg = f"column {min(self.categories)!r} reaches the estimator as text: encode it before"
            raise ExportError(msg)
        names = [*self.numbers, *(name for encoding in self.encodings for name in encoding.names)]
        parts = []
        if self.numbers:
            parts.append(self.tensor)
        if self.encodings:
            parts.append(self._look_up(CODES))
        tensor = self.graph.beside(parts)
        places = np.array([names.index(name) for name in self.order], dtype=np.int64)
        return Features(tensor, places, len(names), may_be_missing=bool(self.gaps & set(self.numbers)))

    def _look_up(self, codes: str) -> str:
        """Give each code the numbers of its category, shape (n_rows, n_new_columns).

        All columns of all encodings lie in one vector, one after the other: a single look-up serves them all.
        """
        columns = [column for encoding in self.encodings for column in encoding.rows.T]
        starts = np.cumsum([0, *(len(column) for column in columns[:-1])])
        sources = [place for place, encoding in enumerate(self.encodings) for _ in encoding.names]
        repeated = self.graph.add("Gather", codes, np.array(sources, dtype=np.int64), axis=1)
        places = self.graph.add("Add", repeated, starts.astype(np.int64))
        return self.graph.add("Gather", np.concatenate(columns), places)
