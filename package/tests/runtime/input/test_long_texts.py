"""A limit on the length of texts: one setting, which every reader of values keeps."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

# As `export.portable.shapes` does.
from re import _constants as sre  # type: ignore[attr-defined]  # typeshed leaves it out
from re import _parser  # type: ignore[attr-defined]  # the same
from typing import Any

import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import EVERY_KIND, load, make_config, make_table, train
from pydantic import ValidationError
from sklearn.pipeline import Pipeline
from written import write_table

from classification_model.batch.predict_file import predict_file
from classification_model.config.core import parse_config
from classification_model.errors import ConfigError, DataError
from classification_model.export import compile_and_prove
from classification_model.labels.known_rows import known_rows
from classification_model.monitoring.raw_values import read_field
from classification_model.own_models.save_estimator import save_estimator
from classification_model.patterns.searched_texts import Search, searches_of
from classification_model.pipeline import build_pipeline
from classification_model.predict import Predictor
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.processing.draft import draft_config
from classification_model.retraining.training_rows import training_rows
from classification_model.runtime.inference.derivations.texts import whole_words
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.moments import read_moment
from classification_model.runtime.input.row_model import row_model
from classification_model.runtime.input.values import UnreadableValue, read_number
from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.model_folder.manifest import seal
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow


#: `note` is searched, `shape` and `grade` are through a combination, `code` is not.
FEATURES: dict[str, Any] = EVERY_KIND | {
    "word": {"derive": "pattern", "from": ["note"], "pattern": r"^(\w+)"},
    "shape_and_grade": {"derive": "combine", "from": ["shape", "grade"], "encode": "none"},
    "shape_grade_and_open": {"derive": "combine", "from": ["shape_and_grade", "open"], "encode": "none"},
    "first": {"derive": "pattern", "from": ["shape_grade_and_open"], "pattern": r"^(\w+)"},
    "code_and_size": {"derive": "combine", "from": ["code", "size"]},
}
LIMITS = {"size": 1000, "price": 1000, "shape": 1000, "grade": 1000, "code": 10_000, "note": 1000}
MESSAGE = "expected at most {} characters, found more"
GOOD = {
    "size": 1.0,
    "price": 2.0,
    "count": 3,
    "open": True,
    "shape": "disc",
    "grade": "low",
    "code": "K1",
    "note": "now 1 pieces",
    "day": "2024-05-01",
}


@pytest.fixture(scope="module")
def predictor(tmp_path_factory: pytest.TempPathFactory) -> Predictor:
    """Train on fields of every kind; give the model."""
    folder = tmp_path_factory.mktemp("trained")
    return Predictor.load(train(make_table(160), make_config(FEATURES, folder=folder)).folder)


def text_of(field: str, length: int) -> str:
    """Make a text that the field can read but for its length."""
    return "1".rjust(length, "0") if field in {"size", "price"} else "x" * length


# What each reader says of a row: (field, code, message) of an error, or None.

Said = list[tuple[str, str, str]] | None


def as_rows(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    return _said(predictor.predict([GOOD, row]))


def as_one_row(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    said = _said(predictor.predict([row]))
    assert (predictor.read_few_rows([row], []) is None) == (said is not None)
    return said


def as_columns(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    return _said(predictor.predict({name: [GOOD[name], value] for name, value in row.items()}))


def as_frame(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    return _said(predictor.predict(pd.DataFrame([GOOD, row], dtype=object)))


def as_explained_rows(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    return _said(predictor.predict([GOOD, row], explain=True))


def as_many_rows(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    return _said(predictor.predict([GOOD] * 200 + [row]))


def as_row_model(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    model = row_model(predictor.manifest.input_schema)
    try:
        model.model_validate(row)
    except ValidationError as error:
        return [(str(fault["loc"][0]), fault["type"], fault["msg"]) for fault in error.errors()]
    return None


def as_csv(predictor: Predictor, row: dict[str, Any], folder: Path) -> Said:
    return _said_of_file(predictor, row, folder, "csv")


def as_json_lines(predictor: Predictor, row: dict[str, Any], folder: Path) -> Said:
    return _said_of_file(predictor, row, folder, "jsonl")


def as_json(predictor: Predictor, row: dict[str, Any], folder: Path) -> Said:
    return _said_of_file(predictor, row, folder, "json")


def as_parquet(predictor: Predictor, row: dict[str, Any], folder: Path) -> Said:
    return _said_of_file(predictor, row, folder, "parquet")


def as_log(predictor: Predictor, row: dict[str, Any], _: Path) -> Said:
    """Read a column of the log, of which is only told how many values cannot be read."""
    said = []
    for field in predictor.manifest.input_schema.fields:
        column = pd.Series([GOOD[field.name], row[field.name]], dtype=object)
        if read_field(field, column).remarks.unreadable:
            said.append((field.name, "too_large", MESSAGE.format(LIMITS[field.name])))
    return said or None


def _said(answer: Any) -> Said:
    if answer["errors"] is None:
        return None
    last = len(answer["predictions"]) - 1
    assert {issue["row"] for issue in answer["errors"]} == {last}
    assert [row for row, label in enumerate(answer["predictions"]) if label is None] == [last]
    return [(issue["field"], issue["code"], issue["message"]) for issue in answer["errors"]]


def _said_of_file(predictor: Predictor, row: dict[str, Any], folder: Path, suffix: str) -> Said:
    write_table(pd.DataFrame([GOOD, row]).astype(str), str(folder / f"in.{suffix}"))
    outcome = predict_file(predictor, str(folder / f"in.{suffix}"), str(folder / "out.jsonl"))
    good, other = map(json.loads, (folder / "out.jsonl").read_text(encoding="utf-8").splitlines())
    assert good["errors"] is None
    assert (outcome.rejected, other["prediction"] is None) == ((0, False) if other["errors"] is None else (1, True))
    if other["errors"] is None:
        return None
    field, _, message = other["errors"].partition(": ")
    return [(field, "too_large", message)]


READERS: list[Callable[[Predictor, dict[str, Any], Path], Said]] = [
    as_rows,
    as_one_row,
    as_columns,
    as_frame,
    as_explained_rows,
    as_many_rows,
    as_row_model,
    as_csv,
    as_json_lines,
    as_json,
    as_parquet,
    as_log,
]


@pytest.mark.parametrize("read", READERS, ids=lambda read: read.__name__[3:])
@pytest.mark.parametrize("field", LIMITS)
def test_every_reader_keeps_the_limit_of_a_field(
    predictor: Predictor,
    tmp_path: Path,
    field: str,
    read: Callable[[Predictor, dict[str, Any], Path], Said],
) -> None:
    """The longest text is read, one character more is `too_large`, blanks around it included, in whatever form."""
    longest = LIMITS[field]
    too_large = [(field, "too_large", MESSAGE.format(longest))]
    assert read(predictor, GOOD | {field: text_of(field, longest)}, tmp_path) is None
    assert read(predictor, GOOD | {field: text_of(field, longest + 1)}, tmp_path) == too_large
    assert read(predictor, GOOD | {field: text_of(field, longest - 1) + "  "}, tmp_path) == too_large
    assert read(predictor, GOOD | {field: text_of(field, 9)}, tmp_path) is None


@pytest.mark.parametrize("read", READERS[:-1], ids=lambda read: read.__name__[3:])
def test_characters_are_counted_and_not_bytes(
    predictor: Predictor, tmp_path: Path, read: Callable[[Predictor, dict[str, Any], Path], Said]
) -> None:
    """A character beyond ASCII is one character, as it is for all other limits on texts."""
    assert read(predictor, GOOD | {"note": "\N{GRINNING FACE}" * 1000}, tmp_path) is None
    assert read(predictor, GOOD | {"note": "\N{GRINNING FACE}" * 1001}, tmp_path) is not None


def test_a_limit_stands_in_the_manifest_and_the_json_schema(predictor: Predictor) -> None:
    """Each field says its own limit: 10,000 for categories that nothing is sought in, else what the config says."""
    schema = predictor.manifest.input_schema
    assert {field.name: field.longest_text for field in schema.fields if field.name in LIMITS} == LIMITS
    properties = row_model(schema).model_json_schema()["properties"]
    described = {name: its["maxLength"] for name, its in properties.items() if "maxLength" in its}
    assert described == LIMITS | {"count": 1000}


def test_long_numbers_are_read_whole(predictor: Predictor) -> None:
    """A number of a thousand digits is read to its last digit, and one that is too large stays too large."""
    assert read_number("0" * 999 + "7", frozenset()) == 7.0
    (issue,) = predictor.predict([GOOD | {"size": "1" * 50}])["errors"] or []
    assert issue["message"] == "expected a number of at most 1e30 in size, found a larger one"


def test_a_long_text_is_no_date_and_no_truth_value(predictor: Predictor) -> None:
    """Dates and truth values say of a long text what they say of any other that is none."""
    for value in ("2024-05-01" + "0" * 9991, "9" * 100_000, " " * 5000 + "x" * 5000):
        errors = predictor.predict([GOOD | {"day": value, "open": value}])["errors"] or []
        assert [(issue["field"], issue["code"]) for issue in errors] == [("open", "type"), ("day", "not_a_date")]
    assert predictor.predict([GOOD | {"day": " " * 5000 + "2024-05-01", "open": "yes" + " " * 5000}])["errors"] is None
    with pytest.raises(UnreadableValue, match="expected a date as %d %b %Y"):
        read_moment("1" + " " * 100_000 + "Jan 2020", frozenset(), "%d %b %Y")


# Training


@pytest.mark.parametrize(
    ("column", "remedy"),
    [
        ("note", r"shorten them, or raise data\.longest_text \(maximum 10000\)$"),
        ("shape", r"shorten them, or raise data\.longest_text \(maximum 10000\)$"),
        ("size", r"shorten them, or raise data\.longest_text \(maximum 10000\)$"),
        ("code", "shorten them$"),
    ],
)
@pytest.mark.parametrize("suffix", ["csv", "parquet", "jsonl"])
def test_training_names_the_cell_that_is_too_long(tmp_path: Path, suffix: str, column: str, remedy: str) -> None:
    """A longer cell ends training with its column, its row and the remedy, and nothing is saved."""
    table = make_table(120, gaps=0).astype(str)
    table.loc[[7, 11], column] = text_of(column, LIMITS[column] + 1)
    config = make_config(FEATURES, folder=tmp_path, data={"source": f"table.{suffix}"})
    message = MESSAGE.format(LIMITS[column])
    expected = f"^table.{suffix}: column '{column}', {FEATURES[column]['kind']}, row 7 \\(counted from 0\\): {message} "
    with pytest.raises(DataError, match=expected + rf"\(.*\), in 2 row\(s\): {remedy}"):
        train(table, config)
    assert [path.name for path in tmp_path.iterdir()] == [f"table.{suffix}"]


def test_weights_and_times_are_numbers_like_others(tmp_path: Path) -> None:
    """A weight that is written as a long text is refused as a feature would be."""
    table = make_table(120, gaps=0).assign(weight="1")
    table.loc[3, "weight"] = text_of("size", 1001)
    with pytest.raises(
        DataError, match=r"^column 'weight', the weight, row 3 \(counted from 0\): expected at most 1000 characters"
    ):
        train(table, make_config(FEATURES, folder=tmp_path, data={"weight": "weight"}))


def test_the_limit_is_raised_by_the_config(tmp_path: Path) -> None:
    """With a higher limit longer texts are learned from and predicted, and proved to be compiled right."""
    table = make_table(160, gaps=0).astype(object)
    table.loc[::2, "note"] = "now " + "x" * 1990
    table.loc[::3, "size"] = "1.5".rjust(2000, "0")
    config = make_config(FEATURES, folder=tmp_path, data={"longest_text": 2000})
    report = train(table, config)
    assert report.manifest.parity is not None
    predictor = Predictor.load(report.folder)
    limits = {field.name: field.longest_text for field in predictor.manifest.input_schema.fields}
    assert (limits["note"], limits["size"], limits["shape"], limits["code"]) == (2000, 2000, 2000, 10_000)
    for read in (as_rows, as_csv, as_parquet):
        assert read(predictor, GOOD | {"note": "x" * 2000, "size": "0" * 2000}, tmp_path) is None
        said = read(predictor, GOOD | {"note": "x" * 2001}, tmp_path)
        assert said == [("note", "too_large", MESSAGE.format(2000))]


def test_the_limit_is_lowered_by_the_config(tmp_path: Path) -> None:
    """Generated rows of the proof keep to a low limit, as callers have to."""
    report = train(make_table(160), make_config(FEATURES, folder=tmp_path, data={"longest_text": 100}))
    assert report.manifest.parity is not None
    assert report.manifest.parity.generated_rows == compile_and_prove.GENERATED_ROWS
    assert as_rows(Predictor.load(report.folder), GOOD | {"note": "x" * 101}, tmp_path) is not None


@pytest.mark.parametrize(
    ("value", "expected"),
    [("99", "a number at least 100"), ("10001", "a number at most 10000"), ("long", "a whole number")],
)
def test_the_limit_has_bounds(value: str, expected: str) -> None:
    """No number that is written in full needs fewer characters, and no text may have more than any other."""
    text = f"app:\n  name: a\ndata:\n  source: a.csv\n  target: b\n  longest_text: {value}\n"
    with pytest.raises(ConfigError, match=f"^config.yml:6: data.longest_text: expected {expected}, found '{value}'$"):
        parse_config(text)


def test_rows_of_the_log_are_learned_from_as_the_config_reads_them(predictor: Predictor, tmp_path: Path) -> None:
    """A logged row that is too long for the config is left out, with a note, and no other row is."""
    config = make_config(FEATURES, folder=tmp_path)
    known = known_rows(config, DataLoader(config, make_table(160, seed=3)).read())
    rows = [GOOD | {"size": float(number)} for number in range(6)]
    rows[2]["note"] = "x" * 1001
    rows[4]["shape"] = "x" * 1001
    manifest = predictor.manifest
    frame = pd.DataFrame(
        {
            "prediction_id": [f"id{number}" for number in range(6)],
            "timestamp": pd.date_range(manifest.created, periods=6, freq="h"),
            "model": manifest.name,
            "version": manifest.version,
            "index": pd.Series([f"k{number}" for number in range(6)], dtype=object),
            "prediction": "red",
            "label": ["red", "green"] * 3,
        }
        | {f"features.{name}": pd.Series([row[name] for row in rows], dtype=object) for name in GOOD}
    )
    found = training_rows(frame, known, manifest)
    assert "left out: 2 logged rows with values that the config does not allow" in found.notes
    assert sorted([*found.extra["size"], *(row["size"] for row in found.recent)]) == [0, 1, 3, 5]


# Drafts


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ([f"{number % 9}.5" for number in range(119)] + ["7".rjust(1500, "0")], "categorical"),
        ([f"{number % 9}.5" for number in range(119)] + ["na" + " " * 1500], "categorical"),
        ([f"{number % 9}.5" for number in range(119)] + ["7".rjust(1000, "0")], "numeric"),
        ([f"call number {number} took {'long ' * 400}" for number in range(120)], "text"),
        ([f"{'x' * 1500}{number % 3}" for number in range(120)], "categorical"),
        ([f"2024-01-{number % 28 + 1:02}" for number in range(119)] + ["w" * 1500], "datetime"),
    ],
    ids=["a long number", "long blanks", "the longest number", "long texts", "long categories", "a long word"],
)
def test_a_draft_of_long_texts_can_be_trained(tmp_path: Path, column: list[Any], kind: str) -> None:
    """What `init` makes of a column with long texts, training takes: a number that is too long makes it none."""
    sizes = [number * 1.3 for number in range(120)]
    table = pd.DataFrame({"size": sizes, "it": column, "left": ["yes", "no", "no"] * 40}, dtype=object)
    write_table(table.astype(str), str(tmp_path / "t.csv"))
    text = draft_config(str(tmp_path / "t.csv"), "left", tmp_path)
    quick = text.replace("training:\n", "training:\n  estimator: logistic_regression\n  trials: 1\n")
    config = parse_config(quick, folder=tmp_path)
    assert config.features["it"].kind == kind
    assert run_training(config, output=tmp_path, jobs=1).manifest.parity is not None


def test_a_config_without_features_finds_them_within_the_limit(tmp_path: Path) -> None:
    """Where kinds are inferred while training, what is a number follows the limit that the config says."""
    table = pd.DataFrame({"size": [f"{number % 9}.5" for number in range(120)], "other": ["a", "b", "c"] * 40})
    table["size"] = ["0.5".rjust(1500, "0"), *table["size"][1:]]
    table["colour"] = ["red", "green"] * 60
    for limit, kind in ((1000, "categorical"), (2000, "numeric")):
        config = make_config({}, folder=tmp_path, data={"longest_text": limit, "index": None})
        schema = train(table, config).manifest.input_schema
        assert {field.name: field.kind for field in schema.fields}["size"] == kind


# Models that are older than the limit, and models of somebody's own


def make_older(folder: Path, **members: Any) -> None:
    """Make a manifest what it was before there were limits, with some other members."""
    content: dict[str, Any] = orjson.loads((folder / MANIFEST).read_bytes()) | members
    for field in content["input_schema"]["fields"]:
        del field["longest_text"]
    (folder / MANIFEST).write_bytes(seal(content))


def test_an_older_model_loads_and_is_protected(tmp_path: Path) -> None:
    """A manifest without limits loads; numbers and texts have 1,000 characters then, and categories 10,000."""
    features = {name: FEATURES[name] for name in ("size", "open", "shape", "note", "day", "word")}
    folder = train(make_table(160), make_config(features, folder=tmp_path)).folder
    make_older(folder)
    predictor = Predictor.load(folder)
    limits = {field.name: field.longest_text for field in predictor.manifest.input_schema.fields}
    assert limits == {"size": 1000, "open": 1000, "shape": 10_000, "note": 1000, "day": 1000}
    row = {name: GOOD[name] for name in limits}
    assert as_one_row(predictor, row, tmp_path) is None
    assert as_one_row(predictor, row | {"note": "x" * 1001}, tmp_path) is not None


def test_an_older_model_with_long_texts_of_its_own_loads(tmp_path: Path) -> None:
    """Golden rows and baselines of a model may hold longer texts than callers may send: it loads and explains."""
    features = {name: FEATURES[name] for name in ("size", "note", "word")}
    folder = train(make_table(160), make_config(features, folder=tmp_path)).folder
    predictor = Predictor.load(folder)
    inputs = [row.inputs | {"note": "x" * 5000} for row in predictor.manifest.golden_rows]
    schema = predictor.manifest.input_schema.for_own_rows()
    expected = predictor.probabilities(check_rows(schema, inputs))
    golden = [{"inputs": row, "probabilities": shares} for row, shares in zip(inputs, expected.tolist(), strict=True)]
    make_older(folder, golden_rows=golden, baseline=predictor.manifest.baseline | {"note": "x" * 5000})
    old = Predictor.load(folder)
    (said,) = old.predict([{"size": 1.0, "note": "now"}], explain=True)["explanations"]
    assert said is not None
    assert said["contributions"].keys() == {"size", "note"}
    assert old.predict([{"size": 1.0, "note": "x" * 5000}])["errors"] is not None


@pytest.mark.parametrize("source", ["note", "shape"])
def test_a_saved_pipeline_limits_the_texts_that_it_searches(tmp_path: Path, source: str) -> None:
    """The first steps of an estimator that somebody fitted say in which of its columns something is sought."""
    features = {name: FEATURES[name] for name in ("size", "shape", "grade", "code", "note", "shape_and_grade")}
    found = {"derive": "contains", "from": ["shape_and_grade" if source == "shape" else "note"], "words": ["now"]}
    pipeline, data = fitted_by_hand(tmp_path, features | {"found": found})
    manifest = save_estimator(
        pipeline, data.train.features, data.train.labels, name="own", version="1.0.0", folder=tmp_path / "own"
    )
    searched = {"note"} if source == "note" else {"shape", "grade"}
    limits = {field.name: field.longest_text for field in manifest.input_schema.fields}
    assert limits == {name: 1000 if name in searched | {"size"} else 10_000 for name in limits}
    answer: Any = Predictor.load(tmp_path / "own").predict(
        [{name: GOOD[name] for name in limits} | {source: "x" * 1001}]
    )
    assert [issue["code"] for issue in answer["errors"]] == ["too_large"]


def fitted_by_hand(folder: Path, features: dict[str, Any]) -> tuple[Pipeline, TrainingData]:
    """Fit the pipeline of a config as somebody might who knows nothing of training."""
    data = load(make_table(160), make_config(features, folder=folder))
    return build_pipeline(data.config).fit(data.train.features, data.train.labels), data


# What is searched, and how long it may be


def test_a_pattern_is_sought_in_texts_as_long_as_their_parts_together() -> None:
    """A combination is as long as its parts and the bars between them; numbers and flags are short."""
    features = FEATURES | {
        "more": {"derive": "combine", "from": ["shape_and_grade", "size", "is_now"]},
        "is_now": {"derive": "contains", "from": ["note"], "words": ["now"]},
        "of_a_match": {"derive": "pattern", "from": ["word"], "pattern": "a"},
        "of_more": {"derive": "pattern", "from": ["more"], "pattern": "b", "kind": "numeric"},
        "unused": {"derive": "pattern", "from": ["note"], "pattern": "c", "encode": "none"},
    }
    order = [*FEATURES, "is_now", "more", "of_a_match", "of_more", "unused"]
    config = make_config({name: features[name] for name in order}, data={"longest_text": 500})
    assert searches_of(config) == [
        Search("features.word.pattern", r"^(\w+)", 500),
        Search("features.first.pattern", r"^(\w+)", 500 + 1 + 500 + 1 + 24),
        Search("features.of_a_match.pattern", "a", 500),
        Search("features.of_more.pattern", "b", 500 + 1 + 500 + 1 + 24 + 1 + 24),
    ]


def test_a_config_without_patterns_has_no_searches() -> None:
    """Words are found by construction in as many steps as the text has characters; they need no timing."""
    assert searches_of(make_config({name: FEATURES[name] for name in EVERY_KIND})) == []


@given(st.lists(st.text(min_size=1), min_size=1, max_size=9))
def test_the_expression_of_words_repeats_nothing(words: list[str]) -> None:
    """Whatever the words are, each place of a text is compared with each of them once at most."""
    names = _names_of(_parser.parse(whole_words(words)))
    assert not [name for name in names if "REPEAT" in name or "REF" in name]


def _names_of(parsed: Any) -> set[str]:
    """Return the names of all operators in a parsed expression."""
    if isinstance(parsed, (list, tuple, _parser.SubPattern)):
        return set().union(*map(_names_of, parsed))
    return {str(parsed)} if isinstance(parsed, type(sre.LITERAL)) else set()
