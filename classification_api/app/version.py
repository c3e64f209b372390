"""The version of the API, independent of the model's."""

from __future__ import annotations

from functools import cache
from pathlib import Path


@cache
def api_version() -> str:
    """Return the version of the API."""
    return (Path(__file__).parent / "VERSION").read_text(encoding="utf-8").strip()
