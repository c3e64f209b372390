"""What differs by machine: from the environment or a `.env` file."""

from pathlib import Path

import pytest

from classification_model.config.settings import read_settings
from classification_model.errors import ConfigError


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a working folder without settings."""
    for variable in ("MODEL_OUTPUT", "TRAINING_JOBS", "LOG_FORMAT", "LOG_LEVEL"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_settings_have_defaults(machine: Path) -> None:
    """A machine that says nothing trains on all cores, logs warnings as text, and writes where the config says."""
    settings = read_settings()
    assert (settings.model_output, settings.jobs, settings.log_format, settings.log_level) == (
        None,
        -1,
        "text",
        "WARNING",
    )


def test_settings_come_from_the_environment_then_from_the_file(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable of the environment overrules the same one in `.env`; others of the file count, strange ones do not."""
    (machine / ".env").write_text("TRAINING_JOBS=2\nLOG_FORMAT=json\nDATABASE_URL=x\n", encoding="utf-8")
    monkeypatch.setenv("TRAINING_JOBS", "3")
    monkeypatch.setenv("MODEL_OUTPUT", "models")
    monkeypatch.setenv("LOG_LEVEL", "info")
    settings = read_settings()
    assert (settings.model_output, settings.jobs, settings.log_format, settings.log_level) == (
        Path("models"),
        3,
        "json",
        "INFO",
    )


def test_an_empty_variable_is_as_good_as_none(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A variable that is set to nothing leaves the default, instead of meaning the current folder."""
    monkeypatch.setenv("MODEL_OUTPUT", "")
    monkeypatch.setenv("TRAINING_JOBS", "")
    assert read_settings().model_output is None
    assert read_settings().jobs == -1


def test_wrong_settings_are_all_told(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each variable with a value that is not allowed is named with what was expected and found."""
    monkeypatch.setenv("TRAINING_JOBS", "all")
    monkeypatch.setenv("LOG_LEVEL", "loud")
    monkeypatch.setenv("LOG_FORMAT", "xml")
    with pytest.raises(ConfigError, match="environment variable") as caught:
        read_settings()
    assert sorted(str(caught.value).splitlines()) == [
        "environment variable LOG_FORMAT: expected one of: text, json, found 'xml'",
        "environment variable LOG_LEVEL: expected one of: DEBUG, INFO, WARNING, ERROR, found 'LOUD'",
        "environment variable TRAINING_JOBS: expected a whole number, found 'all'",
    ]


@pytest.mark.parametrize("jobs", ["0", "-2"])
def test_no_threads_are_refused(machine: Path, monkeypatch: pytest.MonkeyPatch, jobs: str) -> None:
    """Training with no thread, or fewer, is refused before it starts."""
    monkeypatch.setenv("TRAINING_JOBS", jobs)
    with pytest.raises(ConfigError, match=r"TRAINING_JOBS: expected a number .*, found '(0|-2)'"):
        read_settings()


def test_a_settings_file_that_is_no_text_is_told(machine: Path) -> None:
    """A `.env` that is not UTF-8 is a config error."""
    (machine / ".env").write_bytes(b"LOG_LEVEL=\xff\n")
    with pytest.raises(ConfigError, match=r"\.env cannot be read: it is not UTF-8 text"):
        read_settings()
