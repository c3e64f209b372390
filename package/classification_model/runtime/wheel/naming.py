"""Rules for the name, the version and the licence of a wheel, and their normal form."""

from __future__ import annotations

import sys
from importlib.metadata import Distribution, distributions, packages_distributions
from keyword import iskeyword
from pathlib import Path
from typing import NoReturn

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression
from packaging.utils import InvalidName, NormalizedName, canonicalize_name
from packaging.version import Version

from classification_model.errors import ArtifactError, InputError
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.verification import installed_around

RUNTIME = __name__.partition(".")[0]
#: Marks the wheels made here, in their file WHEEL: one of them may replace its own earlier version.
GENERATOR = f"{RUNTIME}.wheel"
#: Marks the wheels of the runtime itself.
RUNTIME_GENERATOR = f"{RUNTIME}.runtime_wheel"


def normalise_name(name: str) -> NormalizedName:
    """Return the normalised name of a distribution; with ``_`` for ``-`` it is the name to import.

    Parameters
    ----------
    name
        A name by PEP 508, such as ``Churn.Model``, which is normalised to ``churn-model``.

    Raises
    ------
    InputError
        If it is no such name, cannot be imported, or belongs to Python, this package or another installed one.

    References
    ----------
    PEP 503 for the normalised name; the binary distribution format for its spelling in file names.
    """
    try:
        normalised = canonicalize_name(name, validate=True)
    except InvalidName:
        _refuse(name, "expected letters, digits, '.', '-' and '_', with a letter or digit at both ends")
    module = module_name(normalised)
    if not (module.isascii() and module.isidentifier()) or iskeyword(module):
        _refuse(name, f"{module!r} cannot be imported: expected a letter first, and no word of the Python language")
    if module in {*sys.stdlib_module_names, "test"}:  # which that list leaves out
        _refuse(name, f"{module!r} is a module of Python itself: choose another name")
    if module == RUNTIME:
        _refuse(name, "that is the package which runs the model: choose another name")
    sharing = {*packages_distributions().get(module, ()), normalised}
    for other in (other for known in sorted(sharing) for other in distributions(name=known)):
        if not is_model_wheel(other):
            _refuse(name, f"the installed {other.name} {other.version} has that name: choose another one")
    return normalised


def module_name(normalised: str) -> str:
    """Return the name to import, which also begins the file name, of a distribution's normalised name."""
    return normalised.replace("-", "_")


def is_model_wheel(installed: Distribution) -> bool:
    """Tell whether an installed distribution is a wheel that was made here."""
    return f"\nGenerator: {GENERATOR} " in (installed.read_text("WHEEL") or "")


def _refuse(name: str, reason: str) -> NoReturn:
    msg = f"a wheel cannot be called {name[:100]!r}: {reason}"
    raise InputError(msg)


def normalise_version(version: str) -> str:
    """Return a version in its normal form, such as ``1.0.0rc1+ubuntu.1`` for ``v1.0.0-RC.1+Ubuntu-01`` (PEP 440).

    Raises
    ------
    InputError
        If it is no version.
    """
    try:
        return str(Version(version))
    except ValueError as error:  # InvalidVersion is one, and so is a number of more digits than Python reads
        msg = f"expected a PEP 440 version such as 1.0.0, found {version[:100]!r}: set --version"
        raise InputError(msg) from error


def normalise_license(expression: str) -> str:
    """Return a licence expression in its normal form, such as ``MIT OR Apache-2.0`` for ``mit or apache-2.0``.

    Raises
    ------
    InputError
        If it is none, or names a licence that the SPDX list does not have.
    """
    try:
        return canonicalize_license_expression(expression)
    except InvalidLicenseExpression as error:
        msg = f"expected an SPDX licence expression such as MIT or LicenseRef-Proprietary, found {expression[:100]!r}"
        raise InputError(msg) from error


def runtime_distribution() -> Distribution:
    """Return the installed distribution of this package, whatever that is called.

    Raises
    ------
    ArtifactError
        If this code runs without having been installed.
    """
    installed = installed_around(Path(__file__))
    if installed is not None:
        return installed
    for name in sorted(packages_distributions().get(RUNTIME, ())):  # by its name where it is installed for development
        for found in distributions(name=name):
            if found.read_text("METADATA"):  # what a build leaves in a checkout has none
                return found
    msg = f"expected {RUNTIME} as an installed package, which the wheel requires, found none: install it with pip"
    raise ArtifactError(msg)


def runtime_bounds() -> str:
    """Return the versions of this package that read the model folders of this one, such as ``>=1.0.0,<2``."""
    version = Version(package_version())
    return f">={version.public},<{version.major + 1}"


def runtime_version() -> str:
    """Return the version of the runtime's own wheel, such as ``1.0.0+runtime``."""
    return f"{Version(package_version()).public}+runtime"


def runtime_wheel_name(runtime: Distribution) -> str:
    """Return the file name of the runtime's own wheel."""
    return f"{module_name(canonicalize_name(runtime.name))}-{runtime_version()}-py3-none-any.whl"
