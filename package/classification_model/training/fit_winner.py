"""Fit the winner of the comparison on all training rows, and predict with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.evaluation.metrics import Outcome, choose_threshold
from classification_model.pipeline import build_pipeline
from classification_model.processing.pipeline_model import columns_of
from classification_model.training.folds import class_numbers, fit_weights

if TYPE_CHECKING:
    from typing import Any

    from sklearn.pipeline import Pipeline

    from classification_model.evaluation.importances import Predict
    from classification_model.processing.data_manager import TrainingData
    from classification_model.training.model_selection import Selection

#: Training rows that the model is evaluated on, at most.
MOST_IN_SAMPLE = 5000


def fit_pipeline(data: TrainingData, candidate: str, setting: dict[str, Any]) -> Pipeline:
    """Fit a candidate's whole pipeline on all training rows; it predicts class numbers."""
    pipeline = build_pipeline(data.config, candidate, setting)
    weights = fit_weights(data.train, data.config)
    parameters = {} if weights is None else {"estimator__sample_weight": weights}
    return pipeline.fit(data.train.features, class_numbers(data.train.labels, data.classes), **parameters)


def predict_holdout(pipeline: Pipeline, data: TrainingData, threshold: float | None) -> Outcome:
    """Predict the hold-out rows."""
    truth = class_numbers(data.holdout.labels, data.classes)
    return Outcome(data.classes, truth, pipeline.predict_proba(data.holdout.features), threshold)


def predict_training_rows(predict: Predict, data: TrainingData, threshold: float | None) -> Outcome:
    """Predict rows that the model was fitted on: all of them, or 5,000 drawn at random."""
    count = len(data.train)
    drawn = np.random.default_rng(data.config.training.random_state).permutation(count)[:MOST_IN_SAMPLE]
    rows = data.train.take(np.sort(drawn))
    probabilities = predict(columns_of(rows.features, data.schema), len(rows))
    return Outcome(data.classes, class_numbers(rows.labels, data.classes), probabilities, threshold)


def threshold_of(data: TrainingData, selection: Selection) -> float | None:
    """Return the threshold of the config, or the best one out of fold; None with more than two classes."""
    choice = data.config.training.threshold
    if len(data.classes) > 2:
        return None
    return choice if isinstance(choice, float) else choose_threshold(selection.out_of_fold(), choice)
