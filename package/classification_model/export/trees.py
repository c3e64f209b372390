"""Convert decision trees to one node of an ONNX graph, in double precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import numpy_helper

from classification_model.export.graph import ML

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.export.graph import Graph

_SUM, _NONE, _LESS_OR_EQUAL = 1, 0, 0  # as ai.onnx.ml 5 numbers them


class Trees:
    """Trees whose leaves are summed for each of some targets, one after the other as they were added.

    The operator gives each leaf one target, so a tree that speaks of several is added once for each. Since the order
    of the sums is scikit-learn's, so are their last digits, of which an isotonic calibration may make much.

    Parameters
    ----------
    targets
        Number of sums.
    may_be_missing
        Whether a feature can be NaN. It then goes where the node says; else each node asks one question less.
    """

    def __init__(self, targets: int, *, may_be_missing: bool = False) -> None:
        self._targets = targets
        self._may_be_missing = may_be_missing
        self._roots: list[int] = []
        #: Feature, threshold, whether NaN goes left, then for each branch its place, whether it is a leaf.
        self._nodes: list[NDArray[Any]] = []
        self._leaves: list[tuple[NDArray[np.float64], int]] = []
        self._counts = {"nodes": 0, "leaves": 0}

    def add(
        self,
        *,
        feature: NDArray[Any],
        threshold: NDArray[Any],
        left: NDArray[Any],
        right: NDArray[Any],
        is_leaf: NDArray[np.bool_],
        values: NDArray[np.float64],
        target: int,
        missing_left: NDArray[Any] | None = None,
    ) -> None:
        """Add a tree for one target; a row goes left where its feature is at most the threshold.

        Parameters
        ----------
        feature, threshold, left, right, is_leaf
            For each node, the first of them the root, shape (n_nodes,).
        values
            What each node adds where it is a leaf, shape (n_nodes,).
        target
            Number of the sum it is added to.
        missing_left
            Whether a row without the feature goes left at each node, shape (n_nodes,); at none when left out.
        """
        if is_leaf[0]:
            self.add_constant(float(values[0]), target)
            return
        inner = ~is_leaf
        missing_left = np.zeros(len(is_leaf)) if missing_left is None else missing_left
        first_node, first_leaf = self._counts["nodes"], self._counts["leaves"]
        places = np.where(is_leaf, np.cumsum(is_leaf) - 1 + first_leaf, np.cumsum(inner) - 1 + first_node)
        branches = [(places[side[inner]], is_leaf[side[inner]]) for side in (left, right)]
        self._nodes.append(
            np.array(
                [feature[inner], threshold[inner], missing_left[inner], *branches[0], *branches[1]], dtype=np.float64
            )
        )
        self._leaves.append((values[is_leaf], target))
        self._roots.append(first_node)
        self._counts = {"nodes": first_node + int(inner.sum()), "leaves": first_leaf + int(is_leaf.sum())}

    def add_constant(self, value: float, target: int) -> None:
        """Add a number to a sum: a tree whose two leaves are the same, since the operator knows none without a node."""
        self.add(
            feature=np.zeros(3),
            threshold=np.zeros(3),
            left=np.array([1, 0, 0]),
            right=np.array([2, 0, 0]),
            is_leaf=np.array([False, True, True]),
            values=np.full(3, value),
            target=target,
        )

    def convert(self, graph: Graph, features: str) -> str:
        """Add the trees to a graph, one or more; return the tensor of the sums, shape (n_rows, n_targets)."""
        feature, threshold, missing_left, left, left_is_leaf, right, right_is_leaf = np.concatenate(self._nodes, axis=1)
        missing = {"nodes_missing_value_tracks_true": _integers(missing_left)} if self._may_be_missing else {}
        return graph.add(
            "TreeEnsemble",
            features,
            domain=ML,
            aggregate_function=_SUM,
            post_transform=_NONE,
            n_targets=self._targets,
            tree_roots=self._roots,
            nodes_featureids=_integers(feature),
            nodes_splits=numpy_helper.from_array(threshold),
            nodes_modes=numpy_helper.from_array(np.full(len(feature), _LESS_OR_EQUAL, dtype=np.uint8)),
            nodes_truenodeids=_integers(left),
            nodes_trueleafs=_integers(left_is_leaf),
            nodes_falsenodeids=_integers(right),
            nodes_falseleafs=_integers(right_is_leaf),
            leaf_targetids=[target for values, target in self._leaves for _ in values],
            leaf_weights=numpy_helper.from_array(np.concatenate([values for values, _ in self._leaves])),
            **missing,
        )


def _integers(numbers: NDArray[np.float64]) -> list[int]:
    values: list[int] = numbers.astype(np.int64).tolist()
    return values
