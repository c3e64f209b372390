"""The decimal sign of a column, told by its own cells and else by those of other columns."""

from typing import Any

import pandas as pd
import pytest

from classification_model.processing.kinds.infer_columns import InferredTable, infer_table
from classification_model.processing.kinds.inferred import Evidence

WHOLE = [str(number) for number in range(1, 30)]


def infer(columns: dict[str, list[Any]], **evidence: Any) -> InferredTable:
    """Infer a table of columns that are repeated to one length."""
    rows = max(map(len, columns.values()))
    table = {name: (values * rows)[:rows] for name, values in columns.items()}
    return infer_table(pd.DataFrame(table, dtype=object), evidence=Evidence(**evidence))


def signs(columns: dict[str, list[Any]], **evidence: Any) -> tuple[str | None, list[str | None]]:
    """Return the decimal sign of a table, and for each column the sign that it has; None where it is no feature."""
    found = infer(columns, **evidence)
    table = found.sign.decimal
    features = [column.feature for column in found.columns]
    return table, [None if each is None else each.decimal or table or "." for each in features]


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["3,125", "0,512"], id="a group after a zero"),
        pytest.param(["1,5", "3,125"], id="one digit"),
        pytest.param(["12,34", "3,125"], id="two digits"),
        pytest.param(["1,2345", "3,125"], id="four digits"),
        pytest.param(["1234,567"], id="four digits before"),
        pytest.param(["1.234,56"], id="both signs, the comma last"),
        pytest.param(["1.234.567"], id="several points"),
        pytest.param(["\N{EURO SIGN}123,45"], id="money"),
        pytest.param(["12,5 km", *(f"{number} km" for number in range(50))], id="a unit"),
        pytest.param(["(12,50)", "1 234,00"], id="debts and blanks"),
        pytest.param(["<0,5", "3,125"], id="a limit"),
    ],
)
def test_a_comma_that_can_only_be_decimal_decides_for_its_column(cells: list[str]) -> None:
    """Whatever the other cells of the column are, they are read alike."""
    assert signs({"x": [*cells, *WHOLE]}) == (",", [","])


@pytest.mark.parametrize(
    "cells",
    [
        pytest.param(["1.5", "1.001"], id="one digit"),
        pytest.param(["12.34", "1.001"], id="two digits"),
        pytest.param(["0.512"], id="a zero before it"),
        pytest.param(["1,234.56"], id="both signs, the point last"),
        pytest.param(["1,234,567"], id="several commas"),
        pytest.param(["1.001", "2.345"], id="three digits in all"),
        pytest.param(["1e-3", "2.5"], id="powers of ten"),
    ],
)
def test_a_point_is_decimal_unless_something_says_otherwise(cells: list[str]) -> None:
    """1.001 in such a column is never 1001."""
    assert signs({"x": [*cells, *WHOLE]}) == (".", ["."])


def test_a_column_that_tells_nothing_follows_the_others() -> None:
    """3,125 is a fraction beside a column of 0,5, and 3125 beside one of 0.5; so is 1.234."""
    assert signs({"x": ["3,125", *WHOLE], "y": ["0,5", "7"]}) == (",", [",", ","])
    assert signs({"x": ["3,125", *WHOLE], "y": ["0.5", "7"]}) == (".", [".", "."])
    assert signs({"x": ["1.234", *WHOLE], "y": ["0,5", "7"]}) == (",", [",", ","])


def test_a_column_that_differs_from_the_others_says_so() -> None:
    """Each has its own sign; what tells nothing is no number then, and the reason names the doubt."""
    found = infer({"x": ["0,5", *WHOLE], "y": ["0.5", "7"], "z": ["3,125", *WHOLE]})
    assert found.sign.decimal is None
    x, y, z = found.columns
    assert x.feature is not None
    assert y.feature is not None
    assert (x.feature.decimal, y.feature.decimal, z.feature) == (",", None, None)
    assert "3,125 may be a fraction or not, and columns of this table differ" in z.reason


@pytest.mark.parametrize("cells", [["1,5", "1.5"], ["1.234,5", "1,234.5"], ["3,125", "1.234"]])
def test_a_column_that_contradicts_itself_is_no_number(cells: list[str]) -> None:
    """It is left out with both of its cells in the reason."""
    (column,) = infer({"x": cells * 9}).columns
    assert column.feature is None
    assert all(cell in column.reason for cell in cells)


def test_groups_of_thousands_stay_what_they_are() -> None:
    """Without other evidence 1,200 is one thousand two hundred; the remark says that it was a choice."""
    (column,) = infer({"x": ["1,200", "950", "$3,125"]}).columns
    assert column.feature is not None
    assert column.feature.decimal is None
    assert column.remarks == ("$3,125 is read with groups of thousands",)


def test_a_point_that_may_separate_thousands_is_remarked() -> None:
    """Nothing else in the table tells whether 73.867 is seventy-three or seventy-three thousand."""
    (column,) = infer({"x": ["237", "73.867", "921", "98.064"]}, delimiter=";").columns
    assert column.remarks == ("73.867 is read as a fraction; if it is not, set decimal: ','",)


def test_whole_numbers_without_groups_speak_against_groups() -> None:
    """Who writes 1500 does not write 1,200 for more."""
    table, (x,) = signs({"x": ["3,125", "1500", "2", *WHOLE]})
    assert (table, x) == (".", ",")


def test_semicolons_alone_are_supporting_evidence() -> None:
    """They decide what nothing else does, and nothing against a cell."""
    assert signs({"x": ["3,125", *WHOLE]}, delimiter=";") == (",", [","])
    assert signs({"x": ["0.5", *WHOLE]}, delimiter=";") == (".", ["."])
    assert signs({"x": ["3,125", *WHOLE], "y": ["0.5", "7"]}, delimiter=";") == (".", [".", "."])


def test_the_config_decides_before_the_cells() -> None:
    """A sign that is given is not guessed, but a cell that shows another one stands."""
    assert signs({"x": ["3,125", *WHOLE]}, decimal=",") == (",", [","])
    assert signs({"x": ["0.5", *WHOLE]}, decimal=",") == (",", ["."])


@pytest.mark.parametrize(
    "cells", [["v1.2", "v1,2"], ["a, b", "c.d"], ["12.05.2019", "1,5 or so"], ["192.168.1.1", "1,2,3"]]
)
def test_columns_of_no_numbers_have_no_say(cells: list[str]) -> None:
    """Versions, sentences, dates and addresses do not decide how numbers are written."""
    assert signs({"x": ["3,125", *WHOLE], "y": cells})[0] == "."
