"""Predict with a model folder: `make_prediction` for the packaged model, `Predictor` for any other."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from classification_model.runtime.predictor import Predictor

if TYPE_CHECKING:
    from classification_model.runtime.answers import Answer

__all__ = ["Predictor", "load_once", "make_prediction", "packaged_predictor"]

_loading = Lock()


def load_once(folder: Path | None = None) -> Predictor:
    """Load a model folder once per process; later calls return the same predictor. See `Predictor.load`."""
    with _loading:  # a cache alone would let threads that come together each load it
        return _load(folder)


@cache
def _load(folder: Path | None) -> Predictor:
    return Predictor.load(folder)


def packaged_predictor() -> Predictor:
    """Return the predictor of the packaged model, which is loaded once per process.

    Raises
    ------
    ArtifactError
        If the packaged model is missing or was changed.
    """
    return load_once()


def make_prediction(*, input_data: Any, explain: bool = False) -> Answer:
    """Predict rows with the packaged model.

    Parameters
    ----------
    input_data
        A pandas DataFrame, a mapping of column to values, or a sequence of mappings of column to value. Columns of
        the training table that the model does not use are ignored. A value may be None or NaN; the model's report
        lists how missing values of each feature are handled.
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
        ``errors``: values that break the input schema, in the same form, or None if there are none. ``row`` is None if
        the whole column is wrong.
        ``explanations``, only with ``explain=True``: for each row a dict,
        or None for a row with an error. ``value`` is the model's output for the row, and ``base_value`` its output for
        the baseline (a row of typical values in the manifest). ``contributions`` has one number for each field, and
        these sum to ``value`` minus ``base_value``. They explain the output for ``class``: with two classes this is the
        second one, with more classes the predicted one. ``scale`` is their unit: ``log_odds`` for a logistic
        regression, ``probability`` for any other estimator.

    Raises
    ------
    InputError
        If the input is not a table.
    ArtifactError
        If the packaged model is missing or was changed.

    Notes
    -----
    Contributions are baseline Shapley values [1]_ [2]_ [3]_. The contribution of a field is the change of the output
    when the field's value replaces that of the baseline, averaged over all orders of replacing the fields. A field
    whose value is that of the baseline contributes 0.

    With up to 12 fields that differ from the baseline, contributions are exact, and take up to 4,096 predictions for
    each row. If n of them differ and n is greater than 12, they are the mean over 64 random orders and their reverses,
    the same for every row, and take about 128 n predictions.

    Log-odds are ``log(p / (1 - p))``, limited to the range from -36.7 to 36.7, because a double holds no probability
    closer to 1. With more than two classes, they are the logarithm of the probability minus the mean of the logarithms
    over the classes. On this scale a logistic regression is additive: if a field enters it as a single term, its
    contribution is the coefficient times the difference from the baseline.

    Contributions describe the model, not the effect of a change in the world. They are relative to the baseline; the
    effect of fields that act together is shared equally among them; and the rows that mix values of the row and the
    baseline may be unrealistic, such as a child with the name of a man.

    .. [1] L. S. Shapley, "A value for n-person games", Contributions to the Theory of Games II, 307-317, 1953.
    .. [2] E. Strumbelj and I. Kononenko, "Explaining prediction models and individual predictions with feature
       contributions", Knowledge and Information Systems 41, 647-665, 2014.
    .. [3] M. Sundararajan and A. Najmi, "The many Shapley values for model explanation", ICML 2020.

    Examples
    --------
    >>> import classification_model as cm
    >>> answer = cm.make_prediction(
    ...     input_data=[
    ...         {
    ...             "pclass": 1,
    ...             "sex": "female",
    ...             "name": "Allen, Miss. Elisabeth",
    ...             "sibsp": 0,
    ...             "parch": 0,
    ...             "ticket": "24160",
    ...         }
    ...     ]
    ... )
    >>> answer["predictions"], answer["errors"]
    (['survived'], None)
    """
    return packaged_predictor().predict(input_data, explain=explain)
