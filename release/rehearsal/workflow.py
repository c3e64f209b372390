"""Run the jobs of a workflow here, as they are written in its file: every ``run`` by bash, actions by what they do.

What an action or an expression would do on GitHub is known for those that the workflow uses. Anything else is an error,
so that a change of the workflow is rehearsed or is noticed.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from report import RehearsalError, Report

Done = subprocess.CompletedProcess[str]
Upload = Callable[[list[Path]], Done]
#: Variables of whoever calls the rehearsal that mean something else in a program that it starts.
_NOT_PASSED_ON = re.compile(r"MAKE.*|MFLAGS|TOX_.*|VIRTUAL_ENV|PYTHONPATH|GIT_.*|GITHUB_.*|GH_.*|MODEL_.*|PART|TAG")


@dataclass(frozen=True)
class Failure:
    """The step that failed, and all that it printed."""

    step: str
    said: str


@dataclass
class Runner:
    """Runs jobs in a checkout.

    Attributes
    ----------
    report
        Where each step is printed.
    file
        The workflow.
    checkout
        The folder in which jobs run that check the repository out.
    scratch
        A folder for artifacts, and for the other jobs.
    variables
        Environment variables of every step.
    expressions
        What each expression of the workflow stands for.
    upload
        What stands for the action that publishes to PyPI.
    """

    report: Report
    file: Path
    checkout: Path
    scratch: Path
    variables: Mapping[str, str]
    expressions: dict[str, str]
    upload: Upload

    def run(self, *, only: str | None = None, last: str = "") -> Failure | None:
        """Run all jobs in the order of what they need, and return the first failure, which ends it.

        Parameters
        ----------
        only
            The only job to run.
        last
            Text of the step to end after, if any.
        """
        jobs = yaml.safe_load(self.file.read_text(encoding="utf-8"))["jobs"]
        for name in ordered(jobs) if only is None else [only]:
            if "uses" in jobs[name]:
                self.report.note(f"not rehearsed, what {jobs[name]['uses']} does: {jobs[name]['name']}")
                continue
            uses = [str(step.get("uses", "")) for step in jobs[name]["steps"]]
            folder = self.checkout
            if not any(action.startswith("actions/checkout@") for action in uses):
                folder = self.scratch / "job"
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir(parents=True)
            for step in jobs[name]["steps"]:
                failure = self._step(step, folder)
                if failure is not None or (last and last in step.get("run", "")):
                    return failure
        return None

    def _step(self, step: Mapping[str, Any], folder: Path) -> Failure | None:
        """Run one step; print it if it passed."""
        if "run" not in step:
            return self._action(step["uses"].partition("@")[0], step.get("with", {}), folder)
        title, script = step["name"], step["run"]
        if script.startswith("pipx run "):
            self.report.note(f"not rehearsed, a scan: {title}")
            return None
        if "${{" in script:
            msg = f"{title}: expected expressions in `env` alone, found one in `run`, where a name could be a command"
            raise RehearsalError(msg)
        variables = {name: evaluated(str(value), self.expressions) for name, value in step.get("env", {}).items()}
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        return self._timed(title, lambda: run(command, folder, {**self.variables, **variables}))

    def _timed(self, title: str, work: Callable[[], Done]) -> Failure | None:
        """Do the work of a step, and print it if it passed."""
        start = time.monotonic()
        done = work()
        if done.returncode:
            return Failure(title, done.stdout)
        self.report.passed(title, start)
        return None

    def _action(self, action: str, given: Mapping[str, Any], folder: Path) -> Failure | None:
        """Do what an action does."""
        artifacts = self.scratch / "artifacts"
        if action == "actions/checkout":
            return None  # the clone is there
        if action == "actions/setup-python":
            here = f"{sys.version_info.major}.{sys.version_info.minor}"
            if given["python-version"] != here:
                self.report.note(f"on Python {here}, the workflow has {given['python-version']}")
        elif action == "actions/upload-artifact":
            shutil.rmtree(artifacts / given["name"], ignore_errors=True)
            shutil.copytree(folder / given["path"], artifacts / given["name"])
        elif action == "actions/download-artifact":
            shutil.copytree(artifacts / given["name"], folder / given["path"])
        elif action == "pypa/gh-action-pypi-publish":
            archives = sorted((folder / given["packages-dir"]).iterdir())
            return self._timed("Upload to the index on loopback, by twine with a token", lambda: self.upload(archives))
        else:
            msg = f"{self.file.name} uses {action}: expected an action that the rehearsal knows, found another one"
            raise RehearsalError(msg)
        return None


def ordered(jobs: Mapping[str, Any]) -> list[str]:
    """Return the names of jobs, each after those that it needs."""
    done: list[str] = []
    while len(done) < len(jobs):
        for name, job in jobs.items():
            needs = job.get("needs", [])
            if name not in done and set([needs] if isinstance(needs, str) else needs) <= set(done):
                done.append(name)
    return done


def evaluated(value: str, expressions: Mapping[str, str]) -> str:
    """Replace each ``${{ ... }}`` by its value."""

    def known(found: re.Match[str]) -> str:
        if found[1] not in expressions:
            msg = f"expected an expression among {', '.join(expressions)}, found {found[1]}"
            raise RehearsalError(msg)
        return expressions[found[1]]

    return re.sub(r"\$\{\{ *(.+?) *\}\}", known, value)


def environment() -> dict[str, str]:
    """Return the environment without what belongs to the programs that called this one."""
    here = {name: value for name, value in os.environ.items() if not _NOT_PASSED_ON.fullmatch(name)}
    return here | {"PIP_COMPILE": "0"}  # most modules are never imported


def run(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None) -> Done:
    """Run a command in a folder, whatever its exit code; all that it prints is in ``stdout``."""
    return subprocess.run(
        command,
        cwd=folder,
        env={**environment(), **(variables or {})},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
