"""Whatever bears the name of a file, only a regular file is opened, and nothing is waited for."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from classification_model.runtime.system.safe_open import UnfitFileError, open_regular


def test_a_regular_file_is_opened_up_to_its_limit(tmp_path: Path) -> None:
    """A file of just as many bytes is read, one of a byte more is told with both numbers."""
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    for limit in (None, 5):
        with os.fdopen(open_regular(path, limit=limit), "rb") as file:
            assert file.read() == b"12345"
    with pytest.raises(UnfitFileError, match=r"^expected a regular file of at most 4 bytes, found 5 bytes$"):
        open_regular(path, limit=4)


def test_a_file_that_is_made_has_the_mode_that_is_asked_for(tmp_path: Path) -> None:
    """Of others, nobody reads a log, whatever else may be written."""
    before = os.umask(0)
    try:
        for name, mode in (("log", {}), ("lock", {"mode": 0o666})):
            os.close(open_regular(tmp_path / name, os.O_RDWR | os.O_CREAT, **mode))
    finally:
        os.umask(before)
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("log", "lock")] == [0o640, 0o666]


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo], ids=["a folder", "a pipe that nobody writes"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """No descriptor of it stays open."""
    make(tmp_path / "name")
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(UnfitFileError, match=r"^not a regular file$"):
        open_regular(tmp_path / "name")
    with pytest.raises(UnfitFileError, match=r"^expected a regular file of at most 9 bytes, found something else$"):
        open_regular(tmp_path / "name", limit=9)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    """Whoever can write to the folder cannot have another file opened by its name."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match=os.strerror(errno.ELOOP)):
        open_regular(tmp_path / "link")


def test_a_socket_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system refuses it by itself."""
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("name")
        with pytest.raises(OSError, match=os.strerror(errno.ENXIO)):
            open_regular(Path("name"))
