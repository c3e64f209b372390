"""Explain rows by predicting mixtures of their values with those of the baseline."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from classification_model.errors import VerificationError
from classification_model.runtime.inference.classes import decide
from classification_model.runtime.inference.explanation.coalitions import Design, design
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.columns import Column, Encoded, encode

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.answers import Explanation
    from classification_model.runtime.input.checking import CheckedRows
    from classification_model.runtime.input.schema import Value
    from classification_model.runtime.model_folder.manifest import Manifest

#: From the columns of all fields and their number of rows to probabilities, shape (n_rows, n_classes).
Probabilities = Callable[[Mapping[str, Column], int], "NDArray[np.float64]"]

LINEAR = "logistic_regression"
#: The probability that is left beside the largest double below 1: nearer to 0 or 1, two classes are not told apart.
NEAREST = 2.0**-53
#: Below it doubles lose their precision.
SMALLEST = float(np.finfo(np.float64).tiny)
#: Values of mixed rows that are held at a time, however many rows are explained.
CELLS = 2**17


class Explainer:
    """Explains predictions by baseline Shapley values of the fields; safe for several threads at once.

    The players of the game are the fields in which a row differs from the model's baseline. A coalition is worth what
    the model says of the row with the baseline's values in all other fields (Strumbelj and Kononenko 2014, "Explaining
    prediction models and individual predictions with feature contributions", Knowledge and Information Systems 41;
    in this form the "baseline Shapley" of Sundararajan and Najmi 2020, "The many Shapley values for model
    explanation", ICML).

    Parameters
    ----------
    probabilities
        The model: columns of all fields and number of rows in, probabilities of shape (n_rows, n_classes) out.
    manifest
        Manifest of the model, whose ``baseline`` it is explained against.

    Raises
    ------
    VerificationError
        If the baseline does not fit the model's schema.
    """

    def __init__(self, probabilities: Probabilities, manifest: Manifest) -> None:
        schema = manifest.input_schema
        checked = check_rows(schema.for_own_rows(), [manifest.baseline])
        if checked.errors:
            first = checked.errors[0]
            fault = f"{first.field}: {first.message}"
            msg = f"the baseline of the model does not fit its input schema ({fault}): train it again"
            raise VerificationError(msg)
        self._probabilities = probabilities
        self._classes = manifest.classes
        self._is_linear = manifest.estimator == LINEAR
        self._baseline = {name: values[0] for name, values in checked.columns.items()}
        self._of_baseline = probabilities(checked.arrays(schema.texts), 1)
        self._texts = schema.texts
        self._at_once = max(64, CELLS // len(self._baseline))

    def explain(self, rows: CheckedRows, probabilities: NDArray[np.float64]) -> list[Explanation]:
        """Explain rows without errors.

        Parameters
        ----------
        rows
            The rows.
        probabilities
            What the model says of them, shape (n_rows, n_classes).

        Returns
        -------
        list of Explanation
            For each row ``class``, ``scale``, ``base_value``, ``value`` and ``contributions``; see
            `predict.make_prediction`.
        """
        is_binary = len(self._classes) == 2
        classes = np.ones(rows.count, dtype=np.int64) if is_binary else decide(probabilities, None)
        values = self._measure(probabilities, classes)
        bases = self._measure(np.broadcast_to(self._of_baseline, probabilities.shape), classes)
        differs = np.column_stack([_differs(rows.columns[name], value) for name, value in self._baseline.items()])
        players = differs.sum(axis=1)
        values[players == 0] = bases[players == 0]  # which a last digit could part
        contributions = np.zeros(differs.shape)
        for number in np.unique(players[players > 0]).tolist():
            coalitions = design(number)
            alike = np.flatnonzero(players == number)
            for block in _blocks(alike, self._at_once // max(coalitions.count, 1)):
                fields = np.nonzero(differs[block])[1].reshape(len(block), number)
                inner = self._evaluate(rows, block, fields, coalitions, classes[block])
                contributions[block[:, None], fields] = coalitions.share(inner, bases[block], values[block])
        scale: Literal["log_odds", "probability"] = "log_odds" if self._is_linear else "probability"
        return [
            {
                "class": self._classes[classes[row]],
                "scale": scale,
                "base_value": float(bases[row]),
                "value": float(values[row]),
                "contributions": dict(zip(self._baseline, contributions[row].tolist(), strict=True)),
            }
            for row in range(rows.count)
        ]

    def _measure(self, probabilities: NDArray[np.float64], classes: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what is explained, shape (n_rows,): the probability of a class of each row, or its log-odds."""
        if not self._is_linear:
            return probabilities[np.arange(len(classes)), classes]
        if probabilities.shape[1] == 2:
            logs = np.log(np.maximum(probabilities, NEAREST))
            return np.asarray(logs[:, 1] - logs[:, 0])
        logs = np.log(np.maximum(probabilities, SMALLEST))
        return np.asarray(logs[np.arange(len(classes)), classes] - logs.mean(axis=1))

    def _evaluate(
        self,
        rows: CheckedRows,
        block: NDArray[np.int64],
        fields: NDArray[np.int64],
        coalitions: Design,
        classes: NDArray[np.int64],
    ) -> NDArray[np.float64]:
        """Return what each coalition of each row of a block is worth, shape (n_rows, n_coalitions).

        Parameters
        ----------
        rows, block
            All rows, and the numbers of those of the block.
        fields
            For each row of the block the fields that are its players, shape (n_rows, n_players).
        coalitions
            The coalitions of so many players.
        classes
            For each row of the block the class that is explained.
        """
        mixers = [
            _Mixer([rows.columns[name][row] for row in block.tolist()], value, is_text=name in self._texts)
            for name, value in self._baseline.items()
        ]
        worth = np.empty(len(block) * coalitions.count)
        for start in range(0, len(worth), self._at_once):
            numbers = np.arange(start, min(start + self._at_once, len(worth)))
            row, coalition = np.divmod(numbers, coalitions.count)
            is_own = np.zeros((len(numbers), len(mixers)), dtype=bool)
            np.put_along_axis(is_own, fields[row], coalitions.members(coalition), axis=1)
            columns = {
                name: mixer.mix(row, is_own[:, field])
                for field, (name, mixer) in enumerate(zip(self._baseline, mixers, strict=True))
            }
            worth[numbers] = self._measure(self._probabilities(columns, len(numbers)), classes[row])
        return worth.reshape(len(block), coalitions.count)


class _Mixer:
    """Makes columns of one field in which some rows have a value of their own, the others the baseline's."""

    def __init__(self, values: list[Value], baseline: Value, *, is_text: bool) -> None:
        texts = encode([baseline, *values]) if is_text else None  # type: ignore[list-item]  # as the schema says
        numbers = np.array([baseline, *values], dtype=np.float64) if texts is None else texts.codes
        self._texts = None if texts is None else texts.values
        self._baseline, self._own = numbers[0], numbers[1:]

    def mix(self, rows: NDArray[np.int64], is_own: NDArray[np.bool_]) -> Column:
        mixed: NDArray[Any] = np.where(is_own, self._own[rows], self._baseline)
        return mixed if self._texts is None else Encoded(mixed, self._texts)


def _differs(values: list[Value], baseline: Value) -> NDArray[np.bool_]:
    """Tell which values of a field are others than the baseline's, shape (n_rows,)."""
    return np.array([value != baseline for value in values], dtype=bool)


def _blocks(rows: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    size = max(size, 1)
    return [rows[start : start + size] for start in range(0, len(rows), size)]
