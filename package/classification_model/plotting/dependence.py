"""Draw the partial dependence of probabilities on one column."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.plotting.figures import COLOURS, cut_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from classification_model.evaluation.partial_dependence import PartialDependence


def draw_dependence(axes: Axes, dependence: PartialDependence, classes: Sequence[str], shown: Sequence[int]) -> None:
    """Draw the mean probability of some classes, by number, at each value; call it inside `plot_style`."""
    values, probabilities = dependence.values, dependence.probabilities
    texts = [value for value in values if isinstance(value, str)]
    if dependence.kind == "boolean":
        texts = ["yes" if value else "no" for value in values]
    if texts:
        places = np.arange(len(texts))
        width = 0.8 / len(shown)
        for place, number in enumerate(shown):
            shift = (place - (len(shown) - 1) / 2) * width
            axes.bar(
                places + shift,
                probabilities[:, number],
                width,
                color=COLOURS[place],
                label=cut_label(classes[number]),
            )
        slanted = len(texts) > 4 or max(map(len, texts)) > 8
        axes.set_xticks(
            places, list(map(cut_label, texts)), rotation=40 if slanted else 0, ha="right" if slanted else "center"
        )
    else:
        numbers = np.array(values, dtype=np.float64)
        along = (numbers * 1e6).astype("datetime64[us]") if dependence.kind == "datetime" else numbers
        for place, number in enumerate(shown):
            axes.plot(
                along, probabilities[:, number], color=COLOURS[place], marker=".", label=cut_label(classes[number])
            )
        if dependence.kind == "datetime" and len(along) > 1:
            axes.set_xlim(along[0], along[-1])  # a margin may lie beyond the years that there are
    axes.set(
        xlabel=cut_label(dependence.feature),
        ylabel=f"Probability of {cut_label(classes[1])}" if len(classes) == 2 else "Probability",
    )
    axes.set_ylim(0, min(1.0, 1.15 * float(probabilities[:, shown].max())))
