"""The pages about serving: each command in them is run against a server, and no setting, route or code is left out."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import get_args, get_type_hints

import pytest
from conftest import PATIENCE, Server, reserved_port

from app.cli import commands
from app.main import create_app
from app.problem_details import STATUS
from app.served_models import Fault
from app.settings import PACKAGED, Settings

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "serving.md"
#: How the package's tests read the tables of pages.
DOCUMENTED = runpy.run_path(str(ROOT / "package" / "tests" / "documented.py"))
BASH = shutil.which("bash") or "bash"
BLOCK = re.compile(r"(<!-- not run here: [^>]+ -->\n)?```(?:bash|sh)\n(.*?)```", re.DOTALL)


@pytest.mark.slow
@pytest.mark.parametrize("page", [PAGE, ROOT / "README.md", ROOT / "classification_api" / "README.md"])
def test_every_command_of_a_page_works(page: Path, server: Server, tmp_path: Path) -> None:
    """Each block that is not marked otherwise succeeds; curl says so of the replies. Of the README those that curl."""
    blocks = [code for note, code in BLOCK.findall(page.read_text(encoding="utf-8")) if not note]
    commands = [code for code in blocks if page.parent != ROOT or code.startswith("curl ")]
    assert commands
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    for command in commands:
        here = command.replace("localhost:8002", f"localhost:{server.port}")
        done = subprocess.run(
            [BASH, "-euo", "pipefail"], input=here, cwd=tmp_path, env=os.environ | {"PATH": path},
            capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        assert "urn:classification-api:problem" not in done.stdout


@pytest.mark.slow
def test_the_page_on_messy_tables_ends_with_a_prediction(tmp_path: Path) -> None:
    """Its blocks run one after the other, to the server that answers the row of a messy file."""
    page = (ROOT / "docs" / "messy-tables.md").read_text(encoding="utf-8")
    programs = {"bash": [BASH, "-euo", "pipefail"], "python": [sys.executable, "-"]}
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = os.environ | {"PATH": path, "LOG_FOLDER": str(tmp_path / "log")}
    printed = ""
    with reserved_port() as port:
        for language, code in re.findall(r"```(bash|python)\n(.*?)```", page, re.DOTALL):
            done = subprocess.run(
                programs[language], input=code.replace("8003", str(port)), cwd=tmp_path, env=variables,
                capture_output=True, text=True, check=False, timeout=PATIENCE * 4,
            )  # fmt: skip
            assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
            printed = done.stdout
    assert '"predictions":["' in printed


def test_every_setting_stands_in_the_page_with_its_default() -> None:
    """The table of settings has each setting of the code, with its default, limits and choices, and no others."""
    row, documented = DOCUMENTED["Documented"], DOCUMENTED["field_default"]
    code = {
        name.upper(): row(documented(field), DOCUMENTED["choices"](field.annotation))
        for name, field in Settings.model_fields.items()
    }
    code["MODEL_PACKAGE"] = row(f"`{PACKAGED}`", frozenset())
    page = DOCUMENTED["read_rows"](DOCUMENTED["rows_with"](PAGE, "variable"), "variable", "what it is")
    assert DOCUMENTED["differences"](page, code) == []


def test_the_page_of_commands_has_every_option_with_its_default() -> None:
    """Each command of the API has its table, and the table has its options and no others."""
    page = DOCUMENTED["read_tables"](ROOT / "docs" / "commands.md")
    functions = dict(DOCUMENTED["commands"](commands, "classification-api"))
    code = {name: options for name, function in functions.items() if (options := DOCUMENTED["options"](function))}
    assert {name for name in page if "-api" in name} == code.keys()
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert set(re.findall(r"^##+ (classification-api.*)", text, re.MULTILINE)) == functions.keys()
    for name, options in code.items():
        assert DOCUMENTED["differences"](DOCUMENTED["read_rows"](page[name], "option"), options) == [], name


def test_every_error_code_stands_in_the_page_beside_its_status() -> None:
    """The table of codes has each code that a client can meet, with its status and meaning, and no others."""
    rows = DOCUMENTED["rows_with"](PAGE, "code")
    found = {row["code"].strip("`"): int(row["status"]) for row in rows}
    assert len(rows) == len(found)
    assert all(row["meaning"] for row in rows)
    assert found == {code: status for code, status in STATUS.items() if code != "client_gone"}


def test_every_reason_why_a_version_does_not_serve_stands_in_its_page() -> None:
    """The codes of `reload_failed` are those of the code, and no others."""
    codes = {row["code"].strip("`") for row in DOCUMENTED["rows_with"](ROOT / "docs" / "model-store.md", "code")}
    assert codes == set(get_args(get_type_hints(Fault)["code"]))


def test_every_route_stands_in_the_page() -> None:
    """The page names each path that the server answers, and one of the Open Inference Protocol."""
    text = PAGE.read_text(encoding="utf-8")
    for path in create_app(Settings()).openapi()["paths"]:
        assert re.search(r"/v2\b" if path.startswith("/v2") else rf"{re.escape(path)}(?!\w)", text), path
