"""Models in operation: predictions on record that can be repeated, the verdict on them, folders saved elsewhere."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import DERIVED, EVERY_KIND, make_config, make_table, train

from classification_model.config.core import Config
from classification_model.errors import (
    ArtifactError,
    DataError,
    InputError,
    LogUnavailableError,
    TrainingError,
    VerificationError,
)
from classification_model.own_models.classification_model import ClassificationModel
from classification_model.predict import Predictor
from classification_model.runtime.log.prediction_log import PredictionLog, iter_predictions
from classification_model.runtime.mle.model import MLEModel, ServedModel
from classification_model.runtime.model_folder.artifact import MANIFEST

pytestmark = pytest.mark.slow


UUID7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
FORMATTED = {"kind": "datetime", "datetime_format": "%d.%m.%Y"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train on every kind of feature, one of them renamed, one masked."""
    place = tmp_path_factory.mktemp("trained")
    table = make_table(160)
    table["written"] = [f"{1 + row % 28:02}.{1 + row % 12:02}.2024" if row % 9 else None for row in range(len(table))]
    features = {"measure": {"kind": "numeric"}, **EVERY_KIND, **DERIVED, "written": FORMATTED}
    table["weight in kg"] = [row if row % 8 else None for row in range(len(table))]
    config = make_config(
        features,
        folder=place,
        data={"rename": {"weight in kg": "measure"}},
        monitoring={"masked": ["grade"], "accuracy_floor": 0.8, "minimum_count": 4},
    )
    return train(table, config).folder


@pytest.fixture
def served(folder: Path, tmp_path: Path) -> ServedModel:
    """Load the model with a log of its own."""
    return ServedModel(PredictionLog(tmp_path / "log")).load(folder)


def rows_of(count: int, seed: int = 3) -> list[dict[str, Any]]:
    """Make good rows."""
    table = make_table(count, seed=seed).drop(columns=["key", "colour"])
    return [dict(zip(table.columns, row, strict=True)) for row in table.itertuples(index=False, name=None)]


def records(model: MLEModel) -> list[dict[str, Any]]:
    """Read the log of a model."""
    assert model.log is not None
    return list(iter_predictions(model.log.folder))


def test_predictions_are_on_record_when_they_are_returned(served: ServedModel) -> None:
    """Each row has a record of its own, under the id of the answer, with model, version, index, features and answer."""
    rows = rows_of(3)
    answer = served.predict_with_logging(rows, index=["a", 7, None])
    assert {key: value for key, value in answer.items() if key != "prediction_ids"} == served.predict(rows)
    found = records(served)
    assert [record["prediction_id"] for record in found] == answer["prediction_ids"]
    assert [record["index"] for record in found] == ["a", 7, None]
    assert [record["prediction"] for record in found] == answer["predictions"]
    assert [record["probabilities"] for record in found] == answer["probabilities"]
    assert {(record["model"], record["version"]) for record in found} == {("colours", "1.0.0")}
    assert all(UUID7.fullmatch(record["prediction_id"]) for record in found)
    assert len({record["prediction_id"] for record in found}) == 3


def test_rows_in_error_are_not_logged(served: ServedModel) -> None:
    """A row that breaks the schema has neither prediction nor id nor record; its neighbours keep their keys."""
    first, second, third = rows_of(3)
    answer = served.predict_with_logging([first, second | {"size": "large"}, third], index=["a", "b", "c"])
    assert [name is None for name in answer["prediction_ids"]] == [False, True, False]
    assert [record["index"] for record in records(served)] == ["a", "c"]
    unknown = served.predict_with_logging({"size": [1.0, 2.0], "no such column": [1, 2]})
    assert unknown["prediction_ids"] == [None, None]
    assert len(records(served)) == 2


@pytest.mark.parametrize("as_input", [list, pd.DataFrame, lambda rows: pd.DataFrame(rows).to_dict("list")])
def test_features_are_those_of_the_schema_as_they_were_given(served: ServedModel, as_input: Any) -> None:
    """Aliases become the field's name; what is masked or not used is left out, and so is what was not given."""
    row = {"weight in kg": 3, "size": " 1,200 ", "grade": "low", "key": 8, "price": None, "open": "yes"}
    answer = served.predict_with_logging(as_input([row]))
    assert answer["errors"] is None
    (record,) = records(served)
    assert record["features"] == {"measure": 3, "size": " 1,200 ", "price": None, "open": "yes"}


def test_no_rows_are_no_records(served: ServedModel) -> None:
    """An empty input is answered and leaves no record."""
    assert served.predict_with_logging([])["prediction_ids"] == []
    assert records(served) == []


def test_without_a_record_there_is_no_answer(folder: Path, tmp_path: Path) -> None:
    """Where the log cannot be written, or there is none, an error stands in the place of the answer."""
    (tmp_path / "log").write_text("a file where the folder should be")
    with pytest.raises(LogUnavailableError, match="cannot be written"):
        ServedModel(PredictionLog(tmp_path / "log")).load(folder).predict_with_logging(rows_of(1))
    with pytest.raises(
        LogUnavailableError, match=r"expected a log in this ServedModel, found none: make it with log=PredictionLog"
    ):
        ServedModel().load(folder).predict_with_logging(rows_of(1))


@pytest.mark.parametrize(
    ("index", "message"),
    [
        (["a"], "index: expected a list of one key for each row, found 1 for 2 rows"),
        ("ab", "index: expected a list of one key for each row, found str"),
        ([True, 1], "whole number of 64 bits or None as the key of row 0 \\(counted from 0\\), found bool"),
        ([1, 2.5], "as the key of row 1 \\(counted from 0\\), found float"),
        ([1, 2**63], "as the key of row 1 \\(counted from 0\\), found int"),
        (["x" * 257, "y"], "as the key of row 0 \\(counted from 0\\), found str"),
        (["x", "\ud800"], "as the key of row 1 \\(counted from 0\\), found str"),
    ],
)
def test_an_index_is_one_key_a_row(served: ServedModel, index: Any, message: str) -> None:
    """Any other index is an error, and then nothing is logged."""
    with pytest.raises(InputError, match=message):
        served.predict_with_logging(rows_of(2), index=index)
    assert records(served) == []


@pytest.mark.parametrize("index", [np.array([5, 6]), pd.Series([5, 6]), pd.Index([5, 6]), (5, 6), range(5, 7)])
def test_an_index_may_be_a_column(served: ServedModel, index: Any) -> None:
    """Keys of numpy and pandas are logged as the numbers they are."""
    served.predict_with_logging(rows_of(2), index=index)
    assert [record["index"] for record in records(served)] == [5, 6]


NUMBERS = st.one_of(
    st.none(),
    st.floats(-1e30, 1e30),
    st.floats(-1e30, 1e30).map(np.float32),
    st.floats(width=16, allow_infinity=False).map(np.float16),
    st.integers(-(2**53), 2**53),
    st.integers(-(2**31), 2**31 - 1).map(np.int32),
    st.decimals(-(10**9), 10**9, allow_nan=True),
    st.sampled_from(["28.5", " $1,200 ", "95%", "nan", "", np.nan, pd.NA, pd.NaT, np.str_("7")]),
)
TEXTS = st.one_of(
    st.none(),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20),
    st.integers(-(2**64), 2**64),
    st.floats(allow_nan=True, allow_infinity=True),
    st.booleans(),
    st.booleans().map(np.bool_),
    st.decimals(allow_nan=True, allow_infinity=True),
    st.dates(),
    st.datetimes().map(lambda value: np.datetime64(value, "us")),
    st.sampled_from(["disc", "cube", "K3", "now 3 pieces", "3.0", 3, pd.Timestamp("2024-02-03 04:05:06.000000007")]),
)
MOMENTS = st.one_of(
    st.none(),
    st.dates(),
    st.datetimes(),
    st.datetimes(timezones=st.just(UTC)),
    st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)).map(pd.Timestamp),  # noqa: DTZ001 - without a zone
    st.datetimes().map(lambda value: np.datetime64(value, "us")),
    st.sampled_from(["2024-03-01", "2024-03-01T12:00:00+02:00", pd.NaT, np.datetime64("NaT", "ns"), ""]),
)
BOOLEANS = st.sampled_from(
    [None, True, False, 1, 0.0, np.bool_(1), np.float64(1), np.int8(0), "yes", "F", Decimal(1), pd.NA]
)
WRITTEN = st.one_of(st.none(), st.dates(), st.dates().map(np.datetime64), st.just("03.02.2024"))
FIELDS = {
    **dict.fromkeys(["measure", "size", "price", "count"], NUMBERS),
    **dict.fromkeys(["shape", "grade", "code", "note"], TEXTS),
    "open": BOOLEANS,
    "day": MOMENTS,
    "written": WRITTEN,
}


@pytest.fixture(scope="module")
def unmasked(folder: Path) -> Predictor:
    """Load the model, with nothing masked."""
    predictor = Predictor.load(folder)
    manifest = predictor.manifest
    return Predictor(predictor.model, manifest.model_copy(update={"monitoring": manifest.monitoring | {"masked": []}}))


@settings(max_examples=150)
@given(
    rows=st.lists(st.fixed_dictionaries({}, optional=FIELDS), min_size=1, max_size=4),
    kind=st.sampled_from(["rows", "columns", "frame"]),
)
def test_a_record_gives_the_same_probabilities_again(unmasked: Predictor, rows: list[Any], kind: str) -> None:
    """Whatever a row was given as, its logged features give the same probabilities to the last bit."""
    names = sorted({name for row in rows for name in row})
    columns = {name: [row.get(name) for row in rows] for name in names}
    given_as: Any = rows if kind == "rows" else columns
    if kind == "frame":
        given_as = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in columns.items()})
        given_as = given_as.reindex(range(len(rows)))
    with TemporaryDirectory() as place:
        model = ServedModel(PredictionLog(Path(place)))
        model.predictor = unmasked
        answer = model.predict_with_logging(given_as)
        found = {record["prediction_id"]: record for record in records(model)}
    assert answer["errors"] is None or None in answer["prediction_ids"]
    assert set(found) == {name for name in answer["prediction_ids"] if name is not None}
    for name, label, shares in zip(
        answer["prediction_ids"], answer["predictions"], answer["probabilities"], strict=True
    ):
        if name is not None:
            again = unmasked.predict([found[name]["features"]])
            assert again["errors"] is None
            assert (again["predictions"], again["probabilities"]) == ([label], [shares])


def test_native_columns_of_a_frame_are_logged_as_json(served: ServedModel) -> None:
    """Numbers, categories and moments of pandas' own types are numbers, texts and ISO moments in the log."""
    frame = pd.DataFrame(
        {
            "size": pd.array([1, None], dtype="Int64"),
            "price": np.array([1.5, np.nan], dtype=np.float32),
            "shape": pd.Categorical(["disc", None]),
            "day": [pd.Timestamp("2024-01-02"), pd.NaT],
            "written": [date(2024, 2, 3), None],
        }
    )
    assert served.predict_with_logging(frame)["errors"] is None
    first, second = (record["features"] for record in records(served))
    day = "2024-01-02T00:00:00+00:00"
    assert first == {"size": 1, "price": 1.5, "shape": "disc", "day": day, "written": "03.02.2024"}
    assert second == dict.fromkeys(first)


def test_the_verdict_counts_what_is_on_record(served: ServedModel) -> None:
    """Labels are joined by id; those of unknown predictions and of other versions are counted apart."""
    answer: Any = served.predict_with_logging(rows_of(40))
    right = dict(zip(answer["prediction_ids"], answer["predictions"], strict=True))
    other = {"red": "green", "green": "red"}
    wrong = {name: other[label] for name, label in right.items()}
    found = served.needs_retraining(right | {"unknown": "red"})
    assert (found.retrain, found.count, found.right, found.accuracy, found.unknown) == ("no", 40, 40, 1.0, 1)
    assert (found.floor, found.minimum_count, found.others) == (0.8, 4, 0)
    assert served.needs_retraining(wrong).retrain == "yes"
    assert served.needs_retraining({}).retrain == "wait"
    assert served.needs_retraining({}).accuracy is None
    few = dict(list(wrong.items())[:3])
    assert served.needs_retraining(few).retrain == "wait"
    assert served.needs_retraining(few, minimum_count=3).retrain == "yes"
    mixed = served.needs_retraining(wrong | dict(list(right.items())[:30]))
    assert (mixed.right, mixed.retrain) == (30, "wait")
    assert mixed.low < mixed.accuracy < mixed.high  # type: ignore[operator]  # there are labels
    assert served.needs_retraining(wrong | dict(list(right.items())[:30]), floor=0.5).retrain == "no"


def test_a_manifest_without_limits_has_those_of_the_config(served: ServedModel) -> None:
    """The floor is 0.70 of 100 labels where nothing else was configured."""
    predictor = served.predictor
    assert predictor is not None
    served.predictor = Predictor(predictor.model, predictor.manifest.model_copy(update={"monitoring": {}}))
    found = served.needs_retraining({})
    assert (found.floor, found.minimum_count) == (0.7, 100)


def test_another_version_answers_for_its_own_predictions(served: ServedModel) -> None:
    """Predictions of a former version say nothing of the accuracy of this one."""
    predictor = served.predictor
    assert predictor is not None
    former = ServedModel(served.log)
    former.predictor = Predictor(predictor.model, predictor.manifest.model_copy(update={"version": "0.9.0"}))
    old: Any = former.predict_with_logging(rows_of(3))["prediction_ids"]
    new: Any = served.predict_with_logging(rows_of(2))["prediction_ids"]
    found = served.needs_retraining(dict.fromkeys([*old, *new], "red"))
    assert (found.count, found.others, found.unknown) == (2, 3, 0)


def test_labels_and_limits_of_a_verdict_are_checked(served: ServedModel) -> None:
    """A label that is no class, a floor that is no share and a model without a log are errors."""
    with pytest.raises(InputError, match="expected labels among red, green, found '1'"):
        served.needs_retraining({"some id": "1"})
    with pytest.raises(InputError, match="expected a floor between 0 and 1 and a minimum_count"):
        served.needs_retraining({}, floor=70)
    served.log = None
    with pytest.raises(LogUnavailableError, match="expected a log in this ServedModel, found none"):
        served.needs_retraining({})


def test_a_model_must_be_loaded_first() -> None:
    """Before a folder is loaded there is nothing to predict, tell or save."""
    empty = ServedModel()
    for use in (lambda: empty.predict([]), lambda: empty.manifest, lambda: empty.model, lambda: empty.save("x")):
        with pytest.raises(
            ArtifactError, match="expected a loaded model in this ServedModel, found none: call its load"
        ):
            use()


def test_a_class_must_say_how_it_learns_and_predicts() -> None:
    """A subclass that leaves out one of the five cannot be made."""
    with pytest.raises(TypeError, match=r"fit.*load.*model.*predict.*save"):
        type("Half", (MLEModel,), {})()


def contents(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_loaded_model_is_saved_elsewhere_byte_by_byte(served: ServedModel, folder: Path, tmp_path: Path) -> None:
    """The other folder is the same model."""
    served.save(tmp_path / "elsewhere")
    assert contents(tmp_path / "elsewhere") == contents(folder)
    assert ServedModel().load(tmp_path / "elsewhere").manifest == served.manifest


def test_a_model_that_was_changed_is_not_saved(served: ServedModel, tmp_path: Path) -> None:
    """Files that are no longer what was loaded go nowhere, and the model that serves stays."""
    served.save(tmp_path / "copy")
    copy = ServedModel().load(tmp_path / "copy")
    (tmp_path / "copy" / "reports" / "report.html").write_bytes(b"")
    with pytest.raises(VerificationError, match=r"reports/report.html was changed"):
        copy.save(tmp_path / "elsewhere")
    with pytest.raises(VerificationError, match="changed"):
        copy.load(tmp_path / "copy")
    assert copy.predict(rows_of(1))["errors"] is None
    assert not (tmp_path / "elsewhere").exists()


def test_a_replaced_model_is_not_saved_as_the_one_before(served: ServedModel, folder: Path, tmp_path: Path) -> None:
    """Where another model took the folder meanwhile, saving says so."""
    served.save(tmp_path / "copy")
    copy = ServedModel().load(tmp_path / "copy")
    features = {"size": {"kind": "numeric"}}
    other = train(make_table(), make_config(features, folder=tmp_path)).folder
    ServedModel().load(other).save(tmp_path / "copy")
    with pytest.raises(ArtifactError, match="does not hold the model that was loaded any more: load it again"):
        copy.save(tmp_path / "elsewhere")


def test_what_is_served_does_not_learn(served: ServedModel) -> None:
    """`fit` of a served model names the class that learns."""
    with pytest.raises(
        TrainingError, match=r"a ServedModel cannot be fitted: use classification_model\.ClassificationModel"
    ):
        served.fit([], [])


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """Describe a small problem whose table is there."""
    make_table(200).to_csv(tmp_path / "table.csv", index=False)
    classes = {"red": "stop", "green": "go"}
    return make_config({"size": "numeric", "shape": "categorical"}, folder=tmp_path, data={"classes": classes})


def test_a_config_is_trained_saved_and_loaded(config: Config, tmp_path: Path) -> None:
    """What predicts after training predicts the same after it was saved and loaded, and logs."""
    model = ClassificationModel(config, PredictionLog(tmp_path / "log")).fit(jobs=1)
    rows = [{"size": 1.5, "shape": "disc"}, {"size": None, "shape": "cone"}]
    before = model.predict(rows)
    assert not list(tmp_path.glob("**/manifest.json"))
    model.save(tmp_path / "model")
    loaded = ClassificationModel(config, model.log).load(tmp_path / "model")
    assert loaded.predict(rows) == before
    assert set(before["predictions"]) <= {"stop", "go"}
    assert loaded.predict_with_logging(rows)["prediction_ids"] == [r["prediction_id"] for r in records(loaded)]
    loaded.save(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "model")
    assert (tmp_path / "model" / MANIFEST).is_file()


@pytest.mark.parametrize("named", [False, True], ids=["values of the target", "labels of the classes"])
def test_a_frame_is_trained_on(config: Config, tmp_path: Path, named: bool) -> None:
    """A frame and its labels, spelled either way, give what the same table in a file gives."""
    table = make_table(200)
    labels = table.pop("colour").map({"red": "stop", "green": "go"} if named else {"red": "red", "green": "green"})
    model = ClassificationModel(config).fit(table, labels, jobs=1)
    whole = ClassificationModel(config).fit(jobs=1)
    assert model.trained is not None
    assert model.manifest.metrics == whole.manifest.metrics
    assert model.manifest.golden_rows == whole.manifest.golden_rows
    assert model.manifest.data.rows == 200
    assert model.manifest.data.sha256 == whole.manifest.data.sha256
    assert model.manifest.config_hash == config.hash


def test_a_frame_needs_no_more_than_the_features(config: Config) -> None:
    """Without the index, rows are told from each other by the values of their features."""
    table = make_table(200)
    model = ClassificationModel(config).fit(table[["size", "shape"]], table["colour"].to_numpy(), jobs=1)
    assert model.manifest.holdout.key == ("shape", "size")
    assert model.manifest.input_schema.ignored == ("colour",)


def test_a_bad_frame_leaves_the_model_that_was_there(config: Config) -> None:
    """A frame without labels, with others, too few or with the target in it is an error that says so."""
    model = ClassificationModel(config).fit(jobs=1)
    before, table = model.predictor, make_table(50)
    features = table[["size", "shape"]]
    with pytest.raises(
        InputError, match="expected features as a pandas DataFrame and labels, or neither, found DataFrame and NoneType"
    ):
        model.fit(features)
    with pytest.raises(InputError, match=r"labels: expected shape \(50,\), one for each row, found \(1,\)"):
        model.fit(features, ["red"])
    with pytest.raises(InputError, match="expected features without the target, found the column 'colour'"):
        model.fit(table, table["colour"])
    with pytest.raises(DataError, match=r"the given table has no column 'shape', which features.shape names"):
        model.fit(table[["size"]], table["colour"])
    with pytest.raises(
        DataError, match=r"expected a value of data\.classes \(.*\), found 'blue' in row 1 .*: list it there"
    ):
        model.fit(features, ["red", "blue"] * 25)
    assert model.predictor is before


def test_a_model_that_was_not_loaded_from_a_folder_is_not_saved(served: ServedModel, tmp_path: Path) -> None:
    """There is nothing to copy where the predictor was given."""
    model = ServedModel()
    model.predictor = served.predictor
    with pytest.raises(ArtifactError, match="expected a ServedModel loaded from a model folder, found another"):
        model.save(tmp_path / "copy")
    assert not (tmp_path / "copy").exists()
