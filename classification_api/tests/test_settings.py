"""Settings: unsafe ones are refused at the start, secrets are never shown."""

from __future__ import annotations

import hashlib
import json
import re
import socket
import subprocess
import sys
from os import environ
from pathlib import Path

import pytest
from classification_model.config import settings as of_the_workshop
from conftest import PATIENCE, serving

from app.settings import Settings, SettingsError, read_settings

HASH = hashlib.sha256(b"a key of enough length").hexdigest()
OTHER = hashlib.sha256(b"another key of enough length").hexdigest()


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("API_KEY_HASHES", "", "expected the SHA-256 of each key"),
        ("API_KEY_HASHES", "a key of enough length", "expected the SHA-256 of each key"),
        ("API_KEY_HASHES", hashlib.sha256(b"").hexdigest(), "found the hash of an empty key"),
        ("API_KEY_HASHES", f"{HASH},", "expected the SHA-256 of each key"),
        ("API_KEY_HASHES", f"{HASH},{OTHER},{HASH}", "expected at most two keys"),
        ("LIMIT_BODY", "0", "greater than or equal to 1024"),
        ("LIMIT_BODY", "", "could not parse value and unit"),
        ("LIMIT_ROWS", "0", "greater than or equal to 1"),
        ("LIMIT_ROWS", "many", "valid integer"),
        ("LIMIT_DEPTH", "3", "greater than or equal to 4"),
        ("LIMIT_HEADER_BYTES", "10", "greater than or equal to 1024"),
        ("LIMIT_HEADER_COUNT", "1", "greater than or equal to 10"),
        ("LIMIT_RECEIVE_SECONDS", "0", "greater than or equal to 0.1"),
        ("LIMIT_RECEIVE_SECONDS", "nan", "finite number"),
        ("LIMIT_KEEP_ALIVE_SECONDS", "-1", "greater than or equal to 0.1"),
        ("LIMIT_REQUESTS", "0", "greater than or equal to 1"),
        ("LIMIT_EXPLAINED_ROWS", "0", "greater than or equal to 1"),
        ("MODEL_PACKAGE", "../model", "expected the import name of an installed package"),
        ("MODEL_PACKAGE", "", "expected the import name of an installed package"),
        ("MODEL_FOLDER", "", "expected MODEL_FOLDER as the path of a folder"),
        ("MODEL_STORE", "", "expected MODEL_STORE as the path of a folder"),
        ("SHADOW_VERSION", "../1.0.0", "expected a version in the store"),
        ("ACCESS_LOG", "perhaps", "valid boolean"),
    ],
)
def test_an_unsafe_setting_is_refused_by_name(
    name: str, value: str, expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The fault is one line, which names the variable and never its value."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=expected) as caught:
        read_settings()
    assert name in str(caught.value) or name.startswith("MODEL")
    assert len(str(caught.value).splitlines()) == 1
    if len(value) > 3:
        assert value not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("API_KEY_HASH", "API_KEY_HASHES"), ("LIMIT_BDOY", "LIMIT_BODY"), ("MODEL_FOLDR", "MODEL_FOLDER")],
)
def test_a_misspelt_setting_is_refused(name: str, meant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server whose key or limit is misspelt does not start without it."""
    monkeypatch.setenv(name, "1")
    with pytest.raises(SettingsError, match=f"{name}: unknown setting, did you mean {meant}"):
        read_settings()


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the `.env` of a working folder, in an environment without settings."""
    for name in [*Settings.model_fields, *of_the_workshop.Settings.model_fields, "training_jobs"]:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path / ".env"


def test_api_and_workshop_read_one_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes its own settings of `.env` and ignores all others there; the environment prevails."""
    env_file.write_text(
        "TRAINING_JOBS=2\nMODEL_OUTPUT=models\nLOG_FORMAT=json\nLOG_LEVEL=info\nDATABASE_URL=postgresql://db\n"
        f"# of the API\nLIMIT_ROWS=7\nMODEL_STORE=store\nlog_folder='the log'\nAPI_KEY_HASHES={HASH}\nACCESS_LOG=off\n",
        encoding="utf-8",
    )
    monkeypatch.setenv("LIMIT_ROWS", "8")
    ours, theirs = read_settings(), of_the_workshop.read_settings()
    assert (ours.limit_rows, ours.access_log, ours.api_key_hashes) == (8, False, (HASH,))
    assert (ours.model_store, ours.log_folder) == (Path("store"), Path("the log"))
    assert (theirs.jobs, theirs.model_output, theirs.log_format, theirs.log_level) == (
        2,
        Path("models"),
        "json",
        "INFO",
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"LIMIT_ROWS=many", r"LIMIT_ROWS: .*valid integer.*"),
        (b"API_KEY_HASHES=", r"API_KEY_HASHES: expected the SHA-256 of each key.*"),
        (b"API_KEY_HASHES", r"API_KEY_HASHES: expected API_KEY_HASHES=VALUE in \.env, found no value"),
        (b"API_KEY_HASH=x", r"API_KEY_HASH: unknown setting, did you mean API_KEY_HASHES\? Otherwise unset it"),
        (
            b"MODEL_STORE=a\nMODEL_FOLDER=b",
            "expected one of MODEL_FOLDER.*found MODEL_FOLDER and MODEL_STORE|settings: .*",
        ),
        (b"LIMIT_ROWS=\xff", r"\.env cannot be read: it is not UTF-8 text"),
    ],
)
def test_a_bad_setting_in_the_file_is_refused_by_name(env_file: Path, content: bytes, expected: str) -> None:
    """A limit or key in `.env` is never missing in silence."""
    env_file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert re.fullmatch(expected, str(caught.value))


def test_a_model_in_the_environment_replaces_that_of_the_file(env_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that `.env` says of another model is then left out; of a store in the environment, its options stay."""
    env_file.write_text("MODEL_STORE=store\nMODEL_STORE_POLLING=true\nSHADOW_VERSION=1.0\n", encoding="utf-8")
    monkeypatch.setenv("MODEL_PACKAGE", "churn_model")
    settings = read_settings()
    assert (settings.model_package, settings.model_store, settings.shadow_version) == ("churn_model", None, None)
    monkeypatch.delenv("MODEL_PACKAGE")
    monkeypatch.setenv("MODEL_STORE", "another")
    settings = read_settings()
    assert (settings.model_store, settings.model_store_polling) == (Path("another"), True)


@pytest.mark.slow
def test_the_argument_of_serve_replaces_the_model_of_the_file(env_file: Path, model_folder: Path) -> None:
    """A server that is given a model serves that one, whatever `.env` says, and heeds the rest of the file."""
    env_file.write_text(f"MODEL_STORE=nowhere\nAPI_KEY_HASHES={HASH}\nLOG_FOLDER=off\n", encoding="utf-8")
    with serving(env_file.parent) as serve:
        server = serve(str(model_folder))
        assert server.client.get("/health/ready").status_code == 200
        assert server.client.get("/model").status_code == 401


@pytest.mark.slow
@pytest.mark.parametrize("model", ["nope", "README.md", "carrier-model", ".", "json"])
def test_a_model_that_cannot_be_served_ends_the_command(model: str) -> None:
    """Who names a model is told at once, in one line, and not by a server that is never ready."""
    done = run("serve", model, "--port", "0")
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.slow
def test_a_port_that_is_taken_is_told_at_once() -> None:
    """The address is named, and what to do."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = run("serve", "--port", str(port))
    assert done.returncode == 2
    fault = f"cannot listen on 127.0.0.1, port {port}: address already in use"
    assert done.stderr == f"error: {fault}; choose another with --host or --port\n"


def test_a_folder_and_a_package_are_one_model_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Which one would serve is not left to chance."""
    monkeypatch.setenv("MODEL_FOLDER", "a")
    monkeypatch.setenv("MODEL_PACKAGE", "b")
    with pytest.raises(SettingsError, match="and MODEL_STORE, found MODEL_FOLDER and MODEL_PACKAGE"):
        read_settings()
    monkeypatch.delenv("MODEL_FOLDER")
    monkeypatch.setenv("MODEL_STORE", "c")
    with pytest.raises(SettingsError, match="and MODEL_STORE, found MODEL_PACKAGE and MODEL_STORE"):
        read_settings()


@pytest.mark.parametrize(("name", "value"), [("MODEL_STORE_POLLING", "true"), ("SHADOW_VERSION", "1.0.0")])
def test_what_speaks_of_a_store_needs_one(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    """A setting without effect is no setting."""
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=f"{name} needs MODEL_STORE, which is not set"):
        read_settings()
    monkeypatch.setenv("MODEL_STORE", "a")
    read_settings()


def test_sizes_may_have_units_and_keys_may_be_two(monkeypatch: pytest.MonkeyPatch) -> None:
    """``4MiB`` is four mebibytes; hashes are read in either case."""
    monkeypatch.setenv("LIMIT_BODY", "4MiB")
    monkeypatch.setenv("API_KEY_HASHES", f"{HASH.upper()}, {OTHER}")
    settings = read_settings()
    assert settings.limit_body == 4 * 2**20
    assert settings.api_key_hashes == (HASH, OTHER)


def test_hashes_of_keys_are_shown_nowhere() -> None:
    """Neither what is printed nor what a traceback would show holds one."""
    settings = Settings(api_key_hashes=(HASH,))
    assert HASH not in str(settings.public()) + repr(settings) + str(settings)
    assert settings.public()["API_KEY_HASHES"] == "1 set, not shown"


def run(*arguments: str, given: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-m", "app", *arguments],
        input=given, env=environ | variables, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip


@pytest.mark.slow
def test_the_command_prints_all_settings_without_secrets() -> None:
    """`classification-api settings` has a line for each variable."""
    done = run("settings", API_KEY_HASHES=HASH, LIMIT_ROWS="7")
    assert done.returncode == 0
    assert {line.partition("=")[0] for line in done.stdout.splitlines()} == {
        name.upper() for name in Settings.model_fields
    }
    assert "LIMIT_ROWS=7\n" in done.stdout
    assert HASH not in done.stdout


@pytest.mark.slow
def test_commands_print_json_where_asked() -> None:
    """`--json` gives one document, of the settings without secrets or of the hash."""
    done = run("settings", "--json", API_KEY_HASHES=HASH, LIMIT_ROWS="7")
    found = json.loads(done.stdout)
    assert (done.returncode, found["LIMIT_ROWS"]) == (0, 7)
    assert found.keys() == {name.upper() for name in Settings.model_fields}
    assert HASH not in done.stdout
    assert json.loads(run("hash-key", "--json", given="a key of enough length\n").stdout) == {"hash": HASH}


@pytest.mark.slow
def test_the_help_looks_like_that_of_the_package() -> None:
    """`-h` is `--help`, plain text without boxes; each command has a whole sentence, and shells can complete it."""
    done = run("-h")
    assert (done.returncode, done.stdout) == (0, run("--help").stdout)
    assert done.stdout.isascii()
    listed = re.findall(r"^  ([\w-]+)  +(.+)$", done.stdout.partition("Commands:")[2], re.MULTILINE)
    assert [name for name, _ in listed] == ["serve", "settings", "hash-key"]
    assert all(sentence.endswith(".") and not sentence.endswith("...") for _, sentence in listed)
    assert "--install-completion" in done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("command", [["settings"], ["serve", "--port", "0"]])
def test_no_server_starts_with_unsafe_settings(command: list[str]) -> None:
    """The exit code is 2, and the fault is told without a traceback."""
    done = run(*command, API_KEY_HASHES="", LIMIT_BODY="0")
    assert done.returncode == 2
    assert [line.partition(":")[0] for line in done.stderr.splitlines()] == ["error", "error"]


@pytest.mark.slow
def test_uvicorn_alone_does_not_start_with_unsafe_settings() -> None:
    """``app.main:app`` refuses as well, in one line."""
    done = subprocess.run(
        [sys.executable, "-m", "uvicorn", "app.main:app", "--port", "0"],
        env=environ | {"LIMIT_ROWS": "0"}, capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode != 0
    assert done.stderr.startswith("error: LIMIT_ROWS: ")
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_a_key_is_hashed_by_the_command() -> None:
    """What it prints is what API_KEY_HASHES takes; a short key is refused."""
    done = run("hash-key", given="a key of enough length\n")
    assert (done.returncode, done.stdout) == (0, HASH + "\n")
    short = run("hash-key", given="short\n")
    assert short.returncode == 2
    assert "at least 16 characters" in short.stderr
