"""The recipes for other schedulers: the command of each, as it stands there, retrains a real store."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import COMMAND, DEPLOY
from problem import write_problem
from units import FOLDER, command

SCHEDULES = DEPLOY / "schedules"


def read(name: str) -> Any:
    """Read a recipe in YAML; `on` stays a name."""
    return yaml.load((SCHEDULES / name).read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - reads texts alone


def cron_lines() -> list[str]:
    """Return the lines of the crontab that run something."""
    lines = (SCHEDULES / "crontab").read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not re.match(r"#|\w+=", line)]


def of_crontab() -> list[str]:
    """Return what cron runs: the rest of the line after five fields, by /bin/sh."""
    (line,) = cron_lines()
    return ["/bin/sh", "-c", line.split(maxsplit=5)[5]]


def of_unit() -> list[str]:
    """Return what systemd starts."""
    return command("classification-retraining.service", Path(FOLDER))


def of_workflow() -> list[str]:
    """Return what the runner runs: the script of the last step, by the shell that `shell: bash` stands for."""
    step = read("github-actions.yml")["jobs"]["retrain"]["steps"][-1]
    assert step["env"] == {"FOLDER": FOLDER}
    return ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make the folder that the recipes expect, with the program in its environment."""
    folder = tmp_path / "place"
    write_problem(folder)
    (folder / ".venv").symlink_to(COMMAND.parents[1])
    return folder


def run(command: list[str], place: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the folder, which stands where the recipe has its own."""
    here = {"FOLDER": str(place), "GITHUB_STEP_SUMMARY": str(place / "summary.md"), "HOME": str(place)}
    path = os.pathsep.join([str(COMMAND.parent), os.environ["PATH"]])
    return subprocess.run(
        [part.replace(FOLDER, str(place)) for part in command],
        cwd=place,
        env={"PATH": path, **here},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    ("recipe", "output"),
    [(of_crontab, "retraining.log"), (of_unit, None), (of_workflow, "summary.md")],
    ids=["crontab", "systemd", "github"],
)
def test_the_command_of_a_recipe_trains_the_first_model_and_no_second_one(
    recipe: Callable[[], list[str]], output: str | None, place: Path
) -> None:
    """It runs as it stands there; what it says is where the recipe promises, and an error is an exit code."""
    for outcome in ("first model: ", "not needed: "):
        done = run(recipe(), place)
        assert done.returncode == 0, done.stderr
        said = done.stdout if output is None else (place / output).read_text(encoding="utf-8")
        assert outcome in said
    assert len(list((place / "store" / "versions").iterdir())) == 1
    (place / "config.yml").unlink()
    done = run(recipe(), place)
    assert done.returncode == 2
    assert "config.yml cannot be read" in (done.stderr if output is None else (place / output).read_text("utf-8"))


def test_cron_mails_where_to_look_after_a_failure_alone(place: Path) -> None:
    """What cron mails is what the command prints: nothing, unless it fails."""
    assert run(of_crontab(), place).stdout == ""
    (place / "config.yml").unlink()
    assert run(of_crontab(), place).stdout == f"retraining failed: see retraining.log in {place}\n"


def test_the_summary_of_the_workflow_is_a_block_of_code(place: Path) -> None:
    """Its lines and columns stay as they are, also after an error."""
    for _ in range(2):
        run(of_workflow(), place)
        lines = (place / "summary.md").read_text(encoding="utf-8").splitlines()
        assert lines[0] == lines[-1] == "```"
        assert len(lines) > 2
        (place / "config.yml").unlink(missing_ok=True)


def test_the_crontab_has_one_job_of_five_fields() -> None:
    """Nothing in the command is a `%`, which cron would read as a line break."""
    (line,) = cron_lines()
    assert re.match(r"15 3 \* \* \* \S", line)
    assert "%" not in line


def test_the_workflow_has_no_permission_but_to_read_and_pins_its_actions() -> None:
    """Actions are named by their full hash, with the version behind it; runs never overlap."""
    workflow = read("github-actions.yml")
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["retrain"]["permissions"] == {"contents": "read"}
    assert workflow["concurrency"] == {"group": "retraining", "cancel-in-progress": "false"}
    assert workflow["defaults"]["run"]["shell"] == "bash"
    lines = re.findall(r"uses: (.+)", (SCHEDULES / "github-actions.yml").read_text(encoding="utf-8"))
    assert lines
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line) for line in lines)


@pytest.mark.parametrize("name", ["crontab", "github-actions.yml"])
def test_the_recipes_keep_the_folder_and_the_time_of_the_dag(name: str) -> None:
    """Who changes from one scheduler to another finds everything in the same place."""
    dag = (DEPLOY / "dags" / "retraining.py").read_text(encoding="utf-8")
    recipe = (SCHEDULES / name).read_text(encoding="utf-8")
    assert f'FOLDER = "{FOLDER}"' in dag
    assert '"15 3 * * *"' in dag
    assert FOLDER in recipe
    assert "15 3 * * *" in recipe
