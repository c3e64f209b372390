"""A converter for each estimator: a tensor of features in, one of probabilities out, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression

from classification_model.errors import ExportError
from classification_model.export.graph import DOUBLE, FLOAT, Graph
from classification_model.export.table import Features
from classification_model.export.trees import Trees

#: Adds an estimator to a graph; returns the tensor of the probabilities, (n_rows, n_classes).
Converter = Callable[[Any, Graph, Features], str]

_ONE = np.array([1.0])


def convert_estimator(estimator: Any, graph: Graph, features: Features) -> str:
    """Add a fitted classifier to a graph.

    Raises
    ------
    ExportError
        If there is no converter for it.
    """
    converter = CONVERTERS.get(type(estimator))
    if converter is None:
        msg = f"no converter for {type(estimator).__name__}"
        raise ExportError(msg)
    return converter(estimator, graph, features)


def _linear(estimator: LogisticRegression, graph: Graph, features: Features) -> str:
    weights = np.zeros((features.width, len(estimator.coef_)))
    weights[features.places] = estimator.coef_.T
    scores = graph.add("MatMul", features.tensor, weights)
    return _of_scores(
        graph, graph.add("Add", scores, np.asarray(estimator.intercept_, dtype=np.float64)), len(estimator.classes_)
    )


def _forest(estimator: Any, graph: Graph, features: Features) -> str:
    """Average the trees' probabilities; scikit-learn compares features in single with thresholds in double."""
    narrow = graph.add("Cast", graph.add("Cast", features.tensor, to=FLOAT), to=DOUBLE)
    classes = len(estimator.classes_)
    targets = range(1, 2) if classes == 2 else range(classes)
    trees = Trees(len(targets))
    for member in estimator.estimators_:
        tree = member.tree_
        shares = tree.value[:, 0, :] / tree.value[:, 0, :].sum(axis=1, keepdims=True) / len(estimator.estimators_)
        for target, number in enumerate(targets):
            trees.add(
                feature=features.places[np.maximum(tree.feature, 0)],  # a leaf has none
                threshold=tree.threshold,
                left=tree.children_left,
                right=tree.children_right,
                is_leaf=tree.children_left < 0,
                values=shares[:, number],
                target=target,
            )
    means = trees.convert(graph, narrow)
    return _beside_rest(graph, means) if classes == 2 else means


def _boosting(estimator: HistGradientBoostingClassifier, graph: Graph, features: Features) -> str:
    """Add the leaves of all trees to the baseline."""
    if estimator.is_categorical_ is not None:
        msg = "no converter for HistGradientBoostingClassifier with categorical features"
        raise ExportError(msg)
    stages = estimator._predictors
    count = len(stages[0]) if stages else estimator.n_trees_per_iteration_
    trees = Trees(count)
    for stage in stages:
        for target, predictor in enumerate(stage):
            nodes = predictor.nodes
            trees.add(
                feature=features.places[nodes["feature_idx"]],
                threshold=nodes["num_threshold"],
                left=nodes["left"],
                right=nodes["right"],
                is_leaf=nodes["is_leaf"].astype(bool),
                values=nodes["value"],
                target=target,
            )
    baseline = np.asarray(estimator._baseline_prediction, dtype=np.float64).reshape(1, count)
    return _of_scores(graph, graph.add("Add", trees.convert(graph, features.tensor), baseline), len(estimator.classes_))


def _average(estimator: VotingClassifier, graph: Graph, features: Features) -> str:
    if estimator.voting != "soft":
        msg = "no converter for a VotingClassifier that counts votes"
        raise ExportError(msg)
    members = [convert_estimator(member, graph, features) for member in estimator.estimators_]
    weights = np.ones(len(members)) if estimator.weights is None else np.asarray(estimator.weights, dtype=np.float64)
    total = ""
    for member, weight in zip(members, weights, strict=True):
        part = member if weight == 1 else graph.add("Mul", member, np.array([weight]))
        total = graph.add("Add", total, part) if total else part
    return graph.add("Div", total, np.array([weights.sum()]))


def _of_scores(graph: Graph, scores: str, classes: int) -> str:
    """Turn scores into probabilities: one for two classes by the logistic function, else one a class by softmax."""
    if classes > 2:
        return graph.add("Softmax", scores, axis=1)
    return _beside_rest(graph, graph.add("Sigmoid", scores))


def _beside_rest(graph: Graph, positive: str) -> str:
    """Put the probability of the second of two classes, (n_rows, 1), beside that of the first."""
    return graph.add("Concat", graph.add("Sub", _ONE, positive), positive, axis=1)


CONVERTERS: dict[type, Converter] = {
    ExtraTreesClassifier: _forest,
    HistGradientBoostingClassifier: _boosting,
    LogisticRegression: _linear,
    RandomForestClassifier: _forest,
    VotingClassifier: _average,
}
