"""`predict` with columns that are not those of the model, and with rows in error: one error, or an exit code."""

import csv
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command, Done, everything_below

from classification_model.predict import make_prediction

KELLY = {"pclass": "3", "name": "Kelly, Mr. James", "sex": "male", "sibsp": "0", "parch": "0", "ticket": "330911"}

IGNORE = "or ignore such columns with --ignore-extra"


def write(path: str, rows: list[dict[str, str]]) -> None:
    """Write rows of the same columns as CSV."""
    with Path(path).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


def renamed(**names: str) -> dict[str, str]:
    """Give a passenger with some columns named otherwise."""
    return {names.get(name, name): value for name, value in {**KELLY, "age": "30"}.items()}


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (renamed(pclass="Pclass"), ["expected the column 'pclass', found 'Pclass': rename it"]),
        (renamed(age="agee"), ["expected the column 'age', found 'agee': rename it"]),
        (
            renamed(age="agee", sex="gender"),
            [
                "expected the column 'age', found 'agee': rename it",
                "expected the column 'sex', found no such column: add it",
                f"expected columns of the training table, found 'gender': remove it, {IGNORE}",
            ],
        ),
        (
            {"pclass": "3", "x": "1", "\u00e9": "2"},
            [
                "expected the columns 'name', 'sex', 'sibsp', 'parch' and 'ticket', found no such column: add them",
                f"expected columns of the training table, found 'x' and '\u00e9': remove them, {IGNORE}",
            ],
        ),
    ],
)
def test_columns_that_are_not_those_of_the_model_are_one_error_of_the_file(
    command: Command, tmp_path: Path, row: dict[str, str], said: list[str]
) -> None:
    """A missing, misspelt or strange column is named once, with what was meant and what to do; nothing is written."""
    write("in.csv", [row] * 3)
    before = everything_below(tmp_path)
    done = command("predict", "in.csv", "--output", "out.csv")
    assert done == Done(2, "", "".join(f"error: in.csv: {sentence}\n" for sentence in said))
    assert everything_below(tmp_path) == before


def test_the_remedy_of_each_header_works_as_printed(command: Command) -> None:
    """Renaming the column, or adding --ignore-extra, makes the file predictable."""
    write("renamed.csv", [renamed()])
    assert command("predict", "renamed.csv", "--output", "a.csv") == Done(0, "", "")
    write("extra.csv", [{**renamed(), "gender": "m"}])
    assert command("predict", "extra.csv", "--output", "b.csv").code == 2
    assert command("predict", "extra.csv", "--output", "b.csv", "--ignore-extra") == Done(0, "", "")
    with Path("b.csv").open(encoding="utf-8") as file:
        assert next(csv.DictReader(file))["gender"] == "m"
    assert command("predict", "extra.csv", "--output", "c.csv", "--ignore-extra", "--explain") == Done(0, "", "")


def test_a_column_that_is_ignored_and_may_be_a_misspelling_is_said(command: Command) -> None:
    """--ignore-extra accepts the misspelling of a column that may be missing, with a warning."""
    write("in.csv", [renamed(age="agee")])
    done = command("predict", "in.csv", "--output", "out.csv", "--ignore-extra")
    warning = "warning: in.csv: the column 'agee' is ignored and 'age' is missing: rename it if 'age' was meant\n"
    assert done == Done(0, "", warning)


def test_a_column_that_rows_need_stays_an_error_where_others_are_ignored(command: Command) -> None:
    """--ignore-extra does not make up for a column that is required."""
    write("in.csv", [renamed(sex="sexx")])
    done = command("predict", "in.csv", "--output", "out.csv", "--ignore-extra")
    assert done == Done(2, "", "error: in.csv: expected the column 'sex', found 'sexx': rename it\n")


def test_a_file_of_a_folder_with_another_header_ends_the_run(command: Command) -> None:
    """The file is named, and how many are complete."""
    Path("in").mkdir()
    pq.write_table(pa.table({name: [value] for name, value in KELLY.items()}), "in/1.parquet")
    pq.write_table(pa.table({"Sex": ["male"]}), "in/2.parquet")
    done = command("predict", "in", "--output", "out")
    assert done.code == 2
    assert "2.parquet: expected the column 'sex', found 'Sex': rename it" in done.err
    assert done.err.endswith("; 1 of 2 files are complete: run the same command again for the rest\n")


def test_a_file_of_which_no_row_is_predicted_ends_with_1(command: Command) -> None:
    """When every row is in error, the output says why and the exit code is 1."""
    write("in.csv", [{**KELLY, "sibsp": "many"}] * 2)
    done = command("predict", "in.csv", "--output", "out.csv")
    reason = "sibsp: expected a number, found text"
    said = f"2 of 2 rows could not be predicted, see out.csv.rejects; the first: {reason}\n"
    assert done == Done(1, "", said)
    with Path("out.csv").open(encoding="utf-8") as file:
        assert [row["errors"] for row in csv.DictReader(file)] == [reason] * 2


@pytest.mark.parametrize(
    ("limit", "found"),
    [
        ("1", "expected at most 1 of the rows in error, found 2 in its first 4 rows"),
        ("0", "expected at most 0 of the rows in error, found 2 in its first 4 rows"),
        ("49.9%", "expected at most 49.9% of the rows in error, found 2 of its 4 rows"),
        ("2", ""),
        ("50%", ""),
        ("100%", ""),
    ],
)
def test_more_rows_in_error_than_allowed_end_with_1_and_no_output(command: Command, limit: str, found: str) -> None:
    """--max-errors takes a number or a share; beyond it nothing is written."""
    write("in.csv", [KELLY, {**KELLY, "sibsp": "many"}] * 2)
    done = command("predict", "in.csv", "--output", "out.csv", "--max-errors", limit)
    if not found:
        assert done.code == 0
        assert Path("out.csv").exists()
        return
    why = "sibsp: expected a number, found text"
    remedy = "nothing is written, correct the rows or raise --max-errors"
    assert done == Done(1, "", f"error: in.csv: {found}; the first: {why}: {remedy}\n")
    assert not Path("out.csv").exists()
    assert not Path("out.csv.rejects").exists()


@pytest.mark.parametrize("limit", ["-1", "many", "101%", "5 %", "1e3", ""])
def test_a_limit_that_is_none_is_refused(command: Command, limit: str) -> None:
    """--max-errors names what it expects."""
    write("in.csv", [KELLY])
    done = command("predict", "in.csv", f"--max-errors={limit}")
    expected = f"--max-errors: expected a number of rows such as 10, or a share of them such as 5%, found {limit!r}"
    assert done == Done(2, "", f"error: {expected}\n")


def test_a_row_with_an_unknown_key_is_told_the_nearest_name(command: Command) -> None:
    """In a row, a frame and a file of rows, the error of an unknown key says which column was most likely meant."""
    answer = make_prediction(input_data=[{**KELLY, "agee": 3}, {**KELLY, "zzzzzz": 3}])
    messages = [issue["message"] for issue in answer["errors"] or []]
    assert messages == [
        "not a column of the training table: did you mean 'age'?",
        "not a column of the training table",
    ]
    Path("in.jsonl").write_text(json.dumps({**KELLY, "Age ": 3}) + "\n", encoding="utf-8")
    assert "expected the column 'age', found 'Age ': rename it" in command("predict", "in.jsonl").err
