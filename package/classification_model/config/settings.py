"""Settings of the machine, from environment variables or a ``.env`` file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from classification_model.config.complaints import describe, expectation
from classification_model.errors import ConfigError


class Settings(BaseSettings):
    """Settings of this machine.

    Attributes
    ----------
    model_output
        ``MODEL_OUTPUT``: folder in which ``classification-model train`` makes model folders when ``--output`` is left
        out. Without either, the packaged config's model goes to the package's own ``trained_models``.
    jobs
        ``TRAINING_JOBS``: number of threads for training; -1 for one per core.
    log_format
        ``LOG_FORMAT``: ``text`` or ``json``, one record per line on standard error.
    log_level
        ``LOG_LEVEL``: lowest level to log: ``DEBUG``, ``INFO``, ``WARNING`` or ``ERROR``, in any case.
    """

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    model_output: Path | None = None
    jobs: int = Field(-1, validation_alias="TRAINING_JOBS", ge=-1)
    log_format: Literal["text", "json"] = "text"
    log_level: Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(str.upper)] = "WARNING"

    @field_validator("jobs")
    @classmethod
    def _is_a_number_of_threads(cls, value: int) -> int:
        if value == 0:
            msg = "a number of threads above 0, or -1 for one per core"
            raise ValueError(msg)
        return value


def read_settings() -> Settings:
    """Read the settings from the environment, then from ``.env`` in the working directory.

    Raises
    ------
    ConfigError
        If a variable has a wrong value; the message has a line for each.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = (
            f"environment variable {str(details['loc'][0]).upper()}: expected {expectation(details)}, "
            f"found {describe(details['input'])}"
            for details in error.errors(include_url=False)
        )
        raise ConfigError("\n".join(lines)) from error
    except (OSError, UnicodeDecodeError) as error:
        msg = f".env cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        raise ConfigError(msg) from error
