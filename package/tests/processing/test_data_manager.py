"""From a problem's source to prepared rows, and pipelines to bytes and back."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from problems import CLASSES, EVERY_KIND, load, make_config, make_table

from classification_model import errors
from classification_model.config.core import load_config
from classification_model.config.sections import Config
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.processing.fitted_pipelines import dump_pipeline, load_pipeline


@pytest.fixture(scope="module")
def titanic() -> TrainingData:
    return DataLoader(load_config()).load()


def all_features(data: TrainingData) -> pd.DataFrame:
    """Give the features of the rows to learn from and of the hold-out."""
    return pd.concat([data.train.features, data.holdout.features], ignore_index=True)


def test_every_passenger_is_there(titanic: TrainingData) -> None:
    """All 1,309 rows are kept, a fifth of them held out, with the survivors and gaps that were counted."""
    labels = [*titanic.train.labels, *titanic.holdout.labels]
    assert len(labels) == titanic.fingerprint.rows == 1309
    assert labels.count("survived") == 500
    assert 0.17 < len(titanic.holdout) / 1309 < 0.23
    gaps = all_features(titanic).isna().sum()
    assert (gaps["age"], gaps["fare"], gaps["cabin"]) == (263, 1, 1014)


def test_the_passengers_columns_are_of_their_kinds(titanic: TrainingData) -> None:
    """Numbers are floats, categories and texts are objects, and columns that leak are not among them."""
    features = titanic.train.features
    assert features["age"].dtype == features["fare"].dtype == np.float64
    assert features["name"].dtype == features["ticket"].dtype == object
    assert not {"boat", "body", "home.dest", "survived"} & set(features.columns)
    assert {"boat", "body", "home.dest", "survived"} <= set(titanic.schema.ignored)
    assert titanic.classes == ("died", "survived")


def test_the_fingerprint_is_that_of_the_values(titanic: TrainingData, tmp_path: Path) -> None:
    """The same rows have one hash as CSV, as Parquet with types and as a frame; another value has another."""
    frame = pd.read_csv(DataLoader(load_config()).source)
    frame.to_parquet(tmp_path / "titanic.parquet")
    frame.to_json(tmp_path / "titanic.jsonl", orient="records", lines=True)
    for source in (frame, str(tmp_path / "titanic.parquet"), str(tmp_path / "titanic.jsonl")):
        assert DataLoader(load_config(), source).load().fingerprint == titanic.fingerprint
    assert (titanic.fingerprint.rows, titanic.fingerprint.columns) == (1309, 14)
    assert DataLoader(load_config(), frame.assign(boat="A")).load().fingerprint == titanic.fingerprint
    for other in (frame.replace({"age": {29.0: 29.5}}), frame[::-1], frame[1:]):
        assert DataLoader(load_config(), other).load().fingerprint.sha256 != titanic.fingerprint.sha256


@pytest.mark.parametrize("suffix", ["parquet", "json", "jsonl", "tsv"])
def test_formats_give_the_same_rows(tmp_path: Path, suffix: str) -> None:
    """The same table as CSV and in another format gives the same features, labels and hold-out."""
    table = make_table()
    first, second = (
        load(table, make_config(folder=tmp_path, data={"source": f"table.{kind}"})) for kind in ("csv", suffix)
    )
    for rows, other in ((first.train, second.train), (first.holdout, second.holdout)):
        assert_frame_equal(rows.features, other.features)
        assert rows.labels.tolist() == other.labels.tolist()
    assert first.holdout_rule == second.holdout_rule
    assert first.schema == second.schema


def held_out(table: pd.DataFrame, config: Config) -> set[float]:
    """Give the `serial` of the rows that are held out."""
    return set(load(table, config).holdout.features["serial"])


@pytest.fixture
def serial_table() -> pd.DataFrame:
    """Make a table whose rows have a number of their own among the features."""
    return make_table(200).assign(serial=range(200))


SERIAL = {"serial": {"kind": "numeric"}, "size": {"kind": "numeric"}}


def test_the_hold_out_is_kept_as_the_table_grows(tmp_path: Path, serial_table: pd.DataFrame) -> None:
    """With an index, added rows, another order and other values elsewhere leave every row on its side."""
    config = make_config(SERIAL, folder=tmp_path)
    before = held_out(serial_table[:150], config)
    assert 15 < len(before) < 50
    assert {row for row in held_out(serial_table, config) if row < 150} == before
    assert held_out(serial_table[:150].sample(frac=1, random_state=1), config) == before
    changed = serial_table[:150].assign(size=range(150), note="another")
    changed["colour"] = changed["colour"][::-1].to_numpy()
    assert held_out(changed, config) == before
    assert held_out(serial_table[:150].drop(columns="note").assign(more=1), config) == before


def test_without_an_index_the_values_tell_rows_apart(tmp_path: Path, serial_table: pd.DataFrame) -> None:
    """Without an index the hold-out goes by all values but the target's, so rows that are equal stay together."""
    config = make_config(SERIAL, folder=tmp_path, data={"index": None})
    before = held_out(serial_table, config)
    assert held_out(serial_table.sample(frac=1, random_state=1), config) == before
    assert held_out(serial_table.assign(colour=serial_table["colour"][::-1].to_numpy()), config) == before
    twice = pd.concat([serial_table, serial_table])
    data = load(twice, config)
    assert not set(data.train.features["serial"]) & set(data.holdout.features["serial"])


def test_groups_stay_on_one_side(tmp_path: Path, serial_table: pd.DataFrame) -> None:
    """No group is both learned from and held out; a row without a group is one of its own."""
    config = make_config(SERIAL, folder=tmp_path, data={"group": "code"}, training={"split": {"kind": "group"}})
    data = load(serial_table, config)
    assert data.train.groups is not None
    assert data.holdout.groups is not None
    assert not set(data.train.groups) & set(data.holdout.groups)
    groups = [*data.train.groups, *data.holdout.groups]
    alone = int(serial_table["code"].isna().sum())
    assert len(set(groups)) == serial_table["code"].nunique() + alone
    assert data.holdout_rule.key == ("code",)


TIMES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    "numbers": (list(range(200)), {}),
    "years": ([1900 + row // 4 for row in range(200)], {}),
    "ISO dates": ([f"20{row // 12:02}-{row % 12 + 1:02}-15" for row in range(200)], {}),
    "written dates": ([f"15/{row % 12 + 1:02}/20{row // 12:02}" for row in range(200)], {}),
    "dates of a given format": (
        [f"{row % 12 + 1:02}/{row % 9 + 1:02}/20{row // 12:02}" for row in range(200)],
        {"when": {"kind": "datetime", "datetime_format": "%m/%d/%Y"}},
    ),
}


@pytest.mark.parametrize("case", TIMES)
def test_the_latest_rows_are_held_out(tmp_path: Path, serial_table: pd.DataFrame, case: str) -> None:
    """A split by time holds out the last fifth, whether times are numbers, dates, or dates as the config has them."""
    times, features = TIMES[case]
    split = {"split": {"kind": "time"}}
    config = make_config(SERIAL | features, folder=tmp_path, data={"time": "when"}, training=split)
    shuffled = serial_table.assign(when=times).sample(frac=1, random_state=1)
    latest = held_out(shuffled, config)
    assert latest == {float(row) for row in range(200 - len(latest), 200)}
    assert 40 <= len(latest) < 44


def test_a_column_of_times_that_looks_like_an_index_is_a_time(tmp_path: Path, serial_table: pd.DataFrame) -> None:
    """Dates that differ in every row are dates, even in a column that is called an id."""
    days = pd.date_range("2024-01-01", periods=200).strftime("%Y-%m-%d")
    config = make_config(SERIAL, folder=tmp_path, data={"time": "day_id"}, training={"split": {"kind": "time"}})
    data = load(serial_table.assign(day_id=days), config)
    assert data.train.moments is not None
    assert data.train.moments[0] == datetime(2024, 1, 1, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    ("form", "options"),
    [
        ("{},25", {"kind": "numeric", "decimal": ","}),
        ("{} km", {"kind": "numeric", "unit": "km"}),
        ("{}h 5m", {"kind": "numeric", "number_format": "duration"}),
    ],
)
def test_the_time_is_read_as_its_column_is_written(
    tmp_path: Path, serial_table: pd.DataFrame, form: str, options: dict[str, Any], listed: bool
) -> None:
    """The latest rows are held out, whatever the spelling; as a feature and as a column that is none."""
    table = serial_table.assign(
        at=[form.format(number + 1000) if number % 2 else form.format(number) for number in range(200)]
    )
    features = {**SERIAL, "at": options} if listed else SERIAL
    config = make_config(features, folder=tmp_path, data={"time": "at"}, training={"split": {"kind": "time"}})
    loaded = load(table, config)
    assert loaded.train.moments is not None
    assert loaded.holdout.moments is not None
    assert loaded.train.moments.max() <= loaded.holdout.moments.min()
    assert loaded.holdout.moments.max() < 2000 * 3600


def test_a_validation_table_is_the_hold_out(tmp_path: Path) -> None:
    """A second table is measured on as it is, every row of the first is learned from, and the rule names its hash."""
    table, second = make_table(), make_table(40, seed=1).assign(key=range(1000, 1040))
    second.to_csv(tmp_path / "second.csv", index=False)
    data = load(table, make_config(folder=tmp_path, data={"validation_source": "second.csv"}))
    assert (len(data.train), len(data.holdout)) == (120, 40)
    assert data.holdout.labels.tolist() == second["colour"].tolist()
    assert data.holdout_rule.kind == "table"
    assert data.holdout.sha256 in data.holdout_rule.rule


def test_weights_are_read(tmp_path: Path) -> None:
    """The weight column is one number a row, kept beside its row."""
    table = make_table().assign(weight=[f"{row % 7 + 1}.5" for row in range(120)], serial=range(120))
    data = load(table, make_config(SERIAL, folder=tmp_path, data={"weight": "weight"}))
    for rows in (data.train, data.holdout):
        assert rows.weights is not None
        assert rows.weights.tolist() == [row % 7 + 1.5 for row in rows.features["serial"]]


def test_classes_have_the_order_and_the_labels_of_the_config(tmp_path: Path) -> None:
    """The order of `data.classes` is that of the probabilities, and its labels take the place of the values."""
    classes = {"red": "warm", "green": "cold"}
    data = load(make_table(), make_config(folder=tmp_path, data={"classes": classes}))
    assert data.classes == ("warm", "cold")
    assert set(data.train.labels) == {"warm", "cold"}


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        (["10", "9"], ("9", "10")),
        (["no", "yes"], ("no", "yes")),
        (["Y", "N"], ("N", "Y")),
        (["b", "a"], ("a", "b")),
        ([1.0, 0.0], ("0", "1")),
        ([True, False], ("false", "true")),
        (["c", "a", "b"], ("a", "b", "c")),
    ],
)
def test_classes_that_are_left_out_are_found(tmp_path: Path, values: list[Any], classes: tuple[str, ...]) -> None:
    """Without `data.classes` numbers are ordered by size, yes comes after no, all else goes by the alphabet."""
    table = make_table()
    table["colour"] = [values[row % len(values)] for row in range(120)]
    data = load(table, make_config(folder=tmp_path, data={"source": "table.json", "classes": {}}))
    assert data.classes == classes


def test_a_class_may_be_called_none(tmp_path: Path) -> None:
    """A word that means "missing" elsewhere is a class of the target when `data.classes` lists it."""
    table = make_table().replace({"colour": {"red": "None"}})
    data = load(table, make_config(folder=tmp_path, data={"classes": {"None": "none", "green": "some"}}))
    assert set(data.train.labels) == {"none", "some"}


def test_features_that_are_left_out_are_inferred(tmp_path: Path) -> None:
    """Without `features` every column that is none of the roles becomes one, of the kind its values are."""
    data = load(make_table(400), make_config({}, folder=tmp_path))
    assert {name: feature.kind for name, feature in data.config.features.items()} == {
        name: "numeric" if name == "count" else "categorical" if name == "note" else item["kind"]
        for name, item in EVERY_KIND.items()
    }


def read(tmp_path: Path, cells: list[Any], feature: Any, **data: Any) -> list[Any]:
    """Load a table of one feature `x` and return its values in the order of the rows."""
    table = pd.DataFrame({"x": pd.Series(cells * 15, dtype=object), "serial": range(15 * len(cells))})
    table["colour"] = [CLASSES[row * 7 % 9 % 2] for row in range(len(table))]
    config = make_config({"x": feature, "serial": "numeric"}, folder=tmp_path, data={"index": None} | data)
    frame = all_features(load(table, config)).sort_values("serial")["x"][: len(cells)]
    return [None if pd.isna(value) else value for value in frame]


def test_numbers_among_words_are_numbers(tmp_path: Path) -> None:
    """Money, thousands, blanks and marks of missing values are read as the numbers and gaps that they are."""
    cells = ["$1,200", " 3 ", "", "NA", "?", "-", "2.5e3", "95%", "few"]
    found = read(tmp_path, cells, {"kind": "numeric", "missing_values": ["FEW"]})
    assert found == [1200.0, 3.0, None, None, None, None, 2500.0, 95.0, None]


def test_categories_are_spelt_alike(tmp_path: Path) -> None:
    """Blanks at the ends and a trailing .0 are no part of a category."""
    assert read(tmp_path, [" a", "a ", "3", "3.0", "3.5", "n/a"], "categorical") == ["a", "a", "3", "3", "3.5", None]


def test_truth_values_are_numbers(tmp_path: Path) -> None:
    """Yes and no, true and false, 1 and 0 are 1.0 and 0.0."""
    assert read(tmp_path, ["Yes", "no", "TRUE", "f", "1", "0.0", "null"], "boolean") == [1, 0, 1, 0, 1, 0, None]


def test_dates_are_seconds(tmp_path: Path) -> None:
    """A date is its seconds since 1970 in UTC, by ISO 8601 or by the format of the config."""
    expected = [datetime(2024, 2, 29, tzinfo=UTC).timestamp(), 0.0]
    assert read(tmp_path, ["2024-02-29", "1970-01-01T00:00Z"], "datetime") == expected
    written = {"kind": "datetime", "datetime_format": "%d.%m.%Y"}
    assert read(tmp_path, ["29.02.2024", "01.01.1970"], written) == expected


def test_marks_of_missing_values_are_those_of_the_config(tmp_path: Path) -> None:
    """Words of `data.missing_values` take the place of the usual ones, in upper and lower case."""
    assert read(tmp_path, ["None", "unknown", "b"], "categorical", missing_values=["UNKNOWN"]) == ["None", None, "b"]


@pytest.mark.parametrize(
    ("rename", "aliases"),
    [
        ({"size": "length"}, {"length": ("size",), "price": ()}),
        ({"size": "price", "price": "size"}, {"size": (), "price": ()}),
        ({"size": "price", "price": "cost"}, {"price": ("size",), "cost": ()}),
    ],
)
def test_columns_get_new_names(tmp_path: Path, rename: dict[str, str], aliases: dict[str, tuple[str, ...]]) -> None:
    """A column is known by its new name; its old one is understood at prediction unless another column has it."""
    table = make_table()
    features = {rename.get(name, name): "numeric" for name in ("size", "price")}
    data = load(table, make_config(features, folder=tmp_path, data={"rename": rename}))
    assert {field.name: field.aliases for field in data.schema.fields} == aliases
    plain = load(table, make_config({"size": "numeric", "price": "numeric"}, folder=tmp_path))
    for old in ("size", "price"):
        assert data.train.features[rename.get(old, old)].tolist() == pytest.approx(
            plain.train.features[old].tolist(), nan_ok=True
        )


def test_the_schema_describes_the_training_rows(tmp_path: Path) -> None:
    """Each field knows gaps, range and categories of the rows that were learned from, not of the hold-out."""
    data = load(make_table(gaps=0).assign(price=None).assign(price=range(120)), make_config(folder=tmp_path))
    fields = {field.name: field for field in data.schema.fields}
    train = data.train.features
    assert not fields["size"].nullable
    assert (fields["price"].minimum, fields["price"].maximum) == (train["price"].min(), train["price"].max())
    assert fields["shape"].categories == tuple(sorted(train["shape"].unique()))
    assert fields["code"].categories == tuple(sorted(train["code"].unique()))
    assert (fields["open"].minimum, fields["open"].categories) == (None, None)
    assert data.schema.ignored == ("key", "note", "colour")  # the note feeds nothing


@pytest.mark.parametrize("keys", [[7, *range(1000, 1119)], [*range(120)]], ids=["one", "all"])
def test_a_validation_table_with_training_rows_is_refused(tmp_path: Path, keys: list[int]) -> None:
    """A second table that shares an index with the first, or is the first, cannot tell how good a model is."""
    table = make_table()
    second = table.assign(key=keys)
    second.to_csv(tmp_path / "second.csv", index=False)
    with pytest.raises(errors.DataError, match=r"does not hold, found (1|120) row\(s\) with the same 'key'"):
        load(table, make_config(folder=tmp_path, data={"validation_source": "second.csv"}))


def test_rows_without_a_group_keep_their_side(tmp_path: Path) -> None:
    """Rows whose group is missing are held out by what they hold, whatever their place in the table."""
    table = make_table(gaps=0).assign(party=["" if row % 2 else f"party {row // 4}" for row in range(120)])
    config = make_config(folder=tmp_path, data={"group": "party"}, training={"split": {"kind": "group"}})
    held_out = [
        sorted(load(rows, config).holdout.features["price"].tolist())
        for rows in (table, table.sample(frac=1, random_state=0))
    ]
    assert held_out[0] == held_out[1]


def test_another_source_takes_the_place_of_the_configs(tmp_path: Path) -> None:
    """A source given to the loader is read instead of the config's, from where the caller stands."""
    make_table(90).to_json(tmp_path / "other.json", orient="records")
    data = DataLoader(make_config(folder=tmp_path / "nowhere"), str(tmp_path / "other.json")).load()
    assert data.fingerprint.rows == 90


def test_rows_are_taken_by_mask_and_by_number(tmp_path: Path) -> None:
    """Taking rows keeps features, labels, groups, moments and weights side by side."""
    table = make_table(gaps=0).assign(weight=range(1, 121), serial=range(120))
    config = make_config(SERIAL, folder=tmp_path, data={"weight": "weight", "group": "shape", "time": "serial"})
    rows = load(table, config).train
    wanted = np.array([5, 3, 3])
    mask = np.isin(np.arange(len(rows)), [3, 5])
    for taken, places in ((rows.take(wanted), [5, 3, 3]), (rows.take(mask), [3, 5])):
        assert taken.features["serial"].tolist() == rows.features["serial"].iloc[places].tolist()
        for name in ("labels", "groups", "moments", "weights"):
            assert getattr(taken, name).tolist() == getattr(rows, name)[places].tolist()
        assert taken.features.index.tolist() == list(range(len(places)))


def test_a_pipeline_comes_back_from_its_folder(model_folder: Path, titanic: TrainingData) -> None:
    """The pipeline of the packaged model is loaded beside its manifest, and predicts the same after a round trip."""
    pipeline, manifest = load_pipeline(model_folder)
    probabilities = pipeline.predict_proba(titanic.holdout.features)
    assert probabilities.shape == (len(titanic.holdout), len(manifest.classes))
    again = joblib.load(io.BytesIO(dump_pipeline(pipeline)))
    assert (again.predict_proba(titanic.holdout.features) == probabilities).all()
