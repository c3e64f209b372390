"""The process in which a model is served: it ends when the program that started it does, however that ends."""

from __future__ import annotations

import os
import runpy
import shutil
import signal
import sys
import threading


def main(folder: str, model: str, port: str) -> None:
    """Serve a model until standard input ends, then remove the folder.

    Parameters
    ----------
    folder
        Temporary folder that holds the model.
    model
        The model folder.
    port
        Port on localhost.
    """
    threading.Thread(target=_stop_at_end_of_input, daemon=True).start()
    sys.argv = ["classification-api", "serve", model, "--port", port]
    try:
        runpy.run_module("app", run_name="__main__", alter_sys=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _stop_at_end_of_input() -> None:
    """Wait for the end of standard input, whose other end only the program that started this holds."""
    while os.read(0, 1024):  # unbuffered: a lock of sys.stdin would be held when the interpreter ends
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main(*sys.argv[1:])
