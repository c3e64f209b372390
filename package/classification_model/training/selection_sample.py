"""A sample of the rows to train on, on which candidates are compared within a minute."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.processing.data_manager import TrainingData


def sample_training_data(data: TrainingData, most: int) -> TrainingData:
    """Return the data with at most about so many rows to train on: the same ones each time, in their order.

    Parameters
    ----------
    data
        The data.
    most
        Number of rows. Each class keeps its share of them, and as many rows as there are folds.
    """
    if len(data.train) <= most:
        return data
    rows = _draw(data.train.labels, most / len(data.train), data.config.training.folds)
    return replace(data, train=data.train.take(rows))


def _draw(labels: NDArray[np.object_], share: float, least: int) -> NDArray[np.intp]:
    random = np.random.default_rng(0)
    drawn = []
    for label in np.unique(labels.astype(str)):
        members = np.flatnonzero(labels == label)
        count = min(len(members), max(least, round(share * len(members))))
        drawn.append(random.choice(members, count, replace=False))
    return np.sort(np.concatenate(drawn))
