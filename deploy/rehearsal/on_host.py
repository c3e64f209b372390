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
    host = _read("compose.host.yml")["x-host"]
    services = _read(file)["services"]
    written = {}
    for name, service in services.items():
        resets = {key: _Reset() for key in ("ports", "networks") if key in service}
        written[name] = {**host, **resets, **changes.get(name, {})}
    target.write_text(yaml.dump({"services": written}), encoding="utf-8")


def _read(name: str) -> Any:
    text = (ROOT / "deploy" / name).read_text(encoding="utf-8").replace("!reset ", "")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - reads texts alone
