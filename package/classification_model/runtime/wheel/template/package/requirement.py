"""The package that runs the model, and the versions of it that do."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

RUNTIME = "classification_model"


def require_runtime() -> None:
    """Check that the package which runs the model is installed, without importing it.

    An installer does not look for it, since on an index its name may be somebody else's.

    Raises
    ------
    ImportError
        If it is missing, is another package of that name, or has a version that this model was not made for.
    """
    module = str(__package__)
    try:
        name, _, bounds = metadata.metadata(module)["Requires-External"].partition(" ")
    except metadata.PackageNotFoundError:  # the files were copied, not installed
        name, bounds = RUNTIME, ""
    file = f"{name.replace('-', '_')}-*.whl"
    remedy = f"install its wheel, which was built beside that of {module}, by path: pip install {file}"
    spec = find_spec(RUNTIME)
    folders = list(spec.submodule_search_locations or ()) if spec else []
    if not any(Path(folder, "runtime", "predictor.py").is_file() for folder in folders):
        found = f"found another package in {folders[0]}" if folders else "found none"
        msg = f"{module} needs {name} {bounds}, {found}: {remedy}"
        raise ImportError(msg)
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:  # it runs from its source
        return
    from packaging.specifiers import SpecifierSet  # noqa: PLC0415 - comes with the runtime

    if not SpecifierSet(bounds.strip("()")).contains(version, prereleases=True):
        msg = f"{module} needs {name} {bounds}, found {version}: {remedy}"
        raise ImportError(msg)
