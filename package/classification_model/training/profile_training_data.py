"""Profile the rows to train on; the hold-out is not looked at, as it is to judge what was chosen by looking."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classification_model.processing.features.derivation_steps import build_derivations, date_parts
from classification_model.profiling.profile import profile_rows

if TYPE_CHECKING:
    from classification_model.processing.data_manager import TrainingData
    from classification_model.profiling.table_profile import TableProfile


def profile_training_data(data: TrainingData) -> TableProfile:
    """Profile the columns of the rows to train on, by class."""
    kinds = {field.name: field.kind for field in data.schema.fields}
    return profile_rows(data.train.features, kinds, data.train.labels, data.classes)


def profile_derived(data: TrainingData) -> TableProfile:
    """Profile the features that are derived from the columns of the rows to train on, by class.

    A date has a feature for each of its parts, such as ``signed_month``.
    """
    frame = data.train.features
    columns = list(frame.columns)
    for _, step in build_derivations(data.config):
        frame = step.fit_transform(frame)
    parts = {part for _, names in date_parts(data.config).values() for part in names}
    kinds = {}
    for name in frame.columns:
        if name not in columns:
            feature = data.config.features.get(name)
            kinds[name] = "numeric" if name in parts or feature is None else feature.kind
    numbers = {name: np.float64 for name, kind in kinds.items() if kind != "categorical"}
    return profile_rows(frame.astype(numbers), kinds, data.train.labels, data.classes)
