"""Train a model and add it to a store, once for the same data, config and code."""

from __future__ import annotations

import logging
import shutil
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from classification_model.tracking.track_training import track_training
from classification_model.train_pipeline import train_model, write_model

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables, TrainingData
    from classification_model.runtime.store.store import ModelStore
    from classification_model.training.progress import Progress

#: Folder in the store in which a model is written before it is added.
STAGE = "retraining"

logger = logging.getLogger(__name__)


def version_name(config: Config, digest: str, now: datetime) -> str:
    """Return the version of a model that is trained now: that of the config, the time and the digest."""
    base = config.version.partition("+")[0]
    return f"{base}+{now.astimezone(UTC):%Y%m%dt%H%M%Sz}.{digest}"


def train_into_store(
    store: ModelStore,
    config: Config,
    tables: Tables,
    digest: str,
    *,
    extra: pd.DataFrame | None = None,
    target_edges: tuple[float, ...] = (),
    now: datetime,
    progress: Progress | None = None,
    jobs: int = -1,
) -> tuple[str, TrainingData | None]:
    """Train a model and add it to a store, unless a retraining that was killed has done so.

    Parameters
    ----------
    store
        The store, which no other retraining uses meanwhile.
    config
        The problem.
    tables
        Tables to train on and to hold out, as they were read.
    digest
        Hash of all that the model depends on; a version that ends with it is taken as it is.
    extra
        Raw rows to append to the table.
    target_edges
        See `DataLoader`.
    now
        The time, with time zone, which the version names.
    progress, jobs
        See `train_pipeline.run_training`.

    Returns
    -------
    tuple
        The version in the store, and the rows it was trained and evaluated on; None instead of the rows if it was there
        already.

    Raises
    ------
    GateError
        If it misses a gate of the config; nothing is saved then.
    ClassificationModelError
        If it cannot be trained or saved.
    """
    there = next((version for version in store.versions() if version.endswith(f".{digest}")), None)
    if there is not None:
        logger.warning("version %s was trained on the same data before: it is not trained again", there)
        return there, None
    version = version_name(config, digest, now)
    trained = train_model(
        config,
        source=tables,
        extra=extra,
        target_edges=target_edges,
        version=version,
        progress=progress,
        jobs=jobs,
    )
    stage = store.folder / STAGE
    write_model(trained, stage / version)
    store.add(stage / version)
    shutil.rmtree(stage, ignore_errors=True)
    track_training(trained, config, tables.table, progress)
    return version, trained.report.data
