"""Types of the dicts that a prediction returns, which are JSON values."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class AnswerIssue(TypedDict):
    """An error or a warning about a value of the input, or about a whole column. It never contains the value.

    ``row`` is the number of the row, counted from 0. It is None if the whole column is wrong, or if a warning counts
    the rows with unseen categories of a column of more than 1,000. ``field`` is the name of the column. ``code`` is
    the kind of the error or warning, such as ``"unseen_category"``; later versions keep the codes.
    ``message`` says what was expected and what was found.

    Examples
    --------
    >>> import classification_model as cm
    >>> passenger = {
    ...     "pclass": 3,
    ...     "sex": "male",
    ...     "name": "Kelly, Mr. James",
    ...     "sibsp": -1,
    ...     "parch": 0,
    ...     "ticket": "330911",
    ... }
    >>> [(issue["row"], issue["field"]) for issue in cm.make_prediction(input_data=[passenger])["warnings"]]
    [(0, 'sibsp')]
    """

    row: int | None
    field: str
    code: str
    message: str


# In functional form, since `class` is a keyword.
Explanation = TypedDict(
    "Explanation",
    {
        "class": str,
        "scale": Literal["log_odds", "probability"],
        "value": float,
        "base_value": float,
        "contributions": dict[str, float],
    },
)
Explanation.__doc__ = """The contribution of each column of a row to the prediction; see `make_prediction`.

The contributions sum to ``value - base_value``. Both numbers are outputs of the model for the class in ``class``, on
the scale in ``scale``.

Examples
--------
>>> import classification_model as cm
>>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
>>> passenger |= {"sibsp": 0, "parch": 0}
>>> explanation = cm.make_prediction(input_data=[passenger], explain=True)["explanations"][0]
>>> explanation["class"]
'survived'
>>> total = sum(explanation["contributions"].values())
>>> abs(total - (explanation["value"] - explanation["base_value"])) < 1e-9
True
"""


class Answer(TypedDict):
    """The result of `make_prediction`: one prediction for each row, in order.

    The prediction of a row is a label, and its probabilities are a dict with one entry for each label; they sum to 1.
    For a row with an error, both are None. ``errors`` is None if no row has an error. ``explanations`` is present only
    with ``explain=True``.

    Examples
    --------
    >>> import classification_model as cm
    >>> answer = cm.make_prediction(input_data=[{"pclass": 3}])
    >>> answer["predictions"], {issue["code"] for issue in answer["errors"]}
    ([None], {'required'})
    """

    predictions: list[str | None]
    probabilities: list[dict[str, float] | None]
    version: str
    warnings: list[AnswerIssue]
    errors: list[AnswerIssue] | None
    explanations: NotRequired[list[Explanation | None]]


class LoggedAnswer(Answer):
    """The result of `MLEModel.predict_with_logging`: an `Answer` with the id of each logged prediction.

    ``prediction_ids`` has a UUID for each row. When the true label of the row is known, log the label with this UUID. A
    row with an error is not logged, and has None instead of a UUID.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> passenger = {"name": "Kelly, Mr. James", "sex": "male", "pclass": 3, "ticket": "330911"}
    >>> passenger |= {"sibsp": 0, "parch": 0}
    >>> with tempfile.TemporaryDirectory() as folder, cm.PredictionLog(folder) as log:
    ...     answer = cm.ServedModel(log).load().predict_with_logging([passenger])
    >>> [len(name) for name in answer["prediction_ids"]]
    [36]
    """

    prediction_ids: list[str | None]
