"""The comparison that decides on a release: real models, trained quickly, against the packaged one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from conftest import Run

import classification_model as cm

PACKAGE = Path(cm.__file__).parent


def train_copy(folder: Path, *, c: float, holdout: float) -> Path:
    """Copy the package, train one quick estimator in the copy, and give the folder to import it from."""
    copy = folder / "classification_model"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("trained_models", "__pycache__"))
    config = copy / "config.yml"
    quick = f"  candidates:\n    logistic_regression:\n      C: {c:.6f}\n\ngates:\n  roc_auc: 0.1\n\nmonitoring:"
    text, count = re.subn(
        r"  trials: .*?^monitoring:", quick, config.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )
    text, other = re.subn(r"holdout: 0\.2$", f"holdout: {holdout}", text, flags=re.MULTILINE)
    assert (count, other) == (1, 1)
    config.write_text(text, encoding="utf-8")
    command = [sys.executable, "-m", "classification_model", "train"]
    subprocess.run(command, cwd=folder, env=os.environ | {"PYTHONPATH": str(folder)}, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="session")
def worse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a package whose model learned next to nothing."""
    return train_copy(tmp_path_factory.mktemp("worse"), c=0.000001, holdout=0.2)


@pytest.fixture(scope="session")
def other_rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a package whose model was trained on half of the rows that the packaged one holds out."""
    return train_copy(tmp_path_factory.mktemp("other"), c=1, holdout=0.1)


def put_last_release(repository: Path, models: Path | None) -> None:
    """Lay down what `fetch_last_release.py` leaves: a wheel with the model of a package, or that there is none."""
    folder = repository / "build" / "last-release"
    folder.mkdir(parents=True)
    wheel = None if models is None else "model-1.0.0-py3-none-any.whl"
    found: dict[str, object] = {"tag": None if models is None else "1.0.0", "wheel": wheel, "passed_over": []}
    (folder / "release.json").write_text(json.dumps(found), encoding="utf-8")
    if models is not None and wheel is not None:
        with zipfile.ZipFile(folder / wheel, "w") as archive:
            for path in (models / "trained_models").rglob("*"):
                archive.write(path, Path("classification_model") / path.relative_to(models))


@pytest.mark.parametrize("champion", [None, "the same"])
def test_a_model_that_is_not_worse_passes(champion: str | None, repository: Path, run: Run) -> None:
    """So do the first model and one that is as good as the last; the comparison is kept for the notes."""
    put_last_release(repository, PACKAGE if champion else None)
    done = run("compare_models.py")
    assert done.returncode == 0, done.stderr
    output = repository / "build" / "release"
    assert (output / "comparison.txt").read_text(encoding="utf-8") == done.stdout
    if champion is None:
        assert done.stdout == "There is no earlier release to compare with.\n"
    else:
        comparison = json.loads((output / "comparison.json").read_text(encoding="utf-8"))
        assert (comparison["verdict"], comparison["sets"][0]["rows"]) == ("hold", 260)


def test_a_model_that_is_surely_worse_is_refused(worse: Path, repository: Path, run: Run) -> None:
    """The message gives the first reason, and the whole comparison is printed."""
    put_last_release(repository, PACKAGE)
    done = run("compare_models.py", PYTHONPATH=str(worse))
    assert done.returncode == 1
    assert done.stdout.startswith("reject: ")
    assert re.match(r"1\.2\.3 is not released, as it is worse than 1\.0\.0: holdout: the challenger is", done.stderr)


def test_a_better_model_is_released(worse: Path, repository: Path, run: Run) -> None:
    """The same two models, the other way round."""
    put_last_release(repository, worse / "classification_model")
    done = run("compare_models.py")
    assert done.returncode == 0, done.stderr
    assert "holdout: the challenger is significantly better" in done.stdout


def test_a_model_that_no_rows_can_judge_is_released_by_a_person_alone(
    other_rows: Path, repository: Path, run: Run
) -> None:
    """The variable names one version, so that it lets no later one pass."""
    put_last_release(repository, other_rows / "classification_model")
    for waived in ("", "1.2.2"):
        done = run("compare_models.py", UNCOMPARED_VERSION=waived)
        assert done.returncode == 1
        assert "rows are held out by another rule" in done.stderr
        assert done.stderr.endswith("to release it all the same, set the variable UNCOMPARED_VERSION to 1.2.3\n")
        assert not (repository / "build" / "release").exists()
    done = run("compare_models.py", UNCOMPARED_VERSION="1.2.3")
    assert done.returncode == 0, done.stderr
    assert "It was manually approved" in done.stdout


@pytest.mark.parametrize("approved", ["", "1.2.3"])
def test_a_changed_model_is_refused(approved: str, repository: Path, run: Run, tmp_path: Path) -> None:
    """A model that does not verify is compared with nothing, whatever a person approves."""
    copy = shutil.copytree(PACKAGE / "trained_models", tmp_path / "copy" / "trained_models")
    (graph,) = copy.glob("*/core.onnx")
    graph.write_bytes(graph.read_bytes()[:-1] + b"?")
    put_last_release(repository, copy.parent)
    done = run("compare_models.py", UNCOMPARED_VERSION=approved)
    assert done.returncode == 1
    assert re.match(r"1\.2\.3 cannot be compared with the release 1\.0\.0: .*core\.onnx", done.stderr)
    assert len(done.stderr.splitlines()) == 1


def test_a_release_of_another_model_format_stops_until_a_person_approves(
    repository: Path, run: Run, tmp_path: Path
) -> None:
    """The first release after a change of the format cannot read the last one."""
    copy = shutil.copytree(PACKAGE / "trained_models", tmp_path / "copy" / "trained_models")
    (manifest,) = copy.glob("*/manifest.json")
    text, count = re.subn(r'"format_version": ?\d+', '"format_version": 1', manifest.read_text(encoding="utf-8"))
    assert count == 1
    manifest.write_text(text, encoding="utf-8")
    put_last_release(repository, copy.parent)
    done = run("compare_models.py")
    assert done.returncode == 1
    assert re.match(r"1\.2\.3 cannot be compared with the release 1\.0\.0: its model has format version 1", done.stderr)
    done = run("compare_models.py", UNCOMPARED_VERSION="1.2.3")
    assert done.returncode == 0, done.stderr
    assert "It was manually approved" in done.stdout


def test_a_table_that_the_last_model_cannot_read_stops_until_a_person_approves(
    repository: Path, run: Run, tmp_path: Path
) -> None:
    """The comparison has no rows if the packaged table breaks a rule."""
    copy = shutil.copytree(PACKAGE, tmp_path / "classification_model", ignore=shutil.ignore_patterns("__pycache__"))
    table = copy / "datasets" / "titanic.csv"
    table.write_text("".join(table.read_text(encoding="utf-8").splitlines(keepends=True)[:3]), encoding="utf-8")
    put_last_release(repository, PACKAGE)
    done = run("compare_models.py", PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert done.stderr.endswith("to release it all the same, set the variable UNCOMPARED_VERSION to 1.2.3\n")
    assert run("compare_models.py", PYTHONPATH=str(tmp_path), UNCOMPARED_VERSION="1.2.3").returncode == 0


def test_the_last_release_has_to_be_fetched_first(run: Run) -> None:
    """A comparison that was forgotten does not pass as one with nothing."""
    done = run("compare_models.py")
    assert done.returncode == 1
    assert done.stderr.endswith("expected the last release, found nothing: make fetch-last-release\n")
