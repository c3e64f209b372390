"""The types of what a prediction returns: plain dicts, ready for JSON."""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict


class AnswerIssue(TypedDict):
    """An error or a warning about one value; it never holds the value itself.

    ``row`` is the number of the row, from 0, or None for a whole column; ``field`` is the name of the column; ``code``
    is a stable name such as ``"unseen_category"``; ``message`` says what was expected and what was found.

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
Explanation.__doc__ = """What each field of a row contributed to its prediction; see `make_prediction`.

The contributions sum to ``value - base_value``, both of which are on the ``scale`` and about the ``class``.

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
    """What `make_prediction` returns: one prediction for each row, in the order of the rows.

    A row with an error has the prediction None and the probabilities None. ``probabilities`` are by label and sum to
    1. ``errors`` is None where there is none. ``explanations`` is there only with ``explain=True``.

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
    """What `MLEModel.predict_with_logging` returns: an `Answer` with the identifier of each logged prediction.

    ``prediction_ids`` holds a UUID for each predicted row and None for a row with an error, which is not logged. A
    label that arrives later is recorded under this identifier.

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
