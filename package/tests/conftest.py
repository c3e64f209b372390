"""What several test files share: the packaged model that the tests judge."""

import io
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from commands import Command, Done
from hypothesis import HealthCheck, settings
from mlflow_server import MlflowServer, running_mlflow
from postgres import ROLE, running_postgres

from classification_model import cli
from classification_model.export import compile_and_prove
from classification_model.runtime.model_folder.packaged import packaged_model

pytest_plugins = ["browsers"]

# How long an example takes says something of the machine's load, not of the code.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")


@pytest.fixture(scope="session", autouse=True)
def heed_signals() -> None:
    """Let programs that tests start be interrupted, though the tests may run where signals are ignored, as by nohup."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL if number is signal.SIGHUP else signal.default_int_handler)


@pytest.fixture(scope="session", autouse=True)
def shorter_proofs() -> Iterator[None]:
    """Prove the small models that tests train with fewer generated rows; that of `tox -e train` has them all."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(compile_and_prove, "GENERATED_ROWS", 500)
        yield


@pytest.fixture(scope="session")
def model_folder() -> Path:
    """Give the folder of the packaged model, trained before the tests start."""
    folder = packaged_model()
    if not (folder / "manifest.json").is_file():
        pytest.fail(f"no trained model in {folder}: run `classification-model train`, as `tox -e train` does")
    return folder


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Return a function that runs the command line in an empty folder, as if it were typed."""
    monkeypatch.chdir(tmp_path)
    for variable in ("MODEL_OUTPUT", "TRAINING_JOBS", "LOG_FORMAT", "LOG_LEVEL"):
        monkeypatch.delenv(variable, raising=False)

    def run(*arguments: str | Path, stdin: bytes = b"") -> Done:
        monkeypatch.setattr(sys, "argv", ["classification-model", *map(str, arguments)])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin)))
        with pytest.raises(SystemExit) as ended:
            cli.main()
        code = ended.value.code
        return Done.of(code if isinstance(code, int) else 0, *capsys.readouterr())

    return run


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """Start a PostgreSQL; give its URL, of a role that has a password."""
    # Not in a folder of pytest: another run of it closes those to the user that the server runs as.
    with tempfile.TemporaryDirectory() as folder, running_postgres(Path(folder)) as url:
        yield url


@pytest.fixture
def database(postgres: str) -> Iterator[psycopg.Connection[Any]]:
    """Connect to the PostgreSQL; remove the tables and schemas of the test when it ends."""
    with psycopg.connect(postgres, autocommit=True) as connection:
        yield connection
        connection.execute(f"DROP OWNED BY {ROLE}")


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """Start an S3 over HTTP; give its address."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 - it takes a second, and few tests need it

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MlflowServer]:
    """Start an MLflow server on loopback."""
    with running_mlflow(tmp_path_factory.mktemp("mlflow")) as server:
        yield server


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what the tests measured: parity of compiled models with their pipelines, and what outlived faults."""
    reports = [report for report in terminalreporter.getreports("passed") if report.when == "call"]
    titles = {"parity": "parity of compiled models with their pipelines", "figures": "figures"}
    for kind, title in titles.items():
        found = [str(value) for report in reports for name, value in report.user_properties if name == kind]
        if found:
            terminalreporter.section(title)
            for line in sorted(found):
                terminalreporter.write_line(line)
