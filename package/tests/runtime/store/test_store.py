"""The model store: versions that never change, one of them current; rows 28 to 32 of docs/faults.md."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
import pytest
from commands import Command, everything_below
from hypothesis import given
from hypothesis import strategies as st
from resealed import reseal

from classification_model.errors import ArtifactError, StoreError, VerificationError
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.model_folder.artifact import MANIFEST, read_manifest, read_model, write_model_folder
from classification_model.runtime.model_folder.manifest import seal
from classification_model.runtime.store.current import (
    CURRENT,
    LARGEST_CURRENT,
    MOST_PREVIOUS,
    read_current,
    write_current,
)
from classification_model.runtime.store.store import ModelStore

RETRAINED = "1.0.0+20261121t130430z.a1b2c3d"
VERSIONS = ("1.0.0", RETRAINED, "1.0.1", "1.10.0")


@pytest.fixture(scope="session")
def made(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make the packaged model under several versions, each a folder named for it."""
    folder = tmp_path_factory.mktemp("made")
    model = read_model(model_folder)
    for version in VERSIONS:
        manifest = model.manifest.model_copy(update={"version": version})
        write_model_folder(folder / version, manifest, model.contents)
    return folder


@pytest.fixture(scope="session")
def filled(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a store of these versions in which 1.0.0 serves, for copies."""
    folder = tmp_path_factory.mktemp("filled") / "store"
    store = ModelStore(folder)
    for version in VERSIONS:
        store.add(made / version)
    store.promote("1.0.0")
    return folder


@pytest.fixture
def store(filled: Path, tmp_path: Path) -> ModelStore:
    return ModelStore(shutil.copytree(filled, tmp_path / "store"))


# Versions


def test_versions_are_in_the_order_of_their_numbers(store: ModelStore) -> None:
    """A model that was retrained in operation comes after the release that it stands on, before the next one."""
    assert store.versions() == list(VERSIONS)


def test_a_version_in_the_store_is_the_model_folder_to_the_byte(store: ModelStore, made: Path) -> None:
    """What is copied in is what was given."""
    for version in VERSIONS:
        assert everything_below(store.path(version)) == everything_below(made / version)
        assert store.load(version).manifest.version == version


def test_the_same_model_twice_is_no_fault(store: ModelStore, made: Path) -> None:
    """A rerun of what was done changes nothing."""
    before = everything_below(store.folder)
    assert store.add(made / "1.0.1") == "1.0.1"
    store.promote("1.0.0")
    assert everything_below(store.folder) == before


def test_a_version_never_changes(store: ModelStore, made: Path, tmp_path: Path) -> None:
    """Another model of a version that is there is refused, and nothing is changed."""
    other = shutil.copytree(made / "1.0.1", tmp_path / "other")
    reseal(other, created="2026-01-01T00:00:00Z")
    before = everything_below(store.folder)
    with pytest.raises(
        StoreError, match=r"version 1\.0\.1 is in the store with other content: give the model another version"
    ):
        store.add(other)
    assert everything_below(store.folder) == before


def test_a_damaged_version_is_replaced_by_the_whole_one(store: ModelStore, made: Path) -> None:
    """What was damaged in the store is mended by adding the model again."""
    (store.path("1.0.1") / "core.onnx").write_bytes(b"")
    with pytest.raises(VerificationError, match=r"core\.onnx was changed"):
        store.promote("1.0.1")
    store.add(made / "1.0.1")
    store.promote("1.0.1")
    assert store.current() == "1.0.1"


def test_a_model_that_cannot_serve_is_not_taken_in(store: ModelStore, made: Path, tmp_path: Path) -> None:
    """A folder that is no whole model, or has no compiled form, stays out."""
    other = shutil.copytree(made / "1.0.1", tmp_path / "other")
    reseal(other, version="2.0.0", compiled=None, not_compiled="no converter")
    with pytest.raises(ArtifactError, match=r"version 2\.0\.0, has no compiled model \(no converter\)"):
        store.add(other)
    (other / "core.onnx").write_bytes(b"")
    with pytest.raises(VerificationError, match=r"core\.onnx was changed"):
        store.add(other)
    with pytest.raises(ArtifactError, match="expected a model in"):
        store.add(tmp_path)
    assert store.versions() == list(VERSIONS)


@pytest.mark.slow
@pytest.mark.parametrize("version", ["..", "../1.0.0", "v1", "1.0.0\n", "", "a/b", "1" * 200, "1.0.0+A", "-1"])
def test_a_model_with_a_strange_version_is_not_taken_in(
    store: ModelStore, made: Path, tmp_path: Path, version: str
) -> None:
    """A manifest cannot lead a copy to another place than a folder below the versions."""
    other = shutil.copytree(made / "1.0.1", tmp_path / "other")
    reseal(other, version=version)
    before = everything_below(tmp_path)
    with pytest.raises(StoreError, match=r"the version of .* expected a PEP 440 version such as"):
        store.add(other)
    assert everything_below(tmp_path) == before


@pytest.mark.slow
@given(st.text(max_size=20) | st.from_regex(r"\A(\.|/|1|\+|a){1,9}\Z"))
def test_a_name_that_is_no_version_is_never_looked_up(name: str) -> None:
    """Whatever is asked for is a folder below the versions, or refused."""
    store = ModelStore(Path(__file__).parent)
    with pytest.raises(StoreError, match=r"(expected a PEP 440 version|there is no version)"):
        store.path(name)


# Current


def test_rollback_goes_back_one_version_at_a_time(store: ModelStore) -> None:
    """Each rollback goes further back, until there is none."""
    for version in ("1.0.1", RETRAINED, "1.10.0"):
        store.promote(version)
    assert [store.rollback().version for _ in range(3)] == [RETRAINED, "1.0.1", "1.0.0"]
    with pytest.raises(
        StoreError, match=r"expected a version before the current one in .*, found none: promote a version"
    ):
        store.rollback()
    assert store.current() == "1.0.0"


def test_promotion_after_a_rollback_remembers_the_version_rolled_back_to(store: ModelStore) -> None:
    """The version before is the one that served before, whatever was rolled back."""
    store.promote("1.0.1")
    store.rollback()
    store.promote("1.10.0")
    assert store.rollback().version == "1.0.0"


def test_a_damaged_version_is_not_rolled_back_to(store: ModelStore) -> None:
    """What serves goes on, and the error says what to do."""
    store.promote("1.0.1")
    (store.path("1.0.0") / "core.onnx").unlink()
    with pytest.raises(StoreError, match=r"the previous version, 1\.0\.0, cannot be loaded \(core\.onnx is mis"):
        store.rollback()
    assert store.current() == "1.0.1"


def test_not_all_promotions_are_remembered_for_good(store: ModelStore) -> None:
    """The document that names the current version does not grow without end."""
    names = ("1.0.1", "1.0.0")
    document = orjson.loads((store.folder / CURRENT).read_bytes())
    (store.folder / CURRENT).write_bytes(orjson.dumps(document | {"previous": [*names * (MOST_PREVIOUS // 2)]}))
    store.promote("1.10.0")
    found = store.read_current()
    assert found is not None
    assert (len(found.previous), found.previous[-2:]) == (MOST_PREVIOUS, ("1.0.0", "1.0.0"))


def test_a_store_that_is_not_there_is_not_made_by_asking(tmp_path: Path) -> None:
    """A misspelt store is an error, and nothing is made in its place."""
    store = ModelStore(tmp_path / "nowhere")
    for ask in (store.versions, store.rollback, lambda: store.promote("1.0.0"), store.describe_all):
        with pytest.raises(StoreError, match="no model store in"):
            ask()
    assert store.current() is None
    assert list(tmp_path.iterdir()) == []


@pytest.mark.slow
def test_readers_need_permission_to_read_only(store: ModelStore) -> None:
    """Whoever may only read can list, load and follow; whoever promotes is told what is not permitted."""
    code = (
        "import os; from classification_model.errors import StoreError\n"
        "from classification_model.runtime.store.store import ModelStore\n"
        "store = ModelStore('.')\n"
        "store.load('1.0.0')\n"  # whatever is imported is, before the right to is given up
        "os.getuid() or os.setuid(65534)\n"
        "assert store.load(store.current()).manifest.version == '1.0.0'\n"
        "assert all(found.fault is None for found in store.describe_all())\n"
        "try:\n    store.promote('1.0.1')\nexcept StoreError as error:\n    print(error)\n"
    )
    (store.folder / "lock").chmod(0o444)
    folders = [Path(folder) for folder, *_ in os.walk(store.folder)]
    for folder in folders:
        folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-c", code], cwd=store.folder, capture_output=True, text=True, check=False)
    for folder in folders:
        folder.chmod(0o755)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "the store . cannot be written: Permission denied\n"


# Pruning


def serve(store: ModelStore, *versions: str) -> None:
    """Let versions serve, one after the other."""
    for version in versions:
        store.promote(version)


def test_pruning_keeps_the_newest_and_those_that_serve_or_served_last(store: ModelStore) -> None:
    """The newest stay, the one that serves, and as many that served before; since when it serves stays too."""
    serve(store, RETRAINED, "1.0.0")
    before = store.read_current()
    assert before is not None
    assert store.prune(1) == ["1.0.1"]
    assert store.versions() == ["1.0.0", RETRAINED, "1.10.0"]
    assert store.read_current() == before
    assert store.rollback().version == RETRAINED
    assert store.prune(4) == store.prune(100) == []


@pytest.mark.slow
def test_rollback_goes_back_as_far_as_nothing_was_removed(store: ModelStore) -> None:
    """Of the versions that served, those before a removed one are forgotten, so that rollback leaves none out."""
    serve(store, "1.0.1", "1.10.0", RETRAINED, "1.0.0", "1.10.0")
    assert store.prune(2) == []
    serve(store, "1.0.0", "1.10.0", "1.0.0", "1.10.0")
    assert store.prune(2) == [RETRAINED]
    found = store.read_current()
    assert found is not None
    assert (found.version, found.previous) == ("1.10.0", ("1.0.0", "1.10.0", "1.0.0", "1.10.0", "1.0.0"))
    for version in reversed(found.previous):
        assert store.rollback().version == version


def test_pruning_leaves_what_is_no_folder(store: ModelStore) -> None:
    """A link or a file with the name of a version is no version: it is not counted, followed or removed."""
    linked_version(store.path("1.10.0"))
    file_for_folder(store.path(RETRAINED))
    (store.folder / "versions" / "notes.txt").write_bytes(b"")
    assert store.prune(1) == []
    assert store.versions() == list(VERSIONS)
    assert store.load("1.0.1").manifest.version == "1.0.1"
    assert (store.folder / "elsewhere" / MANIFEST).is_file()


def test_a_store_in_which_none_serves_yet_is_pruned(store: ModelStore) -> None:
    """Without a version that serves, the newest stay."""
    (store.folder / CURRENT).unlink()
    assert store.prune(1) == ["1.0.0", RETRAINED, "1.0.1"]
    assert store.versions() == ["1.10.0"]
    assert store.current() is None


def test_nothing_is_removed_where_nobody_knows_what_serves(store: ModelStore) -> None:
    """With a damaged document of what serves, and with fewer than one version to keep, the store stays as it is."""
    with pytest.raises(StoreError, match="keep: expected 1 version or more, found 0"):
        store.prune(0)
    (store.folder / CURRENT).write_bytes(b"{")
    with pytest.raises(StoreError, match="CURRENT of the store is damaged: promote a version"):
        store.prune(1)
    assert store.versions() == list(VERSIONS)


def test_a_version_that_was_removed_can_be_added_again(store: ModelStore, made: Path) -> None:
    """Nothing of it is left that would be in the way."""
    assert store.prune(1) == [RETRAINED, "1.0.1"]
    assert {path.name for path in (store.folder / "versions").iterdir()} == {"1.0.0", "1.10.0"}
    assert store.add(made / "1.0.1") == "1.0.1"
    store.promote("1.0.1")


@pytest.mark.slow
@given(
    keep=st.integers(1, 5),
    there=st.sets(st.sampled_from(VERSIONS), min_size=1),
    served=st.lists(st.sampled_from(VERSIONS), min_size=1, max_size=6),
)
def test_whatever_served_pruning_once_is_pruning_twice(keep: int, there: set[str], served: list[str]) -> None:
    """What serves, the newest and those that served last stay; no removed one is remembered; again changes nothing."""
    with TemporaryDirectory() as folder:
        store = ModelStore(folder)
        for version in {*there, served[-1]}:
            (Path(folder) / "versions" / version).mkdir(parents=True)
        write_current(Path(folder), served[-1], tuple(served[:-1]))
        before = store.versions()
        planned = store.prune(keep, dry_run=True)
        assert store.versions() == before
        removed = store.prune(keep)
        assert removed == planned
        assert sorted([*store.versions(), *removed]) == sorted(before)
        assert not {*removed} & {served[-1], *served[:-1][-keep:], *before[-keep:]}
        found = store.read_current()
        assert found is not None
        assert found.version == served[-1]
        assert tuple(served[:-1])[-len(found.previous) or len(served) :] == found.previous
        assert len(found.previous) >= min(keep, len(served) - 1)
        assert not {*removed} & {*found.previous}
        assert store.prune(keep) == []
        assert store.read_current() == found


# Row 28: damaged versions


def truncate(path: Path) -> None:
    os.truncate(path / "core.onnx", 100)


def empty(path: Path) -> None:
    (path / MANIFEST).write_bytes(b"")


def wrong_hash(path: Path) -> None:
    content = bytearray((path / "core.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (path / "core.onnx").write_bytes(content)


def wrong_schema(path: Path) -> None:
    reseal(path, input_schema={"fields": [], "ignored": []})


def half_written(path: Path) -> None:
    (path / MANIFEST).unlink()


def another_version(path: Path) -> None:
    reseal(path, version="1.10.0")


def not_compiled(path: Path) -> None:
    reseal(path, compiled=None, not_compiled="no converter")


def malicious_pickle(path: Path) -> None:
    (path / "extra.pkl").write_bytes(pickle.dumps(Attack()))


def resealed_pickle(path: Path) -> None:
    pipeline = read_model(path).manifest.pipeline
    (path / pipeline).write_bytes(pickle.dumps(Attack()))
    (path / "core.onnx").write_bytes(pickle.dumps(Attack()))
    reseal(path)


def link(path: Path) -> None:
    shutil.move(path / "core.onnx", path.parents[1] / "elsewhere")
    (path / "core.onnx").symlink_to(path.parents[1] / "elsewhere")


def pipe(path: Path) -> None:
    (path / "core.onnx").unlink()
    os.mkfifo(path / "core.onnx")


def ten_gigabytes(path: Path) -> None:
    os.truncate(path / "core.onnx", 10 * 2**30)


def escape(path: Path) -> None:
    (path.parents[2] / "secret").write_bytes(b"secret")
    plain = orjson.loads((path / MANIFEST).read_bytes())
    record = {"sha256": hashlib.sha256(b"secret").hexdigest(), "size": 6}
    (path / MANIFEST).write_bytes(seal(plain | {"files": plain["files"] | {"../../../secret": record}}))


def wrong_golden_rows(path: Path) -> None:
    golden = orjson.loads((path / MANIFEST).read_bytes())["golden_rows"]
    golden[0]["probabilities"].reverse()
    reseal(path, golden_rows=golden)


def linked_version(path: Path) -> None:
    path.rename(path.parents[1] / "elsewhere")
    path.symlink_to(path.parents[1] / "elsewhere")


def file_for_folder(path: Path) -> None:
    shutil.rmtree(path)
    path.write_bytes(b"")


class Attack:
    """What a pickle is that runs a command when it is loaded."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (77,)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, r"core\.onnx was changed: .* of 100 bytes"),
        (empty, r"manifest\.json was changed"),
        (wrong_hash, r"core\.onnx was changed: expected sha256 "),
        (wrong_schema, "a golden row of the model does not fit its input schema"),
        (half_written, "expected a model in"),
        (another_version, r"the folder of version 1\.0\.1 holds version 1\.10\.0"),
        (not_compiled, "has no compiled model"),
        (malicious_pickle, r"'extra\.pkl' is in the model folder but not in manifest\.json"),
        (resealed_pickle, "the compiled model is not a valid ONNX model"),
        (link, r"'core\.onnx' cannot be read: Too many levels of symbolic links"),
        (pipe, r"core\.onnx: expected a regular file"),
        (ten_gigabytes, r"core\.onnx: expected a regular file of at most \d+ bytes, found 10737418240"),
        (escape, r"expected relative paths inside the model folder, found '\.\./\.\./\.\./secret'"),
        (wrong_golden_rows, r"golden row 0 \(counted from 0\) differs from its recorded probabilities"),
        (linked_version, r"there is no version 1\.0\.1 in the store"),
        (file_for_folder, r"there is no version 1\.0\.1 in the store"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_rows_28_to_32_a_bad_version_never_serves(
    store: ModelStore, damage: Callable[[Path], None], message: str
) -> None:
    """Whatever is wrong with a version, it is not promoted nor loaded, what serves stays, and the error names it."""
    damage(store.path("1.0.1"))
    before = (store.folder / CURRENT).read_bytes()
    for ask in (store.promote, store.load):
        with pytest.raises(ArtifactError, match=message) as caught:
            ask("1.0.1")
        assert str(caught.value).isprintable()
    assert (store.folder / CURRENT).read_bytes() == before
    assert store.load("1.0.0").manifest.version == "1.0.0"


def test_row_30_a_link_in_the_place_of_a_version_is_not_written_through(store: ModelStore, made: Path) -> None:
    """Adding a version never changes a folder outside of the store."""
    linked_version(store.path("1.0.1"))
    before = everything_below(store.folder / "elsewhere")
    with pytest.raises(
        StoreError, match=r"expected a folder for version 1\.0\.1 in the store, found a link: remove it"
    ):
        store.add(made / "1.0.1")
    assert everything_below(store.folder / "elsewhere") == before


def point_to(name: str) -> bytes:
    return orjson.dumps({"format_version": 1, "version": name, "promoted": "2026-11-21T13:04:30Z", "previous": []})


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"1.0.0", b"\xff", b"[" * 100_000, point_to("../../etc"), point_to(".."), point_to(""),
     point_to("1.0.0").replace(b"1,", b"2,", 1), point_to("1.0.0").replace(b"{", b'{"more":1,', 1),
     point_to("1.0.0").replace(b"[]", json.dumps(["1.0.0"] * 101).encode())],
    ids=lambda content: content[:60],
)  # fmt: skip
def test_a_damaged_pointer_is_an_error_that_promoting_repairs(store: ModelStore, content: bytes) -> None:
    """Whatever stands in CURRENT, reading it is one line that names it, and promoting writes it anew."""
    (store.folder / CURRENT).write_bytes(content)
    for ask in (store.current, store.rollback):
        with pytest.raises(StoreError, match=r"^CURRENT") as caught:
            ask()
        assert str(caught.value).isprintable()
    store.promote("1.0.1")
    assert store.current() == "1.0.1"


@pytest.mark.parametrize("kind", ["link", "pipe", "large", "folder"])
def test_a_pointer_that_is_no_small_file_is_refused(store: ModelStore, kind: str) -> None:
    """CURRENT is neither followed elsewhere nor waited for nor read for ever."""
    place = store.folder / CURRENT
    content = place.read_bytes()
    place.unlink()
    if kind == "link":
        (store.folder / "elsewhere").write_bytes(content)
        place.symlink_to("elsewhere")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "large":
        place.write_bytes(content)
        os.truncate(place, LARGEST_CURRENT + 1)
    else:
        place.mkdir()
    with pytest.raises(StoreError, match=r"^CURRENT of the store is damaged \("):
        store.current()
    if kind == "folder":
        with pytest.raises(StoreError, match="cannot be written: Is a directory"):
            store.promote("1.0.1")
    else:
        store.promote("1.0.1")
        assert store.current() == "1.0.1"
    if kind == "link":
        assert (store.folder / "elsewhere").read_bytes() == content


# Row 31: writers that are killed, and two at once

KILLED_AT_EACH_STEP = """
import io, os, shutil, sys
from pathlib import Path
from classification_model.runtime.store.store import ModelStore

template, folder, source, action = *map(Path, sys.argv[1:4]), sys.argv[4]
act = {
    "add": lambda store: store.add(source),
    "promote": lambda store: store.promote("1.0.1"),
    "rollback": lambda store: store.rollback(),
    "prune": lambda store: store.prune(1),
}[action]
store = ModelStore(folder)
steps = left = 0

def step():
    global left
    left -= 1
    if left == 0:
        os._exit(9)

def counted(call):
    def counting(*arguments, **more):
        step()
        result = call(*arguments, **more)
        step()
        return result
    return counting

class Torn(io.FileIO):
    def write(self, content):
        view = memoryview(content)
        if len(view) > 1:
            super().write(view[: len(view) // 2])
            step()
            return len(view) // 2 + super().write(view[len(view) // 2 :])
        return super().write(view)

def opened(path, mode="r", *arguments, **more):
    step()
    return Torn(path, "w") if "w" in mode else io.open(path, mode, *arguments, **more)

def patch():
    for name in ("mkdir", "rename", "replace", "unlink", "rmdir", "fsync", "truncate"):
        setattr(os, name, counted(getattr(os, name)))
    Path.open = opened

def state():
    found = {version: (store.read(version) and "whole") for version in store.versions()}
    assert {*store.read_current().previous} <= {*found}
    return store.current(), tuple(found.items())

def reset():
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(template, folder)

reset()
states = [state()]
while True:
    steps += 1
    reset()
    child = os.fork()
    if not child:
        left = steps
        patch()
        act(store)
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert status in (0, 9), status
    states.append(state())
    if status and (action != "rollback" or states[-1] == states[0]):
        act(store)
        states.append(state())
    assert not [name for name in os.listdir(folder) + os.listdir(folder / "versions") if name.startswith(".")]
    if not status:
        break
print(steps)
for one in dict.fromkeys(states):
    print(one)
"""


@pytest.mark.slow
@pytest.mark.parametrize("action", ["add", "promote", "rollback"])
def test_row_31_a_writer_killed_at_any_step_leaves_the_old_or_the_new(
    filled: Path, made: Path, tmp_path: Path, action: str
) -> None:
    """After a kill before or after each write, fsync and rename readers see a whole state, and a rerun completes."""
    template = shutil.copytree(filled, tmp_path / "template")
    if action == "add":
        shutil.rmtree(template / "versions" / "1.0.1")
    elif action == "rollback":
        ModelStore(template).promote("1.0.1")
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, template, tmp_path / "store", made / "1.0.1", action],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps, *states = done.stdout.splitlines()
    assert int(steps) > {"add": 40, "promote": 5, "rollback": 5}[action]
    assert len(states) == 2, states


@pytest.mark.slow
def test_pruning_that_is_killed_at_any_step_leaves_whole_versions(filled: Path, tmp_path: Path) -> None:
    """After a kill before or after each step, each version is whole or gone, what serves goes on, a rerun completes."""
    template = shutil.copytree(filled, tmp_path / "template")
    serve(ModelStore(template), "1.0.1", "1.10.0", "1.0.0")
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AT_EACH_STEP, template, tmp_path / "store", tmp_path, "prune"],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    steps, *states = done.stdout.splitlines()
    assert int(steps) > 20
    versions = {tuple(version for version in VERSIONS if f"'{version}'" in state.partition(",")[2]) for state in states}
    assert versions == {VERSIONS, ("1.0.0", "1.0.1", "1.10.0"), ("1.0.0", "1.10.0")}
    assert all(state.startswith("('1.0.0',") for state in states)


@pytest.mark.slow
def test_row_31_readers_see_whole_states_while_a_writer_goes_on(store: ModelStore) -> None:
    """A reader that looks again and again while versions are swapped always finds a version that it can load."""
    code = (
        "import sys; from classification_model.runtime.store.store import ModelStore\n"
        "store = ModelStore(sys.argv[1])\n"
        "for number in range(60): store.promote(('1.0.1', '1.10.0', '1.0.0')[number % 3])\n"
    )
    seen: list[str] = []
    with subprocess.Popen([sys.executable, "-c", code, store.folder]) as writer:
        while writer.poll() is None:
            version = store.current()
            assert version is not None
            seen.append(version)
    assert writer.returncode == 0
    assert set(seen) == {"1.0.0", "1.0.1", "1.10.0"}


@pytest.mark.slow
def test_two_writers_take_turns(store: ModelStore) -> None:
    """Promotions by several processes at once are all remembered, in some order."""
    code = (
        "import sys; from classification_model.runtime.store.store import ModelStore\n"
        "store = ModelStore(sys.argv[1])\n"
        "for _ in range(10):\n    store.promote(sys.argv[2]); store.promote(sys.argv[3])\n"
    )
    pairs = [("1.0.1", "1.10.0"), (RETRAINED, "1.0.0")]
    writers = [subprocess.Popen([sys.executable, "-c", code, store.folder, *pair]) for pair in pairs]
    assert [writer.wait() for writer in writers] == [0, 0]
    found = store.read_current()
    assert found is not None
    served = [*found.previous, found.version]
    assert all(one != following for one, following in pairwise(served))
    assert [served.count(version) for version in ("1.0.1", RETRAINED)] == [10, 10]
    assert [served.count(version) for version in ("1.10.0", "1.0.0")] in ([10, 11], [10, 10])


@pytest.mark.slow
def test_row_34_a_lock_ends_with_its_process(store: ModelStore) -> None:
    """A writer that was killed while it had the lock does not keep the next one waiting."""
    code = (
        "import sys, time; from classification_model.runtime.store.store import ModelStore\n"
        "with ModelStore(sys.argv[1])._writing():\n    print('locked', flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, store.folder], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "locked\n"
        writer.send_signal(signal.SIGKILL)
    store.promote("1.0.1")
    assert store.current() == "1.0.1"


def test_a_store_without_locks_is_not_written(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where two writers could not take turns, none writes."""
    monkeypatch.setattr("classification_model.runtime.store.store.lock", lambda _: False)
    with pytest.raises(StoreError, match="has no file locks: put the store on another one"):
        store.promote("1.0.1")
    assert store.current() == "1.0.0"


# The command line


@pytest.mark.slow
def test_the_commands_promote_list_show_and_roll_back(
    command: Command, made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model folder is copied in and serves, a version is promoted by its name, and rolled back."""
    monkeypatch.setenv("MODEL_STORE", str(tmp_path / "store"))
    assert command("promote", made / "1.0.0").out == "version 1.0.0 is current\n"
    assert command("promote", made / RETRAINED).out == f"version {RETRAINED} is current\n"
    assert command("promote", "1.0.0").out == "version 1.0.0 is current\n"
    assert command("rollback").out == f"version {RETRAINED} is current again, instead of 1.0.0\n"
    lines = command("list").out.splitlines()
    assert lines[0].split() == ["version", "created", "accuracy", "roc_auc", "log_loss", "state"]
    assert [line.split()[0] for line in lines[1:]] == ["1.0.0", "*"]
    assert lines[2].split()[1] == RETRAINED
    shown = command("show").out
    assert f"version    {RETRAINED}\n" in shown
    assert "previous   1.0.0\n" in shown
    assert orjson.loads(command("show", "1.0.0", "--json").out)["current"] is False


def test_which_version_serves_is_put_on_record_where_a_log_is_named(
    command: Command, made: Path, tmp_path: Path
) -> None:
    """Each promotion and rollback with the version before; promoting what serves already changes nothing."""
    options = ["--store", tmp_path / "store", "--log", tmp_path / "log"]
    for arguments in (["promote", made / "1.0.0"], ["promote", made / RETRAINED], ["promote", RETRAINED], ["rollback"]):
        assert command(*arguments, *options).code == 0
    entries = read_decisions(tmp_path / "log")
    model = read_manifest(made / "1.0.0").name
    assert [(entry["kind"], entry["content"]) for entry in entries] == [
        ("promotion", {"model": model, "version": "1.0.0", "previous": None}),
        ("promotion", {"model": model, "version": RETRAINED, "previous": "1.0.0"}),
        ("rollback", {"model": model, "version": "1.0.0", "previous": RETRAINED}),
    ]


def test_the_command_prunes(command: Command, store: ModelStore) -> None:
    """What is removed, or would be, is a line each."""
    options = ["--store", store.folder, "--keep", "1"]
    dry = command("prune", *options, "--dry-run")
    assert dry.out == f"version {RETRAINED} would be removed\nversion 1.0.1 would be removed\n"
    assert store.versions() == list(VERSIONS)
    assert command("prune", *options).out == f"version {RETRAINED} removed\nversion 1.0.1 removed\n"
    assert store.versions() == ["1.0.0", "1.10.0"]
    assert command("prune", *options).out == "nothing to remove\n"
    assert command("prune", "--store", store.folder, "--keep", "0").code == 2


def test_the_list_tells_what_is_wrong(command: Command, store: ModelStore) -> None:
    """A version that is damaged, or no folder, is listed with its fault."""
    truncate(store.path("1.0.1"))
    file_for_folder(store.path("1.10.0"))
    (store.folder / "versions" / "notes.txt").write_bytes(b"")
    done = command("list", "--store", store.folder, "--json")
    found = {item["version"]: item for item in orjson.loads(done.out)}
    assert list(found) == list(VERSIONS)
    assert [item["whole"] for item in found.values()] == [True, True, False, False]
    assert [item["current"] for item in found.values()] == [True, False, False, False]
    assert found["1.0.1"]["fault"].startswith("core.onnx was changed")
    assert found["1.0.0"]["metrics"]["accuracy"] > 0.5


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["promote", "2.0.0"], "expected a version in the store {} or a model folder, found '2.0.0'"),
        (["promote", "nowhere/model"], "expected a version in the store {} or a model folder, found 'nowhere/model'"),
        (["rollback"], "expected a version before the current one"),
        (["show", "2.0.0"], "there is no version 2.0.0 in the store"),
        (["show", ".."], "version: expected a PEP 440 version"),
    ],
)
def test_a_fault_is_one_line_and_exit_code_2(
    command: Command, store: ModelStore, arguments: list[str], fault: str
) -> None:
    """What cannot be done is said in a line, and nothing changes."""
    done = command(*arguments, "--store", store.folder)
    assert done.code == 2
    assert done.err.startswith(f"error: {fault.format(store.folder)}")
    assert done.err.count("\n") == 1
    assert store.current() == "1.0.0"


def test_a_store_that_cannot_be_looked_into_says_why(tmp_path: Path) -> None:
    """Its folder is a file, or the name of it is none."""
    (tmp_path / "file").touch()
    for folder, reason in ((tmp_path / "file", "Not a directory"), (tmp_path / "a\0b", "null")):
        with pytest.raises(StoreError, match=f"cannot be read: .*{reason}"):
            read_current(folder)


def test_what_a_killed_writer_left_is_removed_by_the_next_one(store: ModelStore, made: Path) -> None:
    """Half a version, and one that was set aside; a hidden folder of another name is somebody else's."""
    versions = store.folder / "versions"
    for name in (".1.0.7.new", ".1.0.7.old", ".snapshot"):
        shutil.copytree(made / "1.0.1", versions / name)
    shutil.rmtree(versions / ".1.0.7.old")
    store.promote("1.0.1")
    assert sorted(path.name for path in versions.glob(".*")) == [".snapshot"]
