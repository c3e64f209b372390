"""Whether a model, and the installed package around it, are what they were."""

import base64
import csv
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import classification_model
from classification_model.errors import ArtifactError, VerificationError
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.verification import verify

PACKAGE = Path(classification_model.__file__).parent
METADATA = "Metadata-Version: 2.4\nName: churn-of-somebody\nVersion: 1.0.0\n"


def test_the_packaged_model_holds(model_folder: Path) -> None:
    """The packaged model is verified without naming it; a wheel has a record of installed files, a checkout none."""
    verification = verify()
    assert verification.folder == model_folder
    assert verification.manifest == read_manifest(model_folder)
    assert verification.notes == ()
    assert (verification.installed_files > 0) == (os.environ.get("TESTED") == "wheel")


@pytest.mark.parametrize("form", [Path, str])
def test_a_copied_model_holds(model_folder: Path, tmp_path: Path, form: Callable[[Path], Path | str]) -> None:
    """A model folder is verified wherever it lies, by path or by text."""
    copy = shutil.copytree(model_folder, tmp_path / "copy")
    verification = verify(form(copy))
    assert verification.folder == copy
    assert verification.installed_files == 0


def test_each_changed_file_of_a_model_is_named(model_folder: Path, tmp_path: Path) -> None:
    """A changed byte in the pickle, in a report or in the manifest fails, naming that file."""
    copy = shutil.copytree(model_folder, tmp_path / "copy")
    for name in [*read_manifest(copy).files, "manifest.json"]:
        whole = (copy / name).read_bytes()
        (copy / name).write_bytes(whole[:-2] + bytes([whole[-2] ^ 1]) + whole[-1:])
        with pytest.raises(VerificationError, match=f"^{name} was changed: expected sha256 [0-9a-f]{{64}}.* found"):
            verify(copy)
        (copy / name).write_bytes(whole)
    assert verify(copy).manifest == read_manifest(copy)


@pytest.mark.parametrize("name", ["nowhere", "loop", "x" * 300])
def test_a_folder_without_a_model_is_an_error(tmp_path: Path, name: str) -> None:
    """What is no model folder, be it a link that leads to itself, is an error of ours."""
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(ArtifactError, match=r"(expected a model in|cannot be read: )"):
        verify(tmp_path / name)


# The files of an installed wheel


def encoded(content: bytes) -> str:
    return "sha256=" + base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")


@pytest.fixture(scope="module")
def installed(model_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lay the package out as pip installs a wheel, under another distribution's name."""
    site = tmp_path_factory.mktemp("site-packages")
    shutil.copytree(PACKAGE, site / PACKAGE.name, ignore=shutil.ignore_patterns("__pycache__"))
    info = site / "churn_of_somebody-1.0.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(METADATA, encoding="utf-8")
    (info / "top_level.txt").write_text("classification_model\n", encoding="utf-8")
    files = [path for path in sorted(site.rglob("*")) if path.is_file()]
    with (info / "RECORD").open("w", encoding="utf-8", newline="") as record:
        rows = csv.writer(record, lineterminator="\n")
        for path in files:
            content = path.read_bytes()
            rows.writerow([path.relative_to(site).as_posix(), encoded(content), len(content)])
        rows.writerow(["classification_model/__pycache__/errors.cpython-311.pyc", "", ""])
        rows.writerow([f"{info.name}/RECORD", "", ""])
    return site


def verify_installed(site: Path) -> subprocess.CompletedProcess[str]:
    """Run `classification-model verify` on an installed package."""
    return subprocess.run(
        [sys.executable, "-B", "-m", "classification_model", "verify"],
        cwd=site.parent,
        env=os.environ | {"PYTHONPATH": str(site)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.slow
def test_every_file_of_an_installed_wheel_is_held_against_its_record(installed: Path) -> None:
    """Of the packaged model, the whole installed distribution is verified, whatever that is called."""
    done = verify_installed(installed)
    count = sum(path.is_file() for path in installed.rglob("*")) - 1  # RECORD itself has no hash
    assert (done.returncode, done.stderr) == (0, "")
    assert f"and {count} files of the installed package" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        "classification_model/train_pipeline.py",
        "classification_model/datasets/titanic.csv",
        "churn_of_somebody-1.0.0.dist-info/METADATA",
    ],
)
def test_row_39_a_changed_file_of_an_installed_wheel_is_named_with_both_hashes(installed: Path, name: str) -> None:
    """A byte added to any file, one that predicting never reads included, fails and names it."""
    path = installed / name
    whole = path.read_bytes()
    path.write_bytes(whole + b"\n")
    done = verify_installed(installed)
    path.write_bytes(whole)
    expected, found = hashlib.sha256(whole).hexdigest(), hashlib.sha256(whole + b"\n").hexdigest()
    assert done.returncode == 1
    assert done.stderr == f"error: {name} was changed: expected sha256 {expected}, found {found}: reinstall it\n"


@pytest.mark.slow
def test_row_39_a_missing_file_of_an_installed_wheel_is_named(installed: Path) -> None:
    """A file that was removed fails and is named."""
    path = installed / "classification_model" / "config.yml"
    path.rename(installed / "moved")
    done = verify_installed(installed)
    (installed / "moved").rename(path)
    assert done.returncode == 1
    assert done.stderr == (
        "error: classification_model/config.yml of the installed package cannot be read: "
        "No such file or directory; reinstall it\n"
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("VERSION,sha256=", "VERSION,sha999=", "in the line of classification_model/VERSION: reinstall it"),
        ("VERSION,sha256=", "VERSION,sha256=é", "in the line of classification_model/VERSION: reinstall it"),
        ("VERSION,sha256=", "VERSION,a,b,sha256=", "RECORD of the installed churn-of-somebody was changed"),
    ],
)
def test_a_damaged_record_is_an_error_of_ours(installed: Path, old: str, new: str, message: str) -> None:
    """A record that cannot be read is said to be changed, in one line."""
    record = installed / "churn_of_somebody-1.0.0.dist-info" / "RECORD"
    whole = record.read_text(encoding="utf-8")
    assert old in whole
    record.write_text(whole.replace(old, new), encoding="utf-8")
    done = verify_installed(installed)
    record.write_text(whole, encoding="utf-8")
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
