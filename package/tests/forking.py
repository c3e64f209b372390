"""Processes of their own for tests, which need not import everything anew: a clean process forks each of them."""

from __future__ import annotations

import multiprocessing
from multiprocessing.context import ForkServerContext


def forking() -> ForkServerContext:
    """Return the context whose processes begin with the workshop imported; none of its threads run in it yet."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["classification_model.retrain_pipeline", "sklearn.linear_model", "sklearn.ensemble"]
    )
    return context
