"""What a log adds to the table of a problem: rows to learn from, and newer ones to be compared on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from operated import CONFIG, make_rows

from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.labels.known_rows import known_rows
from classification_model.processing.data_manager import DataLoader, RawTable, Tables
from classification_model.processing.splitting import share_of
from classification_model.retraining.training_rows import TrainingRows, training_rows
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow


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


def divide(
    frame: pd.DataFrame, config: Config, manifest: Manifest, *tables: pd.DataFrame, **columns: Any
) -> TrainingRows:
    """Divide a log; the tables are far from it unless they are given."""
    made = pd.DataFrame(make_rows(300, 0)).assign(distance=lambda table: table["distance"] + 1000, **columns)
    table, *second = (RawTable("a table", each, "") for each in tables or [made])
    return training_rows(frame, known_rows(config, Tables(table, second[0] if second else None)), manifest)


def distances(rows: TrainingRows) -> tuple[list[float], list[float]]:
    """Return which rows are learned from, and which are compared on."""
    return rows.extra["distance"].tolist(), [row["distance"] for row in rows.recent]


def test_the_newest_are_compared_on_and_the_others_learned_from(tmp_path: Path, manifest: Manifest) -> None:
    """A quarter of the labelled ones, rounded up; labels become the table's own values of the target."""
    rows = divide(log(10), config_of(tmp_path), manifest)
    assert [row["distance"] for row in rows.recent] == [7, 8, 9]
    assert rows.recent_labels == ["late", "in time", "late"]
    assert rows.extra.to_dict("list") == {
        "distance": [0, 1, 2, 3, 4, 5, 6],
        "carrier": ["van"] * 7,
        "late": ["0", "1", "0", "1", "0", "1", "0"],
    }
    assert rows.notes == ["10 of 10 labelled rows have no index: they are identified by their features"]


def test_no_row_is_both_learned_from_and_compared_on(tmp_path: Path, manifest: Manifest) -> None:
    """And none of those without a label is either."""
    frame = log(40, label=["late", None] * 20)
    rows = divide(frame, config_of(tmp_path), manifest)
    learned, compared = set(rows.extra["distance"]), {row["distance"] for row in rows.recent}
    assert not learned & compared
    assert learned | compared == set(range(0, 40, 2))


def test_what_the_champion_may_have_learned_from_is_not_compared_on(tmp_path: Path, manifest: Manifest) -> None:
    """Of rows older than the model that serves none is compared on; they are learned from."""
    frame = log(20, hours=-1).iloc[::-1].reset_index(drop=True)
    rows = divide(frame, config_of(tmp_path), manifest)
    assert [row["distance"] for row in rows.recent] == [0]
    assert len(rows.extra) == 19


def test_rows_of_another_problem_are_left_out_and_counted(tmp_path: Path, manifest: Manifest) -> None:
    """As they have other features."""
    rows = divide(log(8, model=["Parcels"] * 5 + ["Letters"] * 3), config_of(tmp_path), manifest)
    assert len(rows.extra) + len(rows.recent) == 5
    assert rows.notes[0] == "left out: 3 logged rows of another problem"


def test_of_several_rows_with_one_key_the_newest_counts(tmp_path: Path, manifest: Manifest) -> None:
    """Keys are compared as texts; rows without one are all kept."""
    frame = log(8, index=pd.Series([7, "7", None, None, "a", 7, "b", "a"], dtype=object))
    rows = divide(frame, config_of(tmp_path), manifest)
    kept = {*rows.extra["distance"], *(row["distance"] for row in rows.recent)}
    assert kept == {2, 3, 5, 6, 7}
    assert rows.notes[1:] == ["left out: 3 logged rows with the same index as a newer one"]


def test_rows_that_a_table_has_are_left_out(tmp_path: Path, manifest: Manifest) -> None:
    """A parcel that is in the table by now would be learned from twice, one of the validation table though held out."""
    first = pd.DataFrame(make_rows(100, 1)).assign(parcel=[1, 2.0, *range(100, 198)])
    second = pd.DataFrame(make_rows(100, 2)).assign(parcel=["x", "4", *range(300, 398)])
    frame = log(8, index=pd.Series([1, "2.0", "3.0", 4, "x", 5, 6, None], dtype=object))
    rows = divide(frame, config_of(tmp_path, "  index: parcel\n"), manifest, first, second)
    assert rows.notes[1:] == ["left out: 4 logged rows with the same index as a row of a training table"]
    assert rows.extra["parcel"].tolist() == ["3", "5", "6"]


def test_columns_that_are_no_features_get_what_the_log_knows(tmp_path: Path, manifest: Manifest) -> None:
    """The key, or else the prediction, is index and group; the time is that of the prediction; every row weighs one."""
    options = "  index: parcel\n  group: sender\n  time: sent\n  weight: importance\n"
    frame = log(4, index=pd.Series(["a", None, "c", "d"], dtype=object))
    known = {"parcel": range(300), "sender": "s", "sent": "2020-01-01", "importance": 1}
    extra = divide(frame, config_of(tmp_path, options), manifest, **known).extra
    assert extra["parcel"].tolist() == extra["sender"].tolist() == ["a", "id1", "c"]
    assert extra["sent"].tolist()[1] == "2026-11-20T01:00:00+00:00"
    assert extra["importance"].tolist() == [1, 1, 1]


def test_a_log_with_masked_features_is_not_learned_from(tmp_path: Path, manifest: Manifest) -> None:
    """A row without its carrier says nothing of carriers."""
    masking = manifest.model_copy(update={"monitoring": manifest.monitoring | {"masked": ["carrier"]}})
    rows = divide(log(10), config_of(tmp_path), masking)
    assert (len(rows.extra), rows.recent) == (0, [])
    assert rows.notes == ["logged rows are not used, as monitoring.masked leaves out carrier"]


def test_no_labels_are_no_rows(tmp_path: Path, manifest: Manifest) -> None:
    """An empty log, and one without a label."""
    for frame in (log(5, label=None), log(0)):
        rows = divide(frame, config_of(tmp_path), manifest)
        assert (len(rows.extra), rows.recent, rows.recent_labels) == (0, [], [])


def test_the_rows_fit_below_the_table(tmp_path: Path, manifest: Manifest) -> None:
    """The loader reads them as rows of its own."""
    pd.DataFrame(make_rows(300, 0)).to_csv(tmp_path / "table.csv", index=False)
    config = config_of(tmp_path)
    extra = divide(log(100), config, manifest).extra
    data = DataLoader(config, extra=extra).load()
    assert len(data.train) + len(data.holdout) == 375


def test_a_row_without_a_key_is_known_by_its_features(tmp_path: Path, manifest: Manifest) -> None:
    """Predicted again, it counts once, in one place, and with the key it was given once."""
    frame = log(9, index=pd.Series([None, "a", *[None] * 7], dtype=object))
    frame["features.distance"] = pd.Series([0.0, 1, 2, 3, "0.0", 1, 6, 7, 3], dtype=object)
    rows = divide(frame, config_of(tmp_path), manifest)
    assert distances(rows) == ([2, "0.0", 1, 6], [7, 3])
    assert rows.notes == [
        "8 of 9 labelled rows have no index: they are identified by their features",
        "left out: 1 logged rows with the same index as a newer one",
        "left out: 2 logged rows with no index and the same features as a newer one",
    ]


@pytest.mark.parametrize("index", ["", "  index: parcel\n"], ids=["without an index", "with an index"])
def test_a_row_of_a_table_that_is_predicted_without_a_key_is_left_out(
    tmp_path: Path, manifest: Manifest, index: str
) -> None:
    """However its values are spelled there; else what is held out would be learned from."""
    table, second = (pd.DataFrame(make_rows(100, seed)).assign(parcel=range(seed, seed + 100)) for seed in (1000, 2000))
    table["distance"] = [f" {number}.50" for number in range(100)]
    second["distance"] = [f"{number}e0" for number in range(100)]
    table["carrier"] = second["carrier"] = "van"
    frame = log(8)
    frame["features.distance"] = pd.Series([1.5, 2, 99.5, 200, 201, 202, 203, 204], dtype=object)
    rows = divide(frame, config_of(tmp_path, index), manifest, table, second)
    assert distances(rows) == ([200, 201, 202], [203, 204])
    assert rows.notes[1:] == ["left out: 3 logged rows with the same features as a row of a training table"]


def test_keys_say_nothing_of_a_table_without_them(tmp_path: Path, manifest: Manifest) -> None:
    """There, rows with a key are told by their features too; where there is an index the key decides."""
    frame = log(4, index=pd.Series(list("abcd"), dtype=object))
    table = pd.DataFrame(make_rows(100, 0)).assign(distance=range(100), carrier="van", parcel=range(100))
    rows = divide(frame, config_of(tmp_path), manifest, table)
    assert distances(rows) == ([], [])
    assert rows.notes == ["left out: 4 logged rows with the same features as a row of a training table"]
    assert distances(divide(frame, config_of(tmp_path, "  index: parcel\n"), manifest, table)) == ([0, 1, 2], [3])


def test_features_that_tell_no_rows_apart_are_not_gone_by(tmp_path: Path, manifest: Manifest) -> None:
    """Of a table with few different rows every logged row is equal to one; that is noted, and none is left out."""
    table = pd.DataFrame(make_rows(300, 0)).assign(distance=[number % 10 for number in range(300)])
    rows = divide(log(8), config_of(tmp_path), manifest, table)
    assert distances(rows) == ([0, 1, 2, 3, 4, 5], [6, 7])
    (note,) = rows.notes
    assert note.startswith("8 of 8 labelled rows have no index, and features do not identify rows, as 100% of the ")


@pytest.mark.parametrize("keys", [[1, 2, "3", 4] * 2, [None] * 8], ids=["by key", "by features"])
def test_a_row_that_was_predicted_before_the_model_was_made_is_not_compared_on(
    tmp_path: Path, manifest: Manifest, keys: list[object]
) -> None:
    """The model may have learned from it then, though it is predicted again; it is learned from."""
    frame = log(8, index=pd.Series(keys, dtype=object))
    frame["features.distance"] = [0, 1, 2, 3] * 2
    frame["timestamp"] -= pd.Timedelta(hours=3)  # three of four
    rows = divide(frame, config_of(tmp_path), manifest)
    assert distances(rows) == ([0, 1, 2], [3])
    assert rows.notes[-1] == (
        "3 newer logged rows are not compared on: the current model may have been trained on their row"
    )


def test_what_the_config_cannot_read_is_left_out(tmp_path: Path, manifest: Manifest) -> None:
    """A record of a former version, whose distance was a category, and a label that is no class any more."""
    frame = log(8, label=["late"] * 7 + ["lost"])
    frame["features.distance"] = pd.Series([0, "far", 2, 3, 4, 5, 6, 7], dtype=object)
    rows = divide(frame, config_of(tmp_path), manifest)
    assert distances(rows) == ([0, 2, 3, 4], [5, 6])
    assert rows.notes[1:] == ["left out: 2 logged rows with values that the config does not allow"]


def test_what_the_model_that_serves_cannot_read_is_not_compared_on(tmp_path: Path, manifest: Manifest) -> None:
    """It is learned from where the config reads it."""
    frame = log(4)
    frame["features.distance"] = pd.Series([0, 1, 2, "about 3"], dtype=object)
    config = config_of(tmp_path)
    (tmp_path / "config.yml").write_text(
        (tmp_path / "config.yml").read_text().replace("distance: numeric", "distance: categorical")
    )
    assert distances(divide(frame, config, manifest)) == ([0, 1], [2])
    rows = divide(frame, load_config(tmp_path / "config.yml"), manifest)
    assert distances(rows) == ([0, 1, "about 3"], [2])


GROUPED = "  group: house\n"


def grouped(folder: Path) -> Config:
    """Write a config whose split is by a group that is a feature."""
    config_of(folder, GROUPED)
    text = (
        (folder / "config.yml")
        .read_text()
        .replace("  carrier: categorical\n", "  carrier: categorical\n  house:\n    kind: categorical\n")
    )
    text = text.replace("training:\n", "training:\n  split:\n    kind: group\n    holdout: 0.2\n")
    (folder / "config.yml").write_text(text)
    return load_config(folder / "config.yml")


@pytest.fixture(scope="module")
def group_manifest(tmp_path_factory: pytest.TempPathFactory) -> Manifest:
    """Train the problem with a split by group."""
    folder = tmp_path_factory.mktemp("grouped")
    config = grouped(folder)
    table = pd.DataFrame(make_rows(300, 0)).assign(house=[f"h{number % 60}" for number in range(300)])
    table.to_csv(folder / "table.csv", index=False)
    trained = run_training(config, output=folder / "models", jobs=1).manifest
    return trained.model_copy(update={"created": CREATED.isoformat()})


def test_no_group_is_both_learned_from_and_compared_on(tmp_path: Path, group_manifest: Manifest) -> None:
    """The groups whose rows are the newest are compared on, whole, until they are the share that is asked for."""
    houses = [f"new{number % 10}" for number in range(40)]
    rows = divide(log(40).assign(**{"features.house": houses}), grouped(tmp_path), group_manifest, house="h")
    compared = {row["house"] for row in rows.recent}
    assert compared == {"new9", "new8", "new7"}
    assert len(rows.recent) == 12
    assert not compared & set(rows.extra["house"])
    assert len(rows.extra) == 28


def test_what_is_left_of_a_group_that_is_compared_on_is_not_learned_from(
    tmp_path: Path, group_manifest: Manifest
) -> None:
    """Such as a row that the model that serves cannot read."""
    grouped(tmp_path)
    text = (tmp_path / "config.yml").read_text().replace("distance: numeric", "distance: categorical")
    (tmp_path / "config.yml").write_text(text)
    frame = log(6).assign(**{"features.house": ["a", "a", "a", "b", "b", "b"]})
    frame["features.distance"] = pd.Series([0, 1, 2, 3, "about 4", 5], dtype=object)
    rows = divide(frame, load_config(tmp_path / "config.yml"), group_manifest, house="h")
    assert distances(rows) == ([0, 1, 2], [3, 5])
    assert rows.notes[-1] == "left out: 1 logged rows of a group that models are evaluated on"


def test_a_group_that_was_learned_from_is_not_compared_on(tmp_path: Path, group_manifest: Manifest) -> None:
    """Neither one of the table, unless it is held out, nor one that was logged before the model was made."""
    table = pd.DataFrame(make_rows(300, 0)).assign(house=[f"h{number % 60}" for number in range(300)])
    held = [house for house in sorted(set(table["house"])) if share_of(house) < 0.2]
    learned = next(house for house in sorted(set(table["house"])) if share_of(house) >= 0.2)
    houses = [("old", "new", held[0], learned)[number % 4] for number in range(40)]
    frame = log(40).assign(**{"features.house": houses})
    frame["features.distance"] += 1000
    frame["timestamp"] -= pd.Timedelta(minutes=1)  # of the first one, "old"
    rows = divide(frame, grouped(tmp_path), group_manifest, table)
    assert {row["house"] for row in rows.recent} == {held[0]}
    assert set(rows.extra["house"]) == {"old", "new", learned}
    assert rows.notes[-1] == (
        "19 newer logged rows are not compared on: the current model may have been trained on their group"
    )


def test_a_group_of_the_validation_table_is_not_learned_from(tmp_path: Path, group_manifest: Manifest) -> None:
    """As models are measured on it; the rows of it that are new to both are compared on."""
    first, second = (pd.DataFrame(make_rows(100, seed)).assign(house=f"t{seed}") for seed in (1, 2))
    frame = log(8).assign(**{"features.house": ["t2", "a", "t2", "b"] * 2})
    frame["features.distance"] += 1000
    rows = divide(frame, grouped(tmp_path), group_manifest, first, second)
    assert {row["house"] for row in rows.recent} == {"b"}
    assert rows.extra["house"].tolist() == ["a", "a"]
    assert rows.notes[-1] == "left out: 4 logged rows of a group that models are evaluated on"


def test_a_group_that_is_not_logged_is_noted(tmp_path: Path, manifest: Manifest) -> None:
    """Each logged row is a group of its own then."""
    config = grouped(tmp_path)
    text = (tmp_path / "config.yml").read_text().replace("  house:\n    kind: categorical\n", "")
    (tmp_path / "config.yml").write_text(text)
    config = load_config(tmp_path / "config.yml")
    rows = divide(log(4), config, manifest, house="h")
    assert rows.extra["house"].tolist() == ["id0", "id1", "id2"]
    assert rows.notes[-1].startswith("data.group, house, is not a feature")
