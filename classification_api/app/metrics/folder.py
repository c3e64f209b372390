"""The folder in which the workers of one supervisor share their metrics."""

from __future__ import annotations

import hashlib
import logging
import multiprocessing
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path

from app.metrics.files import is_held

logger = logging.getLogger(__name__)

_NAME = re.compile(r"classification-api-metrics-(\d+)-(\d+)-[0-9a-f]{16}")


def metrics_directory() -> Path | None:
    """Return the folder that the workers of this process's supervisor share, made where it is not there yet.

    That of PROMETHEUS_MULTIPROC_DIR where it is set, which whoever sets it empties before a start. Else, where the
    process is one of several workers, as of ``uvicorn --workers``, one in the folder of temporary files that is named
    for the supervisor, so that what workers of an earlier one left is never counted; it is removed by a later start,
    when the supervisor is gone. None where the process is the only one, or where no folder can be made.

    Raises
    ------
    PermissionError
        If the folder of temporary files has one of that name which is somebody else's, or open to others.
    """
    given = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    supervisor = multiprocessing.parent_process()
    try:
        if given:
            Path(given).mkdir(mode=0o700, parents=True, exist_ok=True)
            return Path(given)
        if supervisor is None or supervisor.pid is None:
            return None
        parent = Path(tempfile.gettempdir())
        _remove_left(parent)
        folder = parent / _name(supervisor.pid)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        logger.warning("metrics show one worker alone, no folder can be shared: %s", error.strerror or error)
        return None
    if not _is_private(found):
        msg = "the folder of the metrics is not this user's alone; set PROMETHEUS_MULTIPROC_DIR to one that is"
        raise PermissionError(msg)
    return folder


def _name(supervisor: int) -> str:
    """Return the name of a supervisor's folder, which others cannot guess: its workers share a secret."""
    secret = bytes(multiprocessing.current_process().authkey)
    digest = hashlib.sha256(b"classification-api metrics " + secret).hexdigest()[:16]
    return f"classification-api-metrics-{supervisor}-{_started(supervisor)}-{digest}"


def _started(process: int) -> int:
    """Return when a process began, in ticks since the system did; 0 where the system does not tell, or it is gone."""
    try:
        fields = Path(f"/proc/{process}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0
    return int(fields[19])


def _is_private(found: os.stat_result) -> bool:
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not found.st_mode & 0o077


def _remove_left(parent: Path) -> None:
    """Remove the folders of supervisors that are gone."""
    for folder in parent.glob("classification-api-metrics-*"):
        name = _NAME.fullmatch(folder.name)
        if name is None or _lives(int(name[1]), int(name[2])):
            continue
        try:
            # Workers in another container are none that we see, but their locks are.
            if _is_private(folder.lstat()) and not any(is_held(path) for path in folder.glob("*.db")):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # another worker was quicker
            continue


def _lives(process: int, started: int) -> bool:
    """Tell whether a process still runs, and is no other one with its number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # somebody else's
        pass
    return _started(process) == started
