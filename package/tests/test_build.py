"""The build backend, on a copy of the package's build files with a model folder of a few bytes."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow


PACKAGE = Path(__file__).parents[1]
BUILD_FILES = ("LICENSE", "MANIFEST.in", "README.md", "build_backend.py", "pyproject.toml")
MODEL = Path("classification_model/trained_models/classification_model_output_v1.0.0")
PICKLE = MODEL / "classification_model_output_v1.0.0.pkl"
CREATED = 1795219200  # 2026-11-21T00:00:00Z, as in the manifest


class BuildError(Exception):
    """What the backend printed before it gave up."""


def build(tree: Path, hook: str, umask: int = 0o022, **environment: str) -> Path:
    """Run a build hook in `tree` the way a frontend does, and return the archive it made."""
    code = f"import sys, build_backend; sys.stderr.write('built ' + build_backend.{hook}('dist'))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tree,
        env={name: value for name, value in os.environ.items() if name != "SOURCE_DATE_EPOCH"} | environment,
        umask=umask,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(done.stderr.strip())
    return tree / "dist" / done.stderr.rpartition("built ")[2]


def write_manifest(tree: Path, version: str = "1.0.0") -> None:
    """List every file of the model folder with its hash and size."""
    folder = tree / MODEL
    files = {
        path.relative_to(folder).as_posix(): {
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "size": path.stat().st_size,
        }
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != "manifest.json"
    }
    seal(folder / "manifest.json", {"version": version, "created": "2026-11-21T00:00:00Z", "files": files})


def seal(path: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with the digest of all else in it, on a line of its own, as training does."""
    content = {name: value for name, value in manifest.items() if name != "digest"}
    text = json.dumps(content, indent=2, sort_keys=True)
    digest = hashlib.sha256(text.encode()).hexdigest()
    path.write_text(text.replace('\n  "files"', f'\n  "digest": "{digest}",\n  "files"', 1), encoding="utf-8")


@pytest.fixture
def make_tree(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that lays out a small package with a trained model, in a given order, mode and time."""

    def make(folder: str, order: int = 1, umask: int = 0o022, mtime: int = CREATED) -> Path:
        tree = tmp_path / folder
        contents = {
            "classification_model/VERSION": b"1.0.0\n",
            "classification_model/__init__.py": b'"""A package."""\n',
            "classification_model/config/__init__.py": b"",
            "classification_model/config.yml": b"app:\n",
            "classification_model/datasets/titanic.csv": b"a,b\n",
            "classification_model/datasets/uncommitted.csv": b"a,b\n",
            "classification_model/py.typed": b"",
            "classification_model/reporting/templates/report.html": "<p>\N{BLACK STAR}</p>".encode(),
            str(PICKLE): bytes(range(256)) * 64,
            str(MODEL / "reports/figures/roc.svg"): b"<svg/>",
            str(MODEL / "reports/report.html"): b"<p>",
            "tests/test_nothing.py": b"",
        } | {file: (PACKAGE / file).read_bytes() for file in BUILD_FILES}
        before = os.umask(umask)
        try:
            for name in sorted(contents)[::order]:
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                (tree / name).write_bytes(contents[name])
            write_manifest(tree)
        finally:
            os.umask(before)
        for path in tree.rglob("*"):
            os.utime(path, (mtime, mtime))
        return tree

    return make


@pytest.fixture
def tree(make_tree: Callable[..., Path]) -> Path:
    return make_tree("package")


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_row_40_build_gives_the_same_bytes_whatever_the_order_modes_and_times_of_files(
    hook: str, make_tree: Callable[..., Path]
) -> None:
    """Two builds of one model folder are equal byte for byte, on file systems that differ in all but content."""
    first = build(make_tree("one"), hook)
    second = build(make_tree("two", order=-1, umask=0o077, mtime=CREATED - 10**8), hook, umask=0o077, TZ="Asia/Tokyo")
    assert first.name == second.name
    assert first.read_bytes() == second.read_bytes()


def test_row_40_wheel_from_unpacked_sdist_equals_wheel_from_repository(tree: Path, tmp_path: Path) -> None:
    """The sdist holds all that the wheel needs, model included, and no more."""
    with tarfile.open(build(tree, "build_sdist")) as sdist:
        sdist.extractall(tmp_path / "unpacked", filter="data")
    (unpacked,) = (tmp_path / "unpacked").iterdir()
    assert build(unpacked, "build_wheel").read_bytes() == build(tree, "build_wheel").read_bytes()


def test_wheel_holds_package_data_model_and_licence(tree: Path) -> None:
    """Everything the installed package reads is in the wheel, sorted, with the metadata last, and no other table."""
    with zipfile.ZipFile(build(tree, "build_wheel")) as wheel:
        names = wheel.namelist()
        modes_and_times = {(info.external_attr >> 16, info.date_time) for info in wheel.infolist()}
    package = [name for name in names if ".dist-info/" not in name]
    metadata = [name.partition("/")[2] for name in names[len(package) :]]
    data = {"VERSION", "config.yml", "py.typed", "datasets/titanic.csv", "reporting/templates/report.html"}
    model = {path.relative_to(tree).as_posix() for path in (tree / MODEL).rglob("*") if path.is_file()}
    modules = {"classification_model/__init__.py", "classification_model/config/__init__.py"}
    assert set(package) == {f"classification_model/{name}" for name in data} | model | modules
    assert package == sorted(package)
    assert metadata == ["METADATA", "WHEEL", "entry_points.txt", "licenses/LICENSE", "top_level.txt", "RECORD"]
    assert modes_and_times == {(0o100644, (2026, 11, 21, 0, 0, 0))}


def test_sdist_names_nobody_and_carries_the_time_of_training(tree: Path) -> None:
    """Owner, modes and times in the sdist say nothing about the machine that built it."""
    path = build(tree, "build_sdist")
    assert path.read_bytes()[3:8] == bytes(5), "gzip header has flags or a time"
    with tarfile.open(path) as sdist:
        members = sdist.getmembers()
    assert {(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members} == {(0, 0, "", "", CREATED)}
    assert {m.mode for m in members if m.isfile()} == {0o644}
    assert [m.name for m in members] == sorted(m.name for m in members)


def test_source_date_epoch_of_the_caller_wins(tree: Path) -> None:
    """A caller who sets SOURCE_DATE_EPOCH gets that time instead of the model's."""
    with tarfile.open(build(tree, "build_sdist", SOURCE_DATE_EPOCH="1000000000")) as sdist:
        assert {m.mtime for m in sdist.getmembers()} == {1_000_000_000}


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_leftovers_of_earlier_builds_do_not_reach_the_archive(hook: str, tree: Path) -> None:
    """A module that was deleted since the last build, or unlisted since, is in no new archive."""
    clean = build(tree, hook).read_bytes()
    for leftover in ("build/lib/classification_model/gone.py", "classification_model/secret.env"):
        (tree / leftover).parent.mkdir(parents=True, exist_ok=True)
        (tree / leftover).touch()
    sources = tree / "classification_model.egg-info/SOURCES.txt"
    sources.parent.mkdir(exist_ok=True)
    sources.write_text("classification_model/secret.env\n", encoding="utf-8")
    assert build(tree, hook).read_bytes() == clean


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_row_39_build_without_model_says_to_train_first(hook: str, tree: Path) -> None:
    """A build without a model of this VERSION is refused in one line that names the remedy."""
    shutil.rmtree(tree / MODEL)
    with pytest.raises(BuildError, match=r"\A\S*classification_model_output_v1\.0\.0 is not there: run `tox -e train`"):
        build(tree, hook)


@pytest.mark.parametrize("hook", ["build_sdist", "build_wheel"])
def test_row_39_changed_byte_is_refused_with_file_and_both_hashes(hook: str, tree: Path) -> None:
    """A model file that is not the one in the manifest is named, with the hash expected and the hash found."""
    content = (tree / PICKLE).read_bytes()
    changed = b"\xff" + content[1:]
    (tree / PICKLE).write_bytes(changed)
    expected, found = (hashlib.sha256(data).hexdigest() for data in (content, changed))
    with pytest.raises(BuildError, match=rf"\A\S*{PICKLE.name} was changed: .*{expected}.* found {found} .*\Z"):
        build(tree, hook)


def test_size_that_does_not_hold_is_refused(tree: Path) -> None:
    """The manifest's size of a file counts as much as its hash."""
    path = tree / MODEL / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"]["reports/report.html"]["size"] = 4
    seal(path, manifest)
    with pytest.raises(BuildError, match=r"report\.html was changed: .*\(4 bytes\), found .*\(3 bytes\)"):
        build(tree, "build_wheel")


def test_listed_file_that_is_not_there_is_refused(tree: Path) -> None:
    """A file that the manifest lists and the folder lacks is named."""
    (tree / MODEL / "reports/report.html").unlink()
    with pytest.raises(BuildError, match=r"\A\S*reports/report\.html is listed in manifest\.json but not there"):
        build(tree, "build_wheel")


def test_listed_file_outside_the_folder_is_refused(tree: Path) -> None:
    """A manifest cannot vouch for a file elsewhere."""
    path = tree / MODEL / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["files"]["../../VERSION"] = {"sha256": hashlib.sha256(b"1.0.0\n").hexdigest(), "size": 6}
    seal(path, manifest)
    with pytest.raises(BuildError, match=r"\.\./\.\./VERSION is listed in manifest\.json but not there"):
        build(tree, "build_wheel")


@pytest.mark.parametrize("name", ["reports/notes.txt", ".hidden"])
def test_unlisted_file_is_refused(name: str, tree: Path) -> None:
    """Whatever lies in the model folder without being in the manifest is named."""
    (tree / MODEL / name).touch()
    with pytest.raises(BuildError, match=rf"\A\S*{name} is not listed in manifest\.json"):
        build(tree, "build_wheel")


def test_linked_folder_is_refused(tree: Path, tmp_path: Path) -> None:
    """A link to a folder, whose files would ship unseen, counts as an unlisted file."""
    (tree / MODEL / "more").symlink_to(tmp_path, target_is_directory=True)
    with pytest.raises(BuildError, match=r"\A\S*more is not listed in manifest\.json"):
        build(tree, "build_wheel")


def test_model_of_another_version_beside_it_is_refused(tree: Path) -> None:
    """A stale model must not ship."""
    shutil.copytree(tree / MODEL, tree / MODEL.with_name("classification_model_output_v0.9.0"))
    with pytest.raises(BuildError, match=r"\A\S*_v0\.9\.0 is not the model of version 1\.0\.0 .*: remove it\Z"):
        build(tree, "build_sdist")


def test_an_edited_manifest_is_refused(tree: Path) -> None:
    """A manifest that says something else than when it was sealed is not shipped."""
    path = tree / MODEL / "manifest.json"
    path.write_text(path.read_text(encoding="utf-8").replace("2026-11-21", "2026-11-22"), encoding="utf-8")
    with pytest.raises(BuildError, match=r"\A\S*manifest\.json was changed: its digest is sha256 [0-9a-f]{64}: run"):
        build(tree, "build_wheel")


def test_row_39_manifest_of_another_version_is_refused(tree: Path) -> None:
    """A folder renamed to this VERSION does not pass for a model of it."""
    write_manifest(tree, version="0.9.0")
    with pytest.raises(BuildError, match=r"\A\S*manifest\.json is of version 0\.9\.0, expected 1\.0\.0"):
        build(tree, "build_wheel")


@pytest.mark.parametrize("content", [None, b"", b"{", b"[]", b"\xff", b'{"version": "1.0.0"}', b'{"files": []}'])
def test_unreadable_manifest_is_refused(content: bytes | None, tree: Path) -> None:
    """A manifest that is missing, torn or of another shape is answered in one line."""
    path = tree / MODEL / "manifest.json"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(BuildError, match=r"\A\S*manifest\.json is not a readable manifest \(.*\): run `tox.*\Z"):
        build(tree, "build_wheel")


def test_editable_install_needs_no_model(tree: Path) -> None:
    """Training runs in an editable install, so that one is built before there is a model."""
    shutil.rmtree(tree / MODEL.parent)
    assert build(tree, "build_editable").suffix == ".whl"
