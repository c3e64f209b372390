"""Predictions from a model folder: `make_prediction` for the packaged model, `Predictor` for any other."""

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
    """Load a model folder, once for the process, by whichever thread asks first; see `Predictor.load`."""
    with _loading:  # a cache alone would let threads that come together each load it
        return _load(folder)


@cache
def _load(folder: Path | None) -> Predictor:
    return Predictor.load(folder)


def packaged_predictor() -> Predictor:
    """Return the packaged model, loaded once."""
    return load_once()


def make_prediction(*, input_data: Any, explain: bool = False) -> Answer:
    """Predict rows with the packaged model.

    Parameters
    ----------
    input_data
        A pandas DataFrame, a mapping of column to values, or a sequence of mappings of column to value. Columns of
        the training table that the model does not use are ignored. A value may be None or NaN: how missing values
        of each feature are handled stands in the model's report.
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
        ``explanations``, only where they are asked for: one for each row, or None. Of ``value``, what the model says
        of the row, and ``base_value``, what it says of the baseline in its manifest, a row of typical values,
        ``contributions`` share the difference among the fields; a field in which the row is like the baseline
        contributes 0. ``class`` is what they speak for: the second of two classes, else the predicted one. ``scale``
        is their unit: ``log_odds`` for a logistic regression, ``probability`` for every other estimator.

    Raises
    ------
    InputError
        If the input is no table at all.
    ArtifactError
        If the packaged model is missing or was changed.

    Notes
    -----
    Contributions are baseline Shapley values [1]_ [2]_ [3]_: what a field adds when it takes the row's value in the
    place of the baseline's, averaged over all orders in which the fields of the row that differ can do so. They are
    exact for up to 12 such fields; beyond, the mean over 128 orders, each beside its reverse and the same each time,
    which sums to the same difference. The model is asked about up to 4,096 rows for each row that is explained, and
    for n fields beyond 12 about 128 n. Log-odds are
    ``log(p / (1 - p))``, within 36.7 of 0, which is as far as doubles tell a probability from 1; of more than two
    classes, the logarithm of the probability less the mean of these logarithms over the classes. On this scale a
    logistic regression is a sum, so that a field that enters it alone contributes its coefficient times its
    difference from the baseline.

    They say how the model arrives at its number, not what would happen if somebody changed the field: they are
    relative to the baseline, what fields only do together is shared equally among them, and rows are asked about that
    may never occur, such as a child in the place of a man whose name is still that of a man.

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
