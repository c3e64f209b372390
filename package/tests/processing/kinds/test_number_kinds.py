"""Numbers with units, limits, sentinels, codes and ids, told from each other by the values of a column."""

from typing import Any

import pandas as pd
import pytest

from classification_model.processing.kinds.infer_columns import infer_columns
from classification_model.processing.kinds.inferred import Inferred

MANY = [str(number) for number in range(40)]


def infer(values: list[Any], name: str = "x") -> Inferred:
    """Infer the kind of one column."""
    (inferred,) = infer_columns(pd.DataFrame({name: pd.Series(values, dtype=object)}))
    return inferred


def described(values: list[Any], name: str = "x") -> dict[str, Any] | None:
    """Return what a config would say of a column, None where it is no feature."""
    feature = infer(values, name).feature
    return None if feature is None else feature.model_dump(exclude_unset=True)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        pytest.param([f"{n} km" for n in MANY], {"kind": "numeric", "unit": "km"}, id="a unit"),
        pytest.param([*(f"{n}.5kg" for n in MANY), "7"], {"kind": "numeric", "unit": "kg"}, id="not everywhere"),
        pytest.param(
            [f"{n} KM" if n in "13579" else f"{n} km" for n in MANY], {"kind": "numeric", "unit": "km"}, id="case"
        ),
        pytest.param([f"{n} km/h" for n in MANY], {"kind": "numeric", "unit": "km/h"}, id="a unit of two"),
        pytest.param([f"{n}°C" for n in MANY], {"kind": "numeric", "unit": "°C"}, id="degrees"),
        pytest.param([*MANY, "90+", "90+"], {"kind": "numeric", "censored": True}, id="limits among many numbers"),
        pytest.param(["0", "1", "2", "3+"] * 9, {"kind": "categorical"}, id="limits among few numbers"),
        pytest.param([*MANY, "<0.5"], {"kind": "numeric", "censored": True}, id="below a limit"),
        pytest.param(
            [*(f"{n} km" for n in MANY), ">90 km", "unknown"],
            {"kind": "numeric", "unit": "km", "censored": True, "missing_values": ("unknown",)},
            id="a unit, a limit and a word",
        ),
        pytest.param(["2", "3", "4", "5more"] * 9, {"kind": "categorical"}, id="a word at one number"),
        pytest.param(["10k", "20k", "50k+"] * 9, {"kind": "categorical"}, id="a unit and limits among few"),
        pytest.param([None, "1"] * 9, {"kind": "numeric"}, id="one number, or none"),
        pytest.param(["14:35", "9:05", "00:00"] * 9, {"kind": "numeric", "number_format": "clock"}, id="times of day"),
        pytest.param(["2:35 PM", "9:05 am"] * 9, {"kind": "numeric", "number_format": "clock"}, id="halves of the day"),
        pytest.param(["18.00.00", "9.05.00"] * 9, {"kind": "numeric", "number_format": "clock"}, id="points"),
        pytest.param(["2h 5m", "45m", "PT1H"] * 9, {"kind": "numeric", "number_format": "duration"}, id="durations"),
        pytest.param(["1:02:03", "26:30"] * 9, {"kind": "numeric", "number_format": "duration"}, id="beyond a day"),
        pytest.param(["02139", "10115", "94103"] * 9, {"kind": "categorical"}, id="codes with a zero"),
        pytest.param(
            [f"{n:05}" for n in range(40)] * 2, {"kind": "categorical", "encode": "target"}, id="many codes with a zero"
        ),
        pytest.param(["0", "0.5", "00.5", "7"] * 9, {"kind": "numeric"}, id="zeros of fractions"),
        pytest.param(["1 234", "950", "12 000"] * 9, {"kind": "numeric"}, id="blanks between groups"),
        pytest.param(["1'234", "950"] * 9, {"kind": "numeric"}, id="apostrophes between groups"),
        pytest.param(["(123.00)", "5.50"] * 9, {"kind": "numeric"}, id="debts in brackets"),
        pytest.param(["\N{MINUS SIGN}5", "5"] * 9, {"kind": "numeric"}, id="a typeset minus"),
        pytest.param(["US$ 1,234.00", "US$ 5.00"] * 9, {"kind": "numeric"}, id="dollars"),
        pytest.param([f"C{n}" for n in MANY] * 3, {"kind": "categorical", "encode": "target"}, id="letters"),
        pytest.param(["on", "off"] * 9, {"kind": "boolean"}, id="on and off"),
    ],
)
def test_numbers_are_read_as_they_are_written(values: list[Any], expected: dict[str, Any]) -> None:
    """A unit or a limit is told once for the column; what says more than a number stays a category."""
    assert described(values) == expected


@pytest.mark.parametrize(
    ("values", "signs"),
    [
        (["$1.20", "\N{EURO SIGN}5.10"], "$, \N{EURO SIGN}"),
        (["$1.20", "45\N{CENT SIGN}"], "$, \N{CENT SIGN}"),
        (["5%", "$7"], "$, %"),
    ],
)
def test_numbers_of_several_currencies_are_none(values: list[Any], signs: str) -> None:
    """A dollar is no euro, and no hundred cents; the reason names the signs."""
    inferred = infer([cell.replace("1", str(number)) for cell in values for number in range(1, 20)])
    assert inferred.feature is None
    assert inferred.reason == f"numbers of several kinds ({signs}): convert them to one"


@pytest.mark.parametrize("mark", [".", "#DIV/0!", "<LOD", "not tested"])
def test_a_mark_of_another_program_may_be_frequent(mark: str) -> None:
    """One word among many numbers stands for a missing one, also in a third of the rows."""
    described_as = described([f"{number}.5" if number % 3 else mark for number in range(120)])
    assert described_as == {"kind": "numeric", "missing_values": (mark.lower(),)}


def test_a_percent_sign_at_some_numbers_is_remarked() -> None:
    """45% and 0.45 may be the same share."""
    (remark,) = infer([f"{number}%" if number % 2 else f"0.{number + 10}" for number in range(80)]).remarks
    assert remark.startswith("40 row(s), such as 0.10, have no %, and are read as if they had")


@pytest.mark.parametrize("side", ["CR", "Dr"])
def test_credits_and_debits_are_no_units(side: str) -> None:
    """The mark is a sign."""
    inferred = infer([f"{number}.50 {side}" if number % 3 else f"{number}.50" for number in range(80)])
    assert inferred.feature is None
    assert inferred.reason.startswith(f"amounts marked {side}")


@pytest.mark.parametrize("form", ["\N{INDIAN RUPEE SIGN}6,{},480", "{}.5,9.37495"])
def test_numbers_in_another_form_are_called_so(form: str) -> None:
    """They are neither an index nor categories; the reason shows one."""
    inferred = infer([form.format(number) for number in range(10, 90)])
    assert (inferred.feature, inferred.identifies) == (None, False)
    assert inferred.reason.startswith("numbers in a form that is not known here, such as ")


@pytest.mark.parametrize("word", ["NA", "none", "-"])
def test_a_word_that_is_read_as_missing_is_remarked_among_categories(word: str) -> None:
    """Its owner may mean a country, nothing, or a negative result; the remark names the key."""
    (remark,) = infer([word, "red", "green"] * 9).remarks
    assert remark == f"{word} in 9 row(s) is read as missing: if it is a value, list it under not_missing"


def test_a_plain_number_among_durations_is_none() -> None:
    """Whether 90 is minutes or seconds, nobody says."""
    assert described(["2h 5m", "90", "45m"] * 9) == {"kind": "categorical"}


def test_numbers_with_several_units_are_none() -> None:
    """12 km and 300 m are not to be compared; the reason names the units."""
    inferred = infer([f"{n} km" for n in MANY] + [f"{n} m" for n in MANY] * 3)
    assert inferred.feature is None
    assert inferred.reason == "numbers with several units (m, km): convert them to one"


@pytest.mark.parametrize("limit", ["3+", "90+", "<0.5", ">100", "10-19"])
def test_what_holds_a_digit_is_never_a_mark_of_a_missing_value(limit: str) -> None:
    """A limit carries information."""
    described_as = described([*MANY * 2, limit])
    assert described_as is not None
    assert "missing_values" not in described_as


@pytest.mark.parametrize("sentinel", ["-999", "-1", "-9999.0", 9999, "-200", "777"])
def test_a_sentinel_is_remarked_and_stays_a_number(sentinel: Any) -> None:
    """Only its owner knows what it means."""
    inferred = infer([*MANY, sentinel, sentinel])
    assert inferred.feature is not None
    assert inferred.feature.missing_values == ()
    assert any(f"{float(sentinel):g} in 2 row(s), apart from all others" in remark for remark in inferred.remarks)


@pytest.mark.parametrize(
    "values",
    [[*MANY, "-1"], [*MANY, "-1", "-1", "-2"], [*MANY, "75", "99", "99"], ["-1", "0", "1"] * 9, [*MANY, "-7", "-7"]],
)
def test_an_ordinary_number_is_no_sentinel(values: list[Any]) -> None:
    """One that occurs once, is near the others, or is none of the usual ones."""
    assert not any("apart from all others" in remark for remark in infer(values).remarks)


@pytest.mark.parametrize("name", ["host_id", "hostId", "HOST_ID", "id"])
def test_ids_that_repeat_are_categories(name: str) -> None:
    """Who is the host is no quantity."""
    values = [101, 202, 303] * 9
    assert described(values, name) == {"kind": "categorical"}
    assert described([*range(40), *range(40)], name) == {"kind": "categorical", "encode": "target"}
    assert described(values, "hosts") == {"kind": "numeric"}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        pytest.param(["none", "yes"] * 9, ("none",), id="the only other value"),
        pytest.param(["none", "mild", "severe", ""] * 9, ("none",), id="gaps are empty cells"),
        pytest.param(
            ["NA", *["DE", "FR", "US", "GB", "IT", "ES", "PL", "NO", "SE"]] * 3, ("NA",), id="codes of countries"
        ),
        pytest.param(["none", "mild", "severe"] * 9, (), id="no other gaps"),
        pytest.param(["NA", "red", "green"] * 9, (), id="colours"),
        pytest.param(["none", *MANY], (), id="numbers"),
        pytest.param(["none", "yes", "no", ""] * 9, (), id="truth values"),
        pytest.param(["?", "yes"] * 9, (), id="another mark"),
    ],
)
def test_none_and_na_are_values_where_the_column_shows_it(values: list[Any], words: tuple[str, ...]) -> None:
    """The draft says so, and the config keeps it."""
    inferred = infer(values)
    assert (() if inferred.feature is None else inferred.feature.not_missing) == words
    assert any("is a value here" in remark for remark in inferred.remarks) == bool(words)


def test_a_text_says_what_would_make_it_useful() -> None:
    """It enters no model by itself."""
    (remark,) = infer([f"it was number {number}, I think" for number in range(90)]).remarks
    assert remark.startswith("a text enters the model only by features derived from it")
