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
    """Make a prediction for each row, with the packaged model.

    Parameters
    ----------
    input_data
        The rows: a pandas DataFrame, a mapping of each column to its values, or a sequence of mappings of each column
        to its value. Columns of the training table that the model does not use are ignored. None and NaN are missing
        values. The file ``reports/report.html`` of the model folder says what replaces a missing value of each column.
    explain
        Whether to compute the contribution of each column to each prediction.

    Returns
    -------
    Answer
        A dict with these keys:

        - ``predictions``: the label of each row, in order. None for a row with an error.
        - ``probabilities``: for each row, a dict with the probability of each label. None for a row with an error.
        - ``version``: the version of the model.
        - ``warnings``: values that differ from those in training, such as a new category. Each warning has ``row``
          (counted from 0), ``field`` (the column), ``code`` and ``message``; see `AnswerIssue`. Several rows with an
          unseen category of a column of more than 1,000 are one warning, with their number; its ``row`` is None.
        - ``errors``: values that violate the input schema, in the same form. None if there are none. ``row`` is None if
          the whole column is wrong.
        - ``explanations``, only with ``explain=True``: for each row, a dict as follows. None for a row with an error.

        An explanation has these keys:

        - ``class``: the class whose output is explained. With two classes, it is the second one; with more classes, the
          predicted one.
        - ``scale``: the unit of the numbers. ``log_odds`` for a logistic regression, ``probability`` for any other
          estimator.
        - ``value``: the output of the model for the row.
        - ``base_value``: the output of the model for the baseline, a row of typical values in the manifest.
        - ``contributions``: a number for each column. The numbers sum to ``value`` minus ``base_value``.

    Raises
    ------
    InputError
        If the input is not a table.
    ArtifactError
        If the packaged model is missing or was changed.

    Notes
    -----
    Contributions are baseline Shapley values [1]_ [2]_ [3]_. To get the contribution of a column, the value of the row
    replaces the value of the baseline in this column. The contribution is the change in the output, averaged over all
    orders in which the columns can be replaced. A column that has the value of the baseline contributes 0.

    The cost depends on n, the number of columns in which a row differs from the baseline:

    - If n is at most 12, contributions are exact, and take up to 4,096 predictions for the row.
    - If n is greater, contributions are means over 128 orders: 64 random ones and their reverses. These orders are the
      same for every row with the same n. The contributions take about 128 n predictions for the row.

    With two classes, log-odds are ``log(p / (1 - p))``, limited to the range from -36.7 to 36.7. The upper limit is the
    log-odds of the largest double below 1; the lower limit is its negative, so that the scale is symmetric. With more
    classes, the log-odds of a class are the logarithm of its probability minus the mean of the logarithms over all
    classes. On this scale a logistic regression is additive: the contribution of a numeric column that is a feature by
    itself is its coefficient times its difference from the baseline.

    Contributions describe the model. They do not describe the effect of a change in the world:

    - Contributions are relative to the baseline.
    - If several columns have an effect only together, each of them gets an equal part of the effect.
    - The model is called for rows that mix values of the row and of the baseline. Such rows may be unrealistic, for
      example a child with the name of a man.

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
