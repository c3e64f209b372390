"""A file is whole or not there, whichever step of the system fails."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from classification_model.runtime.system import durable
from classification_model.runtime.system.durable import remove_unfinished, replace_file, replacing_file


def everything(folder: Path) -> dict[str, bytes]:
    """Return the files of a folder."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_file_takes_its_place_at_the_end_of_the_block(tmp_path: Path) -> None:
    """Until then, the former one is there, and what is written has a name of this process."""
    path = tmp_path / "a[b].txt"
    path.write_bytes(b"former")
    with replacing_file(path) as file:
        file.write(b"new")
        file.flush()
        (beside,) = everything(tmp_path).keys() - {"a[b].txt"}
        assert beside.startswith(f".a[b].txt.{os.getpid()}-")
        assert beside.endswith(".new")
        assert everything(tmp_path) == {"a[b].txt": b"former", beside: b"new"}
    assert everything(tmp_path) == {"a[b].txt": b"new"}


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A loss of power at any time leaves the former file or the whole new one."""
    steps: list[str] = []
    fsync, replace = os.fsync, os.replace

    def noted_fsync(descriptor: int) -> None:
        steps.append("fsync of a folder" if os.fstat(descriptor).st_mode & 0o040000 else "fsync of the file")
        fsync(descriptor)

    def noted_replace(*paths: Any) -> None:
        steps.append("rename")
        replace(*paths)

    monkeypatch.setattr(os, "fsync", noted_fsync)
    monkeypatch.setattr(os, "replace", noted_replace)
    replace_file(tmp_path / "file", b"content")
    assert steps == ["fsync of the file", "rename", "fsync of a folder"]


@pytest.mark.parametrize("step", ["open", "fsync", "replace"])
def test_a_step_that_fails_leaves_the_former_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    """The error of the system passes through what says more of it."""
    path = tmp_path / "file"
    path.write_bytes(b"former")

    @contextmanager
    def named() -> Iterator[None]:
        try:
            yield
        except OSError as error:
            msg = f"named: {error.strerror}"
            raise RuntimeError(msg) from error

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(Path if step == "open" else os, step, refuse)
        with pytest.raises(RuntimeError, match="named: Input/output error"), replacing_file(path, named) as file:
            file.write(b"new")
    assert everything(tmp_path) == {"file": b"former"}


def test_an_error_of_the_block_is_not_said_to_be_of_the_file(tmp_path: Path) -> None:
    """It is raised as it is, and nothing is left."""

    @contextmanager
    def named() -> Iterator[None]:
        try:
            yield
        except OSError as error:
            pytest.fail(f"named: {error}")

    with pytest.raises(FileNotFoundError), replacing_file(tmp_path / "file", named):
        (tmp_path / "other").read_bytes()
    assert everything(tmp_path) == {}


def test_a_folder_in_the_way_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    """Nobody waits for a long file that cannot take its place."""
    (tmp_path / "taken").mkdir()
    with pytest.raises(IsADirectoryError, match="Is a directory"), replacing_file(tmp_path / "taken"):
        pytest.fail("it began")


def test_a_folder_that_files_may_be_put_into_and_that_cannot_be_opened_is_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its names cannot be synchronised, the file can."""
    genuine = os.open

    def unreadable(path: Any, *arguments: Any, **options: Any) -> int:
        if Path(path) == tmp_path:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return genuine(path, *arguments, **options)

    monkeypatch.setattr(os, "open", unreadable)
    replace_file(tmp_path / "file", b"content")
    assert everything(tmp_path) == {"file": b"content"}


@pytest.mark.parametrize(("code", "is_told"), [(errno.EINVAL, False), (errno.ENOTSUP, False), (errno.EIO, True)])
def test_a_folder_that_cannot_be_synchronised_is_an_error_where_the_disk_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, *, is_told: bool
) -> None:
    """File systems that do not know it are used all the same; either way the new file is in its place."""
    genuine = os.fsync

    def refuse_folders(descriptor: int) -> None:
        if os.fstat(descriptor).st_mode & 0o040000:
            raise OSError(code, os.strerror(code))
        genuine(descriptor)

    monkeypatch.setattr(os, "fsync", refuse_folders)
    with pytest.raises(OSError, match="Input/output error") if is_told else nullcontext():
        replace_file(tmp_path / "file", b"content")
    assert everything(tmp_path) == {"file": b"content"}


def test_threads_that_write_one_file_do_not_disturb_each_other(tmp_path: Path) -> None:
    """Each has a file of its own until it takes its place; one of the contents stands there whole."""
    contents = [bytes([number]) * 10_000 for number in range(60)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda content: replace_file(tmp_path / "file", content), contents))
    assert everything(tmp_path)["file"] in contents
    assert len(everything(tmp_path)) == 1


def test_a_link_that_somebody_put_there_is_not_written_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever can guess the name of the file beside gains nothing by it."""
    monkeypatch.setattr(durable, "token_hex", lambda _: "00")
    (tmp_path / "secret").write_bytes(b"secret")
    (tmp_path / f".file.{os.getpid()}-00.new").symlink_to(tmp_path / "secret")
    with pytest.raises(FileExistsError):
        replace_file(tmp_path / "file", b"content")
    assert (tmp_path / "secret").read_bytes() == b"secret"


def test_what_killed_processes_left_of_a_file_is_removed(tmp_path: Path) -> None:
    """Former releases gave it no number; what was left of other files stays."""
    for name in ("a[b]", ".a[b].new", ".a[b].123.new", ".ab.123.new", ".a[b].txt"):
        (tmp_path / name).write_bytes(b"")
    remove_unfinished(tmp_path / "a[b]")
    assert sorted(everything(tmp_path)) == [".a[b].txt", ".ab.123.new", "a[b]"]
