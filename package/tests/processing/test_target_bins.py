"""A numeric target whose classes are its bins, from the config to the retraining."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from commands import Command
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from problems import make_config

from classification_model.config.core import load_config
from classification_model.errors import ConfigError, DataError
from classification_model.labels.joining import join_labels
from classification_model.labels.sources import LabelSource
from classification_model.own_models.classification_model import ClassificationModel
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.data_pipeline import process_data
from classification_model.processing.target_bins import bins_of, describe_bins, learn_edges, value_in_bin
from classification_model.retrain_pipeline import run_retraining
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog
from classification_model.runtime.mle.model import ServedModel
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.store.store import ModelStore
from classification_model.train_pipeline import run_training

CONFIG = """app:
  name: Rooms
  version: 1.0.0
data:
  source: rooms.csv
  target: price
  target_bins: 3
  classes:
    1: low
    2: mid
    3: high
  index: id
features:
  size: numeric
  kind: categorical
training:
  folds: 3
  estimator: logistic_regression
monitoring:
  minimum_count: 60
promotion:
  minimum_count: 40
"""


def make_rooms(count: int, seed: int, *, factor: float = 1.0) -> pd.DataFrame:
    """Make rooms whose price, written with a sign and commas, grows with their size."""
    draw = np.random.default_rng(seed)
    size = draw.uniform(10, 100, count).round(1)
    price = (factor * size * 25 + draw.normal(0, 100, count)).clip(1).round(2)
    return pd.DataFrame(
        {
            "id": range(seed * 10_000, seed * 10_000 + count),
            "size": size,
            "kind": draw.choice(["flat", "house"], count),
            "price": [f"${value:,.2f}" for value in price],
        }
    )


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a config, its table and a store with a model of it."""
    folder = tmp_path_factory.mktemp("rooms")
    (folder / "config.yml").write_text(CONFIG, encoding="utf-8")
    make_rooms(600, 1).to_csv(folder / "rooms.csv", index=False)
    report = run_training(load_config(folder / "config.yml"), output=folder, jobs=1)
    store = ModelStore(folder / "store")
    store.add(report.folder)
    store.promote("1.0.0")
    return folder


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "rooms"))


def numbers_of(rooms: pd.DataFrame) -> NDArray[np.float64]:
    """Return the prices of rooms as numbers."""
    return rooms["price"].str.replace(r"[$,]", "", regex=True).to_numpy(dtype=np.float64)


@given(st.lists(st.floats(-1e6, 1e6), min_size=20, max_size=80, unique=True), st.integers(2, 6))
def test_bins_are_of_the_same_size_and_never_cut_an_edge(values: list[float], count: int) -> None:
    """Of distinct values each bin gets its share to one row; an edge belongs below; a stand-in is in its bin."""
    column = np.array(values)
    edges = learn_edges(column, count, "price")
    sizes = np.bincount(bins_of(column, edges), minlength=count)
    assert len(sizes) == count
    assert sizes.max() - sizes.min() <= 1
    assert bins_of(np.array(edges), edges).tolist() == list(range(count - 1))
    assert bins_of(np.array([value_in_bin(number, edges) for number in range(count)]), edges).tolist() == list(
        range(count)
    )


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([1.0] * 50 + [2.0] * 2, "found 1 in 50 of 52 .* a bin holds only 0 rows: use fewer bins, or put"),
        ([1.0, 2.0], "found 1 in 1 of 2 "),
        ([3.0] * 9, "found 3 in 9 of 9 "),
        ([1.0] + [2.0] * 30, "found 2 in 30 of 31 "),
        (
            [0.0] * 60 + [float(number) for number in range(1, 41)],
            "found 0 in 60 of 100 .* a bin holds only 7 rows: use fewer bins",
        ),
    ],
)
def test_values_that_are_too_often_equal_are_refused(values: list[float], found: str) -> None:
    """A bin of few rows would be a class that little is known of; the message names the value that is to blame."""
    with pytest.raises(DataError, match=f"column 'price', the target: expected numbers that fill 3 bins .*, {found}"):
        learn_edges(np.array(values), 3, "price")


def test_two_bins_cannot_be_fewer() -> None:
    """The remedy is one that there is."""
    with pytest.raises(DataError, match=r"found 5 in 19 of 20 rows, so that a bin holds only 1 rows: put a column"):
        learn_edges(np.array([5.0] * 19 + [6.0]), 2, "price")


def test_edges_are_learned_on_the_training_rows_alone(trained: Path) -> None:
    """They are quantiles of the rows to train on, in the manifest, and label both these rows and the hold-out."""
    config = load_config(trained / "config.yml")
    rooms = pd.read_csv(trained / "rooms.csv")
    data = DataLoader(config).load()
    assert data.train.keys is not None
    prices = pd.Series(numbers_of(rooms), index=rooms["id"].astype(str))
    of_training = prices[data.train.keys.tolist()].to_numpy()
    assert data.target_edges == tuple(np.quantile(of_training, [1 / 3, 2 / 3], method="inverted_cdf"))
    assert data.target_edges != tuple(np.quantile(prices, [1 / 3, 2 / 3], method="inverted_cdf"))
    for rows in (data.train, data.holdout):
        assert rows.keys is not None
        expected = np.array(["low", "mid", "high"])[bins_of(prices[rows.keys.tolist()].to_numpy(), data.target_edges)]
        assert rows.labels.tolist() == expected.tolist()
    manifest = read_manifest(trained / "store" / "versions" / "1.0.0")
    assert manifest.target_edges == data.target_edges
    assert manifest.classes == ("low", "mid", "high")


def test_the_reports_say_what_a_class_stands_for(trained: Path) -> None:
    """The model card and the report give the range of each class."""
    version = trained / "store" / "versions" / "1.0.0"
    low, mid, high = describe_bins(read_manifest(version).target_edges, ("low", "mid", "high"))
    assert low.startswith("low: at most ")
    for name in ("report.html", "model_card.md"):
        assert f"{low}; {mid}; {high}" in (version / "reports" / name).read_text(encoding="utf-8")


def test_without_labels_the_bins_are_numbered(tmp_path: Path) -> None:
    """The classes are bin 1, bin 2 and so on, the lowest first, more than nine of them in order."""
    make_rooms(900, 1).to_csv(tmp_path / "table.csv", index=False)
    config = make_config(
        {"size": {"kind": "numeric"}},
        folder=tmp_path,
        data={"target": "price", "target_bins": 12, "classes": {}, "index": "id"},
    )
    data = DataLoader(config).load()
    assert data.classes == tuple(f"bin {number}" for number in range(1, 13))
    assert (
        pd.Series(data.train.target)
        .groupby(pd.Series(data.train.labels).str[4:].astype(int))
        .max()
        .is_monotonic_increasing
    )


def test_a_class_for_each_bin_is_expected(tmp_path: Path) -> None:
    """Labels of other numbers than those of the bins are an error of the config, with its line."""
    path = tmp_path / "config.yml"
    for wrong in (CONFIG.replace("    3: high\n", ""), CONFIG.replace("    1: low\n", "    0: low\n")):
        path.write_text(wrong, encoding="utf-8")
        with pytest.raises(
            ConfigError, match=r"config.yml:8: data.classes: expected a label for each of the bins 1 to 3"
        ):
            load_config(path)
    path.write_text(CONFIG.replace("2: mid", "2: '$1,000'"), encoding="utf-8")
    with pytest.raises(
        ConfigError, match=r"config.yml:10: data.classes.2: expected a label that cannot be read as a number"
    ):
        load_config(path)
    path.write_text(CONFIG.replace("target_bins: 3", "target_bins: 1"), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"config.yml:7: data.target_bins: expected .* 2"):
        load_config(path)


@pytest.mark.parametrize(
    ("price", "fault"),
    [
        ("", "is missing in row 0"),
        ("cheap", "row 0 .*: expected a number, found text"),
        ("1e999", "row 0 .*: expected"),
    ],
)
def test_a_target_that_is_no_number_is_refused_or_dropped(folder: Path, price: str, fault: str) -> None:
    """Training names the row; the data pipeline drops and counts such rows where it is told to."""
    rooms = pd.read_csv(folder / "rooms.csv")
    rooms.loc[0, "price"] = price
    config = load_config(folder / "config.yml")
    with pytest.raises(DataError, match=f"column 'price', the target, {fault}"):
        DataLoader(config, rooms).load()
    record = process_data(rooms, lambda _: None, config, drop_bad_rows=True)
    assert (record.rows_in, record.rows_out, len(record.dropped)) == (600, 599, 1)


def test_a_processed_table_gives_the_same_model(folder: Path) -> None:
    """Prices are written as numbers, from which training learns the same edges and the same digest."""
    config = load_config(folder / "config.yml")
    process_data(None, str(folder / "rooms.parquet"), config)
    table = pd.read_parquet(folder / "rooms.parquet")
    assert table["price"].to_list() == numbers_of(pd.read_csv(folder / "rooms.csv")).tolist()
    raw, processed = (DataLoader(config, source).load() for source in (None, str(folder / "rooms.parquet")))
    assert processed.target_edges == raw.target_edges
    assert processed.fingerprint == raw.fingerprint
    assert processed.train.labels.tolist() == raw.train.labels.tolist()


def test_the_model_class_takes_prices_but_no_names_of_bins(folder: Path) -> None:
    """Edges cannot be learned from labels."""
    rooms = pd.read_csv(folder / "rooms.csv")
    model = ClassificationModel(load_config(folder / "config.yml"))
    features = rooms.drop(columns="price")
    model.fit(features, numbers_of(rooms), jobs=1)
    assert len(model.manifest.target_edges) == 2
    with pytest.raises(DataError, match=r"column 'price', the target, row 0 .*: expected a number, found text"):
        model.fit(features, ["low", "mid", "high"] * 200, jobs=1)


def log_rooms(folder: Path, rooms: pd.DataFrame, labels: bool = True) -> list[str]:
    """Predict rooms into a log, with the label of each by the edges of the champion; return the labels."""
    with PredictionLog(folder / "log") as log:
        model = ServedModel(log).load(folder / "store" / "versions" / "1.0.0")
        inputs = rooms[["size", "kind"]].to_dict("records")
        answer = model.predict_with_logging(inputs, index=[str(key) for key in rooms["id"]])
    truth = np.array(model.manifest.classes)[bins_of(numbers_of(rooms), model.manifest.target_edges)].tolist()
    if labels:
        with LabelLog(folder / "log") as label_log:
            label_log.add(
                [(str(key), label) for key, label in zip(answer["prediction_ids"], truth, strict=True)],
                source="bookings",
            )
    return list(truth)


@pytest.mark.slow
def test_a_retraining_keeps_the_edges_of_the_champion(folder: Path) -> None:
    """Though prices in the table have doubled, a class means what it meant; logged labels are learned from."""
    config = load_config(folder / "config.yml")
    before = read_manifest(folder / "store" / "versions" / "1.0.0").target_edges
    log_rooms(folder, make_rooms(300, 2, factor=2.0))
    pd.concat([make_rooms(600, 1), make_rooms(600, 3, factor=2.0)]).to_csv(folder / "rooms.csv", index=False)
    store = ModelStore(folder / "store")
    report = run_retraining(config, store, folder / "log", force=True, jobs=1)
    assert report.challenger is not None
    assert report.comparison is not None, report.notes
    assert read_manifest(folder / "store" / "versions" / report.challenger).target_edges == before
    assert report.learned_rows > 100
    anew = run_training(config, output=folder / "anew", version="2.0.0", jobs=1)
    assert anew.manifest.target_edges != before
    store.add(anew.folder)
    with pytest.raises(Exception, match=r"edges of the classes: .* -> .*") as caught:
        store.promote("2.0.0")
    assert "schema-change" in str(caught.value)


@pytest.mark.slow
def test_numbers_that_left_the_bins_of_the_champion_say_what_to_do(folder: Path) -> None:
    """If prices rise tenfold, no row is low any more: the message names the edges and the way out."""
    log_rooms(folder, make_rooms(300, 2))
    make_rooms(600, 3, factor=10.0).to_csv(folder / "rooms.csv", index=False)
    config = load_config(folder / "config.yml")
    expected = r"found \d+ of 'low' by the edges of the current version \(\d.*\): .* promote it with --schema-change"
    with pytest.raises(DataError, match=expected):
        run_retraining(config, ModelStore(folder / "store"), folder / "log", force=True, jobs=1)


@pytest.mark.slow
def test_a_retraining_after_a_kill_keeps_the_edges_too(folder: Path) -> None:
    """The challenger is in the store already, and is compared on the same rows with the same labels."""
    log_rooms(folder, make_rooms(100, 2), labels=False)
    pd.concat([make_rooms(600, 1), make_rooms(600, 3, factor=2.0)]).to_csv(folder / "rooms.csv", index=False)
    killed = shutil.copytree(folder, folder.with_name("killed"))
    first = run_retraining(
        load_config(folder / "config.yml"), ModelStore(folder / "store"), folder / "log", force=True, jobs=1
    )
    assert first.challenger is not None
    assert first.comparison is not None
    store = ModelStore(killed / "store")
    store.add(ModelStore(folder / "store").path(first.challenger))
    second = run_retraining(load_config(killed / "config.yml"), store, killed / "log", force=True, jobs=1)
    assert second.challenger == first.challenger
    assert second.comparison is not None
    assert second.comparison.as_dict()["sets"] == first.comparison.as_dict()["sets"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("config", "change"),
    [
        (
            CONFIG.replace("bins: 3", "bins: 4").replace("3: high", "3: high\n    4: lux"),
            "classes: low, mid, high -> low, mid, high, lux",
        ),
        (
            CONFIG.replace("1: low", "1: high").replace("3: high", "3: low"),
            "classes: low, mid, high -> high, mid, low",
        ),
        (
            CONFIG.replace("  target_bins: 3\n", "")
            .replace("1: low", "1: low")
            .replace("target: price", "target: band"),
            "edges of the classes: ",
        ),
    ],
    ids=["more bins", "other order", "no bins"],
)
def test_other_bins_need_a_person_and_no_logged_rows(folder: Path, config: str, change: str) -> None:
    """What a label of the former bins means for the new ones is unknown."""
    log_rooms(folder, make_rooms(300, 2))
    rooms = pd.read_csv(folder / "rooms.csv")
    rooms.assign(band=1 + np.arange(len(rooms)) % 3).to_csv(folder / "rooms.csv", index=False)
    (folder / "config.yml").write_text(config, encoding="utf-8")
    store = ModelStore(folder / "store")
    report = run_retraining(load_config(folder / "config.yml"), store, folder / "log", force=True, jobs=1)
    assert (report.outcome, report.learned_rows) == ("held", 0)
    assert any(note.startswith(change) for note in report.notes), report.notes
    assert any(note.startswith("logged rows are not used, as data.target_bins or the names") for note in report.notes)


def test_prices_are_joined_as_labels(folder: Path, command: Command) -> None:
    """Numbers of a table of labels are read as the class that they belong to by the manifest."""
    rooms = make_rooms(50, 2)
    truth = log_rooms(folder, rooms, labels=False)
    rooms.to_csv(folder / "sold.csv", index=False)
    places = [str(folder / "sold.csv"), "--log", str(folder / "log"), "--store", str(folder / "store")]
    arguments = ["labels", "join", *places, "--key", "id", "--label", "price"]
    assert "50 labels would be added to the log" in command(*arguments, "--dry-run").out
    assert "50 labels added to the log" in command(*arguments, "--config", str(folder / "config.yml")).out
    again = join_labels(
        folder / "log",
        LabelSource(str(folder / "sold.csv"), "id", "price"),
        by="index",
        classes=("low", "mid", "high"),
        target_edges=read_manifest(folder / "store" / "versions" / "1.0.0").target_edges,
    )
    assert (again.appended, again.present) == (0, 50)
    logged = pd.concat(pd.read_json(path, lines=True) for path in (folder / "log").glob("*label*"))
    assert logged["label"].tolist() == truth
