"""The units of systemd, read as their files are written."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from conftest import DEPLOY

UNITS = DEPLOY / "systemd"
FOLDER = "/srv/classification-model"


def settings(name: str) -> dict[str, list[str]]:
    """Return the values of each setting of a unit, in their order."""
    text = (UNITS / name).read_text(encoding="utf-8").replace("\\\n", " ")
    found: dict[str, list[str]] = {}
    for key, value in re.findall(r"^(\w+)=(.*)$", text, re.MULTILINE):
        found.setdefault(key, []).append(value)
    return found


def command(name: str, place: Path) -> list[str]:
    """Return what a service starts, with another folder in the place of its own."""
    (line,) = settings(name)["ExecStart"]
    return [part.replace(FOLDER, str(place)) for part in shlex.split(line)]


def environment(name: str, place: Path) -> dict[str, str]:
    """Return the variables that a service sets, with another folder in the place of its own."""
    pairs = (each.partition("=") for each in settings(name)["Environment"])
    return {key: value.replace(FOLDER, str(place)) for key, _, value in pairs}


def writable(name: str, place: Path) -> list[Path]:
    """Return the folders that a service may write, with another folder in the place of its own."""
    (folders,) = settings(name)["ReadWritePaths"]
    return [Path(folder.replace(FOLDER, str(place))) for folder in folders.split()]
