"""A retraining in a process of its own, which may be killed at a stage."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from functools import partial
from importlib import import_module
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import NamedTuple

from forking import forking

from classification_model.config.core import load_config
from classification_model.errors import ClassificationModelError
from classification_model.export import compile_and_prove
from classification_model.retrain_pipeline import run_retraining
from classification_model.runtime.store.store import ModelStore


class Stage(NamedTuple):
    """Where a retraining is killed: before or after the n-th call of a function of a module."""

    module: str
    function: str
    when: str
    call: int


class Retraining:
    """A retraining that runs, or has ended.

    Parameters
    ----------
    folder
        Of the problem: config, store and log.
    stage
        Where it is killed; nowhere when left out.
    """

    def __init__(self, folder: Path, stage: Stage | None = None) -> None:
        context = forking()
        self._told, tell = context.Pipe(duplex=False)
        self._process: BaseProcess = context.Process(target=_run, args=(folder, stage, tell))
        self._process.start()
        tell.close()

    def end(self) -> tuple[int | None, str]:
        """Wait for its end; return its exit code, and its outcome, or what went wrong."""
        try:
            outcome: str = self._told.recv()
        except EOFError:
            outcome = ""
        self._process.join()
        return self._process.exitcode, outcome


class _Deadly:
    """Calls a function, and kills the process before or after its n-th call."""

    def __init__(self, function: Callable[..., object], stage: Stage) -> None:
        self._function = function
        self._left = stage.call
        self._when = stage.when

    def __call__(self, *arguments: object, **options: object) -> object:
        self._left -= 1
        if self._left == 0 and self._when == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        result = self._function(*arguments, **options)
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result


def _run(folder: Path, stage: Stage | None, tell: object) -> None:
    send = tell.send  # type: ignore[attr-defined] # the connection's class has another name on each system
    compile_and_prove.GENERATED_ROWS = 500  # as in conftest.py
    if stage is not None:
        module = import_module(f"classification_model.{stage.module}")
        setattr(module, stage.function, _Deadly(getattr(module, stage.function), stage))
    retrain = partial(run_retraining, load_config(folder / "config.yml"), ModelStore(folder / "store"), folder / "log")
    try:
        send(retrain(jobs=1).outcome)
    except ClassificationModelError as error:
        send(str(error))
