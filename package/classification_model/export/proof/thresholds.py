"""The thresholds of a pipeline's trees in the units of the raw columns, where compiled models tend to differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.preprocessing import StandardScaler

from classification_model.export.names import names_of_features, prepare
from classification_model.runtime.input.values import LARGEST_NUMBER

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd
    from numpy.typing import NDArray
    from sklearn.pipeline import Pipeline


def thresholds_of_fields(pipeline: Pipeline, features: pd.DataFrame) -> dict[str, NDArray[np.float64]]:
    """Return for each raw column of numbers the values at which a tree turns, and their neighbours.

    A neighbour is the next number in double or in single precision, as the estimator sees it. Columns that no tree
    compares are left out, and so are derived ones, whose sources vary anyhow.

    Parameters
    ----------
    pipeline
        Fitted pipeline.
    features
        A few rows that it takes.
    """
    names = names_of_features(pipeline, prepare(pipeline, features))
    found: dict[str, list[NDArray[np.float64]]] = {}
    for feature, threshold in _splits(pipeline[-1]):
        for place in np.unique(feature):
            found.setdefault(names[place], []).append(threshold[feature == place])
    units = _units(pipeline, features)
    raw = {}
    for name in features.columns:
        if name in found:
            mean, scale = units.get(name, (0.0, 1.0))
            raw[name] = _with_neighbours(np.concatenate(found[name])) * scale + mean
    return raw


def _splits(estimator: Any) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float64]]]:
    """Give the feature numbers and the thresholds of each tree of an estimator, wherever it keeps them."""
    if hasattr(estimator, "tree_"):
        inner = estimator.tree_.children_left >= 0
        yield estimator.tree_.feature[inner], estimator.tree_.threshold[inner]
    for stage in getattr(estimator, "_predictors", ()):
        for predictor in stage:
            nodes = predictor.nodes[predictor.nodes["is_leaf"] == 0]
            yield nodes["feature_idx"].astype(np.int64), nodes["num_threshold"]
    for member in getattr(estimator, "estimators_", ()):
        yield from _splits(member)
    for classifier in getattr(estimator, "calibrated_classifiers_", ()):
        yield from _splits(classifier.estimator)


def _units(pipeline: Pipeline, features: pd.DataFrame) -> dict[str, tuple[float, float]]:
    """Return the mean and the deviation by which each scaled column was scaled."""
    units: dict[str, tuple[float, float]] = {}
    for place, (_, step) in enumerate(pipeline.steps[:-1]):
        scaler = getattr(step, "transformer_", step)
        if isinstance(scaler, StandardScaler) and scaler.with_mean and scaler.with_std:
            names = getattr(step, "variables_", None) or prepare(pipeline, features, place).columns
            units |= dict(zip(map(str, names), zip(scaler.mean_, scaler.scale_, strict=True), strict=True))
    return units


def _with_neighbours(thresholds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return distinct thresholds and the numbers beside them."""
    exact = np.unique(thresholds)
    exact = exact[abs(exact) <= LARGEST_NUMBER]  # beyond it no value is read; between all values and none lies infinity
    single = exact.astype(np.float32)
    beside = [
        np.nextafter(numbers, numbers.dtype.type(side)) for numbers in (exact, single) for side in (-np.inf, np.inf)
    ]
    return np.unique(np.concatenate([exact, single.astype(np.float64), *beside]))
