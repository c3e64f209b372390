"""Score a batch of rows: predictions, probabilities, warnings and errors as columns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from classification_model.batch.added_columns import (
    BASE_VALUE,
    CONTRIBUTION,
    ERRORS,
    PREDICTION,
    PROBABILITY,
    WARNINGS,
)
from classification_model.batch.column_reader import ColumnReader
from classification_model.batch.derived_texts import TextDerivation
from classification_model.batch.row_remarks import Said, texts_of_rows
from classification_model.errors import DataError
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.input.columns import Column, Encoded
from classification_model.runtime.input.schema import UNSEEN_CATEGORY
from classification_model.runtime.input.unseen import counted_fields
from classification_model.tables.arrays import as_arrow, text_array
from classification_model.tables.python_values import UnreadableArray, python_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classification_model.batch.readings import Reading
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.predictor import Predictor
    from classification_model.tables.source import Batch

#: What a row says of an unseen category of a field of many, whose number is said once for the file.
SHORT_UNSEEN = "unseen"


@dataclass(frozen=True)
class Answer:
    """The answer to a batch.

    Attributes
    ----------
    columns
        What is added to the columns of the batch.
    rejected
        Numbers of the rows, from 0 in the batch, that could not be predicted.
    unseen
        Number of rows with an unseen category, by field, of the fields whose unseen categories are counted.
    """

    columns: dict[str, pa.Array]
    rejected: NDArray[np.int64]
    unseen: dict[str, int] = field(default_factory=dict)


class Scorer:
    """Scores batches of one file; safe for several threads at once.

    Parameters
    ----------
    predictor
        The model.
    file
        Name of the file, for messages.
    names
        Columns of the file, without a fault (see `header_faults`) and without those that are none of the model's
        business.
    explain
        Whether to explain each prediction.

    Attributes
    ----------
    types
        Type of each column that is added, in order.
    numbers
        Those of them that hold numbers.
    """

    def __init__(self, predictor: Predictor, file: str, names: Sequence[str], *, explain: bool = False) -> None:
        manifest = predictor.manifest
        schema = manifest.input_schema
        self._predictor = predictor
        self._file = file
        self._names = list(names)
        self._explain = explain
        self._threshold = manifest.threshold
        self._labels = text_array(manifest.classes).cast(pa.string())
        self._contributions = {each.name: f"{CONTRIBUTION}{each.name}" for each in schema.fields}
        self._shares = [f"{PROBABILITY}{label}" for label in manifest.classes]
        self._sources = _sources(schema, names)
        self._readers = {each.name: ColumnReader(each) for each in schema.fields}
        self._counted = counted_fields(schema)
        self._derivations = list(_text_derivations(predictor.model, schema.texts))
        explained = [BASE_VALUE, *self._contributions.values()] if explain else []
        self.numbers = (*self._shares, *explained)
        self.types: dict[str, pa.DataType] = {
            PREDICTION: pa.string(),
            **dict.fromkeys(self.numbers, pa.float64()),
            WARNINGS: pa.string(),
            ERRORS: pa.string(),
        }

    def score(self, batch: Batch) -> Answer:
        """Score a batch.

        Raises
        ------
        DataError
            If the file does not hold what it says; see `ColumnReader.read`.
        """
        readings = self._read(batch)
        wrong, errors, of_good = self._remarks(readings, batch.count)
        unseen = {}
        for place, item in enumerate(of_good):
            if item.field in self._counted:
                unseen[item.field], of_good[place] = _shortened(item)
        warnings = texts_of_rows(of_good, batch.count)
        is_bad = wrong if wrong.any() else None
        columns: dict[str, pa.Array] = {}
        if not batch.count:
            columns = {name: pa.nulls(batch.count, self.types[name]) for name in (PREDICTION, *self._shares)}
        else:
            probabilities = self._predictor.model.probabilities(self._model_columns(readings, batch.count), batch.count)
            columns[PREDICTION] = self._labels.take(as_arrow(decide(probabilities, self._threshold), is_bad))
            for number, name in enumerate(self._shares):
                columns[name] = as_arrow(probabilities[:, number], is_bad)
        if self._explain:
            columns |= self._explanations(batch)
        return Answer({**columns, WARNINGS: warnings, ERRORS: errors}, np.flatnonzero(wrong), unseen)

    def _read(self, batch: Batch) -> dict[str, Reading]:
        readings = {}
        for name, source in self._sources.items():
            try:
                readings[name] = self._readers[name].read(batch.columns[source])
            except UnreadableArray as error:
                msg = f"{self._file}: column {source!r} {error}"
                raise DataError(msg) from error
        return readings

    def _remarks(self, readings: dict[str, Reading], count: int) -> tuple[NDArray[np.bool_], pa.Array, list[Said]]:
        """Return which rows are in error, and what is to be said of each: errors, and warnings of the others."""
        wrong = np.zeros(count, dtype=bool)
        errors, warnings = [], []
        for name, reading in readings.items():
            if reading.remarks is not None:
                said = self._readers[name].remarks
                texts, are_errors = list(said.texts), np.array(said.are_errors)[reading.remarks]
                wrong |= are_errors
                errors.append(Said(name, texts, np.where(are_errors, reading.remarks, 0)))
                warnings.append(Said(name, texts, np.where(are_errors, 0, reading.remarks)))
        of_good = [Said(item.field, item.texts, np.where(wrong, 0, item.codes)) for item in warnings]
        return wrong, texts_of_rows(errors, count), of_good

    def _model_columns(self, readings: dict[str, Reading], count: int) -> dict[str, Column]:
        """Return a column for every field, and those derived from texts that are quicker computed here."""
        schema = self._predictor.manifest.input_schema
        columns: dict[str, Column] = {}
        for name in (each.name for each in schema.fields):
            if name in readings:
                columns[name] = readings[name].column
            elif name in schema.texts:
                columns[name] = Encoded(np.full(count, -1), [])
            else:
                columns[name] = np.full(count, np.nan)
        for output, source, derivation in self._derivations:
            texts = columns[source]
            if isinstance(texts, Encoded):
                columns[output] = derivation.compute(texts)
        return columns

    def _explanations(self, batch: Batch) -> dict[str, pa.Array]:
        """Explain the rows one by one, as for a caller in Python."""
        values = {name: python_values(batch.columns[source]) for name, source in self._sources.items()}
        answers = self._predictor.predict(values, explain=True)["explanations"]
        columns = {BASE_VALUE: [answer and answer["base_value"] for answer in answers]}
        for name, title in self._contributions.items():
            columns[title] = [answer and answer["contributions"][name] for answer in answers]
        return {name: _with_gaps(numbers) for name, numbers in columns.items()}


def _shortened(said: Said) -> tuple[int, Said]:
    """Count the rows with an unseen category, and say it of each in a word."""
    _, message = UNSEEN_CATEGORY
    is_unseen = np.array([text == message for text in said.texts])
    texts = [SHORT_UNSEEN if text == message else text for text in said.texts]
    return int(is_unseen[said.codes].sum()), Said(said.field, texts, said.codes)


def _with_gaps(numbers: list[float | None]) -> pa.DoubleArray:
    values = np.array(numbers, dtype=np.float64)
    return as_arrow(values, np.isnan(values))


def _sources(schema: InputSchema, names: Iterable[str]) -> dict[str, str]:
    """Return for each field, in order, the column of the file that it is read from."""
    of_field = {schema.names.get(name): name for name in names}
    return {each.name: of_field[each.name] for each in schema.fields if each.name in of_field}


def _text_derivations(model: Any, texts: frozenset[str]) -> Iterator[tuple[str, str, TextDerivation]]:
    """Yield output, source and computation of what a compiled model derives from the texts of one field."""
    for item in model.plan.derivations if isinstance(model, CompiledModel) else ():
        computation = TextDerivation.of(item) if item.sources[0] in texts else None
        if computation is not None:
            yield item.outputs[0], item.sources[0], computation
