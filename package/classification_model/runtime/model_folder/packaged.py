"""Paths and version of the packaged model."""

from __future__ import annotations

from pathlib import Path


def package_folder() -> Path:
    """Return the folder of this package."""
    return Path(__file__).resolve().parents[2]


def package_version() -> str:
    """Return the version of this package, which is also that of the packaged model."""
    return (package_folder() / "VERSION").read_text(encoding="utf-8").strip()


def trained_models() -> Path:
    """Return the folder inside the package that holds the packaged model."""
    return package_folder() / "trained_models"


def packaged_model() -> Path:
    """Return the folder of the packaged model. The folder may not exist yet, before the first training.

    Examples
    --------
    >>> import classification_model as cm
    >>> cm.packaged_model().name == f"classification_model_output_v{cm.__version__}"
    True
    """
    return trained_models() / f"classification_model_output_v{package_version()}"
