"""A model of a version is never replaced by another one unless that is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Command
from problems import make_config, make_table
from written import write_table

from classification_model.errors import ArtifactError
from classification_model.train_pipeline import run_training
from classification_model.training import kept_model
from classification_model.training.progress import Progress

FEATURES: dict[str, Any] = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}}
REMEDY = r": raise app\.version in the config, set another --output, or replace it with --replace"

pytestmark = pytest.mark.slow


class Untouched:
    """A progress bar of a training that must not fit anything."""

    def step(self, name: str, *, fits: int = 0, budget_seconds: float | None = None) -> None:
        """Let a step begin that fits nothing."""
        assert (fits, budget_seconds) == (0, None), name

    def advance(self) -> None:
        """Refuse a fit."""
        msg = "something was fitted"
        raise AssertionError(msg)


NOTHING: Progress = Untouched()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Train a model, and return the folder of its table."""
    write_table(make_table(120), str(tmp_path / "table.csv"))
    run_training(make_config(FEATURES, folder=tmp_path), output=tmp_path / "models", jobs=1)
    return tmp_path


def content(folder: Path) -> dict[str, bytes]:
    """Return the files below a folder."""
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_same_model_is_trained_again(folder: Path) -> None:
    """A second training of the same config, rows and code gives the same files but for times, and is allowed."""
    before = content(folder / "models")
    run_training(make_config(FEATURES, folder=folder), output=folder / "models", jobs=1)
    after = content(folder / "models")
    changed = {Path(name).name for name in before if before[name] != after[name]}
    assert changed <= {"manifest.json", "report.html", "eda.html", "leaderboard.csv"}


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"monitoring": {"window": "7d"}}, "another config"),
        ({"training": {"random_state": 1}}, "another config"),
        ({"rows": 119}, "other rows"),
    ],
)
def test_another_model_is_refused_before_it_is_fitted(folder: Path, change: dict[str, Any], found: str) -> None:
    """Another config or other rows are told at once, with what to do, and the model stays."""
    before = content(folder / "models")
    options = dict(change)
    write_table(make_table(120).head(options.pop("rows", 120)), str(folder / "table.csv"))
    config = make_config(FEATURES, folder=folder, **options)
    with pytest.raises(ArtifactError, match=f"models.* holds a model of this version, one of {found}{REMEDY}$"):
        run_training(config, output=folder / "models", progress=NOTHING, jobs=1)
    assert content(folder / "models") == before
    report = run_training(config, output=folder / "models", replace=True, jobs=1)
    assert report.manifest.config_hash == config.hash
    again = make_config(FEATURES, folder=folder, **options, app={"version": "1.0.1"})
    assert run_training(again, output=folder / "models", jobs=1).manifest.version == "1.0.1"


@pytest.mark.parametrize(
    ("name", "value", "found"),
    [
        ("code_hash", lambda: "another", "other code of this package"),
        ("library_versions", dict, "other versions of the libraries"),
    ],
)
def test_other_code_is_refused_before_anything_is_fitted(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: Any, found: str
) -> None:
    """A new release of the package or of a library makes another model, of another version."""
    monkeypatch.setattr(kept_model, name, value)
    with pytest.raises(ArtifactError, match=f"one of {found}{REMEDY}$"):
        run_training(make_config(FEATURES, folder=folder), output=folder / "models", progress=NOTHING, jobs=1)


def test_extra_rows_make_another_model(folder: Path) -> None:
    """Rows that are given beside the table count as its rows."""
    extra = pd.DataFrame({"key": [900, 901], "size": [1.0, 2.0], "colour": ["red", "green"]})
    with pytest.raises(ArtifactError, match=f"one of other rows{REMEDY}$"):
        run_training(make_config(FEATURES, folder=folder), output=folder / "models", extra=extra, progress=NOTHING)


def test_a_model_that_comes_out_differently_is_refused_after_all(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What only the training tells, such as a search that the clock ended earlier, is told then."""
    before = content(folder / "models")
    monkeypatch.setattr("classification_model.train_pipeline.threshold_of", lambda *_: 0.25)
    with pytest.raises(ArtifactError, match=f"one that came out differently, .*{REMEDY}$"):
        run_training(make_config(FEATURES, folder=folder), output=folder / "models", jobs=1)
    assert content(folder / "models") == before


def test_another_card_is_another_model(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only reports with times may differ: the card has none, so that another card came out differently."""
    monkeypatch.setattr("classification_model.reporting.training_reports.render_card", lambda *_: "# Another")
    with pytest.raises(ArtifactError, match=f"one that came out differently, .*{REMEDY}$"):
        run_training(make_config(FEATURES, folder=folder), output=folder / "models", jobs=1)


def test_a_model_that_cannot_be_read_stays_too(folder: Path) -> None:
    """A damaged manifest, or one of another format, may be of a model that somebody needs."""
    (manifest,) = (folder / "models").glob("*/manifest.json")
    manifest.write_bytes(manifest.read_bytes().replace(b"colours", b"colors"))
    with pytest.raises(ArtifactError, match=rf"one that cannot be read \(manifest\.json was changed: .*\){REMEDY}$"):
        run_training(make_config(FEATURES, folder=folder), output=folder / "models", jobs=1)
    run_training(make_config(FEATURES, folder=folder), output=folder / "models", replace=True, jobs=1)


def test_the_command_refuses_and_its_remedy_works_as_printed(command: Command, tmp_path: Path) -> None:
    """`train` ends with exit code 2 and a line; with `--replace` it trains."""
    write_table(make_table(120), str(tmp_path / "table.csv"))
    text = (
        "app:\n  name: colours\ndata:\n  source: table.csv\n  target: colour\n  index: key\n"
        "features:\n  size: numeric\n  shape: categorical\ntraining:\n  folds: 3\n  estimator: logistic_regression\n"
    )
    (tmp_path / "config.yml").write_text(text, encoding="utf-8")
    arguments = ["train", "--config", "config.yml", "--output", "models"]
    assert command(*arguments).code == 0
    (tmp_path / "config.yml").write_text(text + "  random_state: 7\n", encoding="utf-8")
    done = command(*arguments, "--if-changed")
    assert (done.code, done.out) == (2, "")
    assert "holds a model of this version, one of another config: raise app.version" in done.err
    assert command(*arguments, "--if-changed", "--replace").code == 0
    assert "is up to date" in command(*arguments, "--if-changed").out
