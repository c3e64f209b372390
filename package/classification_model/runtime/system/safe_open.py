"""Open files in folders that others can write to: regular files only, no links and no pipes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

_GUARDS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class UnfitFileError(OSError):
    """A path is not a regular file, or the file is too large."""


def open_regular(path: Path, flags: int = os.O_RDONLY, *, mode: int = 0o640, limit: int | None = None) -> int:
    """Open a regular file, following no link and never waiting on a pipe.

    Parameters
    ----------
    path
        The file. Links are followed in the names of its folders alone.
    flags, mode
        As for `os.open`.
    limit
        Bytes that it may have at most; any number when left out.

    Returns
    -------
    int
        Its descriptor.

    Raises
    ------
    UnfitFileError
        If it is no regular file, or is larger.
    OSError
        If it cannot be opened.
    """
    descriptor = os.open(path, flags | _GUARDS, mode)
    status = os.fstat(descriptor)
    is_regular = stat.S_ISREG(status.st_mode)
    if is_regular and (limit is None or status.st_size <= limit):
        return descriptor
    os.close(descriptor)
    msg = "not a regular file"
    if limit is not None:
        found = f"{status.st_size} bytes" if is_regular else "something else"
        msg = f"expected a regular file of at most {limit} bytes, found {found}"
    raise UnfitFileError(msg)
