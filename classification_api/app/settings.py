"""What the API is told by its environment: which model, which limits, which keys."""

from __future__ import annotations

import re
from difflib import get_close_matches
from os import environ
from pathlib import Path
from typing import Annotated, Any, Literal

from classification_model.runtime.log.line_writer import FILE_SIZE, KEPT_SIZE
from classification_model.runtime.store.current import is_version
from pydantic import ByteSize, Field, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

#: The package whose model serves where no other one is named.
PACKAGED = "classification_model"
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"  # SHA-256 of nothing
_PACKAGE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class SettingsError(Exception):
    """The environment asks for something that is impossible or unsafe; one line a fault."""


class Settings(BaseSettings):
    """Settings of the API; each is an environment variable of the same name in capitals.

    Attributes
    ----------
    model_folder, model_package, model_store
        What is served: a model folder, an installed package that carries one, or the current version of a store of
        models, which is followed as it changes. None of them: the package ``classification_model``. Two are an error.
    model_store_polling
        Whether the store is looked at again and again, where its file system tells nobody of changes.
    shadow_version
        A version in the store that predicts the same rows unseen, to be compared with the one that serves.
    api_key_hashes
        SHA-256 of each API key that is accepted, in hexadecimal, separated by commas; two at most, so that a key can
        be replaced without a gap. Left out, no key is asked for; given and empty is an error.
    limit_body
        Largest body of a request, such as ``2MiB``.
    limit_rows, limit_explained_rows
        Most rows of a request (see `dialects.limits`), and of one whose predictions are to be explained.
    limit_depth
        Deepest nesting of objects and arrays in a body.
    limit_header_bytes, limit_header_count
        Largest head of a request, and most headers in it.
    limit_receive_seconds
        Longest time in which a request must have arrived.
    limit_keep_alive_seconds
        How long a connection is kept without a request.
    limit_requests
        Most requests in hand, per worker; probes are not counted.
    access_log
        Whether each request is one line of JSON on standard output.
    log_folder
        Folder of the prediction log, which processes share; ``off`` for none.
    log_durability
        ``os``: what is answered is on record with the operating system, whatever becomes of this process. ``disk``: it
        is on the disk.
    log_file_size
        Size at which the next file of the log is begun.
    log_kept_size
        Size of all files of predictions, and of all files of labels, beyond which the oldest are removed.
    """

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=False)

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
    access_log: bool = True
    log_folder: Path | None = Path("prediction_log")
    log_durability: Literal["os", "disk"] = "os"
    log_file_size: ByteSize = Field(default=ByteSize(FILE_SIZE), ge=1024, le=2**40)
    log_kept_size: ByteSize = Field(default=ByteSize(KEPT_SIZE), ge=1024)

    @field_validator("log_folder", mode="before")
    @classmethod
    def _read_folder(cls, given: Any) -> Any:
        if given == "":
            msg = "expected the path of a folder, or off, found nothing"
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
            msg = "expected the SHA-256 of each key as 64 hexadecimal digits: classification-api hash-key makes it"
            raise ValueError(msg)
        if _EMPTY in hashes:
            msg = "expected hashes of keys, found that of an empty key"
            raise ValueError(msg)
        if len(hashes) > 2:
            msg = f"expected at most two keys, one and its successor, found {len(hashes)}"
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
                msg = f"expected {name.upper()} as the path of a folder, found an empty one"
                raise ValueError(msg)
        for name in ("model_store_polling", "shadow_version"):
            if getattr(self, name) and self.model_store is None:
                msg = f"expected MODEL_STORE beside {name.upper()}, found none"
                raise ValueError(msg)
        return self

    def public(self) -> dict[str, Any]:
        """Return all settings by name of their variable, for showing; of API keys only how many there are."""
        shown = {name.upper(): value for name, value in self.model_dump(mode="json").items()}
        if self.model_folder is None and self.model_package is None and self.model_store is None:
            shown["MODEL_PACKAGE"] = PACKAGED
        hashes = self.api_key_hashes
        shown["API_KEY_HASHES"] = None if hashes is None else f"{len(hashes)} of at most 2, not shown"
        return shown


def _refuse_near_misses() -> None:
    """Refuse a variable that is all but one of ours: a limit or a key that is misspelt would silently not be there."""
    known = [name.upper() for name in Settings.model_fields]
    for name in environ:
        near = get_close_matches(name.upper(), known, n=1, cutoff=0.85)
        if near and name.upper() != near[0]:
            msg = f"{name}: there is no such setting: {near[0]} is meant, or it is to be unset"
            raise SettingsError(msg)


def read_settings(**given: Any) -> Settings:
    """Read the settings from the environment.

    Parameters
    ----------
    given
        What takes the place of variables.

    Raises
    ------
    SettingsError
        If one is impossible or unsafe; its text names the variable and never its value.
    """
    _refuse_near_misses()
    try:
        return Settings(**given)
    except ValidationError as error:
        faults = []
        for fault in error.errors(include_input=False, include_url=False):
            name = str(fault["loc"][0]).upper() if fault["loc"] else "settings"
            faults.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
        raise SettingsError("\n".join(faults)) from None
