"""Score a batch of rows: predictions, probabilities, warnings and errors as columns."""

from __future__ import annotations

from dataclasses import dataclass
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
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.columns import Column, Encoded
from classification_model.tables.arrays import as_arrow, text_array
from classification_model.tables.python_values import UnreadableArray, python_values

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from classification_model.batch.readings import Reading
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.predictor import Predictor
    from classification_model.tables.source import Batch


@dataclass(frozen=True)
class Answer:
    """The answer to a batch.

    Attributes
    ----------
    columns
        What is added to the columns of the batch.
    rejected
        Numbers of the rows, from 0 in the batch, that could not be predicted.
    """

    columns: dict[str, pa.Array]
    rejected: NDArray[np.int64]


class Scorer:
    """Scores batches of one file; safe for several threads at once.

    Parameters
    ----------
    predictor
        The model.
    file
        Name of the file, for messages.
    names
        Columns of the file, but for those that are none of the model's business.
    explain
        Whether to explain each prediction.

    Attributes
    ----------
    types
        Type of each column that is added, in order.
    numbers
        Those of them that hold numbers.
    fault
        What is wrong with the columns of the file, so that no row can be predicted; None where nothing is.
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
        self._contributions = {field.name: f"{CONTRIBUTION}{field.name}" for field in schema.fields}
        self._shares = [f"{PROBABILITY}{label}" for label in manifest.classes]
        issues = check_columns(schema, {name: [] for name in names}).errors
        self._faults = [f"{issue.field}: {issue.message}" for issue in issues]
        self.fault = self._faults[0] if self._faults else None
        self._sources = _sources(schema, names, {issue.field for issue in issues})
        self._readers = {field.name: ColumnReader(field) for field in schema.fields}
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
        wrong, errors, warnings = self._remarks(readings, batch.count)
        is_bad = wrong if wrong.any() else None
        columns: dict[str, pa.Array] = {}
        if self._faults or not batch.count:
            columns = {name: pa.nulls(batch.count, self.types[name]) for name in (PREDICTION, *self._shares)}
        else:
            probabilities = self._predictor.model.probabilities(self._model_columns(readings, batch.count), batch.count)
            columns[PREDICTION] = self._labels.take(as_arrow(decide(probabilities, self._threshold), is_bad))
            for number, name in enumerate(self._shares):
                columns[name] = as_arrow(probabilities[:, number], is_bad)
        if self._explain:
            columns |= self._explanations(batch)
        return Answer({**columns, WARNINGS: warnings, ERRORS: errors}, np.flatnonzero(wrong))

    def _read(self, batch: Batch) -> dict[str, Reading]:
        readings = {}
        for name, source in self._sources.items():
            try:
                readings[name] = self._readers[name].read(batch.columns[source])
            except UnreadableArray as error:
                msg = f"{self._file}: column {source!r} {error}"
                raise DataError(msg) from error
        return readings

    def _remarks(self, readings: dict[str, Reading], count: int) -> tuple[NDArray[np.bool_], pa.Array, pa.Array]:
        """Return which rows are in error, and what is to be said of each: errors, and warnings of the others."""
        wrong = np.full(count, fill_value=bool(self._faults))
        errors, warnings = [], []
        for name, reading in readings.items():
            if reading.remarks is not None:
                said = self._readers[name].remarks
                texts, are_errors = list(said.texts), np.array(said.are_errors)[reading.remarks]
                wrong |= are_errors
                errors.append(Said(name, texts, np.where(are_errors, reading.remarks, 0)))
                warnings.append(Said(name, texts, np.where(are_errors, 0, reading.remarks)))
        of_good = [Said(item.field, item.texts, np.where(wrong, 0, item.codes)) for item in warnings]
        return wrong, texts_of_rows(errors, self._faults, count), texts_of_rows(of_good, [], count)

    def _model_columns(self, readings: dict[str, Reading], count: int) -> dict[str, Column]:
        """Return a column for every field, and those derived from texts that are quicker computed here."""
        schema = self._predictor.manifest.input_schema
        columns: dict[str, Column] = {}
        for name in (field.name for field in schema.fields):
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
        values = {name: python_values(batch.columns[name]) for name in self._names}
        answers = self._predictor.predict(values, explain=True)["explanations"]
        columns = {BASE_VALUE: [answer and answer["base_value"] for answer in answers]}
        for name, title in self._contributions.items():
            columns[title] = [answer and answer["contributions"][name] for answer in answers]
        return {name: _with_gaps(numbers) for name, numbers in columns.items()}


def _with_gaps(numbers: list[float | None]) -> pa.DoubleArray:
    values = np.array(numbers, dtype=np.float64)
    return as_arrow(values, np.isnan(values))


def _sources(schema: InputSchema, names: Iterable[str], hopeless: set[str]) -> dict[str, str]:
    """Return for each field, in order, the column of the file that it is read from."""
    of_field = {schema.names.get(name): name for name in names}
    return {
        field.name: of_field[field.name]
        for field in schema.fields
        if field.name in of_field and field.name not in hopeless
    }


def _text_derivations(model: Any, texts: frozenset[str]) -> Iterator[tuple[str, str, TextDerivation]]:
    """Yield output, source and computation of what a compiled model derives from the texts of one field."""
    for item in model.plan.derivations if isinstance(model, CompiledModel) else ():
        computation = TextDerivation.of(item) if item.sources[0] in texts else None
        if computation is not None:
            yield item.outputs[0], item.sources[0], computation
