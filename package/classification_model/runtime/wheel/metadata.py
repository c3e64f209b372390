"""The metadata of a wheel for installers and package indexes.

References
----------
The core metadata specifications of the Python Packaging User Guide; PEP 639 for the licence.
"""

from __future__ import annotations

import re

from classification_model.errors import InputError
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.wheel.markdown import one_line
from classification_model.runtime.wheel.naming import GENERATOR, runtime_distribution, runtime_requirement

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
        ("Requires-Dist", runtime_requirement(runtime)),
    ]
    for extra in _EXTRAS:
        fields += [
            ("Provides-Extra", extra),
            ("Requires-Dist", f'{runtime_requirement(runtime, extra)}; extra == "{extra}"'),
        ]
    fields.append(("Description-Content-Type", "text/markdown; charset=UTF-8"))
    return "".join(f"{key}: {value}\n" for key, value in fields if value)


def wheel_metadata() -> str:
    """Write what made the archive, and where it can be installed: everywhere."""
    return f"Wheel-Version: 1.0\nGenerator: {GENERATOR} {package_version()}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
