"""`eda`: a table, or the table of a config, explored into a page; and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from commands import CONFIG, Command, colours, everything_below


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Write a table and its config."""
    colours().to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "config.yml").write_text(CONFIG, encoding="utf-8")
    return tmp_path / "table.csv"


@pytest.mark.slow
def test_a_table_with_a_target_is_explored(command: Command, table: Path) -> None:
    """A config is drafted in memory, candidates are compared, and the page is all that is written."""
    before = everything_below(table.parent)

    done = command("eda", "table.csv", "--target", "y")

    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("table.csv: 120 rows of 4 columns\n- ")
    assert "is best by log loss" in done.out
    assert done.out.endswith("written: eda.html\n")
    assert any(step.startswith("comparing 3 candidates") for step in done.steps)
    assert everything_below(table.parent).keys() - before.keys() == {"eda.html"}


@pytest.mark.slow
def test_the_table_of_a_config_is_explored(command: Command, table: Path) -> None:
    """With a config, its features and candidates are taken; --source stands in for its table."""
    table.rename(table.with_name("other.csv"))

    done = command("eda", "--config", "config.yml", "--source", "other.csv", "--output", "page.html", "--json")

    assert (done.code, done.err) == (0, "")
    document = json.loads(done.out)
    assert (document["name"], document["target"], document["page"], document["pdf"]) == (
        "Colours",
        "y",
        "page.html",
        None,
    )
    assert [one["candidate"] for one in document["leaderboard"]] == ["logistic_regression"]
    assert document["associations"].keys() == {"size", "shape"}
    assert document["classes"].keys() == {"blue", "red"}
    assert "Colours" in Path("page.html").read_text(encoding="utf-8")


def test_a_table_without_a_target_has_no_classes(command: Command, table: Path) -> None:
    """Without a target, columns are explored, and an existing page is replaced."""
    Path("eda.html").write_text("old", encoding="utf-8")

    done = command("eda", str(table), "--json")

    document = json.loads(done.out)
    assert (document["rows"], document["target"], document["classes"], document["leaderboard"]) == (120, None, {}, [])
    assert "table.csv" in Path("eda.html").read_text(encoding="utf-8")


def test_models_can_be_left_out(command: Command, table: Path) -> None:
    """With --no-models none are compared, and the page says so."""
    done = command("eda", str(table), "--target", "y", "--no-models")

    assert done.code == 0
    assert not any(step.startswith("comparing") for step in done.steps)
    assert "No candidates were compared. They were left out." in Path("eda.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((), "expected a table to explore, or --config, found neither"),
        (("table.csv", "--config", "config.yml"), "expected a table to explore, or --config, found both"),
        (("--config", "config.yml", "--target", "y"), "expected --target with a table alone"),
        (("table.csv", "--source", "other.csv"), "expected --source with --config"),
        (("nothing.csv",), "nothing.csv"),
        (("table.csv", "--target", "z"), "table.csv has no column 'z', the target: expected one of: order, size"),
        (("--config", "nothing.yml"), "nothing.yml cannot be read"),
        (("empty.csv",), "empty.csv has no rows"),
        (("table.csv", "--output", "."), "--output: expected a file in an existing folder, found the folder .:"),
        (
            ("table.csv", "--output", "no/eda.html"),
            "--output: expected a file in an existing folder, found no folder no:",
        ),
        (("-",), "found standard input"),
    ],
)
def test_faults_are_one_line_and_nothing_is_written(
    command: Command, table: Path, arguments: tuple[str, ...], error: str
) -> None:
    """A fault is one line with exit code 2, and no page is written."""
    (table.parent / "empty.csv").write_text("a,b\n", encoding="utf-8")

    done = command("eda", *arguments)

    assert done.code == 2
    assert done.out == ""
    assert done.err.startswith("error: ")
    assert error in done.err
    assert done.err.count("\n") == 1
    assert not list(table.parent.glob("*.html"))


def test_without_a_browser_nothing_is_begun(
    command: Command, table: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """With --pdf and no browser, the error says what to install before the table is read."""
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))

    done = command("eda", str(table), "--pdf")

    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: --pdf: expected Chromium or Chrome on the PATH")
    assert done.err.endswith(": install chromium\n")
    assert not Path("eda.html").exists()


def test_an_html_page_is_not_written_under_the_name_of_a_pdf(command: Command, table: Path) -> None:
    """--pdf would replace it by itself."""
    for options in ((), ("--pdf",)):
        done = command("eda", str(table), "--output", "eda.pdf", *options)
        assert (done.code, done.out) == (2, "")
        assert "--output: expected an HTML file, found eda.pdf" in done.err
    assert not Path("eda.pdf").exists()


def test_rows_without_a_target_are_left_out_and_told(command: Command, table: Path) -> None:
    """Rows without a target are left out of the exploration, and the page says how many."""
    frame = colours()
    frame.loc[:9, "y"] = None
    frame.to_csv(table, index=False)

    done = command("eda", str(table), "--target", "y", "--no-models")

    assert done.code == 0
    assert "110 rows of 4 columns" in done.out
    assert "Rows left out: 10" in Path("eda.html").read_text(encoding="utf-8")
