"""Model folders that somebody changed, with hashes that fit: what only the golden rows, or nothing, can find."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import orjson

from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.model_folder.manifest import seal

#: A row for the packaged model.
ALLEN = {"pclass": 1, "sex": "female", "name": "Allen, Miss. E", "sibsp": 0, "parch": 0, "ticket": "24160"}


def reseal(folder: Path, **changes: Any) -> None:
    """Change a manifest and give it hashes and a digest that fit, as an attacker would."""
    plain = orjson.loads((folder / MANIFEST).read_bytes()) | changes
    for name in plain["files"]:
        content = (folder / name).read_bytes()
        plain["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
    (folder / MANIFEST).write_bytes(seal(plain))
