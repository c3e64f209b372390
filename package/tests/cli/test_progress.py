"""Progress bars of a training."""

import pytest

from classification_model.cli.progress import progress_bars


def draw() -> None:
    """Let two candidates advance."""
    with progress_bars() as bars:
        bars.start("forest", 2)
        bars.start("boosting", 3)
        bars.advance("boosting")
        bars.advance("forest")
        bars.advance("forest")


def test_a_terminal_shows_a_bar_for_each_candidate(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each candidate has its name and its fits, done and planned, on standard error."""
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")
    draw()
    out, err = capsys.readouterr()
    assert out == ""
    for shown in ("forest", "2/2", "boosting", "1/3"):
        assert shown in err


def test_a_file_or_pipe_gets_no_bars(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is no terminal, a log stays free of bars."""
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    monkeypatch.delenv("TTY_COMPATIBLE", raising=False)
    draw()
    assert capsys.readouterr() == ("", "")
