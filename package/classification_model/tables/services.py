"""Services that other packages add: functions that read or write a table, by the scheme of its URL.

A package adds one by an entry point of the group `SOURCES` or `SINKS`, which is named like the scheme; a program by
`register_source` or `register_sink`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any, TypeAlias

from classification_model.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

#: Takes the URL; returns a table with Arrow's stream interface, such as a `pyarrow.Table`, or a frame of polars.
ReadService: TypeAlias = Callable[[str], Any]
#: Takes the rows and the URL; returns when all are written.
WriteService: TypeAlias = "Callable[[pa.RecordBatchReader, str], None]"

_SCHEME = re.compile(r"[a-z][a-z0-9.-]*")
SOURCES, SINKS = "classification_model.sources", "classification_model.sinks"
_registered: dict[str, dict[str, Callable[..., Any]]] = {SOURCES: {}, SINKS: {}}


def register_source(scheme: str, read: ReadService) -> None:
    """Read URLs with a certain scheme by a function of your own. They are then accepted wherever a table is read.

    Parameters
    ----------
    scheme
        The part of the URLs before ``://``: lower-case letters, digits, ``.`` and ``-``. The first character is a
        letter.
    read
        Function that takes the URL and returns a table with Arrow's stream interface (``__arrow_c_stream__``). Such
        tables are `pyarrow.Table`, `pyarrow.RecordBatchReader`, and frames of pandas and polars. The rows of a
        `pyarrow.RecordBatchReader` are read batch by batch.

    Raises
    ------
    InputError
        If the scheme has other characters.

    Examples
    --------
    >>> import pyarrow as pa
    >>> import classification_model as cm
    >>> cm.register_source("letters", lambda url: pa.table({"letter": list(url.removeprefix("letters://"))}))
    >>> cm.read_table("letters://ab")["letter"].tolist()
    ['a', 'b']
    """
    _registered[SOURCES][_checked(scheme)] = read


def register_sink(scheme: str, write: WriteService) -> None:
    """Write URLs with a certain scheme by a function of your own. They are then accepted wherever a table is written.

    Parameters
    ----------
    scheme
        The part of the URLs before ``://``, as in `register_source`.
    write
        Function that takes a `pyarrow.RecordBatchReader` and the URL, and returns when all rows are written. It is
        called after all rows are computed. If computing them fails, it is not called.

    Raises
    ------
    InputError
        If the scheme has other characters.

    Examples
    --------
    >>> import pandas as pd
    >>> import classification_model as cm
    >>> written = {}
    >>> cm.register_sink("memo", lambda rows, url: written.update({url: rows.read_all().to_pydict()}))
    >>> cm.write_table(pd.DataFrame({"age": [22, 38]}), "memo://ages")
    2
    >>> written
    {'memo://ages': {'age': [22, 38]}}
    """
    _registered[SINKS][_checked(scheme)] = write


def _checked(scheme: str) -> str:
    if not _SCHEME.fullmatch(scheme):
        msg = f"scheme: expected lower-case letters, digits, . and -, found {scheme!r}"
        raise InputError(msg)
    return scheme


def services() -> frozenset[str]:
    """Return the schemes that are registered, for reading or writing."""
    return frozenset({*_registered[SOURCES], *_registered[SINKS], *_installed(SOURCES), *_installed(SINKS)})


def source_of(scheme: str) -> ReadService | None:
    """Return the function that reads URLs of a scheme; None if there is none."""
    return _service(SOURCES, scheme)


def sink_of(scheme: str) -> WriteService | None:
    """Return the function that writes URLs of a scheme; None if there is none."""
    return _service(SINKS, scheme)


def _service(group: str, scheme: str) -> Callable[..., Any] | None:
    if scheme in _registered[group]:
        return _registered[group][scheme]
    found = _installed(group).get(scheme)
    service: Callable[..., Any] | None = None if found is None else found.load()
    return service


@cache
def _installed(group: str) -> dict[str, EntryPoint]:
    return {found.name: found for found in entry_points(group=group)}
