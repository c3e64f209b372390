"""Write files and folders under a temporary name, synchronise and rename them, so that none is there in part."""

from __future__ import annotations

import ctypes
import errno
import glob
import os
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from secrets import token_hex
from typing import BinaryIO

from classification_model.errors import ArtifactError
from classification_model.runtime.system.locks import lock

#: What file systems say that do not synchronise folders, as some in networks do.
_NO_SYNC = {errno.EINVAL, errno.ENOTSUP, errno.EBADF}
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # from Linux's fcntl.h and fs.h


@contextmanager
def replacing_file(path: Path, step: Callable[[], AbstractContextManager[None]] = nullcontext) -> Iterator[BinaryIO]:
    """Write a file beside its place, which is renamed there at the end of the block; when that fails, nothing is left.

    Whoever reads it meanwhile has the former one, whole. Each writer has a file of its own, and the last one wins;
    `remove_unfinished` removes what one left that was killed. Only a disk that fails while it makes the name durable
    leaves the new file in its place and an error.

    Parameters
    ----------
    path
        Where it shall be.
    step
        What each step of the system is taken in, to say more of its errors; those of the block do not pass through it.

    Raises
    ------
    OSError
        If the disk refuses.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}-{token_hex(4)}.new")
    try:
        with step():
            if path.is_dir():
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            file = beside.open("xb")  # follows no link that somebody put there
        try:
            yield file
            with step():
                sync_file(file)
        finally:
            with suppress(OSError):  # which was raised already, or does not matter any more
                file.close()
        with step():
            beside.replace(path)
            sync_folder(path.parent, may_be_closed=True)
    finally:
        with suppress(OSError):
            beside.unlink()


def replace_file(path: Path, content: bytes) -> None:
    """Write a file of this content; see `replacing_file`."""
    with replacing_file(path) as file:
        file.write(content)


def remove_unfinished(path: Path) -> None:
    """Remove what processes that were killed wrote beside a file; none may be writing it."""
    for beside in path.parent.glob(f".{glob.escape(path.name)}.*new"):  # former releases named no process
        beside.unlink(missing_ok=True)


def replace_folder(folder: Path, contents: Mapping[str, bytes], marker: str) -> None:
    """Write a folder beside its place, then rename it there; several processes take turns.

    Parameters
    ----------
    folder
        Where it shall be.
    contents
        Bytes of each file, by its path inside the folder with forward slashes.
    marker
        Name of a file by which a folder is known to be one that may be replaced.

    Raises
    ------
    ArtifactError
        If something else is in the way, or the disk refuses.
    """
    folder = Path(os.path.realpath(folder))  # a link to a folder stays
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with only_writer(folder.parent):
            recover(folder)
            try:
                _check_replaceable(folder, marker)
                beside = _beside(folder)
                _write_folder(beside, contents)
                _put_in_place(beside, folder)
            finally:
                recover(folder)
    except OSError as error:
        msg = f"{folder} cannot be written: {error.strerror or error}"
        raise ArtifactError(msg) from error


@contextmanager
def only_writer(parent: Path) -> Iterator[None]:
    """Wait until no other process writes into a folder; a lock ends with its process, killed or not."""
    if sys.platform == "win32":  # which cannot open folders
        yield
        return
    descriptor = os.open(parent, os.O_RDONLY)
    try:
        lock(descriptor)  # a network file system may know no locks: there the last writer wins
        yield
    finally:
        os.close(descriptor)


def recover(folder: Path) -> None:
    """Bring a former folder back that nothing replaced, and remove what a writer that was killed left behind."""
    former = _former(folder)
    if former.exists() and not folder.exists():
        former.rename(folder)
    shutil.rmtree(_beside(folder), ignore_errors=True)
    shutil.rmtree(former, ignore_errors=True)


def remove_folder(folder: Path) -> None:
    """Remove a folder, which whoever reads sees whole or not; `recover` completes it when it is killed.

    One process at a time may do so.
    """
    beside = _beside(folder)
    folder.rename(beside)
    sync_folder(folder.parent)
    shutil.rmtree(beside)


def write_file(path: Path, content: bytes) -> None:
    """Write a file whose content outlives a power cut; its name does once its folder is synchronised."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(content)
        sync_file(file)


def sync_file(file: BinaryIO) -> None:
    """Make what was written to a file outlive a power cut."""
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path, *, may_be_closed: bool = False) -> None:
    """Make the names in a folder outlive a power cut, where its file system can do that.

    Parameters
    ----------
    folder
        The folder.
    may_be_closed
        Whether to do nothing where it cannot be opened: files may be put into it all the same.
    """
    if sys.platform == "win32":  # which cannot open folders
        return
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:
        if may_be_closed:
            return
        raise
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def _beside(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.new")


def _former(folder: Path) -> Path:
    return folder.with_name(f".{folder.name}.old")


def _check_replaceable(folder: Path, marker: str) -> None:
    is_free = not folder.exists() or (folder.is_dir() and not any(folder.iterdir()))
    if not is_free and not (folder / marker).is_file():
        msg = f"{folder} exists and is not a model folder: remove it or choose another folder"
        raise ArtifactError(msg)


def _write_folder(folder: Path, contents: Mapping[str, bytes]) -> None:
    folder.mkdir()
    for name, content in contents.items():
        write_file(folder / name, content)
    for path in (folder, *(path for path in folder.rglob("*") if path.is_dir())):
        sync_folder(path)


def _put_in_place(beside: Path, folder: Path) -> None:
    """Give a folder the name of another one; when a step fails, it is taken back."""
    with ExitStack() as undo:
        if not folder.exists():
            beside.rename(folder)
            undo.callback(folder.rename, beside)
        elif _exchange(beside, folder):
            undo.callback(_exchange, beside, folder)
        else:
            folder.rename(_former(folder))  # and back by `recover`, when the next step fails
            beside.rename(folder)
            undo.callback(folder.rename, beside)
        sync_folder(folder.parent)
        undo.pop_all()


def _exchange(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step where the system can (Linux); tell whether it did."""
    if sys.platform != "linux":
        return False
    renameat2 = getattr(ctypes.CDLL(None), "renameat2", None)
    return renameat2 is not None and not renameat2(
        _AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE
    )
