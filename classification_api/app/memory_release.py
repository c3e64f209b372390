"""Return the memory of large requests to the system."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
#: Size in bytes from which glibc allocates a block with mmap.
LARGE_BLOCK = 128 * 1024


def give_back_large_blocks() -> None:
    """Make glibc allocate large blocks with mmap, so that each returns to the system when it is freed.

    By default glibc raises this threshold when it frees such a block, and keeps the memory of later ones: 20 MiB more
    after a thousand hostile requests of 2 MiB. Without glibc, nothing changes.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
