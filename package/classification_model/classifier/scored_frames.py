"""Predict and explain the rows of a frame, as the command line predicts the rows of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa

from classification_model.batch.added_columns import ERRORS, PROBABILITY, earlier_predictions
from classification_model.batch.scoring import Scorer
from classification_model.errors import DataError
from classification_model.processing.raw_tables import GIVEN_TABLE, raw_names
from classification_model.runtime.input.names import HeaderFaults, header_faults
from classification_model.tables.source import Batch

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.runtime.answers import Explanation
    from classification_model.runtime.predictor import Predictor
    from classification_model.tables.source import Values

#: Rows in error that an exception names.
MOST_NAMED = 3


def predict_rows(predictor: Predictor, frame: pd.DataFrame) -> pd.DataFrame:
    """Predict each row of a frame.

    Parameters
    ----------
    predictor
        The model.
    frame
        Rows, with the columns of the training table; those that the model does not use may be left out.

    Returns
    -------
    pandas.DataFrame
        On the index of the frame: ``prediction``, ``probability_<label>`` for each class, ``warnings`` and ``errors``,
        as ``classification-model predict`` adds them. A row in error has no prediction.

    Raises
    ------
    DataError
        If a column is missing, unknown or there twice.
    """
    batch, names = _batch_of(predictor, frame)
    answer = Scorer(predictor, GIVEN_TABLE, names).score(batch)
    columns = {name: _as_series(values, frame.index) for name, values in answer.columns.items()}
    return pd.DataFrame(columns, index=frame.index)


def probabilities_of_rows(predictor: Predictor, frame: pd.DataFrame) -> NDArray[np.float64]:
    """Return the probability of each class for each row of a frame, shape (n_rows, n_classes).

    Raises
    ------
    DataError
        If a column is missing, unknown or there twice, or a row cannot be predicted.
    """
    predicted = predict_rows(predictor, frame)
    check_no_errors(predicted)
    return predicted[[f"{PROBABILITY}{label}" for label in predictor.manifest.classes]].to_numpy(dtype=np.float64)


def explain_rows(predictor: Predictor, frame: pd.DataFrame) -> list[Explanation]:
    """Explain the prediction of each row of a frame; see `make_prediction`.

    Raises
    ------
    DataError
        See `probabilities_of_rows`.
    """
    batch, _ = _batch_of(predictor, frame)
    check_no_errors(predict_rows(predictor, frame))
    values = {name: list(frame.iloc[:, place].tolist()) for place, name in enumerate(batch.columns)}
    found = predictor.predict(values, explain=True)["explanations"]
    explanations = [one for one in found if one is not None]
    if len(explanations) != len(found):
        msg = (
            f"{GIVEN_TABLE}: expected rows that can be explained, found {len(found) - len(explanations)} that cannot be"
        )
        raise DataError(msg)
    return explanations


def check_no_errors(predicted: pd.DataFrame) -> None:
    """Refuse rows in error, of a result of `predict_rows`.

    Raises
    ------
    DataError
        Naming the first ones by their number.
    """
    wrong = np.flatnonzero(predicted[ERRORS].notna().to_numpy())
    if not len(wrong):
        return
    named = "; ".join(f"row {row} (counted from 0): {predicted[ERRORS].iloc[row]}" for row in wrong[:MOST_NAMED])
    more = f"; and {len(wrong) - MOST_NAMED} more" if len(wrong) > MOST_NAMED else ""
    msg = (
        f"{GIVEN_TABLE}: {len(wrong)} of {len(predicted)} row(s) cannot be predicted: {named}{more}: correct them, or "
        "call predict_frame, which predicts the others"
    )
    raise DataError(msg)


def _batch_of(predictor: Predictor, frame: Any) -> tuple[Batch, list[str]]:
    """Return the columns of a frame, and the names of those that are the model's business."""
    if not isinstance(frame, pd.DataFrame):
        msg = f"expected a pandas DataFrame, found {type(frame).__name__}: make one of it"
        raise DataError(msg)
    names = raw_names(frame, GIVEN_TABLE)
    known = predictor.manifest.input_schema.names
    own = earlier_predictions(names)
    used = [name for name in names if name not in own or name in known]
    faults = header_faults(predictor.manifest.input_schema, used)
    if faults != HeaderFaults():
        raise DataError("\n".join(f"{GIVEN_TABLE}: {sentence}" for sentence in faults.sentences()))
    columns = {name: _values_of(frame.iloc[:, place]) for place, name in enumerate(names)}
    return Batch(columns, len(frame)), used


def _values_of(column: pd.Series) -> Values:
    """Return the values of a column as an array where its type is plain, else as a list."""
    try:
        array = pa.array(column, from_pandas=True)
    except (pa.ArrowException, TypeError, ValueError, OverflowError):  # values of several kinds, or of no plain one
        return list(column.tolist())
    array = array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
    return list(column.tolist()) if pa.types.is_nested(array.type) else array


def _as_series(values: pa.Array, index: pd.Index) -> pd.Series:
    is_number = pa.types.is_floating(values.type)
    return pd.Series(
        values.to_pandas().to_numpy() if is_number else values.to_pylist(),
        index=index,
        dtype=np.float64 if is_number else object,
    )
