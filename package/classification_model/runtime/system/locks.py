"""Locks on open files, which end with the process that holds them, even a killed one."""

from __future__ import annotations

import sys

if sys.platform != "win32":
    import fcntl


def lock(descriptor: int, *, wait: bool = True) -> bool:
    """Lock an open file for this process alone.

    Parameters
    ----------
    descriptor
        Of the file or folder. The lock is held until it is closed.
    wait
        Whether to wait while another process holds the lock.

    Returns
    -------
    bool
        False where another process holds it, or where the system, or the file system, knows no locks.
    """
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_locked_elsewhere(descriptor: int) -> bool:
    """Lock an open file for this process alone, and return whether another process holds the lock.

    Unlike `lock`, it returns False where the system, or the file system, knows no locks.

    Parameters
    ----------
    descriptor
        Of the file or folder. The lock is held until it is closed.
    """
    if sys.platform == "win32":
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
