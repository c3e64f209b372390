"""Judge a model on labelled rows: its predictions, and what they depend on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.evaluation.importances import importances
from classification_model.evaluation.partial_dependence import PartialDependence, partial_dependences
from classification_model.evaluation.slice_metrics import Slice, readable, slice_metrics
from classification_model.processing.pipeline_model import columns_of

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.evaluation.importances import Predict
    from classification_model.evaluation.metrics import Outcome
    from classification_model.runtime.input.schema import InputSchema


@dataclass(frozen=True)
class LearningPoint:
    """The metric of a model that was fitted on some of the rows.

    Attributes
    ----------
    share
        Share of the rows to fit on, above 0; 1 for all of them.
    rows
        Number of rows that it was fitted on, the mean over folds.
    others
        The metric on rows that it was not fitted on, for each fold.
    own
        The metric on the rows that it was fitted on, the mean over folds; of all rows, that of the model itself.
    """

    share: float
    rows: int
    others: tuple[float, ...]
    own: float


@dataclass(frozen=True)
class LearningCurve:
    """The metric of a model by the number of rows that it is fitted on.

    Attributes
    ----------
    metric
        Name of the metric.
    points
        From few rows to all of them; each on the same folds.
    """

    metric: str
    points: tuple[LearningPoint, ...]


@dataclass(frozen=True)
class Judged:
    """A model, judged on labelled rows.

    Attributes
    ----------
    outcome
        Labels and predictions of the rows.
    importances
        For each raw feature, or the 200 most important ones, the increase of the log loss when it is shuffled: name,
        mean, standard deviation; the largest first.
    dependences
        Partial dependence of the probabilities on the most important features.
    slices
        Metrics on slices of the rows by these features.
    learning_curve
        Metric by the number of rows to learn from; None where that was not measured.
    """

    outcome: Outcome
    importances: tuple[tuple[str, float, float], ...]
    dependences: tuple[PartialDependence, ...]
    slices: tuple[Slice, ...]
    learning_curve: LearningCurve | None = None


def judge(
    outcome: Outcome,
    predict: Predict,
    features: pd.DataFrame,
    schema: InputSchema,
    *,
    random_state: int = 0,
    learning_curve: LearningCurve | None = None,
) -> Judged:
    """Judge a model on labelled rows. The work is bounded, however many rows there are.

    Parameters
    ----------
    outcome
        Labels and predictions of the rows.
    predict
        Returns the probabilities of rows from their columns and their number, such as `CompiledModel.probabilities`.
    features
        The rows, as `processing.rows.Rows.features`.
    schema
        The fields of the model.
    random_state
        Seed of shuffles and samples.
    learning_curve
        Where it was measured.
    """
    columns = columns_of(features, schema)
    important = importances(predict, columns, outcome.truth, random_state)
    measured = [name for name, _, _ in important]
    return Judged(
        outcome=outcome,
        importances=tuple(important),
        dependences=partial_dependences(predict, columns, measured, schema, random_state),
        slices=tuple(slice_metrics(readable(features[measured], schema), outcome)),
        learning_curve=learning_curve,
    )
