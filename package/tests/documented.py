"""What the tables of a page say, and what the code would have them say; the tests of the API read this file too."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

import typer
from pydantic import ByteSize
from pydantic.fields import FieldInfo


class Documented(NamedTuple):
    """A row of a table.

    Attributes
    ----------
    default
        Cell of the column "default".
    choices
        Values that can be chosen among; of a page, everything in backticks in the column "meaning".
    """

    default: str
    choices: frozenset[str]


def read_tables(page: Path) -> dict[str, list[dict[str, str]]]:
    """Return the rows of all tables below each heading, each a cell by the name of its column."""
    found: dict[str, list[dict[str, str]]] = {}
    heading, columns = "", list[str]()
    for line in page.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
        if not line.startswith("|"):
            columns = []
        elif not columns:
            columns = _cells(line)
        elif not line.startswith("|---"):
            found.setdefault(heading, []).append(dict(zip(columns, _cells(line), strict=True)))
    return found


def rows_with(page: Path, column: str) -> list[dict[str, str]]:
    """Return the rows of all tables of a page that have a column of this name."""
    return [row for rows in read_tables(page).values() for row in rows if column in row]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def code_spans(cell: str) -> list[str]:
    """Return what stands in backticks in a cell."""
    return re.findall(r"`([^`]+)`", cell)


def read_rows(rows: list[dict[str, str]], name: str, meaning: str = "meaning") -> dict[str, Documented]:
    """Return what rows say of each name in the column of names; a row may be of several."""
    return {
        key: Documented(row["default"], frozenset(code_spans(row[meaning])))
        for row in rows
        for key in code_spans(row[name])
    }


def differences(page: Mapping[str, Documented], code: Mapping[str, Documented]) -> list[str]:
    """Return where a page and the code disagree, a line each.

    Where the code has no default, the page may say in words what that means.
    """
    names = sorted(page.keys() ^ code.keys())
    lines = [f"{name}: {'only in the page' if name in page else 'not in the page'}" for name in names]
    for name in sorted(page.keys() & code.keys()):
        said, held = page[name], code[name]
        in_words = "" if "`" not in said.default and said.default != "required" else said.default
        if held.default not in {said.default, in_words}:
            lines.append(f"{name}: the default is {held.default!r}, the page says {said.default!r}")
        if held.choices and said.choices != held.choices:
            lines.append(f"{name}: one of {sorted(held.choices)}, the page says {sorted(said.choices)}")
    return lines


def commands(app: typer.Typer, name: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Give each command of a command line with its function, and the program itself where it has options."""
    if app.registered_callback is not None and app.registered_callback.callback is not None:
        yield name, app.registered_callback.callback
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{name} {command.name or command.callback.__name__.replace('_', '-')}", command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        yield from commands(group.typer_instance, f"{name} {group.name}")


def options(command: Callable[..., Any]) -> dict[str, Documented]:
    """Return what a page has to say of each argument and option of a command."""
    hints = get_type_hints(command, include_extras=True)
    found = {}
    for name, parameter in inspect.signature(command).parameters.items():
        kind, info = get_args(hints[name])
        option = name.upper() if isinstance(info, typer.models.ArgumentInfo) else f"--{name.replace('_', '-')}"
        named = str(info.default)  # where typer keeps a name that stands first in `Annotated`
        is_required = parameter.default is inspect.Parameter.empty
        parts = ["required"] if is_required else [spell(parameter.default)] if parameter.default is not None else []
        parts += [f"`{info.envvar}`"] if info.envvar else []
        limits = spell_limits(minimum=info.min, maximum=info.max)
        default = "off" if kind is bool else (", or ".join(parts) or ("none" if limits else "")) + limits
        found[named if named.startswith("--") else option] = Documented(default, choices(kind))
    return found


def choices(kind: Any) -> frozenset[str]:
    """Return the texts that a type lets one choose among."""
    if isinstance(kind, type) and issubclass(kind, Enum):
        return frozenset(item.value for item in kind)
    if get_origin(kind) is Literal:
        return frozenset(get_args(kind))
    return frozenset[str]().union(*map(choices, get_args(kind)))


def spell(value: Any) -> str:
    """Spell a default, in backticks."""
    return f"`{plain(value)}`"


def plain(value: Any) -> str:
    """Spell a value as one would type it."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, ByteSize):
        return value.human_readable(separator="").replace(".0", "")
    return f"{value:.15g}" if isinstance(value, int | float) else str(value)


def spell_limits(**limits: Any) -> str:
    """Spell what a number is limited to, in brackets after a space; nothing where it has no limits."""
    given = {word: plain(limit) for word, limit in limits.items() if limit is not None}
    if given.keys() == {"minimum", "maximum"}:
        return f" ({given['minimum']} to {given['maximum']})"
    return f" ({', '.join(f'{word} {limit}' for word, limit in given.items())})" if given else ""


def field_default(field: FieldInfo) -> str:
    """Return what a page has to say of the default of a pydantic field, and of its limits."""
    words = {"ge": "minimum", "gt": "above", "le": "maximum", "lt": "below"}
    if field.is_required():
        return "required"
    default = field.get_default(call_default_factory=True)
    kind = type(default) if isinstance(default, ByteSize) else lambda limit: limit
    limits = {
        words[name]: kind(getattr(item, name)) for name in words for item in field.metadata if hasattr(item, name)
    }
    values = default if isinstance(default, tuple) else (default,)
    spelled = ", ".join(spell(value) for value in values if value not in (None, "", {}))
    return (spelled or "none" * bool(limits)) + spell_limits(**limits)
