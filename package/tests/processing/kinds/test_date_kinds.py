"""Dates in any usual format, told by the values of a column."""

from typing import Any

import pandas as pd
import pytest

from classification_model.processing.kinds.infer_columns import infer_columns
from classification_model.processing.kinds.inferred import Inferred

FIRST = 1_546_300_800  # 2019-01-01


def infer(values: list[Any], name: str = "x") -> Inferred:
    """Infer the kind of one column."""
    (inferred,) = infer_columns(pd.DataFrame({name: pd.Series(values, dtype=object)}))
    return inferred


@pytest.mark.parametrize(
    ("values", "pattern"),
    [
        (["2019-03-25 14:05 UTC", "2019-03-26 09:00 UTC"], None),
        (["2019-3-5", "2019-11-25"], "%Y-%m-%d"),
        (["25-03-2019 14:05", "05-03-2019 09:05"], "%d-%m-%Y %H:%M"),
        (["3/25/2019 2:05 PM", "12/5/2019 9:05 AM"], "%m/%d/%Y %I:%M %p"),
        (["3/25/19 2:05:10 PM", "12/5/19 9:05:00 AM"], "%m/%d/%y %I:%M:%S %p"),
        (["25 March 2019", "5 November 2020"], "%d %B %Y"),
        (["Mar 25, 2019", "Nov 5, 2020"], "%b %d, %Y"),
        (["25-Mar-19", "05-Nov-20"], "%d-%b-%y"),
        (["Mon, 25 Mar 2019 14:05:00", "Thu, 05 Nov 2020 09:05:00"], "%a, %d %b %Y %H:%M:%S"),
        (["Jan-19", "Feb-20", "Dec-18"], "%b-%y"),
        (["Tue Nov 14 22:13:20 2023", "Wed Nov 15 02:13:20 2023"], "%a %b %d %H:%M:%S %Y"),
        (["01.01.18", "01.02.18", "01.03.19"], "%d.%m.%y"),
        (["2019-01", "2019-11"], "%Y-%m"),
        (["01/2019", "11/2019"], "%m/%Y"),
        (["20190115", "20201231"], "%Y%m%d"),
        ([20190115, 20201231], "%Y%m%d"),
        ([20190115.0, None, 20201231.0], "%Y%m%d"),
    ],
)
def test_a_date_is_a_date_in_any_usual_format(values: list[Any], pattern: str | None) -> None:
    """Named and unpadded months, halves of the day, years of two digits, months alone, digits alone."""
    feature = infer(values * 9).feature
    assert feature is not None
    assert (feature.kind, feature.datetime_format) == ("datetime", pattern)


@pytest.mark.parametrize(
    ("values", "name", "kind"),
    [
        ([FIRST + number * 9999 for number in range(40)], "created_at", ("datetime", "unix_s")),
        ([str(FIRST + number * 9999) for number in range(40)], "timestamp", ("datetime", "unix_s")),
        ([(FIRST + number * 9999) * 1000 for number in range(40)], "event_time", ("datetime", "unix_ms")),
        ([FIRST + number * 9999 for number in range(40)], "population", ("numeric", None)),
        ([20190100 + number for number in range(1, 30)], "x", ("datetime", "%Y%m%d")),
        ([20190100 + number for number in range(1, 60)], "x", ("numeric", None)),
        ([201901, 201912, 202006], "month", ("datetime", "%Y%m")),
        ([201901, 201912, 202006], "x", ("numeric", None)),
        ([2019, 2020, 2021], "year", ("numeric", None)),
    ],
)
def test_whole_numbers_are_dates_by_their_size_and_their_name(
    values: list[Any], name: str, kind: tuple[str, str | None]
) -> None:
    """A quantity of the same size stays one."""
    feature = infer(values * 2, name).feature
    assert feature is not None
    assert (feature.kind, feature.datetime_format) == kind


def test_numbers_that_may_be_seconds_are_remarked() -> None:
    """Where the name does not say so, the owner is asked."""
    remarks = infer([FIRST + number * 9999 for number in range(40)] * 2, "population").remarks
    assert remarks == ("if these are seconds since 1970, set kind: datetime and datetime_format: unix_s",)


@pytest.mark.parametrize("zero", ["0000-00-00", "0000-00-00 00:00:00", "unknown"])
def test_zero_dates_are_marks(zero: str) -> None:
    """They stand for a missing date."""
    feature = infer([*[f"2019-3-{day}" for day in range(1, 29)], zero, zero, zero, zero, zero, zero]).feature
    assert feature is not None
    assert (feature.kind, feature.missing_values) == ("datetime", (zero,))


def test_the_order_of_day_and_month_is_said_where_nothing_tells_it() -> None:
    """04/05/2019 is the fourth of May, and the remark names the other format."""
    ambiguous = infer(["04/05/2019", "01/02/2020", "11/12/2018"] * 9)
    assert ambiguous.feature is not None
    assert ambiguous.feature.datetime_format == "%d/%m/%Y"
    (remark,) = ambiguous.remarks
    assert "set %m/%d/%Y for the other" in remark
    assert infer(["04/05/2019", "01/02/2020", "31/12/2018"] * 9).remarks == ()


@pytest.mark.parametrize("day", ["9999-12-31", "1900-01-01"])
def test_a_date_that_often_stands_for_none_is_remarked(day: str) -> None:
    """It stays a date until its owner says what it means."""
    days = [f"2019-03-{number:02}" for number in range(1, 29)]
    (remark,) = infer([*days, day, day]).remarks
    assert remark == f"{day} in 2 row(s): if it stands for a missing value, list '{day}' under missing_values"
    assert infer([*days, day]).remarks == ()
    assert infer([*days, "2018-12-31", "2018-12-31"]).remarks == ()


def test_years_of_two_digits_are_said() -> None:
    """The remark gives the century of each."""
    (remark,) = infer(["31.01.69", "31.12.68"] * 9).remarks
    assert remark == "years of two digits: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068"


@pytest.mark.parametrize(
    "values",
    [
        pytest.param(
            [f"{day:02}.03.2019" if day % 2 else f"2019-03-{day:02}" for day in range(1, 29)], id="two formats"
        ),
        pytest.param([f"{day} mars 2019" for day in range(1, 29)], id="months of another language"),
        pytest.param([f"2019-03-{day:02} 14:05 CET" for day in range(1, 29)], id="a zone that is not known"),
    ],
)
def test_dates_that_no_format_reads_are_called_so(values: list[str]) -> None:
    """A column of dates never ends as one in which every value is another one."""
    inferred = infer(values)
    assert inferred.feature is None
    assert inferred.reason.startswith("dates that no format known here reads, such as ")
    assert inferred.reason.endswith("or set kind: datetime and datetime_format")


@pytest.mark.parametrize("form", ["2.{}.0", "10.0.7.{}", "v{}.1.2", "{}-100-7", "A-{}-2019-B-and-more-of-it"])
def test_versions_and_addresses_are_no_dates(form: str) -> None:
    """They are codes, and are not to be written as dates."""
    inferred = infer([form.format(number) for number in range(10, 40)])
    assert inferred.reason == "every value is different"
