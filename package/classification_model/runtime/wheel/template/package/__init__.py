"""A classification model as a package: `make_prediction` predicts with it, `model_folder` is its path.

Importing this package reads no file and loads no model; ``python -m`` with its name verifies the model.
"""

from __future__ import annotations

from importlib import import_module, metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .predict import make_prediction

    __version__: str

__all__ = ["__version__", "make_prediction", "model_folder"]


def model_folder() -> Path:
    """Return the folder of the model inside this package."""
    return Path(__file__).resolve().parent / "model"


def __getattr__(name: str) -> Any:
    """Import a name when it is first used."""
    if name == "make_prediction":
        return import_module(".predict", __name__).make_prediction
    if name == "__version__":
        return metadata.version(__name__)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
