"""A YAML file as plain values that remember the line they stand on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strictyaml
from strictyaml import ruamel

from classification_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Location = tuple[str | int, ...]


@dataclass(frozen=True)
class Document:
    """A parsed YAML file.

    Attributes
    ----------
    name
        How messages call the file.
    content
        Mappings, sequences and strings; strictyaml gives no scalar a type.
    lines
        The line, counted from 1, of every key and item, by its path from the top.
    """

    name: str
    content: Mapping[str, Any]
    lines: Mapping[Location, int]

    def line(self, location: Location) -> int:
        """Return the line of `location`, or of its closest parent in the file."""
        while location and location not in self.lines:
            location = location[:-1]
        return self.lines.get(location, 1)


def read_document(path: Path) -> Document:
    """Read a strict YAML file: no flow style, no anchors, no tags, no duplicated keys.

    Raises
    ------
    ConfigError
        If the file cannot be read or is not strict YAML, with the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        msg = f"{path}: cannot be read as UTF-8 text: {getattr(error, 'strerror', None) or 'not UTF-8'}"
        raise ConfigError(msg) from error
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Document:
    """Parse strict YAML from a string; see `read_document`."""
    try:
        content = strictyaml.load(text, label=name).data
    except (strictyaml.YAMLError, ruamel.error.MarkedYAMLError) as error:
        raise ConfigError(_explain(error, name)) from error
    if not isinstance(content, dict):
        msg = f"{name}:1: expected a mapping with the sections of a problem, found {_kind(content)}"
        raise ConfigError(msg)
    lines: dict[Location, int] = {}
    _collect_lines(ruamel.main.compose(text, Loader=ruamel.main.RoundTripLoader), (), lines)
    return Document(name, content, lines)


def _kind(value: Any) -> str:
    return "an empty file" if value == "" else f"a {'list' if isinstance(value, list) else 'single value'}"


def _explain(error: Any, name: str) -> str:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark is not None else 1
    problem = str(error.problem).strip()
    if isinstance(error, strictyaml.FlowMappingDisallowed):
        problem = (
            "flow style is not allowed: write [a, b] as a block, one '- a' a line, and {a: b} as 'a: b' on its own"
        )
    elif isinstance(error, strictyaml.DuplicateKeysDisallowed):
        problem = f"{problem}: a key may be given once"
    elif "mapping values are not allowed" in problem:
        problem = "a second ': ' on one line: put the value between single quotes"
    return f"{name}:{line}: {problem}"


def _collect_lines(node: Any, location: Location, lines: dict[Location, int]) -> None:
    if isinstance(node, ruamel.nodes.MappingNode):
        for key, value in node.value:
            inner = (*location, str(key.value))
            lines[inner] = key.start_mark.line + 1
            _collect_lines(value, inner, lines)
    elif isinstance(node, ruamel.nodes.SequenceNode):
        for position, value in enumerate(node.value):
            inner = (*location, position)
            lines[inner] = value.start_mark.line + 1
            _collect_lines(value, inner, lines)
