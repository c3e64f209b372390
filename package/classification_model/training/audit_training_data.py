"""Audit the rows of a training, on both sides of the hold-out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.audit.audit import audit_rows

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.model_folder.manifest import AuditFinding


def audit_training_data(data: TrainingData) -> tuple[AuditFinding, ...]:
    """Audit the features of a training; columns that the model does not use, such as leakage, are not looked at."""
    train, holdout = data.train, data.holdout

    def read(names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
        first, second = rows[rows < len(train)], rows[rows >= len(train)] - len(train)
        parts = [train.features[list(names)].iloc[first], holdout.features[list(names)].iloc[second]]
        return pd.concat(parts, ignore_index=True)

    return audit_rows(
        read,
        {field.name: field.kind for field in data.schema.fields},
        np.concatenate([train.labels, holdout.labels]),
        classes=data.classes,
        held_out=np.arange(len(train) + len(holdout)) >= len(train),
        target=None if train.target is None else np.concatenate([train.target, holdout.target]),
    )
