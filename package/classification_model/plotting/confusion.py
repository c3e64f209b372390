"""Draw how often each class was predicted for each true class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgb
from sklearn.metrics import confusion_matrix

from classification_model.plotting.figures import BLUE, INK, cut_label, new_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from numpy.typing import NDArray

    from classification_model.evaluation.metrics import Outcome

#: Rows and columns: of more classes, the most frequent ones, and all others as one.
MOST_CLASSES = 20
_BLUES = LinearSegmentedColormap.from_list("share", [(*to_rgb(BLUE), 0.0), (*to_rgb(BLUE), 0.85)])


def draw_confusion(outcome: Outcome) -> Figure:
    """Draw the counts, coloured by the share of the true class; call it inside `plot_style`."""
    labels, counts = _counts(outcome)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    size, places = len(labels), np.arange(len(labels))
    figure = new_figure(max(5.2, 1.8 + 0.42 * size), max(3.4, 1.2 + 0.36 * size))
    axes = figure.add_subplot()
    axes.pcolormesh(shares, cmap=_BLUES, vmin=0, vmax=1)
    for row in places:
        for column in places:
            if counts[row, column]:
                axes.text(column + 0.5, row + 0.5, f"{counts[row, column]}", ha="center", va="center", color=INK)
    axes.set_xticks(places + 0.5, labels, rotation=30 if size > 3 else 0, ha="right" if size > 3 else "center")
    axes.set_yticks(places + 0.5, labels)
    axes.set(xlabel="Predicted", ylabel="Actual", xlim=(0, size), ylim=(size, 0))
    return figure


def _counts(outcome: Outcome) -> tuple[tuple[str, ...], NDArray[np.int64]]:
    counts = confusion_matrix(outcome.truth, outcome.predicted, labels=range(len(outcome.classes)))
    labels = tuple(map(cut_label, outcome.classes))
    if len(labels) <= MOST_CLASSES:
        return labels, counts
    kept = np.sort(np.argsort(-counts.sum(axis=1), kind="stable")[: MOST_CLASSES - 1])
    places = np.full(len(labels), len(kept))
    places[kept] = np.arange(len(kept))
    merged = np.zeros((MOST_CLASSES, MOST_CLASSES), dtype=np.int64)
    np.add.at(merged, (places[:, None], places[None, :]), counts)
    return (*(labels[place] for place in kept), f"{len(labels) - len(kept)} others"), merged
