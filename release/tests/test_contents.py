"""What an sdist or a wheel may hold."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from pathlib import Path

import pytest
from conftest import Run, commit

MODEL = "classification_model/trained_models/classification_model_output_v1.2.3"
#: What setuptools writes.
SETUP_CFG = b"[egg_info]\ntag_build = \ntag_date = 0\n\n"
FILES = {
    "classification_model/VERSION": b"1.2.3\n",
    "classification_model/table.csv": b"a,b\n1,2\n",
    f"{MODEL}/core.onnx": b"a graph",
}


@pytest.fixture
def package(repository: Path) -> Path:
    """Commit a package with a table; its model is there and is not committed."""
    folder = repository / "package"
    for name, content in FILES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    listed = {"core.onnx": {"sha256": hashlib.sha256(b"a graph").hexdigest()}}
    (folder / MODEL / "manifest.json").write_text(json.dumps({"files": listed}), encoding="utf-8")
    commit(repository)
    return folder


def packed(package: Path, setup: bytes = SETUP_CFG, **more: bytes) -> Path:
    """Make an sdist and a wheel of everything in the package, with other files in the wheel; give their folder."""
    dist = package.parent / "dist"
    dist.mkdir()
    files = {path.relative_to(package).as_posix(): path.read_bytes() for path in package.rglob("*") if path.is_file()}
    with tarfile.open(dist / "model-1.2.3.tar.gz", "w:gz") as sdist:
        for name, content in {**files, "PKG-INFO": b"Name: model\n", "setup.cfg": setup}.items():
            info = tarfile.TarInfo(f"model-1.2.3/{name}")
            info.size = len(content)
            sdist.addfile(info, io.BytesIO(content))
    with zipfile.ZipFile(dist / "model-1.2.3-py3-none-any.whl", "w") as wheel:
        for name, content in {**files, "model-1.2.3.dist-info/METADATA": b"Name: model\n", **more}.items():
            wheel.writestr(name, content)
    return dist


def test_committed_files_the_model_and_metadata_are_what_a_release_holds(package: Path, run: Run) -> None:
    """Both archives pass, with the number of their files and their size."""
    done = run("check_contents.py", packed(package))
    assert done.returncode == 0, done.stderr
    assert "model-1.2.3-py3-none-any.whl: 5 files, all committed, of the model or metadata; " in done.stdout


@pytest.mark.parametrize("name", ["classification_model/.env", "classification_model/settings.py", "tests/token.txt"])
def test_a_file_that_is_not_committed_is_refused_by_name(name: str, package: Path, run: Run) -> None:
    """A secret that somebody left in the tree is not published, wherever it lies; it is not printed either."""
    (package / name).parent.mkdir(exist_ok=True)
    (package / name).write_text("TOKEN=a-secret\n", encoding="utf-8")
    done = run("check_contents.py", packed(package))
    assert done.returncode == 1
    assert done.stderr == (
        f"model-1.2.3-py3-none-any.whl: {name}: expected a committed file, found one that git does not track: remove "
        "or commit it\n"
    )


def test_a_secret_in_a_setup_cfg_is_refused(package: Path, run: Run) -> None:
    """Setuptools packs the file of whoever builds, with its own lines added."""
    done = run("check_contents.py", packed(package, setup=b"[upload]\npassword = a-secret\n\n" + SETUP_CFG))
    assert done.returncode == 1
    assert "setup.cfg: expected what setuptools writes and nothing else, found more" in done.stderr
    assert "a-secret" not in done.stderr


@pytest.mark.parametrize("name", ["model.egg-info/notes.txt", "model-1.2.3.dist-info/licenses/token.txt"])
def test_an_unknown_file_among_the_metadata_is_refused(name: str, package: Path, run: Run) -> None:
    """The build makes files of known names there, and no others."""
    done = run("check_contents.py", packed(package, **{name: b"TOKEN=a-secret"}))
    assert done.returncode == 1
    assert f"{name}: expected a committed file, found one that git does not track" in done.stderr


def test_a_change_that_is_not_committed_is_refused(package: Path, run: Run) -> None:
    """What is published is what the tag holds."""
    (package / "classification_model" / "table.csv").write_text("a,b\n9,9\n", encoding="utf-8")
    done = run("check_contents.py", packed(package))
    assert done.returncode == 1
    assert "classification_model/table.csv: expected what is committed, found other content" in done.stderr


@pytest.mark.parametrize("name", ["notes.txt", "core.onnx"])
def test_a_file_that_the_manifest_does_not_list_is_refused(name: str, package: Path, run: Run) -> None:
    """Neither another file beside the model nor another content of one passes as the model."""
    done = run("check_contents.py", packed(package, **{f"{MODEL}/{name}": b"another"}))
    assert done.returncode == 1
    assert f"{MODEL}/{name}: expected a file that the model's manifest lists, found another one" in done.stderr


def test_a_link_in_an_sdist_is_refused(package: Path, run: Run) -> None:
    """It may lead to a file of whoever unpacks it."""
    dist = packed(package)
    with tarfile.open(dist / "model-1.2.3.tar.gz", "w:gz") as sdist:
        info = tarfile.TarInfo("model-1.2.3/passwords")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        sdist.addfile(info)
    done = run("check_contents.py", dist)
    assert done.returncode == 1
    assert "passwords: expected a file, found a link or a device" in done.stderr


def test_a_wheel_of_more_than_5_mb_is_refused(package: Path, run: Run) -> None:
    """A large model is noticed before it is on the index for ever."""
    (package / "classification_model" / "table.csv").write_bytes(b"1" * 5_000_000)
    commit(package.parent)
    done = run("check_contents.py", packed(package))
    assert done.returncode == 1
    assert "expected at most 5000000 bytes, found 500" in done.stderr
