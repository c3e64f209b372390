"""The version, the changelog and the git commands of this repository, for the programs beside this module."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
VERSION_FILE = ROOT / "package" / "classification_model" / "VERSION"
CHANGELOG = ROOT / "CHANGELOG.md"
#: What the programs make for a release; git ignores it.
OUTPUT = ROOT / "build" / "release"
LAST_RELEASE = ROOT / "build" / "last-release"
#: Files of a release, beside its archives.
COMPARISON_JSON, COMPARISON_TEXT, MODEL_CARD, NOTES, SUMS = (
    OUTPUT / name for name in ("comparison.json", "comparison.txt", "model_card.md", "notes.md", "SHA256SUMS")
)

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


class Section(NamedTuple):
    """A section of the changelog: its heading without ``##``, and the text below."""

    heading: str
    text: str

    @property
    def has_entries(self) -> bool:
        """Whether there is a line of a list in it."""
        return re.search(r"^- \S", self.text, re.MULTILINE) is not None


def read_version() -> tuple[int, int, int]:
    """Return major, minor and patch of the version in `VERSION_FILE`.

    Raises
    ------
    SystemExit
        If the file holds something else.
    """
    text = VERSION_FILE.read_text(encoding="utf-8").strip()
    found = _VERSION.fullmatch(text)
    if found is None:
        raise SystemExit(f"{shown(VERSION_FILE)}: expected a version such as 1.0.1, found {text!r}")
    return int(found[1]), int(found[2]), int(found[3])


def spelled(version: tuple[int, int, int]) -> str:
    """Return a version as text, such as 1.0.1."""
    return ".".join(map(str, version))


def parsed(text: str) -> tuple[int, int, int] | None:
    """Return the numbers of a version such as 1.0.1, or None for anything else."""
    found = _VERSION.fullmatch(text)
    return None if found is None else (int(found[1]), int(found[2]), int(found[3]))


def sections() -> list[Section]:
    """Return the sections of the changelog, the newest first."""
    parts = re.split(r"^## (.+)\n", CHANGELOG.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [Section(heading.strip(), text) for heading, text in zip(parts[1::2], parts[2::2], strict=True)]


def released_section(version: str) -> Section | None:
    """Return the section of a version that has a date, such as ``1.0.1 (2026-11-29)``; None if there is none."""
    dated = re.compile(rf"{re.escape(version)} \(\d{{4}}-\d\d-\d\d\)")
    return next((section for section in sections() if dated.fullmatch(section.heading)), None)


def git(*arguments: str | Path) -> str:
    """Run git in the repository, and return what it prints.

    Raises
    ------
    SystemExit
        If it fails, with its last line.
    """
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines() or ["no message"]
        raise SystemExit(f"git {arguments[0]} failed: {said[-1]}")
    return done.stdout


def shown(path: Path) -> str:
    """Return a path as it is called from the root of the repository."""
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name
