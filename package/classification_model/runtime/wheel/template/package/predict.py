"""Predictions with the model inside this package."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from classification_model.predict import Predictor, load_once

from . import model_folder

if TYPE_CHECKING:
    from classification_model import Answer


def predictor() -> Predictor:
    """Return the model, verified and ready to predict; it is loaded once, by whoever asks first.

    Raises
    ------
    classification_model.errors.ArtifactError
        If the model was changed, or does not predict what it predicted when it was made.
    """
    return load_once(model_folder())


def make_prediction(*, input_data: Any, explain: bool = False) -> Answer:
    """Predict rows.

    Parameters
    ----------
    input_data
        A pandas DataFrame, a mapping of column to values, or a sequence of mappings of column to value.
    explain
        Say of each prediction what each field of its row contributed to it.

    Returns
    -------
    Answer
        ``predictions``: a label for each row, in order; None for a row in error.
        ``probabilities``: for each row the probability of each label, or None.
        ``version``: version of the model.
        ``warnings``: values unlike those of training, as ``row``, ``field``, ``code``, ``message``.
        ``errors``: None, or values that break the schema, likewise; ``row`` is None for a whole column.
        ``explanations``, only where they are asked for: one for each row, or None, as ``class``, ``scale``,
        ``base_value``, ``value`` and ``contributions``; see `classification_model.predict.make_prediction`.

    Raises
    ------
    classification_model.errors.InputError
        If the input is no table at all.
    classification_model.errors.ArtifactError
        If the model was changed.
    """
    return predictor().predict(input_data, explain=explain)
