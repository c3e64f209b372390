"""Versions of what a pipeline is fitted with."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

FITTED_WITH = ("feature-engine", "joblib", "numpy", "pandas", "scikit-learn", "scipy")


def library_versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries whose objects are in a pickled pipeline."""
    versions = {"python": platform.python_version()}
    for name in FITTED_WITH:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions
