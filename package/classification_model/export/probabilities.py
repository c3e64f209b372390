"""From what an estimator computes to probabilities of classes, as nodes of a graph.

A row gets the same probabilities, to the last bit, whatever rows stand beside it. Some operators of onnxruntime do not
see to that: it computes exponentials and logarithms of doubles two at a time, and the last of an odd number by another
function; ``Softmax`` adds up a single row in another order than several; ``ReduceSum`` adds up in an order that depends
on where in memory a row begins. So the first are given pairs, or a row more than there are, and a matrix product adds
up.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from classification_model.export.graph import Graph

_ONE = np.array([1.0])
#: Multiplied with a score, (n_rows, 1), they make a pair of it: what speaks for the first class, and for the second.
BOTH_WAYS = np.array([-1.0, 1.0])


def of_scores(graph: Graph, scores: str, classes: int) -> str:
    """Turn scores into probabilities: one for two classes by the logistic function, else one a class by softmax."""
    if classes > 2:
        return before_a_last_row(graph, scores, classes, lambda padded: graph.add("Softmax", padded, axis=1))
    return graph.add("Sigmoid", graph.add("Mul", scores, BOTH_WAYS))


def before_a_last_row(graph: Graph, tensor: str, columns: int, convert: Callable[[str], str]) -> str:
    """Convert the rows of a tensor, (n_rows, columns), while a row of ones stands below them.

    So no row is alone, and what is computed by another function than the rest is of the row that is taken away again.

    Parameters
    ----------
    graph
        Where nodes are added.
    tensor, columns
        The tensor, and how many columns it has, at least two.
    convert
        Adds nodes that convert it row by row.
    """
    below = convert(graph.add("Concat", tensor, np.ones((1, columns)), axis=0))
    return graph.add("Slice", below, np.array([0]), np.array([-1]), np.array([0]))


def total(graph: Graph, tensor: str, columns: int) -> str:
    """Add up the columns of a tensor, shape (n_rows, 1), in the same order in every row."""
    return graph.add("MatMul", tensor, np.ones((columns, 1)))


def beside_rest(graph: Graph, positive: str) -> str:
    """Put the probability of the second of two classes, (n_rows, 1), beside that of the first."""
    return graph.add("Concat", graph.add("Sub", _ONE, positive), positive, axis=1)


def column(graph: Graph, tensor: str, place: int) -> str:
    """Return a column of a tensor, shape (n_rows, 1)."""
    return graph.add("Gather", tensor, np.array([place]), axis=1)
