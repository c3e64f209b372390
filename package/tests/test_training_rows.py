"""What a log adds to the table of a problem: rows to learn from, and newer ones to be compared on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from operated import CONFIG, make_rows

from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.manifest import Manifest
from classification_model.mle.training_rows import keys_of_table, training_rows
from classification_model.processing.data_manager import DataLoader
from classification_model.train_pipeline import run_training

CREATED = pd.Timestamp("2026-11-20T00:00:00Z")


@pytest.fixture(scope="module")
def manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Train the problem and return what its model says of itself, made at a time that is known."""
    folder = tmp_path_factory.mktemp("problem")
    pd.DataFrame(make_rows(300, 0)).to_csv(folder / "table.csv", index=False)
    trained = run_training(config_of(folder), output=folder / "models", jobs=1).manifest
    return trained.model_copy(update={"created": CREATED.isoformat()})


def config_of(folder: Path, data: str = "", monitoring: str = "") -> Config:
    """Write a config with further options of two sections."""
    text = CONFIG.replace("  target: late\n", f"  target: late\n{data}")
    (folder / "config.yml").write_text(text.replace("monitoring:\n", f"monitoring:\n{monitoring}"), encoding="utf-8")
    return load_config(folder / "config.yml")


def log(count: int, *, hours: float = 1, **columns: Any) -> pd.DataFrame:
    """Make a labelled log whose predictions are an hour apart, the first when the model was made."""
    frame = pd.DataFrame(
        {
            "prediction_id": [f"id{number}" for number in range(count)],
            "timestamp": pd.DatetimeIndex(
                [CREATED + pd.Timedelta(hours=hours * number) for number in range(count)], tz="UTC"
            ),
            "model": "Parcels",
            "version": "1.0.0",
            "index": pd.Series([None] * count, dtype=object),
            "prediction": "late",
            "features.distance": [float(number) for number in range(count)],
            "features.carrier": "van",
            "label": ["late" if number % 2 else "in time" for number in range(count)],
        }
    )
    return frame.assign(**columns)


def test_the_newest_are_compared_on_and_the_others_learned_from(tmp_path: Path, manifest: Manifest) -> None:
    """A quarter of the labelled ones, rounded up; labels become the table's own values of the target."""
    rows = training_rows(log(10), config_of(tmp_path), manifest)
    assert [row["distance"] for row in rows.recent] == [7, 8, 9]
    assert rows.recent_labels == ["late", "in time", "late"]
    assert rows.extra.to_dict("list") == {
        "distance": [0, 1, 2, 3, 4, 5, 6],
        "carrier": ["van"] * 7,
        "late": ["0", "1", "0", "1", "0", "1", "0"],
    }
    assert rows.notes == []


def test_no_row_is_both_learned_from_and_compared_on(tmp_path: Path, manifest: Manifest) -> None:
    """And none of those without a label is either."""
    frame = log(40, label=["late", None] * 20)
    rows = training_rows(frame, config_of(tmp_path), manifest)
    learned, compared = set(rows.extra["distance"]), {row["distance"] for row in rows.recent}
    assert not learned & compared
    assert learned | compared == set(range(0, 40, 2))


def test_what_the_champion_may_have_learned_from_is_not_compared_on(tmp_path: Path, manifest: Manifest) -> None:
    """Of rows older than the model that serves none is compared on; they are learned from."""
    frame = log(20, hours=-1).iloc[::-1].reset_index(drop=True)
    rows = training_rows(frame, config_of(tmp_path), manifest)
    assert [row["distance"] for row in rows.recent] == [0]
    assert len(rows.extra) == 19


def test_rows_of_another_problem_are_left_out_and_counted(tmp_path: Path, manifest: Manifest) -> None:
    """As they have other features."""
    rows = training_rows(log(8, model=["Parcels"] * 5 + ["Letters"] * 3), config_of(tmp_path), manifest)
    assert len(rows.extra) + len(rows.recent) == 5
    assert rows.notes == ["3 logged rows of another problem are left out"]


def test_of_several_rows_with_one_key_the_newest_counts(tmp_path: Path, manifest: Manifest) -> None:
    """Keys are compared as texts; rows without one are all kept."""
    frame = log(8, index=pd.Series([7, "7", None, None, "a", 7, "b", "a"], dtype=object))
    rows = training_rows(frame, config_of(tmp_path), manifest)
    kept = {*rows.extra["distance"], *(row["distance"] for row in rows.recent)}
    assert kept == {2, 3, 5, 6, 7}
    assert rows.notes == ["3 logged rows with a key that a newer one has are left out"]


def test_rows_that_the_table_has_are_left_out(tmp_path: Path, manifest: Manifest) -> None:
    """A parcel that is in the table by now would be learned from twice."""
    known = keys_of_table(pd.DataFrame({"parcel": [1, 2.0, "x", None]}), "parcel")
    assert known == {"1", "2", "x"}
    frame = log(6, index=pd.Series([1, 2, 3, 4, "x", None], dtype=object))
    rows = training_rows(frame, config_of(tmp_path, "  index: parcel\n"), manifest, known)
    assert rows.notes == ["3 logged rows with a key that the table has are left out"]
    assert rows.extra["parcel"].tolist() == ["3", "4"]


def test_columns_that_are_no_features_get_what_the_log_knows(tmp_path: Path, manifest: Manifest) -> None:
    """The key, or else the prediction, is index and group; the time is that of the prediction; every row weighs one."""
    options = "  index: parcel\n  group: sender\n  time: sent\n  weight: importance\n"
    frame = log(4, index=pd.Series(["a", None, "c", "d"], dtype=object))
    extra = training_rows(frame, config_of(tmp_path, options), manifest).extra
    assert extra["parcel"].tolist() == extra["sender"].tolist() == ["a", "id1", "c"]
    assert extra["sent"].tolist()[1] == "2026-11-20T01:00:00+00:00"
    assert extra["importance"].tolist() == [1, 1, 1]


def test_a_log_with_masked_features_is_not_learned_from(tmp_path: Path, manifest: Manifest) -> None:
    """A row without its carrier says nothing of carriers."""
    masking = manifest.model_copy(update={"monitoring": manifest.monitoring | {"masked": ["carrier"]}})
    rows = training_rows(log(10), config_of(tmp_path), masking)
    assert (len(rows.extra), rows.recent) == (0, [])
    assert rows.notes == ["the log is not learned from: carrier is masked in it"]


def test_no_labels_are_no_rows(tmp_path: Path, manifest: Manifest) -> None:
    """An empty log, and one without a label."""
    for frame in (log(5, label=None), log(0)):
        rows = training_rows(frame, config_of(tmp_path), manifest)
        assert (len(rows.extra), rows.recent, rows.recent_labels) == (0, [], [])


def test_the_rows_fit_below_the_table(tmp_path: Path, manifest: Manifest) -> None:
    """The loader reads them as rows of its own."""
    pd.DataFrame(make_rows(300, 0)).to_csv(tmp_path / "table.csv", index=False)
    config = config_of(tmp_path)
    extra = training_rows(log(100), config, manifest).extra
    data = DataLoader(config, extra=extra).load()
    assert len(data.train) + len(data.holdout) == 375
