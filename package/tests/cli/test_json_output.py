"""`--json` of every command: one document on standard output, of the shape that the page of commands says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIG, MODEL, Command, colours
from documented import code_spans, commands, options, read_tables

from classification_model import cli

DOCS = Path(__file__).resolve().parents[3] / "docs"

pytestmark = pytest.mark.slow


def documented() -> dict[str, set[str]]:
    """Return the keys that the page has for each command."""
    found: dict[str, set[str]] = {}
    for row in read_tables(DOCS / "commands.md")["JSON"]:
        for command in code_spans(row["command"]):
            found[command] = set(code_spans(row["keys"]))
    return found


def test_every_command_has_json_and_a_row_in_the_page() -> None:
    """No command goes without `--json`, and the page says of each what it prints."""
    every = {
        name.removeprefix("classification-model "): options(command)
        for name, command in commands(cli.app, "classification-model")
        if name != "classification-model"
    }
    assert [name for name, known in every.items() if "--json" not in known] == []
    assert documented().keys() == every.keys()


def keys_of(document: Any) -> set[str]:
    """Return the keys of an object, or of the objects of a list."""
    return set(document) if isinstance(document, dict) else set().union(*map(keys_of, document))


@pytest.fixture
def ask(command: Command) -> Any:
    """Return a function that runs a command with `--json`, holds its keys against the page, and gives the document."""
    page = documented()

    def run(name: str, *arguments: str | Path, code: int = 0) -> Any:
        done = command(*name.split(), *arguments, "--json")
        assert done.code == code, done.err
        document = json.loads(done.out)
        if name != "monitor":
            assert keys_of(document) <= page[name], name
        return document

    return run


def test_each_command_prints_one_document_of_the_documented_keys(ask: Any, command: Command, tmp_path: Path) -> None:
    """From the draft of a config to a retraining, standard output holds one document, and its keys are in the page."""
    table = colours()
    table.to_csv("table.csv", index=False)
    drafted = ask("init", "table.csv", "--target", "y")
    assert (drafted["config"], drafted["target"]) == ("config.yml", "y")
    explored = ask("eda", "table.csv", "--target", "y", "--no-models")
    assert (explored["page"], explored["rows"]) == ("eda.html", len(table))
    Path("config.yml").write_text(CONFIG.replace("  target: y\n", "  target: y\n  index: order\n"), encoding="utf-8")
    assert ask("process", "--config", "config.yml", "--output", "processed.parquet")["rows_out"] == len(table)

    trained = ask("train", "--config", "config.yml", "--output", "models")
    assert trained["trained"] is True
    assert trained["folder"] == MODEL
    assert Path(trained["report"]).is_file()
    (candidate,) = trained["leaderboard"]
    assert candidate["candidate"] == trained["estimator"] == "logistic_regression"
    assert candidate["fit_seconds"] > 0
    assert candidate["predict_microseconds"] > 0
    assert keys_of(trained["leaderboard"]) <= documented()["train"]
    assert ask("train", "--config", "config.yml", "--output", "models", "--if-changed") == {
        "trained": False,
        "folder": MODEL,
    }
    assert command(*trained["next"].split()[1:]).code == 0  # as printed
    assert Path("predictions.csv").is_file()

    assert ask("verify", MODEL)["holds"] is True
    predicted = ask("predict", "table.csv", "--output", "out.csv", "--model", MODEL, "--log", "log", "--index", "order")
    assert (predicted["rows"], predicted["rejected"], predicted["output"]) == (len(table), 0, "out.csv")
    assert keys_of(predicted["files"]) <= documented()["predict"]
    assert Path(ask("wheel", MODEL, "--name", "colour-model")["wheel"]).is_file()

    assert ask("promote", MODEL, "--store", "store")["version"] == trained["version"]
    assert [each["current"] for each in ask("list", "--store", "store")] == [True]
    assert ask("show", "--store", "store")["name"] == "Colours"
    newer = Path("config.yml").read_text(encoding="utf-8").replace("app:\n", "app:\n  version: 9.9.9\n")
    Path("newer.yml").write_text(newer, encoding="utf-8")
    newest = ask("train", "--config", "newer.yml", "--output", "models")["folder"]
    assert ask("promote", newest, "--store", "store")["previous"] == trained["version"]
    assert ask("rollback", "--store", "store")["previous"] == "9.9.9"
    assert ask("prune", "--store", "store", "--keep", "5") == {"removed": [], "dry_run": False}

    labels = ("labels join", "table.csv", "--log", "log", "--key", "order", "--label", "y", "--model", MODEL)
    assert ask(*labels)["appended"] == len(table)
    assert ask("log ship", "--log", "log", "--to", f"{tmp_path / 'copy'}/")["labels"] == len(table)
    assert ask("monitor", "--log", "log", "--model", MODEL)["predictions"] == len(table)
    assert ask("retrain-check", "--log", "log", "--model", MODEL)["retrain"] in {"no", "wait"}
    assert ask("retrain", "--log", "log", "--store", "store", "--config", "config.yml")["outcome"] == "not needed"


def test_a_model_that_does_not_hold_is_a_document_with_exit_code_1(
    ask: Any, command: Command, model_folder: Path
) -> None:
    """`verify --json` says no in its document; an error is no document."""
    shutil.copytree(model_folder, "changed")
    core = Path("changed") / "core.onnx"
    core.write_bytes(core.read_bytes()[:-1] + b"\0")
    document = ask("verify", "changed", code=1)
    assert document["holds"] is False
    assert "core.onnx" in document["summary"]
    done = command("verify", "nothing", "--json")
    assert (done.code, done.out) == (2, "")


@pytest.mark.parametrize("arguments", [["predict", "in.csv"], ["process", "--output", "-"]])
def test_output_on_standard_output_is_refused_with_json(command: Command, arguments: list[str]) -> None:
    """Where standard output is for the document, rows go to a file."""
    done = command(*arguments, "--json")
    assert (done.code, done.out) == (2, "")
    assert "with --json, which standard output is for" in done.err
    assert done.err.endswith(": name a file\n")
