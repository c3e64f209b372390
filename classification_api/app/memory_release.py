"""Memory of large requests, which is given back when they are answered."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_M_MMAP_THRESHOLD = -3  # of glibc's malloc.h
#: Blocks from this size on, in bytes, are maps of their own.
LARGE_BLOCK = 128 * 1024


def give_back_large_blocks() -> None:
    """Make glibc take blocks of large bodies from the system one by one, and return each when it is free.

    By itself it raises the size from which it does so with every such block, and then keeps what it has: after some
    thousand hostile requests of 2 MiB, 20 MiB more. Other systems are left as they are.
    """
    with suppress(OSError, AttributeError, TypeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE_BLOCK)
