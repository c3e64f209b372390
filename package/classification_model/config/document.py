"""Read a YAML file as plain values, with the line of each key."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import strictyaml
from strictyaml import ruamel

from classification_model.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

Location = tuple[str | int, ...]

_NO_YAML = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEY = re.compile(r"[\s-]*(?P<key>[^\s'\"#:{\[-][^#:]*?)\s*:")
#: What to say instead of the parser's words, by a part of them: expected, found.
_SYNTAX = {
    "mapping values are not allowed": (
        "one 'key: value' a line, a value that holds ': ' between single quotes",
        "a ':' that ends no key",
    ),
    "'\\t' that cannot start any token": ("indentation by spaces", "a tab"),
    "unexpected end of stream": ("a second quote that ends this text", "none"),
    "disallowed anchor": ("a text that begins with & between single quotes", "an anchor"),
    "undefined alias": ("a text that begins with * between single quotes", "an alias"),
    "disallowed tag": ("a text that begins with ! between single quotes", "a tag"),
    "but found another document": ("a single document", "another '---'"),
    "cannot start any token": ("a value that begins with this character between single quotes", "it bare"),
    "unknown escape character": ("a text with a backslash between single quotes", "an unknown escape"),
    "<block end>": ("the indentation of the lines above, or one level more below a key that has no value", "another"),
    "could not find expected ':'": ("one 'key: value' a line", "a line without ': '"),
}


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
    except (OSError, ValueError) as error:
        reason = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else None
        msg = f"{path} cannot be read: {reason or getattr(error, 'strerror', None) or error}"
        raise ConfigError(msg) from error
    return parse_document(text, str(path))


def parse_document(text: str, name: str) -> Document:
    """Parse strict YAML from a string; see `read_document`."""
    odd = _NO_YAML.search(text)
    if odd is not None:
        line = text.count("\n", 0, odd.start()) + 1
        msg = f"{name}:{line}: expected printable characters, found {odd[0]!r}: remove it"
        raise ConfigError(msg)
    lines: dict[Location, int] = {}
    try:
        content = strictyaml.load(text, label=name).data
        node = ruamel.main.compose(text, Loader=ruamel.main.RoundTripLoader)
        _collect_lines(node, (), lines)
    except (strictyaml.YAMLError, ruamel.error.MarkedYAMLError) as error:
        raise ConfigError(_explain(error, text, name)) from error
    except RecursionError as error:
        msg = f"{name}:1: expected a few levels of nested keys, found hundreds"
        raise ConfigError(msg) from error
    if not isinstance(content, dict):
        found = "a list" if isinstance(content, list) else "a single value"
        msg = f"{name}:1: expected a mapping with the sections of a config, found {found if node else 'an empty file'}"
        raise ConfigError(msg)
    return Document(name, content, lines)


def _explain(error: Any, text: str, name: str) -> str:
    problem = str(error.problem).strip()
    start_tells_more = error.problem_mark is None or "end of stream" in problem
    mark = error.context_mark if start_tells_more else error.problem_mark
    line = mark.line + 1 if mark is not None else 1
    key = _KEY.match(text.splitlines()[line - 1]) if line <= len(text.splitlines()) else None
    place = f"{name}:{line}: {key['key']}: " if key is not None else f"{name}:{line}: "
    if isinstance(error, strictyaml.FlowMappingDisallowed):
        return (
            f"{place}expected a block, one '- a' a line for [a, b] and one 'a: b' a line for {{a: b}}, "
            "found flow style: write it as a block, or put a text that begins with a bracket between single quotes"
        )
    if isinstance(error, strictyaml.DuplicateKeysDisallowed):
        return f"{place}expected each key once, found it twice: remove one"
    for words, (expected, found) in _SYNTAX.items():
        if words in problem:
            return f"{place}expected {expected}, found {found}"
    return f"{place}expected strict YAML, found a syntax error: {' '.join(problem.split())}"


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
