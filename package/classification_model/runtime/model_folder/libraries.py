"""Versions of the libraries that made a model, compared with the installed ones."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version

MADE_WITH = ("feature-engine", "joblib", "numpy", "onnx", "onnxruntime", "pandas", "scikit-learn", "scipy")
#: Those that a compiled model's predictions pass through.
RUN_BY = ("numpy", "onnxruntime")


def library_versions(names: Iterable[str] = MADE_WITH) -> dict[str, str]:
    """Return the versions of Python and of libraries, such as those that fit and compile a pipeline."""
    versions = {"python": platform.python_version()}
    for name in names:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def differing_libraries(recorded: Mapping[str, str], names: Iterable[str] = RUN_BY) -> list[str]:
    """Say which libraries, such as those that run a compiled model, are of other versions than when it was made."""
    names = tuple(names)
    here = library_versions(names)
    return [
        f"{name} {recorded[name]} when made, {here.get(name, 'none')} here"
        for name in names
        if name in recorded and here.get(name) != recorded[name]
    ]
