"""The metadata of a wheel for installers and package indexes.

References
----------
The core metadata specifications of the Python Packaging User Guide; PEP 639 for the licence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib.metadata import Distribution

from packaging.requirements import Requirement

from classification_model.errors import InputError
from classification_model.runtime.wheel.markdown import one_line
from classification_model.runtime.wheel.naming import runtime_bounds, runtime_distribution, runtime_version

LONGEST_SUMMARY = 512  # what PyPI takes

#: Extras of this package that the wheel has under the same names.
_EXTRAS = ("batch",)
_ADDRESS = r"""[^\s@,;:<>()"]+@[\w-]+(\.[\w-]+)+"""
_MAILBOX = re.compile(rf"""{_ADDRESS}|([^@,;:<>()"\\]+|"[^"\\]+") <{_ADDRESS}>""")


def check_summary(text: str) -> str:
    """Return a description on one line, if there is one and an index takes it.

    Raises
    ------
    InputError
        If it is empty or too long.
    """
    summary = one_line(text)
    if 0 < len(summary) <= LONGEST_SUMMARY:
        return summary
    msg = f"expected a description of at most {LONGEST_SUMMARY} characters, found {len(summary)}"
    raise InputError(msg)


def check_author(text: str) -> str:
    """Return an author on one line, if that is a name, or an address as mail has it.

    Raises
    ------
    InputError
        If it is empty, or looks like an address and is none.
    """
    author = one_line(text)
    if author and ("@" not in author or _MAILBOX.fullmatch(author)):
        return author
    msg = f"expected an author such as 'Ada Lovelace' or 'Ada Lovelace <ada@example.org>', found {text[:100]!r}"
    raise InputError(msg)


def core_metadata(
    name: str, version: str, summary: str, *, author: str | None = None, license_expression: str | None = None
) -> str:
    """Write the core metadata, which a blank line and the long description in Markdown shall follow.

    The runtime is no requirement that an installer would look for on an index, where its name may be a stranger's: the
    installed package checks it (``Requires-External``). The extra ``runtime`` requires its local version exactly. The
    other extras list what the runtime's extras require.

    Parameters
    ----------
    name, version
        In their normal forms.
    summary, author
        On one line.
    license_expression
        In its normal form.
    """
    runtime = runtime_distribution()
    fields = [
        ("Metadata-Version", "2.4"),
        ("Name", name),
        ("Version", version),
        ("Summary", summary),
        ("Author-email" if author and "@" in author else "Author", author),
        ("License-Expression", license_expression),
        ("Keywords", "classification,machine learning,model"),
        ("Classifier", "Operating System :: OS Independent"),
        ("Classifier", "Programming Language :: Python :: 3"),
        ("Classifier", "Programming Language :: Python :: 3 :: Only"),
        ("Classifier", "Topic :: Scientific/Engineering :: Artificial Intelligence"),
        ("Classifier", "Typing :: Typed"),
        ("Requires-Python", runtime.metadata["Requires-Python"]),
        ("Requires-External", f"{runtime.name} ({runtime_bounds()})"),
        ("Provides-Extra", "runtime"),
        ("Requires-Dist", f'{runtime.name}=={runtime_version()}; extra == "runtime"'),
    ]
    for extra in _EXTRAS:
        fields.append(("Provides-Extra", extra))
        fields += [("Requires-Dist", requirement) for requirement in _required_by_extra(runtime, extra)]
    fields.append(("Description-Content-Type", "text/markdown; charset=UTF-8"))
    return "".join(f"{key}: {value}\n" for key, value in fields if value)


def _required_by_extra(runtime: Distribution, extra: str) -> Iterator[str]:
    """Give the requirements of an extra of the runtime, each with its marker."""
    for line in runtime.requires or ():
        marker = Requirement(line).marker
        if marker is not None and f'extra == "{extra}"' in str(marker):
            yield line


def wheel_metadata(generator: str) -> str:
    """Write what made the archive, and where it can be installed: everywhere."""
    return f"Wheel-Version: 1.0\nGenerator: {generator}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
