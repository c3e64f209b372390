"""What differs by machine, not by problem: read from the environment or a ``.env`` file."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from classification_model.errors import ConfigError


class Settings(BaseSettings):
    """Settings of this machine.

    Attributes
    ----------
    model_output
        ``MODEL_OUTPUT``: folder that `classification-model train` writes model folders into when ``--output`` is
        not given; of the packaged problem, the package's own ``trained_models`` when this is not set either.
    jobs
        ``TRAINING_JOBS``: threads that training uses; -1 for one a core.
    log_format
        ``LOG_FORMAT``: ``text`` or ``json``, one record a line on standard error.
    log_level
        ``LOG_LEVEL``: least severe level that is logged.
    """

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    model_output: Path | None = None
    jobs: int = Field(-1, validation_alias="TRAINING_JOBS", ge=-1)
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "WARNING"


def read_settings() -> Settings:
    """Read the settings of this machine.

    Raises
    ------
    ConfigError
        If a variable has a value that is not allowed, naming it.
    """
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]).upper()
        msg = f"environment variable {name}: {first['msg'].lower()}, found {first['input']!r}"
        raise ConfigError(msg) from error
