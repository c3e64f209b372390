"""The compiled model: derive features, then run the ONNX graph of the fitted pipeline."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import TypeAdapter

from classification_model.errors import VerificationError
from classification_model.runtime.inference.derivations import Derivation, Plan
from classification_model.runtime.inference.session import start_session
from classification_model.runtime.input.columns import Column, Encoded

NUMBERS, CODES, PROBABILITIES, FEATURES = "numbers", "codes", "probabilities", "features"
#: Codes of a missing category, and of one that training did not see; known ones follow.
MISSING, UNSEEN, FIRST_KNOWN = 0, 1, 2
#: Rows that the graph takes at a time: their numbers stay in the processor's cache.
CHUNK = 8192

_PLAN = TypeAdapter(tuple[Derivation, ...])
_NAMES = TypeAdapter(tuple[str, ...])
_CATEGORIES = TypeAdapter(dict[str, tuple[str, ...]])


def write_metadata(
    plan: Iterable[Derivation], numbers: Iterable[str], categories: Mapping[str, Iterable[str]]
) -> dict[str, str]:
    """Return what a compiled model carries beside its graph.

    Parameters
    ----------
    plan
        Derivations in order.
    numbers
        Columns of the input ``numbers``, in order.
    categories
        Columns of the input ``codes``, in order, with the known categories of each, in the order of their codes.
    """
    content = {
        "plan": [item.model_dump(exclude_defaults=True) for item in plan],
        "numbers": list(numbers),
        "categories": {name: list(known) for name, known in categories.items()},
    }
    return {key: orjson.dumps(value).decode() for key, value in content.items()}


class CompiledModel:
    """A pipeline without scikit-learn: from the columns of a schema to probabilities.

    Safe for several threads at once.

    Parameters
    ----------
    content
        Bytes of an ONNX model that `convert_pipeline.compile_core` made.

    Raises
    ------
    VerificationError
        If onnxruntime cannot run it, or it does not say what its inputs are.

    Attributes
    ----------
    plan
        What is derived from the raw columns.
    numbers, categories
        Columns of the graph, and the known categories of each.
    """

    def __init__(self, content: bytes) -> None:
        self._session = start_session(content, "compiled model")
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.plan = Plan(_PLAN.validate_json(metadata["plan"]))
            self.numbers = _NAMES.validate_json(metadata["numbers"])
            self.categories = _CATEGORIES.validate_json(metadata["categories"])
        except (KeyError, ValueError, re.error) as error:
            msg = "expected the inputs of the compiled model in its metadata, found none: train it again"
            raise VerificationError(msg) from error
        self._codes = {
            name: {text: code for code, text in enumerate(known, FIRST_KNOWN)}
            for name, known in self.categories.items()
        }
        self._outputs = [PROBABILITIES]
        self._code_lookups = [(name, codes.get) for name, codes in self._codes.items()]

    def probabilities_of_rows(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        """Return the probabilities of a few rows, at least one, shape (n_rows, n_classes).

        Parameters
        ----------
        rows
            For each field of the schema its value: a number, NaN where it is missing, or a text, None where it is
            missing. Derived values are added to them.
        """
        extend = self.plan.extend_row
        for row in rows:
            extend(row)
        inputs = {}
        if self.numbers:
            inputs[NUMBERS] = np.array([[row[name] for name in self.numbers] for row in rows])
        if self._code_lookups:
            codes = [
                [
                    MISSING if (text := row[name]) is None else code_of(text, UNSEEN)
                    for name, code_of in self._code_lookups
                ]
                for row in rows
            ]
            inputs[CODES] = np.array(codes)
        probabilities: NDArray[np.float64] = self._session.run(self._outputs, inputs)[0]
        return probabilities

    def probabilities(self, columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        """Return the probabilities of many rows, shape (n_rows, n_classes).

        Parameters
        ----------
        columns
            For each field of the schema its column.
        count
            Number of rows.
        """
        return self._run(columns, count, PROBABILITIES)

    def features(self, columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        """Return what reaches the estimator, shape (n_rows, n_features), of a model that was compiled to show it."""
        return self._run(columns, count, FEATURES)

    def _run(self, columns: Mapping[str, Column], count: int, output: str) -> NDArray[np.float64]:
        extended = self.plan.extend_columns(columns)
        numbers: list[Any] = [extended[name] for name in self.numbers]
        codes = [self._encode(name, extended[name]) for name in self.categories]
        parts = []
        for start in range(0, max(count, 1), CHUNK):
            rows = slice(start, start + CHUNK)
            inputs: dict[str, NDArray[Any]] = {}
            if self.numbers:
                inputs[NUMBERS] = np.column_stack([column[rows] for column in numbers])
            if codes:
                inputs[CODES] = np.column_stack([column[rows] for column in codes])
            parts.append(self._session.run([output], inputs)[0])
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _encode(self, name: str, column: Column) -> NDArray[np.int64]:
        """Return the code of each row's category, shape (n_rows,)."""
        if not isinstance(column, Encoded):
            msg = f"the compiled model expects categories in {name!r}, which holds numbers: train it again"
            raise VerificationError(msg)
        code_of = self._codes[name].get
        return np.array([*(code_of(text, UNSEEN) for text in column.values), MISSING], dtype=np.int64)[column.codes]
