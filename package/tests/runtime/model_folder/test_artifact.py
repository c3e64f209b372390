"""The model folder: written whole or not at all, read only as it was written."""

import hashlib
import os
import re
import resource
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classification_model.errors import ArtifactError, VerificationError
from classification_model.runtime.model_folder.artifact import (
    LARGEST_FILE,
    LARGEST_MANIFEST,
    MANIFEST,
    read_files,
    read_manifest,
    write_model_folder,
)
from classification_model.runtime.model_folder.manifest import Manifest, seal
from classification_model.runtime.model_folder.packaged import package_version, packaged_model
from classification_model.runtime.system import durable

CONTENTS = {"model.pkl": bytes(range(256)), "reports/report.html": b"<p>report</p>\n"}
OTHERS = {"model.pkl": b"another model", "reports/card.md": b"# another\n"}


@pytest.fixture(scope="module")
def manifest(model_folder: Path) -> Manifest:
    """Give a manifest of a few kilobytes."""
    real = read_manifest(model_folder)
    fields = tuple(field.model_copy(update={"categories": None}) for field in real.input_schema.fields[:2])
    schema = real.input_schema.model_copy(update={"fields": fields})
    return real.model_copy(
        update={
            "pipeline": "model.pkl",
            "compiled": None,
            "portable": None,
            "input_schema": schema,
            "golden_rows": real.golden_rows[:1],
            "training_distribution": {},
            "prediction_distribution": {},
        }
    )


@pytest.fixture
def folder(tmp_path: Path, manifest: Manifest) -> Path:
    folder = tmp_path / "models" / "model_v1"
    write_model_folder(folder, manifest, CONTENTS)
    return folder


def load(folder: Path) -> dict[str, bytes]:
    """Read a model folder whole, as every load does."""
    return read_files(folder, read_manifest(folder))


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def reseal(folder: Path, **changes: Any) -> None:
    """Change a manifest and give it a digest that fits, as an attacker would."""
    path = folder / MANIFEST
    path.write_bytes(seal(orjson.loads(path.read_bytes()) | changes))


def record_of(content: bytes, **changes: Any) -> dict[str, Any]:
    return {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)} | changes


def one_line(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert text.isprintable()
    return text


# Reading


def test_the_packaged_model_bears_the_version_of_the_package(model_folder: Path) -> None:
    """The model in the package is in the folder that is named for the package's version."""
    assert model_folder == packaged_model()
    assert model_folder.name == f"classification_model_output_v{package_version()}"
    assert set(load(model_folder)) >= {f"{model_folder.name}.pkl", "reports/report.html"}


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=50)
@given(st.dictionaries(st.from_regex(r"\A[\w ☃-]{1,9}(/[a-z]{1,3}){0,2}\.x\Z"), st.binary(), max_size=4))
def test_what_is_written_is_what_is_read(tmp_path: Path, manifest: Manifest, contents: dict[str, bytes]) -> None:
    """Any files under any names come back byte for byte, beside the manifest that lists them."""
    contents = contents | {"model.pkl": b"model"}
    write_model_folder(tmp_path / "model", manifest, contents)
    assert load(tmp_path / "model") == contents
    assert {name: record.size for name, record in read_manifest(tmp_path / "model").files.items()} == {
        name: len(content) for name, content in contents.items()
    }


@pytest.mark.slow
def test_a_changed_byte_anywhere_in_the_manifest_is_refused(folder: Path) -> None:
    """Each byte of manifest.json is covered by the digest in it, and a refusal names the file and both hashes."""
    path = folder / MANIFEST
    whole = path.read_bytes()
    unnamed = set()
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << (position % 8 if position % 3 else 0)
        path.write_bytes(changed)
        with pytest.raises(ArtifactError, match=r"^manifest\.json[: ]") as caught:
            read_manifest(folder)
        if len(re.findall("[0-9a-f]{64}", one_line(caught))) != 2:
            unnamed.add(whole[:position].count(b"\n"))
    lines = whole.splitlines()
    exceptions = [lines.index(line) for line in lines if line.startswith((b'  "digest"', b'  "format_version"'))]
    assert unnamed <= {*exceptions, exceptions[0] - 1}  # the end of the line before is where the digest begins


@pytest.mark.slow
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=200)
@given(st.data())
def test_any_damage_to_the_packaged_manifest_is_refused(
    model_folder: Path, tmp_path: Path, data: st.DataObject
) -> None:
    """A manifest with any piece replaced, removed, doubled or cut off is refused and never an error of another kind."""
    whole = (model_folder / MANIFEST).read_bytes()
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 50)))
    damaged = whole[:start] + data.draw(st.binary(max_size=20) | st.just(whole[start:end] * 2)) + whole[end:]
    if data.draw(st.booleans()):
        damaged = damaged[: data.draw(st.integers(0, len(whole)))]
    (tmp_path / MANIFEST).write_bytes(damaged)
    if damaged == whole:
        read_manifest(tmp_path)
    else:
        with pytest.raises(ArtifactError, match=r"^manifest\.json[: ]"):
            read_manifest(tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", CONTENTS)
def test_a_changed_byte_anywhere_in_a_file_is_refused_with_both_hashes(folder: Path, name: str) -> None:
    """Each byte of each file is covered by the hash in the manifest."""
    whole = CONTENTS[name]
    for position in range(len(whole)):
        changed = bytearray(whole)
        changed[position] ^= 1 << position % 8
        (folder / name).write_bytes(changed)
        expected, found = hashlib.sha256(whole).hexdigest(), hashlib.sha256(changed).hexdigest()
        with pytest.raises(
            VerificationError, match=f"^{name} was changed: expected sha256 {expected} .* found {found}"
        ):
            load(folder)


@pytest.mark.parametrize("content", [b"", CONTENTS["model.pkl"][:-1], CONTENTS["model.pkl"] + b"\0", b"\0" * 256])
def test_a_file_of_another_length_is_refused_with_both_hashes(folder: Path, content: bytes) -> None:
    """A file that was cut, emptied or added to is named with the hash it should have and the one it has."""
    (folder / "model.pkl").write_bytes(content)
    found = f"{hashlib.sha256(content).hexdigest()} of {len(content)} bytes"
    with pytest.raises(VerificationError, match=rf"^model\.pkl was changed: .*of 256 bytes, found {found}"):
        load(folder)


def replace_by_link(path: Path) -> None:
    elsewhere = path.parents[2] / "elsewhere"
    elsewhere.write_bytes(path.read_bytes())
    path.unlink()
    path.symlink_to(elsewhere)


def replace_by_dangling_link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def replace_by_pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def replace_by_ten_gigabytes(path: Path) -> None:
    os.truncate(path, 10 * 2**30)


@pytest.mark.parametrize("name", ["model.pkl", MANIFEST])
@pytest.mark.parametrize(
    ("replace", "message"),
    [
        (Path.unlink, "(is missing|found no manifest.json)"),
        (replace_by_link, "cannot be read: Too many levels of symbolic links"),
        (replace_by_dangling_link, "cannot be read: Too many levels of symbolic links"),
        (replace_by_pipe, "expected a regular file .*, found something else"),
        (replace_by_folder, "expected a regular file .*, found something else"),
        (replace_by_ten_gigabytes, r"expected a regular file of at most \d+ bytes, found 10737418240 bytes"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_is_no_regular_file_is_refused(
    folder: Path, name: str, replace: Callable[[Path], None], message: str
) -> None:
    """A file that is missing, a link, a pipe, a folder or huge is named and not read, let alone waited for."""
    replace(folder / name)
    with pytest.raises(ArtifactError, match=message) as caught:
        load(folder)
    assert name in one_line(caught)


def test_a_file_that_may_not_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal of the operating system is an error of ours that gives its reason."""
    system_open = os.open

    def deny(path: Any, *arguments: Any, **more: Any) -> int:
        if Path(path).name == "model.pkl":
            raise PermissionError(13, "Permission denied", path)
        return system_open(path, *arguments, **more)

    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(VerificationError, match=r"'model\.pkl' cannot be read: Permission denied"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["extra.pkl", "reports/extra", ".hidden", "evil\x1b[31m\nname", b"\xff".decode("utf-8", "surrogateescape")]
)
def test_a_file_that_the_manifest_does_not_list_is_refused(folder: Path, name: str) -> None:
    """An added file is named in one printable line, whatever its name."""
    (folder / name).write_bytes(b"")
    with pytest.raises(
        VerificationError, match=r"is in the model folder but not in manifest\.json: remove it"
    ) as caught:
        load(folder)
    assert repr(name)[1:-1] in one_line(caught)


def test_a_link_to_a_folder_is_refused(folder: Path, tmp_path: Path) -> None:
    """A folder inside the model folder is a folder, and not a link to one with the same files."""
    (folder / "reports").rename(tmp_path / "elsewhere")
    (folder / "reports").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VerificationError, match=r"'reports' is in the model folder but not in manifest\.json"):
        load(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "/etc/hostname", "reports/../../secret", "..", ".", "", "manifest.json", "./a", "a//b", "a/"]
)
def test_a_name_that_points_out_of_the_folder_is_refused(folder: Path, name: str) -> None:
    """A manifest with a good digest cannot make a load read files elsewhere, nor its own manifest."""
    secret = b"secret"
    (folder.parent / "secret").write_bytes(secret)
    files = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    reseal(folder, files=files | {name: record_of(secret)})
    with pytest.raises(
        VerificationError, match=r"manifest\.json: expected relative paths inside the model folder, found"
    ) as caught:
        load(folder)
    assert repr(name) in one_line(caught)


@pytest.mark.parametrize("name", ["a\0b", "x" * 300, "reports/report.html/below", "\n"])
def test_a_name_that_no_file_can_have_is_refused(folder: Path, name: str) -> None:
    """A listed name that the file system cannot open is an error of ours like any missing file."""
    files = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    reseal(folder, files=files | {name: record_of(b"")})
    with pytest.raises(VerificationError, match=r"(cannot be read|is missing from the model folder|was changed)"):
        load(folder)


@pytest.mark.parametrize("size", [10**18, 2**63 - 1, 257, 255, 0, -1, -2])
def test_a_recorded_size_that_is_not_the_files_is_refused(folder: Path, size: int) -> None:
    """A good hash with another size is refused, and no memory is set aside for what a manifest claims."""
    files = orjson.loads((folder / MANIFEST).read_bytes())["files"]
    reseal(folder, files=files | {"model.pkl": record_of(CONTENTS["model.pkl"], size=size)})
    with pytest.raises(
        VerificationError, match=rf"model\.pkl was changed: expected .* of {size} bytes, .* of 256 bytes"
    ):
        load(folder)


def test_a_manifest_without_its_pipeline_is_refused(folder: Path) -> None:
    """The file that holds the pipeline must be among those with a hash."""
    reseal(folder, pipeline="another.pkl")
    with pytest.raises(
        VerificationError, match=r"manifest\.json: expected the file 'another\.pkl' of the model among its files"
    ):
        load(folder)


def test_a_manifest_of_another_format_says_to_install_a_package_that_fits(folder: Path) -> None:
    """A folder that a later package wrote is told apart from a damaged one."""
    reseal(folder, format_version=3)
    with pytest.raises(ArtifactError, match=r"manifest\.json: expected format version 2, found 3: make") as caught:
        read_manifest(folder)
    assert not isinstance(caught.value, VerificationError)


def test_a_manifest_of_future_fields_names_them(folder: Path) -> None:
    """A manifest that is whole and has a field this package does not know is not called damaged."""
    reseal(folder, fairness={"slices": []})
    with pytest.raises(VerificationError, match="is malformed at 'fairness': install the version"):
        read_manifest(folder)


@pytest.mark.parametrize("option", [0, orjson.OPT_INDENT_2])
def test_a_manifest_written_anew_by_another_program_is_refused(folder: Path, option: int) -> None:
    """The same content in other bytes is not what was written."""
    path = folder / MANIFEST
    path.write_bytes(orjson.dumps(orjson.loads(path.read_bytes()), option=option))
    with pytest.raises(VerificationError, match=r"^manifest\.json was changed: expected sha256 "):
        read_manifest(folder)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"null",
        b'"text"',
        b"1",
        b"{}",
        b"{",
        b"\xff\xfe",
        b'{"format_version": NaN}',
        b'{"digest": 1}',
        b'{"parameters": {"C": 1' + b"0" * 400 + b"}}",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": "\\ud800"}',
    ],
    ids=lambda content: content[:20],
)
def test_what_is_no_manifest_is_refused(folder: Path, content: bytes) -> None:
    """Whatever stands in manifest.json, reading it is a line that names it."""
    (folder / MANIFEST).write_bytes(content)
    with pytest.raises(VerificationError, match=r"^manifest\.json[: ]") as caught:
        read_manifest(folder)
    one_line(caught)


def test_a_manifest_is_not_read_beyond_its_limit(folder: Path) -> None:
    """A manifest that was blown up is refused by its size, well below that of other files."""
    os.truncate(folder / MANIFEST, LARGEST_MANIFEST + 1)
    with pytest.raises(VerificationError, match=f"at most {LARGEST_MANIFEST} bytes"):
        read_manifest(folder)
    assert LARGEST_MANIFEST < LARGEST_FILE


@pytest.mark.parametrize("name", ["nowhere", "file", "empty", "file/below", "x" * 300, "a\0b", "loop", "loop/below"])
def test_where_no_model_is_none_is_found(tmp_path: Path, name: str) -> None:
    """A path that is no model folder, of whatever kind, is an error that names it."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "empty").mkdir()
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArtifactError, match=r"(^expected a model in .*train|cannot be read: )") as caught:
        read_manifest(tmp_path / name)
    assert not isinstance(caught.value, VerificationError)


# Writing


def test_a_model_is_replaced_by_the_next(folder: Path, manifest: Manifest) -> None:
    """Of the former model nothing stays, in the folder or beside it."""
    write_model_folder(folder, manifest, OTHERS)
    assert load(folder) == OTHERS
    assert names_in(folder.parent) == [folder.name]


def test_a_link_to_a_model_stays_a_link(folder: Path, manifest: Manifest, tmp_path: Path) -> None:
    """Where a model folder is reached by a link, the model behind it is replaced."""
    link = tmp_path / "link"
    link.symlink_to(folder)
    write_model_folder(link, manifest, OTHERS)
    assert link.is_symlink()
    assert load(folder) == load(link) == OTHERS
    assert names_in(tmp_path) == ["link", "models"]


@pytest.mark.parametrize("make", [Path.write_text, Path.mkdir], ids=["file", "folder"])
def test_what_is_no_model_folder_is_never_replaced(
    tmp_path: Path, manifest: Manifest, make: Callable[..., Any]
) -> None:
    """Somebody's file or folder that is in the way stays as it was."""
    place = tmp_path / "precious"
    if make is Path.mkdir:
        place.mkdir()
        (place / "thesis.txt").write_text("x", encoding="utf-8")
    else:
        place.write_text("x", encoding="utf-8")
    with pytest.raises(
        ArtifactError, match="precious exists and is not a model folder: remove it or choose another folder"
    ):
        write_model_folder(place, manifest, CONTENTS)
    assert sorted(path.name for path in tmp_path.rglob("*")) in (["precious"], ["precious", "thesis.txt"])


def test_an_empty_folder_may_become_a_model_folder(tmp_path: Path, manifest: Manifest) -> None:
    """A folder made beforehand, as a mount point is, is no obstacle."""
    (tmp_path / "model").mkdir()
    write_model_folder(tmp_path / "model", manifest, CONTENTS)
    assert load(tmp_path / "model") == CONTENTS


@pytest.mark.parametrize("parent", ["file", "file/below", "loop", "x" * 300])
def test_a_place_that_cannot_be_is_an_error_with_its_reason(tmp_path: Path, manifest: Manifest, parent: str) -> None:
    """A parent that is a file, a loop of links or too long a name is reported in one line."""
    (tmp_path / "file").write_bytes(b"")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArtifactError, match=r"model cannot be written: \w+"):
        write_model_folder(tmp_path / parent / "model", manifest, CONTENTS)


@pytest.mark.parametrize("name", ["../escape", "/etc/escape", MANIFEST, "", ".", "a/../../b", "./a", "a//b", "a/"])
def test_no_file_is_written_out_of_the_folder(tmp_path: Path, manifest: Manifest, name: str) -> None:
    """Contents whose path leads out of the folder, or to its manifest, are refused before anything is written."""
    with pytest.raises(ArtifactError, match="expected relative paths inside the model folder, found") as caught:
        write_model_folder(tmp_path / "model", manifest, CONTENTS | {name: b"x"})
    assert repr(name) in one_line(caught)
    assert names_in(tmp_path) == []


def no_exchange(*names: Path) -> bool:
    """Stand in for a system that cannot exchange two names."""
    return False


MKDIR = os.mkdir


class FailingDisk:
    """Counts the calls that change a disk, and fails the one with the number `failing`.

    Making a folder that is there changes nothing, and is not counted.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, failing: int) -> None:
        self.calls = 0
        self.failing = failing
        for module, name in ((os, "mkdir"), (os, "rename"), (os, "fsync"), (Path, "open")):
            monkeypatch.setattr(module, name, self._counted(getattr(module, name)))

    def _counted(self, system_call: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.calls += system_call is not MKDIR or not Path(arguments[0]).exists()
            if self.calls == self.failing:
                self.failing = -1
                raise OSError(28, "No space left on device")
            return system_call(*arguments, **more)

        return call


def fail_at_each_step(folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Write a model once for each step with that step failing; give the number of steps."""
    before = load(folder) if folder.exists() else None
    for step in range(1, 100):
        with monkeypatch.context() as patch:
            disk = FailingDisk(patch, step)
            try:
                write_model_folder(folder, manifest, OTHERS)
            except ArtifactError as error:
                failure = str(error)
            else:
                failure = ""
        if disk.calls < step:
            assert load(folder) == OTHERS
            return step - 1
        assert failure.endswith("cannot be written: No space left on device")
        assert names_in(folder.parent) == ([folder.name] if before else [])
        assert not before or load(folder) == before
    raise AssertionError


@pytest.mark.parametrize("at_once", [True, False], ids=["names exchanged", "names moved"])
def test_a_failure_at_any_step_leaves_the_former_model_and_no_litter(
    folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch, at_once: bool
) -> None:
    """Whichever folder, file, fsync or rename fails, the former model is whole, alone, and the reason is given."""
    if not at_once:
        monkeypatch.setattr(durable, "_exchange", no_exchange)
    assert fail_at_each_step(folder, manifest, monkeypatch) >= 11


def test_a_failure_at_any_step_of_a_first_model_leaves_nothing(
    tmp_path: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where there was no model there is none after a failure, nor a part of one."""
    (tmp_path / "models").mkdir()
    assert fail_at_each_step(tmp_path / "models" / "model_v1", manifest, monkeypatch) >= 11


def test_a_full_disk_leaves_the_former_model(folder: Path, manifest: Manifest) -> None:
    """A write that the kernel itself refuses midway through a file changes nothing."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(ArtifactError, match="cannot be written: File too large"):
            write_model_folder(folder, manifest, OTHERS | {"large.bin": bytes(200_000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert load(folder) == CONTENTS
    assert names_in(folder.parent) == [folder.name]


def test_what_cannot_be_taken_back_is_brought_back_by_the_next_write(
    folder: Path, manifest: Manifest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When the disk fails for good between two renames, the former model waits beside until somebody writes again."""

    def refuse(*arguments: Any) -> None:
        raise OSError(5, "Input/output error")

    with monkeypatch.context() as patch:
        patch.setattr(durable, "_exchange", no_exchange)
        calls = iter([os.rename])

        def rename_once(*names: Any) -> None:
            next(calls, refuse)(*names)

        patch.setattr(os, "rename", rename_once)
        with pytest.raises(ArtifactError, match="cannot be written: Input/output error"):
            write_model_folder(folder, manifest, OTHERS)
    assert not folder.exists()
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", refuse)
        with pytest.raises(ArtifactError, match="cannot be written: Input/output error"):
            write_model_folder(folder, manifest, OTHERS)
    assert load(folder) == CONTENTS
    assert names_in(folder.parent) == [folder.name]


KILLED_AT_EACH_STEP = """
import os, signal, sys
from pathlib import Path
from classification_model.runtime.model_folder import artifact
from classification_model.runtime.system import durable
from classification_model.errors import ArtifactError
from classification_model.runtime.model_folder.manifest import Manifest

folder, at_once, former, following = Path(sys.argv[1]), sys.argv[2] == "True", {former!r}, {following!r}
if not at_once:
    durable._exchange = lambda one, other: False
manifest = artifact.read_manifest(folder)

def load():
    try:
        return artifact.read_files(folder, artifact.read_manifest(folder))
    except ArtifactError as error:
        return str(error).partition(" in ")[0]

for step in range(1, 1000):
    artifact.write_model_folder(folder, manifest, former)
    child = os.fork()
    if not child:
        events = iter(range(1, step))
        sys.addaudithook(lambda event, args: next(events, None) or os.kill(os.getpid(), signal.SIGKILL))
        artifact.write_model_folder(folder, manifest, following)
        os._exit(0)
    status = os.waitpid(child, 0)[1]
    state = load()
    print("old" if state == former else "new" if state == following else state)
    artifact.write_model_folder(folder, manifest, following)
    assert load() == following
    assert os.listdir(folder.parent) == [folder.name], os.listdir(folder.parent)
    if not status:
        break
"""


@pytest.mark.slow
@pytest.mark.parametrize("at_once", [True, False], ids=["names exchanged", "names moved"])
def test_row_31_a_writer_killed_at_any_step_leaves_a_whole_model_and_the_next_one_completes(
    folder: Path, at_once: bool
) -> None:
    """After kill -9 at each step there is the old model, then the new one, and a rerun leaves no litter.

    Where the system cannot exchange two names, there is a moment without a model.
    """
    code = KILLED_AT_EACH_STEP.format(former=CONTENTS, following=OTHERS)
    done = subprocess.run(
        [sys.executable, "-c", code, folder, str(at_once)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    states = done.stdout.split("\n")[:-1]
    assert len(states) > 20
    changes = list(dict.fromkeys(states))
    assert changes == (["old", "new"] if at_once else ["old", "expected a model", "new"])


def test_row_34_models_written_at_once_do_not_disturb_each_other(folder: Path, manifest: Manifest) -> None:
    """Of several trainings that finish together all succeed, one model stays, whole, and nothing beside it."""
    failures: list[BaseException] = []
    ready = threading.Barrier(4)

    def write(number: int) -> None:
        ready.wait()
        try:
            for turn in range(10):
                write_model_folder(folder, manifest, {"model.pkl": b"%d" % number, f"{number}-{turn}.txt": b""})
        except BaseException as error:  # noqa: BLE001 - whatever it is, the test is to fail by it
            failures.append(error)

    writers = [threading.Thread(target=write, args=(number,)) for number in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert failures == []
    assert load(folder)["model.pkl"] in {b"0", b"1", b"2", b"3"}
    assert names_in(folder.parent) == [folder.name]


def test_a_writer_waits_for_another_process(folder: Path, manifest: Manifest) -> None:
    """While another process writes into the folder, its unfinished work is neither removed nor mixed with ours."""
    code = (
        "import sys, pathlib, time; from classification_model.runtime.system.durable import only_writer\n"
        "parent = pathlib.Path(sys.argv[1])\n"
        "with only_writer(parent):\n"
        "    (parent / '.model_v1.new').mkdir(); print('writing', flush=True); time.sleep(0.5)\n"
        "    assert (parent / '.model_v1.new').exists()\n"
        "    print('done', flush=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, folder.parent], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "writing\n"
        write_model_folder(folder, manifest, OTHERS)
        assert other.poll() is not None or other.stdout.readline() == "done\n"
    assert other.returncode == 0
    assert names_in(folder.parent) == [folder.name]


def test_a_folder_is_read_without_following_it_anywhere(folder: Path, tmp_path: Path) -> None:
    """A copied model folder is as good as the first."""
    shutil.copytree(folder, tmp_path / "copy")
    assert load(tmp_path / "copy") == CONTENTS
