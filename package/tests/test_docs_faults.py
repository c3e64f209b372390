"""The page of faults: its rows name tests that exist, it names each test of a row, and sizes are those of the tests."""

from __future__ import annotations

import configparser
import re
from collections import defaultdict
from fnmatch import fnmatchcase
from pathlib import Path

from documented import code_spans, rows_with

ROOT = Path(__file__).resolve().parents[2]
SUITES = (ROOT / "package", ROOT / "classification_api", ROOT / "examples" / "companydata")
PAGE = ROOT / "docs" / "faults.md"


def sizes(column: str) -> dict[str, str]:
    """Return the size of each variable in a column of the page."""
    return {row["variable"].strip("`"): row[column].replace(",", "") for row in rows_with(PAGE, "variable")}


def cited() -> dict[int, list[str]]:
    """Return for each row of the page which tests it names."""
    return {int(row["#"]): code_spans(row["tests"]) for row in rows_with(PAGE, "#")}


def named() -> dict[int, set[str]]:
    """Return for each row the tests that have it in their name, such as ``test_store.py::test_row_30_a_link``."""
    found: dict[int, set[str]] = defaultdict(set)
    for file in (file for suite in SUITES for file in (suite / "tests").rglob("test_*.py")):
        tests = re.findall(
            r"^def (test_rows?_(\d+)(?:_to_(\d+))?_\w+)\(", file.read_text(encoding="utf-8"), re.MULTILINE
        )
        for name, first, last in tests:
            for row in range(int(first), int(last or first) + 1):
                found[row].add(f"{file.name}::{name}")
    return found


def test_the_rows_are_numbered_from_1_to_40() -> None:
    """No row is left out."""
    assert list(cited()) == list(range(1, 41))


def test_each_row_names_tests_that_exist() -> None:
    """A pattern of a row is met by a test with the row's number; only what is not yet there has no test."""
    tests = named()
    for row, patterns in cited().items():
        for pattern in patterns:
            assert any(fnmatchcase(test, pattern) for test in tests[row]), f"row {row}: {pattern}"
    untested = {int(row["#"]) for row in rows_with(PAGE, "#") if "not yet" in row.values()}
    assert {row for row, patterns in cited().items() if not patterns} == untested


def test_each_test_of_a_row_is_named_in_the_page() -> None:
    """A test with a row's number is met by a pattern of that row."""
    rows = cited()
    for row, tests in named().items():
        for test in tests:
            assert any(fnmatchcase(test, pattern) for pattern in rows[row]), f"row {row}: {test}"


def test_sizes_are_those_of_the_tests() -> None:
    """Each variable is read by a test with the size that the page gives, and tox lets it through."""
    read: dict[str, str] = {}
    for suite in SUITES:
        tox = configparser.ConfigParser(interpolation=None)
        tox.read(suite / "tox.ini")
        passed = tox["testenv"]["pass_env"].split()
        for file in (suite / "tests").rglob("test_*.py"):
            found = re.findall(r'int\(os\.environ\.get\("([A-Z_]+)", "(\d+)"', file.read_text(encoding="utf-8"))
            assert {name for name, _ in found} <= set(passed), file
            read.update(found)
    assert read == sizes("size with every change")


def test_sizes_of_the_whole_run_are_those_of_the_page() -> None:
    """What `.ci/run` exports is the size with every change; the command for a release sets the other one."""
    exported = re.findall(r"([A-Z_]+)=(\d+)", (ROOT / ".ci" / "run").read_text(encoding="utf-8"))
    assert exported
    assert set(exported) <= sizes("size with every change").items()
    commands = re.findall(r"([A-Z_]+)=(\d+)", PAGE.read_text(encoding="utf-8"))
    assert dict(commands) == sizes("size before a release")
