"""Converters for estimators, from a tensor of features to one of probabilities, in double precision."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    VotingClassifier,
)
from sklearn.linear_model import LogisticRegression

from classification_model.errors import ExportError
from classification_model.export.calibration import calibrate
from classification_model.export.graph import DOUBLE, FLOAT, Graph
from classification_model.export.probabilities import beside_rest, of_scores
from classification_model.export.table import Features
from classification_model.export.trees import Trees

#: Adds an estimator to a graph; returns the tensor of what it computes.
Converter = Callable[[Any, Graph, Features], str]


def convert_estimator(estimator: Any, graph: Graph, features: Features) -> str:
    """Add a fitted classifier to a graph.

    Returns
    -------
    str
        The tensor of the probabilities, (n_rows, n_classes).

    Raises
    ------
    ExportError
        If there is no converter for it.
    """
    response, is_probability = _respond(estimator, graph, features)
    return response if is_probability else of_scores(graph, response, len(estimator.classes_))


def _respond(estimator: Any, graph: Graph, features: Features) -> tuple[str, bool]:
    """Add a classifier up to its scores, (n_rows, 1) for two classes; where it has none, up to its probabilities.

    The second value tells whether they are probabilities.
    """
    is_probability = type(estimator) not in SCORES
    converter = (PROBABILITIES if is_probability else SCORES).get(type(estimator))
    if converter is None:
        msg = f"no converter for {type(estimator).__name__}"
        raise ExportError(msg)
    return converter(estimator, graph, features), is_probability


def _linear(estimator: LogisticRegression, graph: Graph, features: Features) -> str:
    weights = np.zeros((features.width, len(estimator.coef_)))
    weights[features.places] = estimator.coef_.T
    products = graph.add("MatMul", features.tensor, weights)
    return graph.add("Add", products, np.asarray(estimator.intercept_, dtype=np.float64))


def _forest(estimator: Any, graph: Graph, features: Features) -> str:
    """Average the trees' probabilities; scikit-learn compares features in single with thresholds in double."""
    narrow = graph.add("Cast", graph.add("Cast", features.tensor, to=FLOAT), to=DOUBLE)
    classes = len(estimator.classes_)
    targets = range(1, 2) if classes == 2 else range(classes)
    trees = Trees(len(targets), may_be_missing=features.may_be_missing)
    for member in estimator.estimators_:
        tree = member.tree_
        for target, number in enumerate(targets):
            trees.add(
                feature=features.places[np.maximum(tree.feature, 0)],  # a leaf has none
                threshold=tree.threshold,
                left=tree.children_left,
                right=tree.children_right,
                is_leaf=tree.children_left < 0,
                missing_left=tree.missing_go_to_left,
                values=tree.value[:, 0, number],
                target=target,
            )
    means = graph.add("Div", trees.convert(graph, narrow), np.array([float(len(estimator.estimators_))]))
    return beside_rest(graph, means) if classes == 2 else means


def _boosting(estimator: HistGradientBoostingClassifier, graph: Graph, features: Features) -> str:
    """Add the leaves of all trees to the baseline."""
    if estimator.is_categorical_ is not None:
        msg = "no converter for HistGradientBoostingClassifier with categorical features: encode them before"
        raise ExportError(msg)
    trees = Trees(estimator.n_trees_per_iteration_, may_be_missing=features.may_be_missing)
    for target, baseline in enumerate(np.ravel(estimator._baseline_prediction)):
        trees.add_constant(float(baseline), target)
    for stage in estimator._predictors:
        for target, predictor in enumerate(stage):
            nodes = predictor.nodes
            trees.add(
                feature=features.places[nodes["feature_idx"]],
                threshold=nodes["num_threshold"],
                left=nodes["left"],
                right=nodes["right"],
                is_leaf=nodes["is_leaf"].astype(bool),
                missing_left=nodes["missing_go_to_left"],
                values=nodes["value"],
                target=target,
            )
    return trees.convert(graph, features.tensor)


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


def _calibrated(estimator: CalibratedClassifierCV, graph: Graph, features: Features) -> str:
    """Average the calibrated classifiers, each of them a base estimator of its own."""
    members = []
    for classifier in estimator.calibrated_classifiers_:
        response, is_probability = _respond(classifier.estimator, graph, features)
        members.append(calibrate(graph, classifier, response, is_probability=is_probability))
    total = members[0]
    for member in members[1:]:
        total = graph.add("Add", total, member)
    return graph.add("Div", total, np.array([float(len(members))])) if len(members) > 1 else total


#: Estimators with a decision function: scores of shape (n_rows, 1) for two classes, else (n_rows, n_classes).
SCORES: dict[type, Converter] = {
    HistGradientBoostingClassifier: _boosting,
    LogisticRegression: _linear,
}
#: Estimators that only have probabilities, of shape (n_rows, n_classes).
PROBABILITIES: dict[type, Converter] = {
    CalibratedClassifierCV: _calibrated,
    ExtraTreesClassifier: _forest,
    RandomForestClassifier: _forest,
    VotingClassifier: _average,
}
