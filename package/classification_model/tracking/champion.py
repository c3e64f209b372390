"""The alias ``champion`` in MLflow's registry, which names the version that is current in a store."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from classification_model.errors import ClassificationModelError, TrackingError
from classification_model.tracking.names import CHAMPION, DIGEST, name_in_mlflow
from classification_model.tracking.server import connected, is_tracking

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.store.reader import StoreReader

logger = logging.getLogger(__name__)


def set_champion(store: StoreReader) -> bool:
    """Give the current version of a store the alias ``champion`` in the registry of MLflow.

    Call it after a promotion of your own; the command line does so by itself. Without the environment variable
    ``MLFLOW_TRACKING_URI`` it does nothing. Whatever goes wrong is one warning, since the promotion stands without
    MLflow.

    Parameters
    ----------
    store
        The store, in which a version is current.

    Returns
    -------
    bool
        Whether the alias names the current version.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     store = cm.ModelStore(folder)
    ...     promotion = store.promote(store.add(cm.packaged_model()))
    ...     cm.set_champion(store)  # no MLFLOW_TRACKING_URI
    False
    """
    if not is_tracking():
        return False
    version = store.current()
    if version is None:
        return False
    try:
        _set(store.read_manifest(version))
    except ClassificationModelError as error:
        logger.warning("version %s is current, but without the alias %r in MLflow: %s", version, CHAMPION, error)
        return False
    return True


def _set(manifest: Manifest) -> None:
    name = name_in_mlflow(manifest.name)
    with connected("setting an alias in MLflow") as client:
        number = _number_of(client, name, manifest.digest)
        if number is None:
            msg = f"no registered version of {name!r} is this model, which was not logged when it was trained"
            raise TrackingError(msg)
        client.set_registered_model_alias(name, CHAMPION, number)


def _number_of(client: MlflowClient, name: str, digest: str) -> str | None:
    """Return the newest registered version that is a model; its digest tells it from all others."""
    found = client.search_model_versions(f"tags.{DIGEST} = '{digest}'")
    numbers = [int(each.version) for each in found if each.name == name]
    return str(max(numbers)) if numbers else None
