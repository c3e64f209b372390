"""The registry of MLflow: the alias of what a store serves, and models that are pulled into a store."""

from __future__ import annotations

import json
import logging
import shutil
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from commands import Command, Done
from mlflow_server import PASSWORD, MlflowServer, free_port, proxy
from operated import CONFIG, log_rows, make_problem, make_rows

import classification_model as cm
from classification_model.errors import InputError, VerificationError
from classification_model.tracking.names import FOLDER
from classification_model.tracking.pull import RegisteredModel, check_host, list_files

pytestmark = pytest.mark.slow


@pytest.fixture
def tracking(mlflow_server: MlflowServer, monkeypatch: pytest.MonkeyPatch) -> MlflowServer:
    """Set the server's address."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
    return mlflow_server


@pytest.fixture(scope="module")
def models(mlflow_server: MlflowServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the versions 1.0.0 and 1.1.0 of a problem, which are registered as its versions 1 and 2."""
    folder = tmp_path_factory.mktemp("models")
    config = make_problem(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", mlflow_server.url)
        for version in ("1.0.0", "1.1.0"):
            trained = cm.ClassificationModel(named(config, "Pulled", version)).fit()
            trained.save(folder / version)
    return folder


def named(config: Any, name: str, version: str) -> Any:
    """Return a config with another name and version."""
    return config.model_copy(update={"app": config.app.model_copy(update={"name": name, "version": version})})


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    """Return what was warned of."""
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


def test_the_alias_follows_promotions_and_rollbacks(
    command: Command, models: Path, tracking: MlflowServer, caplog: pytest.LogCaptureFixture
) -> None:
    """The alias names what the store serves, and each command that changes that moves it."""
    assert command("promote", models / "1.0.0", "--store", "store").code == 0
    assert tracking.champion("Pulled") == "1.0.0"
    assert command("promote", models / "1.1.0", "--store", "store").code == 0
    assert tracking.champion("Pulled") == "1.1.0"
    assert command("rollback", "--store", "store", "--json").code == 0
    assert tracking.champion("Pulled") == "1.0.0"
    tracking.client().delete_registered_model_alias("Pulled", "champion")
    assert command("promote", "1.0.0", "--store", "store").code == 0
    assert tracking.champion("Pulled") == "1.0.0", "promoting what is current sets the alias again"
    assert not warnings_of(caplog)


def test_a_promotion_stands_without_the_alias(
    command: Command, models: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """A server that is away is a warning without its password, after the promotion."""
    url = f"http://127.0.0.1:{free_port()}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", url.replace("://", f"://me:{PASSWORD}@"))
    done = command("promote", models / "1.0.0", "--store", "store")
    assert (done.code, done.out) == (0, "version 1.0.0 is current\n")
    what = "version 1.0.0 is current, but without the alias 'champion' in MLflow"
    assert warnings_of(caplog) == [f"{what}: the MLflow server at {url}: connection refused"]


def test_a_model_that_is_not_registered_has_no_alias(
    command: Command, model_folder: Path, tracking: MlflowServer, caplog: pytest.LogCaptureFixture
) -> None:
    """A promotion of a model that was trained without MLflow warns, and stands."""
    assert command("promote", model_folder, "--store", "store").code == 0
    (warning,) = warnings_of(caplog)
    assert warning.endswith("is this model, which was not logged when it was trained")


def test_retraining_registers_the_new_model_and_moves_the_alias(
    command: Command, tracking: MlflowServer, tmp_path: Path
) -> None:
    """The first model is the champion, then the one that is promoted instead of it; both are runs."""
    make_problem(tmp_path)
    (tmp_path / "config.yml").write_text(CONFIG.replace("Parcels", "Retrained"), encoding="utf-8")
    arguments = ("retrain", "--config", "config.yml", "--log", "log", "--store", "store", "--json")
    first = json.loads(command(*arguments).out)
    assert first["outcome"] == "first model"
    assert tracking.champion("Retrained") == first["challenger"]
    log_rows(cm.ModelStore(tmp_path / "store"), tmp_path / "log", make_rows(400, 1, world="new"))
    second = json.loads(command(*arguments, "--force").out)
    assert second["outcome"] == "promoted"
    assert tracking.champion("Retrained") == second["challenger"] != first["challenger"]
    versions = tracking.client().search_model_versions("name='Retrained'")
    assert {version.tags["version"] for version in versions} == {first["challenger"], second["challenger"]}


@pytest.mark.parametrize("url", ["mlflow://Pulled/2", "mlflow://%50ulled@candidate"])
def test_a_pulled_model_predicts_as_the_one_that_was_trained(
    url: str, command: Command, models: Path, tracking: MlflowServer, tmp_path: Path
) -> None:
    """A model is pulled by its number or an alias, byte for byte, and serves after it is promoted."""
    tracking.client().set_registered_model_alias("Pulled", "candidate", "2")
    done = command("store", "pull", url, "--store", "store")
    assert (done.code, done.out.split(":")[0]) == (0, "version 1.1.0 is in the store store")
    store = cm.ModelStore(tmp_path / "store")
    assert store.current() is None
    assert {file.name: file.read_bytes() for file in store.path("1.1.0").iterdir() if file.is_file()} == {
        file.name: file.read_bytes() for file in (models / "1.1.0").iterdir() if file.is_file()
    }
    assert command("promote", "1.1.0", "--store", "store").code == 0
    rows = [{"distance": row["distance"], "carrier": row["carrier"]} for row in make_rows(50, 3)]
    assert store.load("1.1.0").predict(rows) == cm.Predictor.load(models / "1.1.0").predict(rows)


def test_a_pulled_model_can_be_promoted_at_once(
    command: Command, models: Path, tracking: MlflowServer, tmp_path: Path
) -> None:
    """With --promote it is the current version, and the champion; pulling it again changes nothing."""
    for _ in range(2):
        done = command("store", "pull", "mlflow://Pulled/1", "--store", "store", "--promote", "--json")
        assert (done.code, json.loads(done.out)["version"]) == (0, "1.0.0")
    assert cm.ModelStore(tmp_path / "store").current() == "1.0.0"
    assert tracking.champion("Pulled") == "1.0.0"
    assert models.is_dir()


def pull_damaged(command: Command, tracking: MlflowServer, tmp_path: Path, damage: Any) -> Done:
    """Damage the artifacts of a registered model, pull it, and see that nothing reaches the store."""
    place = tracking.folder_of("Pulled", "1")
    kept = shutil.copytree(place, tmp_path / "kept")
    try:
        damage(place / FOLDER)
        done = command("store", "pull", "mlflow://Pulled/1", "--store", "store")
    finally:
        shutil.rmtree(place)
        shutil.copytree(kept, place)
    assert done.code == 2
    assert not (tmp_path / "store" / "versions").exists()
    assert len(done.err.splitlines()) == 1
    return done


def flip(folder: Path) -> None:
    """Change a byte of the compiled model."""
    content = bytearray((folder / "core.onnx").read_bytes())
    content[len(content) // 2] ^= 1
    (folder / "core.onnx").write_bytes(content)


def lengthen(folder: Path) -> None:
    """Append to the compiled model."""
    with (folder / "core.onnx").open("ab") as file:
        file.write(b"more")


def test_damaged_artifacts_are_refused(command: Command, models: Path, tracking: MlflowServer, tmp_path: Path) -> None:
    """A changed byte, a longer file, an extra file, a missing one and another model's folder are refused by name."""

    def replace(folder: Path) -> None:
        shutil.rmtree(folder)
        shutil.copytree(models / "1.1.0", folder)

    cases = {
        "core.onnx was changed: expected sha256": flip,
        "bytes at most, found": lengthen,
        "'reports/extra.html' is among the artifacts": lambda folder: (folder / "reports" / "extra.html").touch(),
        "core.onnx is missing": lambda folder: (folder / "core.onnx").unlink(),
        "has no model_folder/manifest.json": shutil.rmtree,
        "is another model than was registered": replace,
    }
    for number, (expected, damage) in enumerate(cases.items()):
        (tmp_path / str(number)).mkdir()
        done = pull_damaged(command, tracking, tmp_path / str(number), damage)
        assert expected in done.err, done.err
    assert command("store", "pull", "mlflow://Pulled/1", "--store", "store").code == 0, "whole again, it is pulled"


def test_paths_that_lead_out_of_the_folder_are_refused(
    command: Command, models: Path, mlflow_server: MlflowServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that lists ``..`` or absolute paths gets nothing written anywhere."""
    before = set(tmp_path.rglob("*"))
    for hostile in ("../core.onnx", "../../core.onnx", "/core.onnx", "a/../../core.onnx", "%2e%2e/core.onnx", "."):

        def lie(_method: str, path: str, body: bytes, name: str = hostile) -> bytes:
            is_list = "mlflow-artifacts/artifacts?" in path
            return body.replace(b'"core.onnx"', json.dumps(name).encode()) if is_list else body

        with proxy(mlflow_server, lie) as url:
            monkeypatch.setenv("MLFLOW_TRACKING_URI", url)
            done = command("store", "pull", "mlflow://Pulled/1", "--store", "store")
        assert done.code == 2, (hostile, done.out)
        assert len(done.err.splitlines()) == 1
        assert set(tmp_path.rglob("*")) == before
    assert models.is_dir()


@dataclass
class Listed:
    """What a store of artifacts lists."""

    path: str
    is_dir: bool = False
    file_size: int = 1


@pytest.mark.parametrize("path", ["../a", "m/../../a", "/a", "other/a", "m", "m/", "m/./a", "m//a", "m/../m/a"])
def test_a_listed_path_lies_inside_the_folder(path: str) -> None:
    """Whatever store of artifacts lists another path, it is refused before anything is downloaded."""
    repository: Any = SimpleNamespace(list_artifacts=lambda _folder: [Listed("m/good"), Listed(path)])
    with pytest.raises(VerificationError, match="expected paths inside m among the artifacts"):
        list_files(repository, "m")


def test_a_folder_that_goes_on_for_ever_is_refused() -> None:
    """A store whose folders contain folders without end is left after a thousand."""
    repository: Any = SimpleNamespace(
        list_artifacts=lambda folder: [Listed(f"{folder}/{name}", is_dir=True) for name in "ab"]
    )
    with pytest.raises(VerificationError, match="expected 1000 files at most"):
        list_files(repository, "m")


def test_what_is_not_in_the_registry_is_an_error_of_one_line(
    command: Command, models: Path, tracking: MlflowServer
) -> None:
    """An unknown name, number or alias is named, and so is a model that this package did not register."""
    for url in ("mlflow://Nobody/1", "mlflow://Pulled/77", "mlflow://Pulled@nobody"):
        done = command("store", "pull", url, "--store", "store")
        assert (done.code, done.err) == (2, f"error: the registry of MLflow has no {url}\n")
    client = tracking.client()
    client.delete_model_version_tag("Pulled", "1", "digest")
    try:
        done = command("store", "pull", "mlflow://Pulled/1", "--store", "store")
    finally:
        client.set_model_version_tag("Pulled", "1", "digest", cm.read_manifest(models / "1.0.0").digest)
    expected = "error: mlflow://Pulled/1 has no tag 'digest': expected a model that classification-model registered\n"
    assert (done.code, done.err) == (2, expected)


def test_pulling_needs_a_server(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without an address, or with a server that is away, the error says so and repeats no password."""
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    done = command("store", "pull", "mlflow://Pulled/1", "--store", "store")
    expected = "error: expected the address of an MLflow server in MLFLOW_TRACKING_URI, found none\n"
    assert (done.code, done.err) == (2, expected)
    port = free_port()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://me:{PASSWORD}@127.0.0.1:{port}/path")
    done = command("store", "pull", "mlflow://Pulled/1", "--store", "store")
    expected = f"error: the MLflow server at http://127.0.0.1:{port}/path: connection refused\n"
    assert (done.code, done.err) == (2, expected)


@pytest.mark.parametrize(
    ("url", "model"),
    [
        ("mlflow://Titanic survival/3", RegisteredModel("Titanic survival", "3")),
        ("mlflow://Titanic%20survival@champion", RegisteredModel("Titanic survival", None, "champion")),
        ("mlflow://a@b@champion", RegisteredModel("a@b", None, "champion")),
    ],
)
def test_the_form_of_the_url(url: str, model: RegisteredModel) -> None:
    """A model is named by a number of the registry or by an alias."""
    assert RegisteredModel.of(url) == model


@pytest.mark.parametrize(
    "url",
    [
        *("Titanic/1", "mlflow://", "mlflow://Titanic", "mlflow:///1", "mlflow://@champion", "mlflow://Titanic@"),
        *("mlflow://Titanic/1.0.0", "mlflow://Titanic/", "mlflow://a/b/1", f"mlflow://me:{PASSWORD}@host:80/Titanic/1"),
        *("mlflow://a%2Fb/1", "mlflow://Titanic/\N{SUPERSCRIPT TWO}"),
    ],
)
def test_a_url_of_another_form_is_refused(url: str) -> None:
    """The error says the form, and repeats no address of a server."""
    with pytest.raises(InputError, match="expected mlflow://NAME/VERSION or mlflow://NAME@ALIAS") as raised:
        RegisteredModel.of(url)
    assert PASSWORD not in str(raised.value)


@pytest.mark.parametrize(
    "uri",
    [
        "https://elsewhere.example/x/mlflow-artifacts/artifacts/m",
        "mlflow-artifacts://elsewhere.example/1/models/m",
        "http://mlflow.example@elsewhere.example/api/2.0/mlflow-artifacts/artifacts/m",
        "file:///etc",
        "/etc",
    ],
)
def test_artifacts_on_another_host_are_not_asked_for(uri: str) -> None:
    """Who registers a version sends the credentials of the server nowhere, and gets no file of this machine read."""
    with pytest.raises(VerificationError, match="expected artifacts on the MLflow server or in a store such as S3"):
        check_host(uri, "http://user:secret@mlflow.example:5000")


@pytest.mark.parametrize(
    "uri",
    [
        "mlflow-artifacts:/1/models/m",
        "mlflow-artifacts://mlflow.example:5000/1",
        "s3://bucket/1",
        "http://mlflow.example:5000/a",
    ],
)
def test_artifacts_of_the_server_and_of_stores_are_asked_for(uri: str) -> None:
    """Which of its places the server names is its own affair."""
    check_host(uri, "http://user:secret@mlflow.example:5000")
