"""From what an estimator computes to probabilities of classes, as nodes of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from classification_model.export.graph import Graph

_ONE = np.array([1.0])


def of_scores(graph: Graph, scores: str, classes: int) -> str:
    """Turn scores into probabilities: one for two classes by the logistic function, else one a class by softmax."""
    if classes > 2:
        return graph.add("Softmax", scores, axis=1)
    return beside_rest(graph, graph.add("Sigmoid", scores))


def beside_rest(graph: Graph, positive: str) -> str:
    """Put the probability of the second of two classes, (n_rows, 1), beside that of the first."""
    return graph.add("Concat", graph.add("Sub", _ONE, positive), positive, axis=1)


def column(graph: Graph, tensor: str, place: int) -> str:
    """Return a column of a tensor, shape (n_rows, 1)."""
    return graph.add("Gather", tensor, np.array([place]), axis=1)
