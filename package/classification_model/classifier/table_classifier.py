"""A classifier of a table that follows the protocol of scikit-learn: `fit`, `predict`, `predict_proba`, `score`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from classification_model.batch.added_columns import PREDICTION
from classification_model.classifier.class_values import class_numbers_of, class_values
from classification_model.classifier.config_with import config_with
from classification_model.classifier.fitted_model import fit_on_rows
from classification_model.classifier.given_rows import checked_target, frame_of_rows, table_and_config
from classification_model.classifier.scored_frames import probabilities_of_rows
from classification_model.errors import DataError, FitDataError, InputError
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.given_problem import given_config
from classification_model.runtime.inference.classes import decide

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from classification_model.classifier.fitted_model import FittedModel
    from classification_model.config.sections import Config
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.training_report import TrainingReport

_OPTIONS = ("estimator", "metric", "folds", "trials", "budget_seconds", "class_weights", "threshold", "random_state")


class TableClassifier(ClassifierMixin, BaseEstimator):
    """What scikit-learn calls of a `Classifier`, which documents the parameters and attributes."""

    def __init__(
        self,
        config: Config | Path | str | None = None,
        *,
        estimator: str | None = None,
        metric: str | None = None,
        folds: int | None = None,
        trials: int | None = None,
        budget_seconds: float | None = None,
        class_weights: Any = None,
        threshold: Any = None,
        random_state: int | None = None,
        jobs: int = -1,
    ) -> None:
        self.config = config
        self.estimator = estimator
        self.metric = metric
        self.folds = folds
        self.trials = trials
        self.budget_seconds = budget_seconds
        self.class_weights = class_weights
        self.threshold = threshold
        self.random_state = random_state
        self.jobs = jobs

    def fit(self, X: Any, y: ArrayLike | None = None) -> Self:
        """Choose a candidate by cross-validation on all rows, and fit it on them.

        Unlike `train`, this holds no rows out and evaluates nothing, which is for the caller, as ``cross_val_score``
        does.

        Parameters
        ----------
        X
            The rows, without the target: a DataFrame of raw values, or an array of numbers, shape
            (n_rows, n_columns). A frame may lack columns that the config drops.
        y
            The target of each row, shape (n_rows,): raw values, or labels of the config.

        Returns
        -------
        Classifier
            This classifier, fitted.

        Raises
        ------
        FitDataError
            If the rows cannot be trained on. It is a `DataError` and a `ValueError`.
        InputError
            If the target is among the features, or an option is not allowed.
        ValueError, TypeError
            If scikit-learn's own checks refuse the rows or the target, such as a sparse matrix.
        ConfigError, TrainingError
            If the config has a wrong value, or a candidate cannot be fitted.
        """
        self.is_by_name_ = isinstance(X, pd.DataFrame)
        given = None if self.config is None else given_config(self.config)
        target = checked_target(self, X, y, given)
        try:
            frame = frame_of_rows(self, X, reset=True)
            table, config = table_and_config(frame, target, given, is_array=not self.is_by_name_, folder=Path.cwd())
            data = DataLoader(config_with(config, self._changes()), table).load_whole()
            values = class_values(target, data)
            model: FittedModel = fit_on_rows(data, jobs=self.jobs)
        except DataError as error:
            raise FitDataError(str(error)) from error
        return self._use(model, values)

    def predict(self, X: Any) -> Any:
        """Predict the class of each row.

        Parameters
        ----------
        X
            Rows as in `fit`. Columns of the training table that the model does not use are accepted and ignored.

        Returns
        -------
        pandas.Series or numpy.ndarray
            For a DataFrame, a Series on its index; for an array, an array. Values of ``classes_``.

        Raises
        ------
        DataError
            If a column is missing or unknown, or a row cannot be predicted; `predict_frame` predicts the other rows.
        """
        frame = self._rows(X)
        numbers = decide(self._probabilities(frame), self.manifest_.threshold)
        predicted = self._values[numbers]
        return pd.Series(predicted, index=frame.index, name=PREDICTION) if isinstance(X, pd.DataFrame) else predicted

    def predict_proba(self, X: Any) -> NDArray[np.float64]:
        """Predict the probability of each class, shape (n_rows, n_classes), in the order of ``classes_``.

        Parameters
        ----------
        X
            See `predict`.

        Raises
        ------
        DataError
            See `predict`.
        """
        return self._probabilities(self._rows(X))[:, self._order]

    def score(self, X: Any, y: ArrayLike | None = None, sample_weight: ArrayLike | None = None) -> float:
        """Return the share of rows that are predicted right.

        Parameters
        ----------
        X
            See `predict`; with the target if `y` is left out.
        y
            The target of each row, shape (n_rows,): raw values or labels.
        sample_weight
            Weight of each row, shape (n_rows,).

        Raises
        ------
        DataError
            If there are no rows, a label is missing or no class, or a row cannot be predicted.
        InputError
            If there is not a label, or a weight, for each row.
        """
        frame = self._rows(X)
        truth = self._truth(frame, y)
        if not len(truth):
            msg = "expected rows to score, found none"
            raise DataError(msg)
        predicted = decide(self._probabilities(frame), self.manifest_.threshold)
        weights = None if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weights is not None and (weights.shape != truth.shape or not weights.sum() > 0):
            msg = f"sample_weight: expected {len(truth)} weights with a sum above 0, found shape {weights.shape}"
            raise InputError(msg)
        return float(np.average(predicted == truth, weights=weights))

    def labels_of(self, X: pd.DataFrame) -> pd.Series:
        """Return the label of each row of a table that has the target, as values of ``classes_``.

        Functions of scikit-learn, such as `sklearn.metrics.classification_report`, compare these with predictions.

        Parameters
        ----------
        X
            Rows with the target.

        Raises
        ------
        DataError
            If a label is missing or no class.
        """
        frame = self._rows(X)
        return pd.Series(self._values[self._truth(frame, None)], index=frame.index, name=self.manifest_.target or None)

    def __sklearn_is_fitted__(self) -> bool:
        """Tell scikit-learn whether the classifier is fitted."""
        return hasattr(self, "model_")

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn what rows may hold."""
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags

    @property
    def manifest_(self) -> Manifest:
        """Manifest of the model."""
        return self._fitted().predictor.manifest

    def _use(
        self,
        model: FittedModel,
        values: NDArray[Any],
        *,
        report: TrainingReport | None = None,
        draft: str | None = None,
    ) -> Self:
        """Take a fitted model, and the values that its classes are predicted as, in the order of its classes."""
        self.model_ = model
        self.report_ = report
        self.draft_ = draft
        self.is_by_name_ = getattr(self, "is_by_name_", True)
        # in the order of the manifest, whose positive class comes last, and then sorted
        self._values = values
        self._order = np.argsort(values, kind="stable")
        self.classes_ = values[self._order]
        return self

    def _fitted(self) -> FittedModel:
        check_is_fitted(self)
        model: FittedModel = self.model_
        return model

    def _changes(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in _OPTIONS}

    def _rows(self, rows: Any) -> pd.DataFrame:
        self._fitted()
        return frame_of_rows(self, rows, reset=False)

    def _probabilities(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        return probabilities_of_rows(self._fitted().predictor, frame)

    def _truth(self, frame: pd.DataFrame, labels: ArrayLike | None) -> NDArray[np.int64]:
        return class_numbers_of(self.manifest_, frame, labels)
