"""Compose files for the network of this machine: what compose.host.yml does for compose.yml, for the other two."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from engine import ROOT


class _Reset(yaml.YAMLObject):
    """What takes a key of an earlier file away."""

    yaml_tag = "!reset"

    @classmethod
    def to_yaml(cls, dumper: Any, _: Any) -> Any:
        return dumper.represent_sequence(cls.yaml_tag, [])


def write_for_host(file: str, target: Path, changes: Mapping[str, Mapping[str, Any]]) -> None:
    """Write the file that comes after a compose file.

    Parameters
    ----------
    file
        Name of the compose file in deploy/.
    target
        Where to write it.
    changes
        What else differs, by service.
    """
    text = (ROOT / "deploy" / file).read_text(encoding="utf-8")
    host = yaml.load(
        (ROOT / "deploy" / "compose.host.yml").read_text(encoding="utf-8").replace("!reset ", ""), yaml.BaseLoader
    )["x-host"]
    services = yaml.load(text, yaml.BaseLoader)["services"]  # noqa: S506 - the same
    written = {}
    for name, service in services.items():
        resets = {key: _Reset() for key in ("ports", "networks") if key in service}
        written[name] = {**host, **resets, **changes.get(name, {})}
    target.write_text(yaml.dump({"services": written}), encoding="utf-8")
