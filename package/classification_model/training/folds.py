"""Prepare the folds of a training, and fit estimators on them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from sklearn.utils.class_weight import compute_class_weight
from threadpoolctl import threadpool_limits

from classification_model.errors import TrainingError
from classification_model.estimators import Setting, build_estimator
from classification_model.evaluation.metrics import Outcome
from classification_model.pipeline import build_preparation
from classification_model.processing import validation
from classification_model.processing.features.derivation_steps import build_derivations
from classification_model.processing.splitting import make_folds

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import TrainingData
    from classification_model.processing.rows import Rows
    from classification_model.processing.splitting import Folds


@dataclass(frozen=True)
class PreparedFold:
    """Prepared numbers of one fold: every candidate learns from the same.

    Attributes
    ----------
    train, test
        What reaches the estimator, shape (n_rows, n_features).
    train_labels, test_labels
        Class numbers, shape (n_rows,).
    weights
        Weights of the rows to learn from, shape (n_rows,); None where all are alike.
    """

    train: NDArray[np.float64]
    train_labels: NDArray[np.int64]
    weights: NDArray[np.float64] | None
    test: NDArray[np.float64]
    test_labels: NDArray[np.int64]


@dataclass(frozen=True)
class FittedFold:
    """What an estimator that was fitted on a fold predicts.

    Attributes
    ----------
    outcome
        Labels and predictions of the rows to evaluate on.
    fit_seconds, predict_seconds
        What fitting and predicting took.
    """

    outcome: Outcome
    fit_seconds: float
    predict_seconds: float


def class_numbers(labels: NDArray[np.object_], classes: Sequence[str]) -> NDArray[np.int64]:
    """Give each label, shape (n_rows,), the number of its place among the classes."""
    places = {label: number for number, label in enumerate(classes)}
    return np.array([places[label] for label in labels], dtype=np.int64)


def fit_weights(rows: Rows, config: Config) -> NDArray[np.float64] | None:
    """Multiply sample weights with class weights; None when the config gives neither."""
    choice = config.training.class_weights
    weights = rows.weights
    if choice == "none":
        return weights
    labels = rows.labels.astype(str)
    present = np.unique(labels)
    wanted = choice if choice == "balanced" else {str(label): choice.get(str(label), 1.0) for label in present}
    by_label = dict(zip(present, compute_class_weight(wanted, classes=present, y=labels), strict=True))
    class_part = np.array([by_label[label] for label in labels], dtype=np.float64)
    return class_part if weights is None else class_part * weights


def draw_folds(data: TrainingData) -> Folds:
    """Draw the folds of the training rows: the same at each call.

    Raises
    ------
    DataError
        If no folds can be drawn.
    """
    rows = data.train
    groups = None if rows.groups is None else rows.groups.tolist()
    return make_folds(data.config.training, class_numbers(rows.labels, data.classes), groups, rows.moments)


def prepare_folds(data: TrainingData, jobs: int) -> list[PreparedFold]:
    """Draw and prepare all folds.

    Raises
    ------
    DataError
        If no folds can be drawn, or a derived feature is missing everywhere.
    TrainingError
        If the features cannot be prepared.
    """
    folds = draw_folds(data)
    prepare = delayed(prepare_fold)
    try:
        _check_derived(data)
        return list(Parallel(jobs, prefer="threads")(prepare(data, train, test) for train, test in folds))
    except (ValueError, TypeError) as error:
        msg = f"the features cannot be prepared for training: {first_line(error)}"
        raise TrainingError(msg) from error


def prepare_fold(data: TrainingData, train: NDArray[np.intp], test: NDArray[np.intp]) -> PreparedFold:
    """Fit the preparation on some training rows, by number, and prepare them and others to evaluate on."""
    learned, judged = data.train.take(train), data.train.take(test)
    numbers = class_numbers(learned.labels, data.classes)
    preparation = build_preparation(data.config)
    return PreparedFold(
        train=preparation.fit_transform(learned.features, numbers).to_numpy(dtype=np.float64),
        train_labels=numbers,
        weights=fit_weights(learned, data.config),
        test=preparation.transform(judged.features).to_numpy(dtype=np.float64),
        test_labels=class_numbers(judged.labels, data.classes),
    )


def fit_fold(name: str, setting: Setting, data: TrainingData, fold: PreparedFold) -> FittedFold:
    """Fit a candidate on a fold, and predict the rows to evaluate on."""
    estimator = build_estimator(name, setting, data.config.training.random_state)
    with threadpool_limits(1, user_api="openmp"):  # folds run side by side: threads of their own would only wait
        began = time.perf_counter()
        estimator.fit(fold.train, fold.train_labels, sample_weight=fold.weights)
        fitted = time.perf_counter()
        outcome = Outcome(data.classes, fold.test_labels, estimator.predict_proba(fold.test))
        return FittedFold(outcome, fitted - began, time.perf_counter() - fitted)


def first_line(error: Exception) -> str:
    """Return the first line of an error's message, or else its type."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _check_derived(data: TrainingData) -> None:
    frame = data.train.features
    for _, step in build_derivations(data.config):
        frame = step.fit_transform(frame)
    for name, feature in data.config.features.items():
        if feature.sources and name in frame.columns:
            validation.check_derived(name, feature.sources, bool(frame[name].isna().all()))
