"""The distribution: what is in the wheel, what it requires, and that nothing installs the package by its bare name."""

import json
import re
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import BytesHeaderParser
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

API = Path(__file__).resolve().parents[1]
ROOT = API.parent
BUILD = "import setuptools.build_meta as backend; backend.build_wheel('dist')"


def project(folder: Path) -> dict[str, Any]:
    """Read the pyproject.toml of a folder."""
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))


PACKAGE_NAME = project(ROOT / "package")["project"]["name"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from a copy of the sources, tests included."""
    tree = tmp_path_factory.mktemp("wheel") / "classification_api"
    shutil.copytree(API, tree, ignore=shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info"))
    done = subprocess.run([sys.executable, "-c", BUILD], cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    (path,) = (tree / "dist").glob("*.whl")
    return path


def names_in(wheel: Path) -> set[str]:
    """Return the names of the files in a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def metadata_of(wheel: Path) -> Any:
    """Return the core metadata of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        return BytesHeaderParser().parsebytes(archive.read(name))


def test_wheel_holds_the_app_and_its_metadata_and_nothing_else(wheel: Path) -> None:
    """Every module and data file of `app` is installed, and no other name that another distribution could hold."""
    inside = {name for name in names_in(wheel) if ".dist-info/" not in name}
    tree = wheel.parents[1]
    assert inside == {path.relative_to(tree).as_posix() for path in (tree / "app").rglob("*") if path.is_file()}
    assert {"app/VERSION", "app/py.typed"} <= inside


def test_metadata_carry_licence_command_and_one_version(wheel: Path) -> None:
    """The licence's text, the console script and the version of `app/VERSION` are in the wheel."""
    text = (API / "app" / "VERSION").read_text(encoding="utf-8").strip()
    folder = f"classification_api-{text}.dist-info"
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(f"{folder}/licenses/LICENSE") == (ROOT / "LICENSE").read_bytes()
        assert "classification-api = app.cli:main" in archive.read(f"{folder}/entry_points.txt").decode()
        assert archive.read(f"{folder}/top_level.txt").split() == [b"app"]
    assert metadata_of(wheel)["Version"] == version("classification-api") == text


def test_wheel_requires_no_package_that_a_stranger_holds(wheel: Path) -> None:
    """The package that is served comes by path or as a wheel, so no requirement of the API has its name."""
    required = {re.split(r"[^\w.-]", line)[0].lower() for line in metadata_of(wheel).get_all("Requires-Dist")}
    assert "fastapi" in required
    assert PACKAGE_NAME not in required


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "railway.json",
        "Procfile",
        "Makefile",
        ".ci/run",
        "classification_api/README.md",
        "classification_api/tox.ini",
    ],
)
def test_nothing_installs_the_package_by_its_bare_name(name: str) -> None:
    """Wherever pip is told what to install, the package is a path or a file, never a name to look for on an index."""
    text = (ROOT / name).read_text(encoding="utf-8")
    assert not re.search(rf"install\W+(?:-\S+ )*{PACKAGE_NAME}(?!\S*[/@])", text)
    assert not re.search(rf"^\s*{PACKAGE_NAME}\s*(?:[\[<>=~!;]|$)", text, re.MULTILINE)


@pytest.mark.slow
def test_requirements_of_the_platform_install_both_folders_and_look_for_neither_on_an_index(tmp_path: Path) -> None:
    """`pip install -r requirements.txt` takes the package and the API from their folders, before any model is there."""
    for folder in ("package", "classification_api"):
        ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "tests", "trained_models")
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=ignored)
    shutil.copy(ROOT / "requirements.txt", tmp_path)
    options = ["--no-index", "--no-build-isolation", "--dry-run", "--quiet", "--report", "report.json"]
    command = [sys.executable, "-m", "pip", "install", *options, "--requirement", "requirements.txt"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "report.json").read_bytes())
    taken = {item["metadata"]["name"]: item["download_info"]["url"] for item in report["install"]}
    assert taken == {
        PACKAGE_NAME: (tmp_path / "package").as_uri(),
        "classification-api": (tmp_path / "classification_api").as_uri(),
    }
