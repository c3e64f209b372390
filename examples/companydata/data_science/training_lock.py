"""One training at a time in a model store."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import classification_model as cm
from filelock import FileLock, Timeout

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)
LOCK = "training.lock"


@contextmanager
def only_training(store: cm.ModelStore) -> Iterator[None]:
    """Hold the lock for trainings of a store; wait while another process holds it.

    The lock ends with the process, even a killed one. The folder of the store is made if it does not exist.

    Parameters
    ----------
    store
        The store.

    Raises
    ------
    StoreError
        If the store cannot be written.
    """
    store.create()
    lock = FileLock(store.folder / LOCK)
    try:
        _acquire(lock, store.folder)
    except OSError as error:
        msg = f"the store {store.folder} cannot be locked: {error.strerror or error}: check its permissions"
        raise cm.errors.StoreError(msg) from error
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, folder: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        logger.warning("waiting until another training into %s has ended", folder)
        lock.acquire()
