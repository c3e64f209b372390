"""Predictions: what `make_prediction` owes to any input, and what a load refuses."""

import ast
import math
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from garbage import anything, texts
from hypothesis import given, settings
from hypothesis import strategies as st

import classification_model
from classification_model.errors import InputError
from classification_model.predict import make_prediction, packaged_predictor
from classification_model.runtime.model_folder.packaged import package_version

TITANIC = Path(classification_model.__file__).parent / "datasets" / "titanic.csv"
NUMERIC = ("age", "sibsp", "parch", "fare")
CATEGORICAL = ("pclass", "sex", "ticket")
TEXTS = ("name", "cabin")
FIELDS = (*NUMERIC, *CATEGORICAL, *TEXTS)
NULLABLE = {"age", "fare", "cabin"}
ALLEN = {
    "pclass": 1,
    "name": "Allen, Miss. Elisabeth Walton",
    "sex": "female",
    "age": 29,
    "sibsp": 0,
    "parch": 0,
    "ticket": "24160",
    "fare": 211.3375,
    "cabin": "B5",
}
BAD = ALLEN | {"age": "young"}

pytestmark = pytest.mark.usefixtures("model_folder")


@pytest.fixture(scope="module")
def passengers() -> pd.DataFrame:
    """Give the whole table as text, as a CSV file has it."""
    return pd.read_csv(TITANIC, dtype=str, keep_default_na=False)


def check_same(one: Any, other: Any) -> None:
    """Assert that two answers are equal; sums may differ in the last digit by how many rows were asked for at once."""
    for key in ("predictions", "version", "warnings", "errors"):
        assert one[key] == other[key], key
    for shares, expected in zip(one["probabilities"], other["probabilities"], strict=True):
        assert (shares is None) == (expected is None)
        assert shares is None or shares == pytest.approx(expected, abs=1e-14)


def columns_of(rows: list[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [row[key] for row in rows] for key in rows[0]}


def check_answer(answer: Any, rows: int) -> None:
    """Assert what holds of every answer: a label and sound probabilities for each row that has no error."""
    assert list(answer) == ["predictions", "probabilities", "version", "warnings", "errors"]
    assert len(answer["predictions"]) == len(answer["probabilities"]) == rows
    assert answer["version"] == package_version()
    places = {issue["row"] for issue in answer["errors"] or ()}
    for row, (label, shares) in enumerate(zip(answer["predictions"], answer["probabilities"], strict=True)):
        if row in places or None in places:
            assert label is None
            assert shares is None
            continue
        assert set(shares) == {"died", "survived"}
        assert all(math.isfinite(share) and 0 <= share <= 1 for share in shares.values())
        assert math.fsum(shares.values()) == pytest.approx(1)
        threshold = packaged_predictor().manifest.threshold
        assert label == ("survived" if shares["survived"] >= threshold else "died")
    assert orjson.loads(orjson.dumps(answer)) == answer


# Forms of input


def test_every_passenger_gets_an_answer_in_order(passengers: pd.DataFrame) -> None:
    """The whole raw table, every column of it, is predicted row by row without an error."""
    answer = make_prediction(input_data=passengers)
    check_answer(answer, 1309)
    assert answer["errors"] is None
    turned = make_prediction(input_data=passengers[::-1])
    assert turned["predictions"] == answer["predictions"][::-1]
    for shares, expected in zip(turned["probabilities"], answer["probabilities"][::-1], strict=True):
        assert shares == pytest.approx(expected, abs=1e-14)


def test_a_row_alone_is_predicted_as_it_is_among_others(passengers: pd.DataFrame) -> None:
    """A passenger's answer does not depend on who else is asked about."""
    some = passengers.iloc[::60]
    together = make_prediction(input_data=some)
    for place in range(len(some)):
        alone = make_prediction(input_data=some.iloc[[place]])
        assert alone["predictions"] == together["predictions"][place : place + 1]
        assert alone["probabilities"][0] == pytest.approx(together["probabilities"][place], abs=1e-12)


cells = st.fixed_dictionaries(
    {
        "pclass": st.sampled_from([1, 2.0, "3", "3.0", 9, None, "?", []]),
        "name": st.sampled_from(["Sage, Master. Thomas", "x", "", None]) | texts,
        "sex": st.sampled_from(["male", "female", " male ", "Male", None, math.nan, True]),
        "age": st.floats(-10, 100) | st.sampled_from([None, "29", "29 years", True, math.inf, pd.NA]),
        "sibsp": st.integers(0, 9) | st.sampled_from([None, "1", np.int8(1), 2**53 + 1]),
        "parch": st.integers(0, 9) | st.sampled_from([np.float32(0.5), "NA", -1]),
        "ticket": st.sampled_from(["24160", 24160, 24160.0, "CA. 2343", None, "\ud800"]),
        "fare": st.floats(0, 600) | st.sampled_from(["$7.25", None, math.nan, 1e30, 1e31]),
        "cabin": st.sampled_from(["B5", "B51 B53 B55", None, 5, "x" * 100_000, "\x00"]),
        "boat": anything,
    }
)


@settings(max_examples=12)
@given(st.lists(cells, min_size=1, max_size=6))
def test_all_forms_of_a_table_give_the_same_answer(rows: list[dict[str, Any]]) -> None:
    """A list of rows, a dict of columns, of arrays or of series, and a frame are the same table."""
    answer = make_prediction(input_data=rows)
    check_answer(answer, len(rows))
    columns = columns_of(rows)
    series = {key: pd.Series(values, dtype=object) for key, values in columns.items()}
    check_same(make_prediction(input_data=tuple(rows)), answer)
    check_same(make_prediction(input_data=columns), answer)
    check_same(make_prediction(input_data=series), answer)
    check_same(make_prediction(input_data=pd.DataFrame(series)), answer)


@settings(max_examples=8)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "pclass": st.integers(1, 3),
                "sex": st.sampled_from(["male", "female", None]),
                "age": st.floats(0, 100) | st.none(),
                "sibsp": st.integers(0, 8) | st.none(),
                "parch": st.integers(0, 9),
                "ticket": st.integers(1, 10**6),
                "fare": st.floats(0, 600, width=32),
                "cabin": st.sampled_from(["B5", None]),
                "name": st.sampled_from(["Sage, Master. Thomas", "Allen, Miss. Elisabeth"]),
            }
        ),
        min_size=1,
        max_size=6,
    )
)
def test_the_types_that_pandas_chooses_change_nothing(rows: list[dict[str, Any]]) -> None:
    """Integers that pandas turned into floats for a gap, its strings, categories and nullable types read alike."""
    answer = make_prediction(input_data=rows)
    frame = pd.DataFrame(rows)
    check_same(make_prediction(input_data=frame), answer)
    check_same(make_prediction(input_data=frame.convert_dtypes()), answer)
    check_same(make_prediction(input_data=frame.convert_dtypes(dtype_backend="pyarrow")), answer)
    check_same(
        make_prediction(input_data=frame.astype({"sex": "category", "fare": "float32", "parch": "int8"})), answer
    )


def test_the_index_of_a_frame_does_not_matter() -> None:
    """Rows are counted from 0 in the order they stand in, whatever a frame calls them."""
    frame = pd.DataFrame([ALLEN, BAD, ALLEN], index=pd.MultiIndex.from_tuples([("a", 1), ("a", 1), ("b", 0)]))
    answer: Any = make_prediction(input_data=frame)
    assert [issue["row"] for issue in answer["errors"]] == [1]
    assert answer["predictions"] == ["survived", None, "survived"]


def test_an_input_is_not_changed() -> None:
    """What a caller gives is left as it was."""
    rows = [ALLEN.copy(), {"sex": None}, BAD.copy()]
    frame = pd.DataFrame(rows)
    before = frame.copy(deep=True)
    make_prediction(input_data=rows)
    make_prediction(input_data=frame)
    assert rows == [ALLEN, {"sex": None}, BAD]
    pd.testing.assert_frame_equal(frame, before)


@pytest.mark.parametrize(
    "empty",
    [[], (), pd.DataFrame(columns=list(ALLEN)), {key: [] for key in ALLEN}, {key: np.array([]) for key in ALLEN}],
)
def test_no_rows_give_no_answers(empty: Any) -> None:
    """A table without rows is answered by as many predictions."""
    answer = make_prediction(input_data=empty)
    assert answer == {
        "predictions": [],
        "probabilities": [],
        "version": package_version(),
        "warnings": [],
        "errors": None,
    }


@pytest.mark.parametrize(("empty", "rows"), [({}, 0), (pd.DataFrame(), 0), (pd.DataFrame(index=range(3)), 3)])
def test_a_table_without_columns_misses_what_is_required(empty: Any, rows: int) -> None:
    """Where there is no column, each that training never saw missing is missed, and no row is predicted."""
    answer: Any = make_prediction(input_data=empty)
    assert answer["predictions"] == [None] * rows
    assert {(issue["row"], issue["code"]) for issue in answer["errors"]} == {(None, "required")}
    assert {issue["field"] for issue in answer["errors"]} == set(FIELDS) - NULLABLE


class PolarsFrame:
    """What another library calls a frame: columns and to_dict, and nothing else of pandas."""

    columns = ("age",)

    def to_dict(self) -> dict[str, list[int]]:
        """Give its columns."""
        return {"age": [1]}


@pytest.mark.parametrize(
    "not_a_table",
    [
        None,
        1,
        "rows",
        b"rows",
        object(),
        pd.DataFrame,
        PolarsFrame(),
        pd.Series(ALLEN),
        np.array([[1, 2]]),
        iter([ALLEN]),
        {"a"},
        [1],
        ["age"],
        [[ALLEN]],
        [None],
        range(3),
        bytearray(b"abc"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_is_no_table_is_an_input_error(not_a_table: Any) -> None:
    """An input that has no rows or columns at all is an error that says what was expected."""
    with pytest.raises(
        InputError, match=r"expected (a pandas DataFrame, a dict of columns or a list|rows as mappings)"
    ):
        make_prediction(input_data=not_a_table)


def test_one_row_as_a_dict_is_told_to_be_a_list() -> None:
    """The commonest mistake, one row without its list, is answered by the remedy."""
    with pytest.raises(InputError, match="'pclass', found int: give a single row as a list of one mapping"):
        make_prediction(input_data=ALLEN)


def test_a_dict_of_dicts_is_not_taken_for_columns() -> None:
    """What `DataFrame.to_dict()` gives has row labels as keys, which must not become values."""
    with pytest.raises(InputError, match="expected a sequence of values for column 'pclass', found dict"):
        make_prediction(input_data=pd.DataFrame([ALLEN]).to_dict())


def test_a_frame_with_a_column_twice_is_an_input_error() -> None:
    """Of two columns of one name none can be chosen, be it spelled as a text or as a number."""
    with pytest.raises(InputError, match="the frame has the column 'age' twice"):
        make_prediction(input_data=pd.DataFrame([[1, 2]], columns=["age", "age"]))
    with pytest.raises(InputError, match="the frame has the column '1' twice"):
        make_prediction(input_data=pd.DataFrame([[1, 2]], columns=[1, "1"]))


def test_columns_of_two_levels_are_unknown() -> None:
    """A frame with two levels of column names is answered, not crashed on."""
    frame = pd.DataFrame([ALLEN])
    frame.columns = pd.MultiIndex.from_product([["x"], frame.columns])
    answer: Any = make_prediction(input_data=frame)
    assert answer["predictions"] == [None]
    assert {issue["code"] for issue in answer["errors"]} == {"unknown_field", "required"}


def test_the_input_must_be_named() -> None:
    """`make_prediction` takes its input by keyword only, as its contract says."""
    with pytest.raises(TypeError, match="positional argument"):
        make_prediction([ALLEN])  # type: ignore[call-arg]


# Rows in error, and odd rows


def test_rows_in_error_change_nothing_of_the_others() -> None:
    """Bad rows are reported by number, field and code, and the good ones are answered as without them."""
    rows = [ALLEN, BAD, ALLEN | {"sex": "male"}, ALLEN | {"fare": math.inf, "name": "\x00"}, ALLEN | {"agee": 3}, ALLEN]
    answer: Any = make_prediction(input_data=rows)
    check_answer(answer, 6)
    assert [(issue["row"], issue["field"], issue["code"]) for issue in answer["errors"]] == [
        (1, "age", "type"),
        (3, "name", "text"),
        (3, "fare", "not_finite"),
        (4, "agee", "unknown_field"),
    ]
    good = make_prediction(input_data=[rows[0], rows[2], rows[5]])
    assert [answer["predictions"][row] for row in (0, 2, 5)] == good["predictions"]
    assert [answer["probabilities"][row] for row in (0, 2, 5)] == good["probabilities"]


def test_an_unknown_column_stops_the_whole_table() -> None:
    """A column that training never had may be a misspelt one, so that no row is predicted without it."""
    answer: Any = make_prediction(input_data=pd.DataFrame([ALLEN, ALLEN]).rename(columns={"cabin": "Cabin"}))
    assert answer["predictions"] == [None, None]
    assert [(issue["row"], issue["field"], issue["code"]) for issue in answer["errors"]] == [
        (None, "Cabin", "unknown_field")
    ]


def test_columns_that_the_model_does_not_use_are_ignored() -> None:
    """The raw table's other columns, the outcome among them, may be there and do not count."""
    others = {"survived": 0, "embarked": object(), "boat": "2", "body": [], "home.dest": None}
    assert make_prediction(input_data=[ALLEN | others]) == make_prediction(input_data=[ALLEN])


def test_the_fields_are_those_of_the_model() -> None:
    """The lists of fields in this file are those of the packaged model."""
    fields = packaged_predictor().manifest.input_schema.fields
    assert {field.name for field in fields} == set(FIELDS)
    assert {field.name for field in fields if field.nullable} == NULLABLE
    assert {field.name for field in fields if field.kind == "categorical"} == set(CATEGORICAL)


@pytest.mark.parametrize("missing", [None, math.nan, pd.NA, pd.NaT, np.float32("nan"), "", " ", "?", "NA"], ids=repr)
@pytest.mark.parametrize("field", FIELDS)
def test_a_missing_value_in_any_feature_is_predicted(field: str, missing: Any) -> None:
    """Each feature may be missing: the row is predicted, with a warning where training never saw that."""
    answer = make_prediction(input_data=[ALLEN | {field: missing}])
    check_answer(answer, 1)
    assert answer["errors"] is None
    codes = [] if field in NULLABLE else [(field, "unexpected_missing")]
    assert [(issue["field"], issue["code"]) for issue in answer["warnings"]] == codes


@pytest.mark.parametrize("field", FIELDS)
def test_an_absent_key_is_missing_only_where_training_saw_gaps(field: str) -> None:
    """A key may be left out where training saw gaps, and gives what null gives; else its row is in error."""
    absent: Any = make_prediction(input_data=[{key: value for key, value in ALLEN.items() if key != field}])
    check_answer(absent, 1)
    if field in NULLABLE:
        assert absent == make_prediction(input_data=[ALLEN | {field: None}])
    else:
        assert [(issue["field"], issue["code"]) for issue in absent["errors"]] == [(field, "required")]


@pytest.mark.parametrize("field", [*CATEGORICAL, *TEXTS])
@pytest.mark.parametrize("unseen", ["never seen", "\N{SNOWMAN}", "\u202e\U0010ffff", "x" * 1000, 2**60, True])
def test_an_unseen_category_in_any_feature_is_predicted(field: str, unseen: Any) -> None:
    """Each category and text may be one that training did not see: predicted, with a warning for categories."""
    answer = make_prediction(input_data=[ALLEN | {field: unseen}])
    check_answer(answer, 1)
    assert answer["errors"] is None
    codes = [(field, "unseen_category")] if field in CATEGORICAL else []
    assert [(issue["field"], issue["code"]) for issue in answer["warnings"]] == codes


@pytest.mark.parametrize("field", NUMERIC)
@pytest.mark.parametrize("extreme", [-1, 1e9, -1e9, 1e30, -1e30, 2**53, -(2**53)])
def test_a_number_far_out_of_range_is_predicted(field: str, extreme: float) -> None:
    """Each number may be far from those of training: predicted, with a warning."""
    answer = make_prediction(input_data=[ALLEN | {field: extreme}])
    check_answer(answer, 1)
    assert answer["errors"] is None
    assert [(issue["field"], issue["code"]) for issue in answer["warnings"]] == [(field, "out_of_range")]


def test_everything_missing_and_everything_unseen_are_predicted() -> None:
    """A row of nothing and a row of nothing known are predicted, with a warning for each feature."""
    unseen = dict.fromkeys(NUMERIC, 1e30) | dict.fromkeys((*CATEGORICAL, *TEXTS), "\N{SNOWMAN}")
    answer = make_prediction(input_data=[dict.fromkeys(FIELDS), unseen])
    check_answer(answer, 2)
    assert answer["errors"] is None
    warned = [{issue["field"] for issue in answer["warnings"] if issue["row"] == row} for row in (0, 1)]
    assert warned == [set(FIELDS) - NULLABLE, {*NUMERIC, *CATEGORICAL}]


@settings(max_examples=25)
@given(
    st.lists(
        st.fixed_dictionaries(
            dict.fromkeys(NUMERIC, st.floats(-1e30, 1e30) | st.none() | st.sampled_from([1e30, -1e30, 5e-324]))
            | dict.fromkeys((*CATEGORICAL, *TEXTS), st.text(st.characters(codec="utf-8", exclude_characters="\x00")))
        ),
        max_size=9,
    )
)
def test_readable_rows_are_always_predicted(rows: list[dict[str, Any]]) -> None:
    """Any numbers and any texts that the schema reads are predicted, whatever they are together."""
    answer = make_prediction(input_data=rows)
    check_answer(answer, len(rows))
    assert answer["errors"] is None


@pytest.mark.slow
@settings(max_examples=25)
@given(st.lists(st.dictionaries(st.sampled_from([*FIELDS, "boat"]) | texts | st.integers(), anything), max_size=6))
def test_garbage_rows_are_answered_each(rows: list[dict[Any, Any]]) -> None:
    """Whatever stands in rows, each gets its prediction or its errors, in its place."""
    check_answer(make_prediction(input_data=rows), len(rows))


@settings(max_examples=25)
@given(anything | st.lists(anything) | st.dictionaries(st.sampled_from(FIELDS) | texts, st.lists(anything, max_size=2)))
def test_garbage_input_is_answered_or_refused(garbage: Any) -> None:
    """Whatever comes instead of a table is answered as one, or refused as none."""
    try:
        answer = make_prediction(input_data=garbage)
    except InputError as error:
        refusal = str(error)
        assert "\n" not in refusal
        return
    check_answer(answer, len(answer["predictions"]))


@pytest.mark.parametrize("field", FIELDS)
def test_no_answer_repeats_a_value(field: str) -> None:
    """Warnings, errors and refusals never hold what a caller sent."""
    precious = "Präziosum-4711"
    for value in (precious, [precious], {precious: 1}, precious + "\x00", precious.encode(), (precious,)):
        answer = make_prediction(input_data=[ALLEN | {field: value}])
        assert precious not in repr(answer)
        with pytest.raises(InputError, match="expected a sequence") as caught:
            make_prediction(input_data=columns_of([ALLEN]) | {field: precious})
        assert precious not in str(caught.value)


@pytest.mark.parametrize(
    "moment", [datetime(2020, 1, 1, tzinfo=UTC), pd.Timestamp.min, np.datetime64("1912-04-15")], ids=repr
)
def test_a_date_is_text_for_a_text_and_an_error_for_a_number(moment: Any) -> None:
    """A date where a text is expected is spelled; where a number is expected it is an error of its row."""
    answer: Any = make_prediction(input_data=[ALLEN | {"cabin": moment}, ALLEN | {"age": moment}])
    assert answer["predictions"] == ["survived", None]
    assert [(issue["row"], issue["field"], issue["code"]) for issue in answer["errors"]] == [(1, "age", "type")]


@pytest.mark.slow
def test_any_number_of_threads_may_predict(passengers: pd.DataFrame) -> None:
    """One predictor answers several threads at once as it answers one, tables and single rows."""
    expected = make_prediction(input_data=passengers)
    rows = passengers[:50].to_dict("records")
    alone = [make_prediction(input_data=[row]) for row in rows]
    with ThreadPoolExecutor(8) as threads:
        answers = threads.map(lambda _: make_prediction(input_data=passengers), range(16))
        others = threads.map(lambda _: [make_prediction(input_data=[row]) for row in rows], range(16))
        assert all(answer == expected for answer in answers)
        assert all(answer == alone for answer in others)


@pytest.mark.slow
@settings(max_examples=200)
@given(st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(FIELDS, anything)) | cells, min_size=1, max_size=3))
def test_lists_of_rows_are_answered_as_columns_are(rows: list[dict[str, Any]]) -> None:
    """A list, short or long, which is read row by row, gets the answer that the rows get as a tuple, read by column."""
    check_same(make_prediction(input_data=rows), make_prediction(input_data=tuple(rows)))
    check_same(make_prediction(input_data=rows * 17), make_prediction(input_data=tuple(rows * 17)))


@pytest.mark.slow
def test_nothing_of_the_workshop_is_imported_and_nothing_unpickled(model_folder: Path) -> None:
    """A process in which pickles cannot be read predicts, and has imported neither pandas nor scikit-learn."""
    code = (
        "import pickle, sys\n"
        "def refuse(*_, **__): raise AssertionError('unpickled')\n"
        "pickle.load = pickle.loads = pickle.Unpickler = refuse\n"
        "from classification_model.predict import make_prediction\n"
        f"answer = make_prediction(input_data=[{ALLEN!r}])\n"
        f"assert answer == make_prediction(input_data={columns_of([ALLEN])!r}), answer\n"
        "from classification_model.runtime.verification import verify\n"
        "verify()\n"
        "print(answer['predictions'], sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    label, _, modules = done.stdout.partition(" ")
    assert label == "['survived']"
    loaded = set(ast.literal_eval(modules))
    assert "onnxruntime" in loaded
    assert not loaded & {"pandas", "sklearn", "feature_engine", "joblib", "scipy", "onnx", "pyarrow", "matplotlib"}


@pytest.mark.parametrize("rows", [[ALLEN] * 30 + [3], [ALLEN | {"shoe_size": 1}] * 20 + [None], [ALLEN] * 5 + ["x"]])
def test_a_row_that_is_no_mapping_is_named(rows: list[Any]) -> None:
    """What cannot be a row is refused with its number, however many sound or faulty rows come before it."""
    with pytest.raises(
        InputError, match=rf"expected rows as mappings .* found \w+ as row {len(rows) - 1} \(counted from 0\)$"
    ):
        make_prediction(input_data=rows)
