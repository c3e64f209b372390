"""The tables of the pages: each option, key and variable stands there with its default, its limits and its choices."""

from __future__ import annotations

import ast
import dataclasses
import inspect
import re
import signal
from pathlib import Path
from typing import get_args

import pytest
from documented import (
    Documented,
    choices,
    code_spans,
    commands,
    differences,
    field_default,
    options,
    read_rows,
    read_tables,
    rows_with,
    spell,
)
from pydantic import BaseModel

from classification_model import cli
from classification_model.cli import retraining
from classification_model.cli.exit_codes import EXIT_ERROR, EXIT_NO
from classification_model.config.features import COLUMN, FEATURE_MODELS, ColumnFeature
from classification_model.config.sections import Config
from classification_model.config.settings import Settings
from classification_model.retraining.decision import Rule
from classification_model.runtime.input import checking, moments, schema, values
from classification_model.runtime.log.sealed_lines import LogFaults

DOCS = Path(__file__).resolve().parents[2] / "docs"
CONFIG_PAGE = DOCS / "config.md"


def test_the_page_of_commands_has_every_option_with_its_default() -> None:
    """Each command of the package has its table, and the table has its options and no others."""
    page = {name: rows for name, rows in read_tables(DOCS / "commands.md").items() if "-model" in name}
    code = {name: options(command) for name, command in commands(cli.app, "classification-model")}
    assert page.keys() == code.keys()
    found = {name: differences(read_rows(rows, "option"), code[name]) for name, rows in page.items()}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_the_page_of_commands_has_every_exit_code() -> None:
    """The codes in the page are those that the command line ends with."""
    rows = read_tables(DOCS / "commands.md")["Exit codes"]
    signals = (128 + number for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM))
    codes = {EXIT_NO, EXIT_ERROR, *retraining._EXIT_CODES.values(), *signals}
    assert {int(code) for row in rows for code in re.findall(r"\d+", row["code"])} == codes


def fields(model: type[BaseModel], prefix: str = "") -> dict[str, Documented]:
    """Return what the page has to say of each key of a section, and of the sections in it."""
    found: dict[str, Documented] = {}
    for name, field in model.model_fields.items():
        kind, key = field.annotation, f"{prefix}{field.alias or name}"
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= fields(kind, f"{key}.")
        else:
            found[key] = Documented(field_default(field), choices(kind))
    return found


@pytest.mark.parametrize("section", ["app", "data", "training", "monitoring", "promotion"])
def test_the_page_of_the_config_has_every_key_with_its_default(section: str) -> None:
    """The table of a section has its keys with their defaults, limits and choices, and no others."""
    model = Config.model_fields[section].annotation
    assert isinstance(model, type)
    code = fields(model)
    if section == "training":  # named with `candidates`
        code["estimator"] = code["estimator"]._replace(choices=frozenset())
    assert differences(read_rows(read_tables(CONFIG_PAGE)[section], "key"), code) == []


def test_the_page_of_the_config_has_every_option_of_a_column() -> None:
    """The table of options has those of a column with their defaults and choices, and that of kinds every kind."""
    kinds = {row["kind"].strip("`") for row in rows_with(CONFIG_PAGE, "kind")}
    page = read_rows(rows_with(CONFIG_PAGE, "option"), "option")
    encode, extra = page["encode"], page.pop("encode: none")
    page["encode"] = encode._replace(choices=encode.choices | {"none"})
    code = fields(ColumnFeature)
    assert extra.default == ""
    assert code.pop("kind").choices == kinds
    assert differences(page, code) == []


def test_the_page_of_the_config_has_every_derivation_and_its_options() -> None:
    """The table of derived features names all of them, each with the options that it takes."""
    page = {
        row["`derive`"].strip("`"): {span.partition(":")[0] for span in code_spans(row["options"])}
        for row in rows_with(CONFIG_PAGE, "`derive`")
    }
    code = {
        name: {key for key, held in fields(model).items() if key != "kind" or len(held.choices) > 1} - {"derive"}
        for name, model in FEATURE_MODELS.items()
        if name != COLUMN
    }
    assert page == code


def test_the_page_of_the_config_has_every_variable_of_the_environment() -> None:
    """The table of what differs by machine has each setting with its default and its choices, and no others."""
    code = {
        str(field.validation_alias or name.upper()): Documented(field_default(field), choices(field.annotation))
        for name, field in Settings.model_fields.items()
    }
    code["TRAINING_JOBS"] = code["TRAINING_JOBS"]._replace(default=spell(Settings.model_fields["jobs"].default))
    assert differences(read_rows(rows_with(CONFIG_PAGE, "variable"), "variable"), code) == []


def test_the_page_of_predicting_has_every_code() -> None:
    """The table of codes has each code of an error or a warning of a row, and no others."""
    modules = (checking, schema, values, moments)
    codes = {
        code
        for module in modules
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        for code in spelled_code(node)
    }
    rows = rows_with(DOCS / "predicting.md", "code")
    assert {row["code"].strip("`") for row in rows} == codes


def spelled_code(node: ast.AST) -> list[str]:
    """Return the code in a pair of a code and a message, and in the error of a value that cannot be read."""
    match node:
        case ast.Tuple(elts=[ast.Constant(value=str(code)), ast.Constant() | ast.JoinedStr() as message]) if (
            " " in ast.unparse(message)
        ):
            return [code]
        case ast.Call(func=ast.Name(id="UnreadableValue"), args=[ast.Constant(value=str(code)), *_]):
            return [code]
    return []


def test_the_page_of_the_log_has_every_count_of_faults() -> None:
    """The table of what was wrong with a log has each count, and no others."""
    rows = rows_with(DOCS / "logging-predictions.md", "count")
    counts = {field.name for field in dataclasses.fields(LogFaults)} - {"places"}
    assert {row["count"].strip("`") for row in rows} == counts


def test_the_page_of_retraining_has_every_rule() -> None:
    """The table of verdicts has each rule that can fire, and no others."""
    rows = rows_with(DOCS / "retraining.md", "rule")
    assert {rule for row in rows for rule in code_spans(row["rule"])} == set(get_args(Rule))


@pytest.mark.parametrize(
    ("page", "named"),
    [
        ("monitoring", ["monitor"]),
        ("logging-predictions", ["labels join"]),
        ("log-in-a-database", ["log ship"]),
        ("retraining", ["retrain-check", "retrain"]),
    ],
)
def test_options_in_the_table_of_another_page_exist(page: str, named: list[str]) -> None:
    """A page about a command names no option that the command does not have."""
    every = dict(commands(cli.app, "classification-model"))
    known = {option for name in named for option in options(every[f"classification-model {name}"])}
    rows = rows_with(DOCS / f"{page}.md", "option")
    assert rows
    assert {option for row in rows for option in code_spans(row["option"])} <= known
