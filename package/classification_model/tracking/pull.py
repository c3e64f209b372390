"""Copy a registered model from MLflow into a store, after verifying it as every model is."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote, urlsplit

from classification_model.errors import InputError, TrackingError, VerificationError
from classification_model.runtime.model_folder.artifact import LARGEST_FILE, LARGEST_MANIFEST, MANIFEST, read_manifest
from classification_model.tracking.names import DIGEST, FOLDER
from classification_model.tracking.server import connected

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion
    from mlflow.store.artifact.artifact_repo import ArtifactRepository

    from classification_model.runtime.store.store import ModelStore

SCHEME = "mlflow://"
_EXPECTED = f"expected {SCHEME}NAME/VERSION or {SCHEME}NAME@ALIAS"
_MOST_FILES = 1000


@dataclass(frozen=True)
class RegisteredModel:
    """A registered model, as a URL names it.

    Attributes
    ----------
    name
        Name of the registered model.
    version
        Number of its version in the registry, or None.
    alias
        Alias of a version, or None.
    """

    name: str
    version: str | None = None
    alias: str | None = None

    @classmethod
    def of(cls, url: str) -> Self:
        """Read a URL, in which blanks and other signs of the name may be percent-encoded.

        Raises
        ------
        InputError
            If it is of another form. The message does not repeat the URL, which may be that of a server.
        """
        if not url.startswith(SCHEME):
            msg = f"{_EXPECTED}, found no {SCHEME}"
            raise InputError(msg)
        rest = url.removeprefix(SCHEME)
        if "/" in rest:
            name, _, version = rest.rpartition("/")
            alias = None
        else:
            name, _, alias = rest.rpartition("@")
            version = None
        name = unquote(name)
        if not name or "/" in name or ":" in name:
            msg = f"{_EXPECTED}, found another form: the address of the server is in MLFLOW_TRACKING_URI alone"
            raise InputError(msg)
        if version is not None and not (version.isascii() and version.isdigit()):
            msg = f"{_EXPECTED}, with the number of a version in the registry, found {version[:100]!r}"
            raise InputError(msg)
        if alias == "":
            msg = f"{_EXPECTED}, found an empty alias"
            raise InputError(msg)
        return cls(name, version, alias)

    def __str__(self) -> str:
        return f"{SCHEME}{self.name}{f'/{self.version}' if self.alias is None else f'@{self.alias}'}"


def pull_model(url: str, store: ModelStore, *, schema_change: bool = True) -> str:
    """Copy a registered model into a store, where `ModelStore.promote` makes it current.

    Parameters
    ----------
    url
        ``mlflow://NAME/VERSION`` or ``mlflow://NAME@ALIAS``, such as ``mlflow://Titanic survival@champion``. The
        environment variable ``MLFLOW_TRACKING_URI`` has the address of the server.
    store
        The store, which is made if it does not exist.
    schema_change
        See `ModelStore.add`.

    Returns
    -------
    str
        The version of the model in the store.

    Raises
    ------
    InputError
        If the URL has another form, or ``MLFLOW_TRACKING_URI`` is not set.
    TrackingError
        If the server cannot be reached, or has no such model.
    ArtifactError
        If the model is damaged, holds other files than those of its manifest, or cannot be added to the store.
    """
    model = RegisteredModel.of(url)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / FOLDER
        with connected("pulling a model from MLflow") as client:
            _download(client, _find(client, model), model, folder)
        return store.add(folder, schema_change=schema_change)


def _find(client: MlflowClient, model: RegisteredModel) -> ModelVersion:
    from mlflow.exceptions import RestException  # noqa: PLC0415 - an extra

    try:
        if model.alias is not None:
            return client.get_model_version_by_alias(model.name, model.alias)
        return client.get_model_version(model.name, str(model.version))
    except RestException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            msg = f"the registry of MLflow has no {model}"
            raise TrackingError(msg) from None
        raise


def _download(client: MlflowClient, found: ModelVersion, model: RegisteredModel, folder: Path) -> None:
    """Download what the manifest names into a folder, and refuse a model that holds anything else."""
    from mlflow.store.artifact.artifact_repository_registry import (  # noqa: PLC0415 - an extra
        get_artifact_repository,
    )

    digest = found.tags.get(DIGEST)
    if digest is None:
        msg = f"{model} has no tag {DIGEST!r}: expected a model that classification-model registered"
        raise TrackingError(msg)
    uri = client.get_model_version_download_uri(found.name, found.version)
    check_host(uri, client.tracking_uri)
    repository = get_artifact_repository(uri, tracking_uri=client.tracking_uri)
    sizes = list_files(repository, FOLDER)
    if MANIFEST not in sizes:
        msg = f"{model} has no {FOLDER}/{MANIFEST} among its artifacts"
        raise VerificationError(msg)
    _fetch(repository, MANIFEST, sizes[MANIFEST], LARGEST_MANIFEST, folder)
    manifest = read_manifest(folder)
    if manifest.digest != digest:
        msg = f"{model} is another model than was registered: expected digest {digest}, found {manifest.digest}"
        raise VerificationError(msg)
    extra = sorted(set(sizes) - set(manifest.files) - {MANIFEST})
    if extra:
        msg = f"{extra[0]!r} is among the artifacts of {model} but not in its {MANIFEST}: remove it"
        raise VerificationError(msg)
    for name, record in sorted(manifest.files.items()):
        if name not in sizes:
            msg = f"{name} is missing from the artifacts of {model}: log it again"
            raise VerificationError(msg)
        _fetch(repository, name, sizes[name], min(record.size, LARGEST_FILE), folder)


def check_host(uri: str, tracking_uri: str) -> None:
    """Refuse artifacts that lie on this machine, or on a host that would get the credentials of the tracking server.

    Whoever may register a version says where its artifacts are.

    Raises
    ------
    VerificationError
        If they lie there.
    """
    place, server = urlsplit(uri), urlsplit(tracking_uri)
    is_of_server = place.netloc.rpartition("@")[2] in {"", server.netloc.rpartition("@")[2]}
    if place.scheme in {"", "file"} or (place.scheme in {"http", "https", "mlflow-artifacts"} and not is_of_server):
        where = place.hostname or "this machine"
        msg = f"expected artifacts on the MLflow server or in a store such as S3, found them on {where}"
        raise VerificationError(msg)


def list_files(repository: ArtifactRepository, top: str) -> dict[str, int | None]:
    """Return the files below a folder of artifacts, with their sizes.

    Raises
    ------
    VerificationError
        If a path does not lie inside it, or there are too many.
    """
    found: dict[str, int | None] = {}
    folders = [top]
    while folders:
        folder = folders.pop()
        for item in repository.list_artifacts(folder):
            path = PurePosixPath(item.path)
            if (
                str(path) != item.path
                or not path.is_relative_to(folder)
                or ".." in path.parts
                or path == PurePosixPath(folder)
            ):
                msg = f"expected paths inside {folder} among the artifacts, found {item.path[:200]!r}"
                raise VerificationError(msg)
            if item.is_dir:
                folders.append(item.path)
            else:
                found[str(path.relative_to(top))] = item.file_size
            if len(found) + len(folders) > _MOST_FILES:
                msg = f"expected {_MOST_FILES} files at most among the artifacts in {top}, found more"
                raise VerificationError(msg)
    return found


def _fetch(repository: ArtifactRepository, name: str, size: int | None, limit: int, folder: Path) -> None:
    if size is None or size > limit:
        msg = f"{name} was changed: expected {limit} bytes at most, found {'no size' if size is None else size}"
        raise VerificationError(msg)
    repository.download_artifacts(  # type: ignore[no-untyped-call]
        f"{FOLDER}/{name}", str(folder.parent)
    )
