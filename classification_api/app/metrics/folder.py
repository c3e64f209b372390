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
    """Return the folder that the workers of this process's supervisor share; create it if needed.

    If PROMETHEUS_MULTIPROC_DIR is set, it names the folder, and must be emptied before each start. Otherwise one of
    several workers, as of ``uvicorn --workers``, uses a temporary folder named after the supervisor, so that counts of
    an earlier supervisor are never included; a later start removes it. None if the process is the only one, or if no
    folder can be created.

    Raises
    ------
    PermissionError
        If the temporary folder exists, but belongs to another user or is open to others.
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
        logger.warning("metrics show only one worker, no shared folder can be made: %s", error.strerror or error)
        return None
    if not _is_private(found):
        msg = "the metrics folder is not private to this user; set PROMETHEUS_MULTIPROC_DIR to one that is"
        raise PermissionError(msg)
    return folder


def _name(supervisor: int) -> str:
    """Return the name of a supervisor's folder; others cannot guess it, since it depends on the workers' secret."""
    secret = bytes(multiprocessing.current_process().authkey)
    digest = hashlib.sha256(b"classification-api metrics " + secret).hexdigest()[:16]
    return f"classification-api-metrics-{supervisor}-{_started(supervisor)}-{digest}"


def _started(process: int) -> int:
    """Return the start time of a process in clock ticks since boot; 0 if it is unknown or the process has ended."""
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
            # Workers in another container are not visible here, but their locks are.
            if _is_private(folder.lstat()) and not any(is_held(path) for path in folder.glob("*.db")):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:  # another worker has removed it
            continue


def _lives(process: int, started: int) -> bool:
    """Return whether a process still runs, and its number was not reused."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it runs as another user
        pass
    return _started(process) == started
