"""Run the portable model, which is made for other runtimes, to verify it against the golden rows."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, TypeAdapter

from classification_model.errors import VerificationError
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.inference.compiled import CHUNK, PROBABILITIES
from classification_model.runtime.inference.derivations import Derivation, Plan
from classification_model.runtime.inference.session import start_session
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.columns import Column, Encoded
from classification_model.runtime.model_folder.artifact import GOLDEN_TOLERANCE

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest

LABEL = "label"


class PortableInput(BaseModel):
    """An input of the portable model, of shape (n_rows, 1).

    Attributes
    ----------
    name
        What the graph calls it.
    column
        The column it takes.
    kind
        ``text``: strings, empty where it is missing. ``number``: doubles, NaN where it is missing; truth values are 0
        and 1, dates are seconds since 1970-01-01 UTC.
    derivation
        How the column is derived from others, before it is fed; None for a raw column.
    reason
        Why the graph does not derive it.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    column: str
    kind: Literal["text", "number"]
    derivation: Derivation | None = None
    reason: str | None = None


_INPUTS = TypeAdapter(tuple[PortableInput, ...])
_PLAN = TypeAdapter(tuple[Derivation, ...])


def write_metadata(
    inputs: Iterable[PortableInput], plan: Iterable[Derivation], classes: Sequence[str], threshold: float | None
) -> dict[str, str]:
    """Return what the portable model carries beside its graph, as JSON.

    Parameters
    ----------
    inputs
        Its inputs in order.
    plan
        What must be derived, in order, before it is fed.
    classes
        Labels in the order of the probabilities.
    threshold
        Probability from which the second of two classes is predicted.
    """
    content = {
        "inputs": [item.model_dump(exclude_defaults=True) for item in inputs],
        "plan": [item.model_dump(exclude_defaults=True) for item in plan],
        "classes": list(classes),
        "threshold": threshold,
    }
    return {key: orjson.dumps(value).decode() for key, value in content.items()}


class PortableModel:
    """The portable model, run by onnxruntime.

    Parameters
    ----------
    content
        Bytes of an ONNX model that `export.portable` made.

    Raises
    ------
    VerificationError
        If onnxruntime cannot run it, or it does not say what its inputs are.

    Attributes
    ----------
    inputs
        What it takes.
    """

    def __init__(self, content: bytes) -> None:
        self._session = start_session(content, "portable model")
        try:
            metadata = self._session.get_modelmeta().custom_metadata_map
            self.inputs = _INPUTS.validate_json(metadata["inputs"])
            self._plan = Plan(_PLAN.validate_json(metadata["plan"]))
        except (KeyError, ValueError, re.error) as error:
            msg = "expected the inputs of the portable model in its metadata, found none: train it again"
            raise VerificationError(msg) from error

    def feed(self, columns: Mapping[str, Column]) -> dict[str, NDArray[Any]]:
        """Return the tensor of each input, shape (n_rows, 1); see `predict`."""
        extended = self._plan.extend_columns(columns)
        return {item.name: _tensor(extended[item.column]) for item in self.inputs}

    def predict(self, columns: Mapping[str, Column], count: int) -> tuple[list[str], NDArray[np.float64]]:
        """Return the label of each row, and the probabilities, shape (n_rows, n_classes).

        Parameters
        ----------
        columns
            For each field of the schema its column.
        count
            Number of rows.
        """
        fed = self.feed(columns)
        labels: list[str] = []
        parts = []
        for start in range(0, max(count, 1), CHUNK):
            inputs = {name: values[start : start + CHUNK] for name, values in fed.items()}
            label, probabilities = self._session.run([LABEL, PROBABILITIES], inputs)
            labels += label.tolist()
            parts.append(probabilities)
        return labels, np.concatenate(parts)


def check_golden_rows(content: bytes, manifest: Manifest) -> None:
    """Hold what the portable model makes of the golden rows against what was recorded.

    Parameters
    ----------
    content
        Its bytes.
    manifest
        Manifest of its model folder.

    Raises
    ------
    VerificationError
        If onnxruntime does not run it, or a probability differs by more than 1e-9, or a label does.
    """
    golden = check_rows(manifest.input_schema.for_own_rows(), [row.inputs for row in manifest.golden_rows])
    expected = np.array([row.probabilities for row in manifest.golden_rows])
    model = PortableModel(content)
    try:
        labels, found = model.predict(golden.arrays(manifest.input_schema.texts), golden.count)
    except Exception as error:  # onnxruntime's errors share no base but this
        msg = f"{manifest.portable} cannot predict the golden rows ({type(error).__name__}): train it again"
        raise VerificationError(msg) from error
    wanted = [manifest.classes[number] for number in decide(found, manifest.threshold).tolist()]
    if found.shape != expected.shape or not (abs(found - expected) <= GOLDEN_TOLERANCE).all() or labels != wanted:
        msg = f"{manifest.portable}: the predictions for the golden rows differ from the recorded ones: train it again"
        raise VerificationError(msg)


def _tensor(column: Column) -> NDArray[Any]:
    if isinstance(column, Encoded):
        return np.array([*column.values, ""], dtype=object)[column.codes][:, np.newaxis]
    return column[:, np.newaxis]
