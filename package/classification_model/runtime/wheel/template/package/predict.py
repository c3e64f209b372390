"""Predictions with the model inside this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import model_folder
from .requirement import require_runtime

require_runtime()

from classification_model.predict import Predictor, load_once  # noqa: E402 - if it is the one that is required

if TYPE_CHECKING:
    from classification_model import Answer


def predictor() -> Predictor:
    """Return the predictor of the model, which is verified and loaded once per process.

    Raises
    ------
    classification_model.errors.ArtifactError
        If the model was changed, or does not predict a golden row as recorded.
    """
    return load_once(model_folder())


def make_prediction(*, input_data: Any, explain: bool = False) -> Answer:
    """Predict rows.

    Parameters
    ----------
    input_data
        A pandas DataFrame, a mapping of column to values, or a sequence of mappings of column to value.
    explain
        Whether to compute the contribution of each field to each prediction.

    Returns
    -------
    Answer
        ``predictions``: the label of each row, in order; None for a row with an error.
        ``probabilities``: for each row a dict of the probability of each label; None for a row with an error.
        ``version``: version of the model.
        ``warnings``: values that training did not see, each with ``row`` (counted from 0), ``field``, ``code`` and
        ``message``.
        ``errors``: values that break the input schema, in the same form; None without one.
        ``explanations``, only with ``explain=True``: for each row a dict of ``class``, ``scale``, ``base_value``,
        ``value`` and ``contributions``; see `classification_model.predict.make_prediction`.

    Raises
    ------
    classification_model.errors.InputError
        If the input is not a table.
    classification_model.errors.ArtifactError
        If the model was changed.
    """
    return predictor().predict(input_data, explain=explain)
