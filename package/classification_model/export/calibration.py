"""Converters for calibrated classifiers, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.isotonic import IsotonicRegression

from classification_model.errors import ExportError
from classification_model.export.graph import INT64
from classification_model.export.probabilities import BOTH_WAYS, before_a_last_row, beside_rest, column, total
from classification_model.export.trees import Trees

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.export.graph import Graph

#: What scikit-learn adds to probabilities before it takes their logarithm for temperature scaling.
_LEAST_PROBABILITY = 1e-12


def calibrate(graph: Graph, classifier: Any, response: str, *, is_probability: bool) -> str:
    """Add one classifier of a `CalibratedClassifierCV` to a graph.

    Parameters
    ----------
    graph
        Where nodes are added.
    classifier
        Element of ``calibrated_classifiers_``.
    response
        What its base estimator gives: scores of shape (n_rows, 1) for two classes, else (n_rows, n_classes), or
        probabilities of shape (n_rows, n_classes).
    is_probability
        Which of both.

    Returns
    -------
    str
        The tensor of the probabilities, (n_rows, n_classes).

    Raises
    ------
    ExportError
        If a fold did not see every class, or there is no converter for the method.
    """
    classes = len(classifier.classes)
    if len(classifier.estimator.classes_) != classes:
        msg = "no converter for a CalibratedClassifierCV of which a fold has not seen every class"
        raise ExportError(msg)
    if classes == 2 and is_probability:
        response = column(graph, response, 1)
    if classifier.method == "temperature":
        return _scale_temperature(graph, classifier, response, classes=classes, is_probability=is_probability)
    if classifier.method == "sigmoid":
        return _sigmoid(graph, classifier.calibrators, response, classes)
    if classifier.method == "isotonic":
        calibrated = _isotonic(graph, classifier.calibrators, response)
        return beside_rest(graph, calibrated) if classes == 2 else _normalise(graph, calibrated, classes)
    msg = f"no converter for a CalibratedClassifierCV by method {classifier.method!r}"
    raise ExportError(msg)


def _scale_temperature(graph: Graph, classifier: Any, response: str, *, classes: int, is_probability: bool) -> str:
    inverse_temperature = np.array([classifier.calibrators[0].beta_], dtype=np.float64)

    def scale(shares: str) -> str:
        if is_probability:
            shares = graph.add("Log", graph.add("Add", shares, np.array([_LEAST_PROBABILITY])))
        return graph.add("Softmax", graph.add("Mul", shares, inverse_temperature), axis=1)

    if classes > 2:
        return before_a_last_row(graph, response, classes, scale)
    if is_probability:
        return scale(beside_rest(graph, response))
    return graph.add("Softmax", graph.add("Mul", response, BOTH_WAYS * inverse_temperature), axis=1)


def _sigmoid(graph: Graph, calibrators: list[Any], response: str, classes: int) -> str:
    """Apply a logistic function to each response; of two classes only the second has one."""
    slopes = -np.array([calibrator.a_ for calibrator in calibrators], dtype=np.float64)
    intercepts = -np.array([calibrator.b_ for calibrator in calibrators], dtype=np.float64)
    if classes == 2:
        slopes, intercepts = BOTH_WAYS * slopes, BOTH_WAYS * intercepts

    def apply(responses: str) -> str:
        return graph.add("Sigmoid", graph.add("Add", graph.add("Mul", responses, slopes), intercepts))

    if classes == 2:
        return apply(response)
    return _normalise(graph, before_a_last_row(graph, response, classes, apply), classes)


def _isotonic(graph: Graph, calibrators: list[IsotonicRegression], response: str) -> str:
    return graph.beside(
        [
            _interpolate(graph, calibrator, column(graph, response, place))
            for place, calibrator in enumerate(calibrators)
        ]
    )


def _interpolate(graph: Graph, calibrator: IsotonicRegression, scores: str) -> str:
    """Interpolate linearly between thresholds, as `numpy.interp` does: the same operations in the same order."""
    x, y = calibrator.X_thresholds_, calibrator.y_thresholds_
    if x.dtype != np.float64:  # then SciPy interpolates in that precision, by another method
        msg = f"no converter for an IsotonicRegression in {x.dtype}, only in float64"
        raise ExportError(msg)
    if len(x) == 1:
        return graph.add("Expand", y.reshape(1, 1), graph.add("Shape", scores))
    slopes = np.append(np.diff(y) / np.diff(x), 0.0)  # beyond the last threshold it stays as it is
    inside = graph.add("Max", scores, x[:1])
    place = graph.add("Cast", _last_at_most(graph, x, inside), to=INT64)
    beyond = graph.add("Sub", inside, graph.add("Gather", x, place))
    rise = graph.add("Mul", graph.add("Gather", slopes, place), beyond)
    return graph.add("Add", rise, graph.add("Gather", y, place))


def _last_at_most(graph: Graph, x: NDArray[np.float64], scores: str) -> str:
    """Return the place of the last of the ascending `x` that is at most the score, by binary search in a tree.

    A node over the places from a to b sends a row left where its score is below the middle one; leaves hold places.
    """
    spans = [(0, len(x) - 1)]
    left, right = [], []
    for first, last in spans:  # which grows meanwhile
        if first == last:
            left.append(0)
            right.append(0)
            continue
        middle = (first + last + 1) // 2
        left.append(len(spans))
        right.append(len(spans) + 1)
        spans += [(first, middle - 1), (middle, last)]
    firsts, lasts = np.array(spans).T
    tree = Trees(1)
    tree.add(
        feature=np.zeros(len(spans)),
        threshold=np.nextafter(x[(firsts + lasts + 1) // 2], -np.inf),  # at most this is below the threshold
        left=np.array(left),
        right=np.array(right),
        is_leaf=firsts == lasts,
        values=firsts.astype(np.float64),
        target=0,
    )
    return tree.convert(graph, scores)


def _normalise(graph: Graph, calibrated: str, classes: int) -> str:
    """Let the probabilities of a row sum to one; where all are zero, all classes are alike."""
    sums = total(graph, calibrated, classes)
    is_zero = graph.add("Equal", sums, np.array([0.0]))
    return graph.add("Where", is_zero, np.array([1 / classes]), graph.add("Div", calibrated, sums))
