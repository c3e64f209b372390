"""Transformers of our own: scikit-learn's contract, and what each of them computes."""

from __future__ import annotations

import math
import pickle
import zlib
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal
from sklearn.base import clone
from sklearn.utils.estimator_checks import parametrize_with_checks
from written import read_table

from classification_model.config.core import PACKAGED_CONFIG
from classification_model.processing.features import (
    Combine,
    DateParts,
    LogOnePlus,
    Ratio,
    Sum,
    TextContains,
    TextPattern,
)
from classification_model.processing.features.base import AppendColumns

#: Checks that subtract what comes out of two runs, which texts do not allow; `Numbered...` pass them.
SUBTRACTING = dict.fromkeys(
    (
        "check_estimators_pickle",
        "check_fit_idempotent",
        "check_methods_sample_order_invariance",
        "check_methods_subset_invariance",
        "check_pipeline_consistency",
        "check_transformer_data_not_an_array",
        "check_transformer_general",
    ),
    "it subtracts outputs, and these are texts",
)


class NumberedPattern(TextPattern):
    """`TextPattern` whose texts are numbers that stand for them."""

    def transform(self, X: Any) -> pd.DataFrame:
        """Replace each text by its checksum."""
        return numbered(super().transform(X), self._new_names())


class NumberedCombine(Combine):
    """`Combine` whose texts are numbers that stand for them."""

    def transform(self, X: Any) -> pd.DataFrame:
        """Replace each text by its checksum."""
        return numbered(super().transform(X), self._new_names())


def numbered(frame: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Replace the texts of some columns by their checksums."""
    return frame.assign(**{name: [float(zlib.crc32(repr(text).encode())) for text in frame[name]] for name in names})


numbers_pass: pytest.MarkDecorator = parametrize_with_checks(
    [
        TextPattern(as_number=True),
        TextContains(),
        Sum(),
        Ratio(),
        LogOnePlus(),
        DateParts(),
        NumberedPattern(),
        NumberedCombine(),
    ]
)
texts_pass: pytest.MarkDecorator = parametrize_with_checks(
    [TextPattern(), Combine()], expected_failed_checks=lambda _: SUBTRACTING, xfail_strict=True
)


@pytest.mark.slow
@numbers_pass
def test_numbers_honour_the_whole_contract(monkeypatch: pytest.MonkeyPatch, estimator: Any, check: Any) -> None:
    """A transformer that gives numbers passes every check of scikit-learn."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")  # else one check is skipped
    check(estimator)


@pytest.mark.slow
@texts_pass
def test_texts_honour_the_contract(monkeypatch: pytest.MonkeyPatch, estimator: Any, check: Any) -> None:
    """A transformer that gives texts passes every check of scikit-learn that does not subtract what it gives."""
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    check(estimator)


missing = st.sampled_from([None, math.nan, pd.NA])
some_number = st.floats() | st.sampled_from([0.0, -0.0, -1.0, 1e308, -1e308, 5e-324, 1e12, math.nan])
some_text = (
    st.text(max_size=12)
    | st.sampled_from(["Allen, Miss. Elisabeth", "yes", "no YES!", "yesterday", "1,200", "$5", "1e999", "", " "])
    | st.sampled_from([0, 1, 1.0, True, False, -0.0])
    | missing
)
numeric_frames = st.lists(st.tuples(some_number, some_number), min_size=1, max_size=5).map(
    lambda rows: pd.DataFrame(rows, columns=["a", "b"], dtype=np.float64)
)
text_frames = st.lists(st.tuples(some_text, some_text), min_size=1, max_size=5).map(
    lambda rows: pd.DataFrame(
        {name: pd.Series(list(cells), dtype=object) for name, cells in zip("ab", zip(*rows, strict=True), strict=True)}
    )
)
NUMERIC = [
    Sum(["a", "b"], plus=2.0),
    Ratio(["a", "b"]),
    LogOnePlus(),
    DateParts(["a", "b"], parts=["year", "quarter", "month", "day", "weekday", "day_of_year", "hour", "days"]),
]
TEXTUAL = [
    TextPattern(["a"], pattern=r"[^,]*,\s*(\w+)|\w+"),
    TextPattern(as_number=True, pattern=r"[$\d,.e]+"),
    TextContains(["b"]),
    Combine(["a", "b"]),
]


def behaves_row_by_row(transformer: AppendColumns, frame: pd.DataFrame) -> None:
    """Assert what holds of every transformer and every frame."""
    before = frame.copy(deep=True)
    fitted = clone(transformer).fit(frame)
    whole = fitted.transform(frame)
    assert_frame_equal(frame, before)
    assert whole.columns.tolist() == fitted.get_feature_names_out().tolist()
    assert_frame_equal(whole[["a", "b"]], before)
    one_by_one = pd.concat([fitted.transform(frame.iloc[[row]]) for row in range(len(frame))])
    assert_frame_equal(whole, one_by_one, check_exact=True)
    assert_frame_equal(whole, pickle.loads(pickle.dumps(fitted)).transform(frame))  # noqa: S301 - made a line before


@pytest.mark.slow
@pytest.mark.parametrize("transformer", NUMERIC, ids=repr)
@given(frame=numeric_frames)
def test_numbers_are_computed_row_by_row(transformer: AppendColumns, frame: pd.DataFrame) -> None:
    """A row of numbers gives the same alone as among others, appended to an input that stays as it was."""
    behaves_row_by_row(transformer, frame)


@pytest.mark.slow
@pytest.mark.parametrize("transformer", TEXTUAL, ids=repr)
@given(frame=text_frames)
def test_texts_are_computed_row_by_row(transformer: AppendColumns, frame: pd.DataFrame) -> None:
    """A row of texts, numbers and truth values gives the same alone as among others."""
    if isinstance(transformer, Combine):  # a NUL is refused, by name
        frame = frame.map(lambda cell: cell.replace("\0", "") if isinstance(cell, str) else cell)
    behaves_row_by_row(transformer, frame)


@pytest.mark.parametrize("transformer", [*NUMERIC, *TEXTUAL], ids=repr)
def test_missing_stays_missing(transformer: AppendColumns) -> None:
    """A row without any value gives no value, whatever stands for nothing in it."""
    frame = pd.DataFrame({"a": [None, math.nan, pd.NA], "b": [pd.NA, None, math.nan]}, dtype=object)
    frame = pd.DataFrame(math.nan, frame.index, frame.columns) if transformer in NUMERIC else frame
    assert clone(transformer).fit_transform(frame).isna().all(axis=None)


@pytest.mark.parametrize("transformer", [*NUMERIC, *TEXTUAL], ids=repr)
def test_output_is_a_frame_with_the_rows_of_the_input(transformer: AppendColumns) -> None:
    """The index of the input stays, and `set_output` changes nothing, as the output is a frame already."""
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0]}, index=[7, 7])
    frame = frame if transformer in NUMERIC else frame.astype(str)
    plain = clone(transformer).fit_transform(frame)
    assert plain.index.tolist() == [7, 7]
    for kind in ("default", "pandas"):
        assert_frame_equal(clone(transformer).set_output(transform=kind).fit_transform(frame), plain)


def test_all_columns_are_used_when_none_is_named() -> None:
    """A transformer of an array works on all of its columns, which are called x0, x1 and so on."""
    summed = Sum().fit_transform(np.array([[1, 2], [3, 4]]))
    assert summed.columns.tolist() == ["x0", "x1", "sum"]
    assert summed["sum"].tolist() == [3.0, 7.0]


def test_columns_that_are_called_by_numbers_keep_their_names() -> None:
    """The names that come out are those of the columns, of whatever type they are."""
    fitted = Sum().fit(pd.DataFrame([[1.0, 2.0]]))
    assert fitted.get_feature_names_out().tolist() == [0, 1, "sum"]


def test_columns_in_another_order_are_refused() -> None:
    """A frame whose columns stand in another order than in training is no input."""
    fitted = Sum().fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))
    with pytest.raises(ValueError, match="must be in the same order"):
        fitted.transform(pd.DataFrame({"b": [1.0], "a": [2.0]}))


@pytest.mark.parametrize(
    ("transformer", "message"),
    [
        (Sum(["a", "z"]), r"variables: expected columns among \['a', 'b'\], found \['z'\]"),
        (Sum(name="b"), r"name: expected a new name for each column, found \['b'\], which other"),
        (LogOnePlus(["a", "a"]), r"expected a new name for each column, found \['a_log', 'a_log'\], which"),
        (Ratio(["a"]), "variables: expected two, the dividend and the divisor, found 1"),
        (TextPattern(pattern="("), r"pattern: expected a regular expression, found '\(' \(missing \)"),
        (TextContains(words="yes"), "a sequence of one non-empty word or more, found 'yes'"),
        (TextContains(words=[]), r"one non-empty word or more, found \[\]"),
        (TextContains(words=["yes", ""]), "one non-empty word or more"),
        (DateParts(parts=["century"]), r"parts: expected one or more of year, .*, days, found \['century'\]"),
        (DateParts(parts=[]), r"parts: expected one or more of .*, found \[\]"),
    ],
)
def test_parameters_are_checked_when_fitted(transformer: AppendColumns, message: str) -> None:
    """A parameter that makes no sense is refused by `fit`, with what was expected and what was found."""
    with pytest.raises(ValueError, match=message):
        transformer.fit(pd.DataFrame({"a": [1.0], "b": [2.0]}))


def text_of_first(transformer: AppendColumns, *cells: Any) -> list[Any]:
    """Give what a transformer appends to a column of cells."""
    frame = pd.DataFrame({"cell": pd.Series(cells, dtype=object)})
    return [None if pd.isna(value) else value for value in transformer.fit_transform(frame).iloc[:, -1]]


def test_the_title_of_every_passenger_is_found() -> None:
    """Each of the 1,309 names on the Titanic's list has one of 18 titles."""
    names = read_table(str(PACKAGED_CONFIG.parent / "datasets" / "titanic.csv"))[["name"]]
    titles = TextPattern(["name"], "title", pattern=r",\s*([^.]+)\.").fit_transform(names)["title"]
    counts = titles.value_counts(dropna=False).to_dict()
    assert (counts["Mr"], counts["Miss"], counts["Mrs"], counts["Master"]) == (757, 260, 197, 61)
    assert len(counts) == 18
    assert counts["the Countess"] == 1


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        (r"^([A-Z])", "C23 C25", "C"),
        (r"[A-Z]\d+", "C23 C25", "C23"),
        (r"^([A-Z])", "c23", None),
        (r"(\d+)?-", "-", None),
        (r"x*", "abc", None),
        (r"(\s+)", "a b", None),
        (r"\d+\.\d+", "3.0", "3"),
        (r"\w+", "Ünïcödé", "Ünïcödé"),
    ],
)
def test_the_first_group_of_the_first_match_counts(pattern: str, text: str, found: str | None) -> None:
    """A pattern gives its first group, or the whole match; no match, an empty and an unreadable one are missing."""
    assert text_of_first(TextPattern(pattern=pattern), text) == [found]


@pytest.mark.parametrize(
    ("text", "number"), [("$1,200 a year", 1200.0), ("-3.50", -3.5), ("1e999", None), ("few", None), ("", None)]
)
def test_a_match_is_read_as_a_number(text: str, number: float | None) -> None:
    """With `as_number` a match is read as the cells of a table are, and what is no finite number is missing."""
    assert text_of_first(TextPattern(pattern=r"\S+", as_number=True), text) == [number]


@pytest.mark.parametrize(
    ("words", "text", "found"),
    [
        (["Master"], "Allison, MASTER. Hudson", 1.0),
        (["Master"], "Masterson, Mr. James", 0.0),
        (["Master"], "headmaster", 0.0),
        (["at once", "now"], "do it at once", 1.0),
        (["at once"], "at  once", 0.0),
        (["C++"], "knows c++, and C", 1.0),
        (["C++"], "C+++", 1.0),
        (["a.b"], "axb", 0.0),
        (["(x)"], "f(x)", 0.0),
        (["(x)"], "f (x)", 1.0),
        (["male|0"], "male|0", 1.0),
        (["male"], "female", 0.0),
        (["straße"], "in der STRASSE", 0.0),
        (["ÉCOLE"], "une école", 1.0),
        (["école"], "école1", 0.0),
        (["日本"], "日本 東京", 1.0),
        (["日本"], "日本語", 0.0),
        (["x"], "", 0.0),
    ],
)
def test_whole_words_are_found_in_any_case(words: list[str], text: str, found: float) -> None:
    """A word counts where no letter, digit or underscore touches it, in upper and lower case, specials as written."""
    assert text_of_first(TextContains(words=words), text) == [found]


@pytest.mark.parametrize(
    ("cells", "combined"),
    [
        (("a", "b"), "a|b"),
        (("a", None), "a|"),
        ((None, 2.0), "|2"),
        ((1.5, True), "1.5|true"),
        ((3, "3.0"), "3|3"),
        ((-0.0, 0.0), "0|0"),
        ((None, math.nan), None),
    ],
)
def test_values_are_put_side_by_side(cells: tuple[Any, Any], combined: str | None) -> None:
    """Combined values are spelt as categories are, with a bar between and a missing one empty."""
    frame = pd.DataFrame({"a": pd.Series(cells[:1]), "b": pd.Series(cells[1:])})
    assert Combine(["a", "b"], "both").fit_transform(frame)["both"].tolist() == [combined]


def test_several_columns_get_names_of_their_own() -> None:
    """Of several columns each new one is called after the column and the transformer."""
    frame = pd.DataFrame({"a": ["now"], "b": ["then"]})
    assert TextContains(name="soon", words=["now"]).fit_transform(frame).columns.tolist() == [
        *("a", "b"),
        *("a_soon", "b_soon"),
    ]
    dates = DateParts(["a", "b"], "on", parts=["year"]).fit(pd.DataFrame({"a": [0.0], "b": [0.0]}))
    assert dates.get_feature_names_out().tolist() == ["a", "b", "a_on_year", "b_on_year"]


@pytest.mark.slow
@given(st.lists(st.floats(), min_size=1, max_size=4), st.floats(-1e9, 1e9))
def test_a_sum_is_the_sum_or_missing(numbers: list[float], plus: float) -> None:
    """A sum is that of Python where it is finite, else missing, without a warning."""
    frame = pd.DataFrame([numbers], columns=[f"c{place}" for place in range(len(numbers))])
    found = Sum(plus=plus).fit_transform(frame)["sum"].item()
    expected = sum(numbers) + plus
    if math.isfinite(expected):
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-300)
    else:
        assert math.isnan(found)


@pytest.mark.slow
@given(st.floats(), st.floats())
def test_a_ratio_is_the_ratio_or_missing(dividend: float, divisor: float) -> None:
    """A ratio is that of Python where it is finite, and missing beside a zero, an infinity or a gap."""
    found = Ratio().fit_transform(pd.DataFrame({"a": [dividend], "b": [divisor]}))["derived"].item()
    expected = dividend / divisor if divisor else math.nan
    assert found == expected or (math.isnan(found) and not math.isfinite(expected))


@given(st.floats(allow_infinity=False))
def test_a_logarithm_is_that_of_one_plus_the_number_or_missing(number: float) -> None:
    """A logarithm is that of `math.log1p`, and missing for -1 and less."""
    found = LogOnePlus().fit_transform(pd.DataFrame({"a": [number]}))["log"].item()
    assert found == pytest.approx(math.log1p(number), rel=1e-15) if number > -1 else math.isnan(found)


PARTS = ("year", "quarter", "month", "day", "weekday", "day_of_year", "hour")


@pytest.mark.slow
@given(st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31)), st.booleans())  # noqa: DTZ001
def test_parts_of_a_date_are_those_of_the_calendar(moment: datetime, as_seconds: bool) -> None:
    """Parts of any moment of years 1 to 9999 are those of Python's datetime, from seconds and from datetime64 alike."""
    seconds = moment.replace(microsecond=0, tzinfo=UTC).timestamp()
    cell = seconds if as_seconds else np.datetime64(moment, "us")
    found = DateParts(name="d", parts=PARTS).fit_transform(pd.DataFrame({"a": [cell]})).iloc[0, 1:].tolist()
    quarter = (moment.month + 2) // 3
    day_of_year = moment.timetuple().tm_yday
    assert found == [moment.year, quarter, moment.month, moment.day, moment.weekday(), day_of_year, moment.hour]


def test_days_count_with_their_fraction() -> None:
    """Days since 1970 are the seconds over a day's, before 1970 negative."""
    frame = pd.DataFrame({"a": [0.0, 43_200.0, -86_400.0]})
    assert DateParts(parts=["days"]).fit_transform(frame)["date_days"].tolist() == [0.0, 0.5, -1.0]


@pytest.mark.parametrize("seconds", [-62_135_596_801.0, 253_402_300_800.0, math.inf, -1e300, math.nan])
def test_dates_beyond_the_calendar_are_missing(seconds: float) -> None:
    """What no calendar of years 1 to 9999 holds is missing in every part."""
    frame = pd.DataFrame({"a": [seconds]})
    assert DateParts(parts=[*PARTS, "days"]).fit_transform(frame).iloc[0, 1:].isna().all()


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_dates_of_any_resolution_and_zone_are_read(unit: str) -> None:
    """A datetime64 column counts as UTC, converted where it has a zone, and NaT is missing."""
    naive = pd.Series(np.array(["2024-07-01T12:00", "NaT"], dtype=f"datetime64[{unit}]"))
    frame = pd.DataFrame({"naive": naive, "zoned": naive.dt.tz_localize("Asia/Tokyo")})
    parts = DateParts(name="", parts=["hour"]).fit_transform(frame)
    assert parts.iloc[0, 2:].tolist() == [12.0, 3.0]
    assert parts.iloc[1, 2:].isna().all()


def test_nullable_and_categorical_columns_are_read() -> None:
    """Columns of pandas' own types are read like plain ones."""
    frame = pd.DataFrame({"a": pd.array([1, None], dtype="Int64"), "b": [True, False]})
    assert Sum().fit_transform(frame)["sum"].tolist()[0] == 2.0
    texts = pd.DataFrame({"c": pd.Categorical(["x y", None]), "d": pd.Series(["p q", None], dtype="str")})
    assert TextPattern(name="w").fit_transform(texts)[["c_w", "d_w"]].to_numpy().tolist() == [["x", "p"], [None, None]]
