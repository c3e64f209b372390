"""The runtime as a wheel beside that of a model: both install by path, no stranger's package of their names does."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import venv
import zipfile
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest
from environments import make_environment, site_packages
from package_index import Index, add_stranger, serving

import classification_model
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.packaged import package_version
from classification_model.runtime.wheel.naming import is_model_wheel, runtime_distribution

pytestmark = pytest.mark.slow

VERSION = package_version()
CHECKOUT = Path(classification_model.__file__).resolve().parents[1]
ROW = {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "sibsp": 0, "parch": 0, "ticket": "330911"}
BUILD = "import sys; sys.path.insert(0, '.'); import build_backend; build_backend.build_wheel('dist')"


def run(*command: str | Path, cwd: Path, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command without what this process was given to import."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(command, cwd=cwd, env=inherited | variables, capture_output=True, text=True, check=False)


def pack(
    folder: Path, model: Path, python: str | Path = sys.executable, name: str = "churn-model", **given: str
) -> str:
    """Build the wheels of a model into a folder by the command line; give the command that is printed."""
    command: list[str | Path] = [
        python,
        "-m",
        "classification_model",
        "wheel",
        model,
        "--name",
        name,
        "--output",
        "dist",
    ]
    done = run(*command, cwd=folder, **given)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.partition(" is built: ")[2].strip()


def copy_package(folder: Path, version: str = VERSION) -> Path:
    """Copy the checkout's package, without tests and model, under another version; give the copy."""
    ignored = shutil.ignore_patterns(".*", "__pycache__", "build", "dist", "*.egg-info", "tests", "trained_models")
    copy = shutil.copytree(CHECKOUT, folder / "package", ignore=ignored)
    (copy / "classification_model" / "VERSION").write_text(f"{version}\n", encoding="utf-8")
    return copy


def contents(wheel: Path) -> dict[str, bytes]:
    """Return the files of a wheel."""
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


@pytest.fixture(scope="module")
def here(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the two wheels from the checkout into `dist` of a folder; give that folder."""
    folder = tmp_path_factory.mktemp("here")
    (folder / "install").write_text(pack(folder, model_folder, PYTHONPATH=str(CHECKOUT)), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def runtime(here: Path) -> Path:
    """Give the wheel of the runtime."""
    (path,) = (here / "dist").glob("*+runtime-*")
    return path


@pytest.fixture(scope="module")
def model_wheel(here: Path) -> Path:
    """Give the wheel of the model."""
    return here / "dist" / f"churn_model-{VERSION}-py3-none-any.whl"


@pytest.fixture
def marker(tmp_path: Path) -> Iterator[Path]:
    """Give the file that strangers write to; nothing may have."""
    path = tmp_path / "marker"
    yield path
    assert not path.exists(), path.read_text(encoding="utf-8")


@pytest.fixture
def index(tmp_path: Path, marker: Path) -> Iterator[Index]:
    """Serve an index with strangers' packages of both names, newer than ours."""
    for name in ("churn-model", runtime_distribution().name):
        add_stranger(tmp_path / "index", name, "99.0", marker)
        add_stranger(tmp_path / "index", name, f"{VERSION}.1", marker)
    with serving(tmp_path / "index") as served:
        yield served


def make_empty(folder: Path) -> Path:
    """Make an environment with pip and nothing else; give its interpreter."""
    venv.create(folder, with_pip=True)
    return site_packages(folder).parents[2] / "bin" / "python"


def test_the_printed_command_installs_both_in_an_empty_environment(
    here: Path, index: Index, model_folder: Path, tmp_path: Path
) -> None:
    """An installer fetches what the runtime requires, looks for neither name, and the model verifies and predicts."""
    python = make_empty(tmp_path / "empty")
    program, *arguments = shlex.split((here / "install").read_text(encoding="utf-8"))
    assert program == "pip"
    pip: list[str | Path] = [python, "-m", "pip"]
    done = run(*pip, *arguments, "--extra-index-url", index.url, cwd=here)
    assert done.returncode == 0, done.stderr
    assert index.was_asked_for("numpy")
    assert not index.was_asked_for("churn-model")
    assert not index.was_asked_for(runtime_distribution().name)

    checked = run(*pip, "check", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout
    verified = run(python, "-m", "churn_model", "verify", cwd=tmp_path)
    assert (verified.returncode, verified.stderr) == (0, "")
    assert verified.stdout.startswith("yes: ")
    code = f"import churn_model, json; print(json.dumps(churn_model.make_prediction(input_data=[{ROW!r}])))"
    predicted = run(python, "-c", code, cwd=tmp_path)
    assert predicted.returncode == 0, predicted.stderr
    assert json.loads(predicted.stdout) == Predictor.load(model_folder).predict([ROW])

    # the remedy that messages print where an extra is missing
    extra = f"{runtime_distribution().name}[batch]"
    added = run(*pip, "install", extra, "--extra-index-url", index.url, cwd=tmp_path)
    assert added.returncode == 0, added.stderr
    (tmp_path / "rows.csv").write_text(f'{",".join(ROW)}\n3,"Kelly, Mr. James",male,0,0,330911\n', encoding="utf-8")
    command: list[str | Path] = ["-m", "churn_model", "predict", "rows.csv", "--output", "answers.parquet"]
    batch = run(python, *command, cwd=tmp_path)
    assert batch.returncode == 0, batch.stderr
    assert (tmp_path / "answers.parquet").is_file()
    again = tmp_path / "again"
    again.mkdir()
    pack(again, model_folder, python)
    for path in (here / "dist").iterdir():  # an installed wheel packs itself and the model to the same bytes
        assert (again / "dist" / path.name).read_bytes() == path.read_bytes(), path.name


def test_the_model_alone_brings_no_stranger_and_says_what_is_missing(
    model_wheel: Path, index: Index, tmp_path: Path
) -> None:
    """Without the runtime nothing else is installed, and each use of the model is answered with what to install."""
    python = make_empty(tmp_path / "empty")
    done = run(python, "-m", "pip", "install", model_wheel, "--extra-index-url", index.url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert not index.was_asked_for(runtime_distribution().name)
    needs = rf"churn_model needs \S+ \(>={re.escape(VERSION)},<2\), found none: install its wheel, .*-\*\.whl"
    verified = run(python, "-m", "churn_model", "verify", cwd=tmp_path)
    assert (verified.returncode, verified.stdout) == (2, "")
    assert re.fullmatch(rf"error: {needs}\n", verified.stderr)
    imported = run(python, "-c", "from churn_model import make_prediction", cwd=tmp_path)
    assert re.fullmatch(rf"ImportError: {needs}", imported.stderr.splitlines()[-1])


def test_the_extra_runtime_finds_ours_by_its_local_version(model_wheel: Path, index: Index, tmp_path: Path) -> None:
    """By name, only the runtime of exactly that version is taken, though an index has newer ones of strangers."""
    python = make_environment(tmp_path / "env", with_pip=True)
    where: list[str | Path] = ["--find-links", model_wheel.parent, "--index-url", index.url]
    done = run(
        python,
        "-m",
        "pip",
        "install",
        "--ignore-installed",
        "--no-deps",
        f"{model_wheel}[runtime]",
        *where,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    done = run(
        python, "-m", "pip", "install", f"{runtime_distribution().name}=={VERSION}+runtime", *where, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert index.was_asked_for(runtime_distribution().name)
    assert (site_packages(tmp_path / "env") / "classification_model" / "VERSION").is_file()


def test_a_strangers_module_of_that_name_is_not_imported(model_wheel: Path, marker: Path, tmp_path: Path) -> None:
    """Where another package has the runtime's name, the model says so and runs nothing of it."""
    python = make_empty(tmp_path / "empty")
    add_stranger(tmp_path / "index", runtime_distribution().name, VERSION, marker)
    (stranger,) = (tmp_path / "index").rglob("*.whl")
    done = run(python, "-m", "pip", "install", "--no-index", model_wheel, stranger, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for path in site_packages(tmp_path / "empty").glob("*.pth"):
        path.unlink()  # it would run when Python starts, which nothing of ours can prevent
    verified = run(python, "-m", "churn_model", "verify", cwd=tmp_path)
    assert verified.returncode == 2
    assert "found another package in " in verified.stderr


def test_models_packed_by_two_versions_run_beside_each_other(
    model_folder: Path, model_wheel: Path, tmp_path: Path
) -> None:
    """The newer runtime runs both; a runtime of the next major version is refused by its number."""
    python = make_environment(tmp_path / "env", with_pip=True)
    major = int(VERSION.partition(".")[0])
    wheels = {}
    for version in (f"{major}.99.0", f"{major + 1}.0.0"):
        folder = tmp_path / version
        folder.mkdir()
        pack(folder, model_folder, name="other-model", PYTHONPATH=str(copy_package(folder, version)))
        wheels[version] = folder / "dist"
    pip: list[str | Path] = [python, "-m", "pip", "install", "--no-index", "--no-deps", "--force-reinstall"]
    newer, next_major = wheels.values()
    done = run(*pip, model_wheel, *newer.iterdir(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    code = (
        "import churn_model, other_model, classification_model\n"
        f"one, other = (each.make_prediction(input_data=[{ROW!r}]) for each in (churn_model, other_model))\n"
        "assert one == other; print(classification_model.__version__)"
    )
    done = run(python, "-c", code, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"{major}.99.0\n"), done.stderr
    done = run(*pip, *next_major.glob("*+runtime-*"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    verified = run(python, "-m", "churn_model", "verify", cwd=tmp_path)
    assert verified.returncode == 2
    assert f",<{major + 1}), found {major + 1}.0.0+runtime: install its wheel" in verified.stderr


def test_an_installed_wheel_is_packed_as_its_checkout_is(model_folder: Path, runtime: Path, tmp_path: Path) -> None:
    """From the package's own wheel, the model in it is left out, and all else is what the checkout gives."""
    copy = copy_package(tmp_path)
    shutil.copytree(model_folder, copy / "classification_model" / "trained_models" / model_folder.name)
    done = run(sys.executable, "-c", BUILD, cwd=copy)
    assert done.returncode == 0, done.stderr
    (full,) = (copy / "dist").glob("*.whl")
    python = make_environment(tmp_path / "env", with_pip=True)
    # By force, since the environment sees the package of this one, which has the same version.
    install = ("-m", "pip", "install", "--no-index", "--no-deps", "--force-reinstall")
    done = run(python, *install, full, cwd=tmp_path)
    assert done.returncode == 0, done.stderr

    pack(tmp_path, model_folder, python)
    ours, theirs = contents(tmp_path / "dist" / runtime.name), contents(full)
    expected = {name for name in theirs if "/trained_models/" not in name and ".dist-info/" not in name}
    assert {name for name in ours if ".dist-info/" not in name} == expected
    assert {name for name in contents(runtime) if ".dist-info/" not in name} == expected
    for name in expected:
        assert ours[name] == theirs[name] == contents(runtime)[name], name
    about = {name.partition(".dist-info/")[2]: content for name, content in ours.items() if ".dist-info/" in name}
    kept = {name.partition(".dist-info/")[2]: content for name, content in theirs.items() if ".dist-info/" in name}
    assert about.keys() == kept.keys()
    assert about["METADATA"].replace(b"+runtime\n", b"\n", 1) == kept["METADATA"]
    for name in kept.keys() - {"METADATA", "RECORD", "WHEEL"}:
        assert about[name] == kept[name], name

    changed = site_packages(tmp_path / "env") / "classification_model" / "py.typed"
    changed.write_text("changed", encoding="utf-8")
    refused = run(
        python, "-m", "classification_model", "wheel", model_folder, "--name", "x-model", cwd=tmp_path / "env"
    )
    assert (refused.returncode, refused.stdout) == (2, "")
    assert re.match(r"error: classification_model/py\.typed was changed: expected sha256 ", refused.stderr)
    assert not (tmp_path / "env" / "dist").exists()


def test_only_what_a_wheel_of_the_package_would_hold_is_packed(
    model_folder: Path, runtime: Path, tmp_path: Path
) -> None:
    """Other files in a checkout, secrets among them, reach neither wheel, and no circumstance reaches the bytes."""
    copy = copy_package(tmp_path)
    package = copy / "classification_model"
    for name in (
        ".env",
        "secrets.json",
        "datasets/.key",
        "trained_models/x/model.onnx",
        "__pycache__/a.py",
        "new/m.py",
    ):
        (package / name).parent.mkdir(parents=True, exist_ok=True)
        (package / name).write_text("a planted secret", encoding="utf-8")
    for path in package.rglob("*"):
        os.utime(path, (10**9, 10**9))
    pack(tmp_path, model_folder, PYTHONPATH=str(copy), TZ="Pacific/Kiritimati", LC_ALL="C")
    assert (tmp_path / "dist" / runtime.name).read_bytes() == runtime.read_bytes()
    for wheel in (tmp_path / "dist").iterdir():
        assert not any(b"a planted secret" in content for content in contents(wheel).values()), wheel.name


def test_a_copy_that_is_neither_checkout_nor_installed_is_refused(model_folder: Path, tmp_path: Path) -> None:
    """Nobody can tell what belongs to it; the error says what to do, and no wheel is written."""
    copy = copy_package(tmp_path)
    (copy / "pyproject.toml").unlink()
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "classification_model",
        "wheel",
        model_folder,
        "--name",
        "churn-model",
    ]
    done = run(*command, cwd=tmp_path, PYTHONPATH=str(copy))
    assert (done.returncode, done.stdout) == (2, "")
    expected = f"error: expected an installed wheel or a checkout in {copy}, found neither: install it with pip\n"
    assert done.stderr == expected
    assert not (tmp_path / "dist").exists()


def test_the_runtime_is_no_model_wheel(runtime: Path, tmp_path: Path) -> None:
    """A model cannot take the name of the runtime's distribution, whatever that is."""
    python = make_environment(tmp_path, with_pip=True)
    done = run(python, "-m", "pip", "install", "--no-index", "--no-deps", runtime, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (installed,) = distributions(name=runtime_distribution().name, path=[str(site_packages(tmp_path))])
    assert installed.version == f"{VERSION}+runtime"
    assert not is_model_wheel(installed)
