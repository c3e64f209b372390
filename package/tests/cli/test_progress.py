"""Progress of a command: one bar on a terminal, else a line for each step."""

import pytest

from classification_model.cli.progress import shown_progress


def show(*, as_records: bool = False) -> None:
    """Let a comparison of three fits advance by two."""
    with shown_progress(as_records=as_records) as progress:
        progress.step("reading the table")
        progress.step("comparing 2 candidates", fits=3, budget_seconds=60)
        progress.advance()
        progress.advance()


def test_a_terminal_shows_one_bar_with_the_step_and_the_budget(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The bar names the step, its fits, done and planned, and the budget, on standard error."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "140")
    show()
    out, err = capsys.readouterr()
    assert out == ""
    for shown in ("comparing 2 candidates", "2/3 fits", "of at most 60 s", "left"):
        assert shown in err


def test_a_file_or_pipe_gets_a_line_for_each_step(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where standard error is no terminal, each step is a line, and a log of records stays one."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    show()
    assert capsys.readouterr() == ("", "step: reading the table\nstep: comparing 2 candidates, 3 fits, at most 60 s\n")
    show(as_records=True)
    assert capsys.readouterr() == ("", "")
