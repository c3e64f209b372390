"""A small repository of its own for each test, with the programs of release/ in it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

RELEASE = Path(__file__).resolve().parents[1]
PROGRAMS = sorted(RELEASE.glob("*.py"))
CHANGELOG = (
    "# Changelog\n\nWhat changed.\n\n## Unreleased\n\n- A new thing.\n\n## 1.2.3 (2026-01-31)\n\n- An old thing.\n"
)

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """Make a repository of version 1.2.3, with something to release."""
    folder = tmp_path / "repository"
    (folder / "package" / "classification_model").mkdir(parents=True)
    (folder / "package" / "classification_model" / "VERSION").write_text("1.2.3\n", encoding="utf-8")
    (folder / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8")
    (folder / ".gitignore").write_text("build/\ndist/\ntrained_models/\n__pycache__/\n", encoding="utf-8")
    (folder / "release").mkdir()
    for program in PROGRAMS:
        shutil.copy(program, folder / "release")
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "config", "user.name", "A maintainer")
    git(folder, "config", "user.email", "maintainer@example.org")
    commit(folder)
    return folder


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder, and return what it prints."""
    done = subprocess.run(["git", *arguments], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


def commit(folder: Path) -> None:
    """Commit everything that is not ignored."""
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message=A change")


@pytest.fixture
def run(repository: Path) -> Run:
    """Return a function that runs a program of the repository, with further environment variables."""

    def run_program(name: str, *arguments: str | Path, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, repository / "release" / name, *arguments],
            cwd=repository,
            env=os.environ | variables,
            capture_output=True,
            text=True,
            check=False,
        )

    return run_program
