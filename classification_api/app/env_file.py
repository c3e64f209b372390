"""Settings in the file ``.env`` of the working folder, which the workshop of the package reads too."""

from __future__ import annotations

from os import environ
from typing import Any

from pydantic_settings import DotEnvSettingsSource

ENV_FILE = ".env"

_MODELS = {"model_folder", "model_package", "model_store"}
_OF_A_STORE = {"model_store_polling", "shadow_version"}


class EnvFile(DotEnvSettingsSource):
    """The settings in ``.env``, without those of a model if the environment names a model."""

    def __call__(self) -> dict[str, Any]:
        """Return the settings."""
        given = _MODELS & {name.lower() for name in environ}
        replaced = _MODELS if "model_store" in given else _MODELS | _OF_A_STORE
        return {name: value for name, value in super().__call__().items() if not (given and name in replaced)}
