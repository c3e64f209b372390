"""Settings of the API, read from the environment and from ``.env``."""

from __future__ import annotations

import re
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Annotated, Any, Literal

from classification_model.runtime.log.line_writer import FILE_SIZE, KEPT_SIZE
from classification_model.runtime.store.current import is_version
from pydantic import ByteSize, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from app.env_file import ENV_FILE, EnvFile

#: Package whose model is served by default.
PACKAGED = "classification_model"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SettingsError(Exception):
    """Settings are invalid or unsafe; the text has one line per fault."""


class Settings(BaseSettings):
    """Settings of the API; each is read from the environment variable of the same name in capitals, then from ``.env``.

    ``.env`` may hold other variables too, such as those of the package's commands.

    Attributes
    ----------
    model_folder, model_package, model_store
        The model to serve: a model folder, an installed package that contains a model, or the current version of a
        model store, which is reloaded when it changes. Set at most one; the default is the package
        ``classification_model``.
    model_store_polling
        Whether to poll the store, for file systems that do not report changes.
    shadow_version
        Version in the store that predicts the same rows in the background, to compare it with the one that serves.
    api_key_hashes
        SHA-256 of each accepted API key, in hexadecimal, separated by commas. At most two, so that a key can be
        replaced without a gap. Unset, no key is required; an empty value is an error.
    limit_body
        Largest body of a request, in bytes or as ``2MiB``.
    limit_rows, limit_explained_rows
        Most rows in a request (checked in `dialects.limits`), and in a request with ``explain=true``.
    limit_depth
        Deepest nesting of objects and arrays in a body.
    limit_header_bytes, limit_header_count
        Most bytes in the URL and headers of a request, and most headers.
    limit_receive_seconds
        Seconds within which a request must arrive.
    limit_keep_alive_seconds
        Seconds after which an idle connection is closed.
    limit_requests
        Most prediction requests in progress per worker; other requests are not counted.
    drain_seconds
        Seconds after SIGTERM in which requests are still accepted, while ``/health/ready`` is answered with 503.
    access_log
        Whether to write one line of JSON per request to standard output.
    log_folder
        Folder of the prediction log, shared by all workers; ``off`` for no log.
    log_durability
        When a prediction is answered. ``os``: once the operating system has its record, which then survives a crash of
        this process. ``disk``: once the record is on disk.
    log_file_size
        Size at which a new log file is started.
    log_kept_size
        Total size of the prediction files, and of the label files, above which the oldest files are removed.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False, env_file=ENV_FILE)

    model_folder: Path | None = None
    model_package: str | None = None
    model_store: Path | None = None
    model_store_polling: bool = False
    shadow_version: str | None = None
    api_key_hashes: Annotated[tuple[str, ...] | None, NoDecode] = Field(default=None, repr=False)
    limit_body: ByteSize = Field(default=ByteSize(2 * 2**20), ge=1024, le=2**30)
    limit_rows: int = Field(default=5000, ge=1, le=1_000_000)
    limit_explained_rows: int = Field(default=100, ge=1, le=10_000)
    limit_depth: int = Field(default=16, ge=4, le=100)
    limit_header_bytes: ByteSize = Field(default=ByteSize(32 * 2**10), ge=1024, le=2**20)
    limit_header_count: int = Field(default=100, ge=10, le=10_000)
    limit_receive_seconds: float = Field(default=10.0, ge=0.1, le=600, allow_inf_nan=False)
    limit_keep_alive_seconds: float = Field(default=5.0, ge=0.1, le=3600, allow_inf_nan=False)
    limit_requests: int = Field(default=64, ge=1, le=100_000)
    drain_seconds: float = Field(default=0.0, ge=0, le=3600, allow_inf_nan=False)
    access_log: bool = True
    log_folder: Path | None = Path("prediction_log")
    log_durability: Literal["os", "disk"] = "os"
    log_file_size: ByteSize = Field(default=ByteSize(FILE_SIZE), ge=1024, le=2**40)
    log_kept_size: ByteSize = Field(default=ByteSize(KEPT_SIZE), ge=1024)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - replaced
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources of settings, the first of which prevails."""
        return init_settings, env_settings, EnvFile(settings_cls), file_secret_settings

    @field_validator("log_folder", mode="before")
    @classmethod
    def _read_folder(cls, given: Any) -> Any:
        if given == "":
            msg = "expected the path of a folder, or off, found an empty value"
            raise ValueError(msg)
        return None if given == "off" else given

    @field_validator("api_key_hashes", mode="before")
    @classmethod
    def _split(cls, given: Any) -> Any:
        return [part.strip().lower() for part in given.split(",")] if isinstance(given, str) else given

    @field_validator("api_key_hashes")
    @classmethod
    def _check_hashes(cls, hashes: tuple[str, ...] | None) -> tuple[str, ...] | None:
        if hashes is None:
            return None
        if not all(_DIGEST.fullmatch(digest) for digest in hashes):
            msg = "expected the SHA-256 of each key as 64 hexadecimal digits: print it with classification-api hash-key"
            raise ValueError(msg)
        if _EMPTY in hashes:
            msg = "expected hashes of non-empty keys, found the hash of an empty key"
            raise ValueError(msg)
        if len(hashes) > 2:
            msg = f"expected at most two keys, the current one and its replacement, found {len(hashes)}"
            raise ValueError(msg)
        return hashes

    @field_validator("model_package")
    @classmethod
    def _check_package(cls, name: str | None) -> str | None:
        if name is not None and not _PACKAGE.fullmatch(name):
            msg = "expected the import name of an installed package, such as churn_model"
            raise ValueError(msg)
        return name

    @field_validator("shadow_version")
    @classmethod
    def _check_version(cls, version: str | None) -> str | None:
        if version is not None and not is_version(version):
            msg = "expected a version in the store, such as 1.2.0"
            raise ValueError(msg)
        return version

    @model_validator(mode="after")
    def _check_model(self) -> Settings:
        given = [name for name in ("model_folder", "model_package", "model_store") if getattr(self, name) is not None]
        if len(given) > 1:
            found = " and ".join(name.upper() for name in given)
            msg = f"expected one of MODEL_FOLDER, MODEL_PACKAGE and MODEL_STORE, found {found}"
            raise ValueError(msg)
        for name in ("model_folder", "model_store"):
            if getattr(self, name) == Path():
                msg = f"expected {name.upper()} as the path of a folder, found an empty value"
                raise ValueError(msg)
        for name in ("model_store_polling", "shadow_version"):
            if getattr(self, name) and self.model_store is None:
                msg = f"{name.upper()} needs MODEL_STORE, which is not set"
                raise ValueError(msg)
        return self

    def public(self) -> dict[str, Any]:
        """Return all settings by variable name, for display; of API keys only their number."""
        shown = {name.upper(): value for name, value in self.model_dump(mode="json").items()}
        if self.model_folder is None and self.model_package is None and self.model_store is None:
            shown["MODEL_PACKAGE"] = PACKAGED
        hashes = self.api_key_hashes
        shown["API_KEY_HASHES"] = None if hashes is None else f"{len(hashes)} set, not shown"
        return shown


def _refuse_near_misses() -> None:
    """Refuse a misspelt variable, or one without a value: the limit or key that it means would silently be missing."""
    known = [name.upper() for name in Settings.model_fields]
    in_file = EnvFile(Settings).env_vars
    for name in (*environ, *(name.upper() for name in in_file)):
        near = get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if near and name.upper() != near[0]:
            msg = f"{name}: unknown setting, did you mean {near[0]}? Otherwise unset it"
            raise SettingsError(msg)
    for name in known:
        if in_file.get(name.lower(), "") is None:
            msg = f"{name}: expected {name}=VALUE in {ENV_FILE}, found no value"
            raise SettingsError(msg)


def read_settings(**given: Any) -> Settings:
    """Read the settings from the environment, then from ``.env`` in the working folder.

    Parameters
    ----------
    given
        Values that override environment variables.

    Raises
    ------
    SettingsError
        If a setting is invalid or unsafe; the text names the variable, never its value.
    """
    try:
        _refuse_near_misses()
        return Settings(**given)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_input=False, include_url=False):
            name = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
            faults.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
        raise SettingsError("\n".join(faults)) from None
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{ENV_FILE} cannot be read: {getattr(error, 'strerror', None) or 'it is not UTF-8 text'}"
        raise SettingsError(msg) from None
