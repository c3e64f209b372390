"""Names in backticks: each module, class, method or config key that a docstring or a page cites exists."""

from __future__ import annotations

import ast
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TypeGuard

import pytest

from classification_model.config.sections import Config

ROOT = Path(__file__).resolve().parents[2]
#: Where modules stand, and the import name of what they belong to.
SOURCES = {"classification_model": ROOT / "package", "app": ROOT / "classification_api"}
PAGES = [ROOT / "README.md", *(SOURCES[name] / "README.md" for name in SOURCES), *(ROOT / "docs").glob("*.md")]
#: A name in single backticks is numpydoc's cross reference; literals stand in double ones.
REFERENCE = re.compile(r"(?<!`)`([A-Za-z_]\w*(?:\.\w+)*)(?:\(\))?`(?!`)")
#: A full path into the package or the API, wherever it stands.
PATH = re.compile(r"(?<![\w./-])((?:classification_model|app)(?:\.[A-Za-z_]\w*)+)(?![\w(/-]|\.\w)")


@cache
def modules() -> dict[str, ast.Module]:
    """Parse each module of the package and the API."""
    files = [(base, file) for name, base in SOURCES.items() for file in (base / name).rglob("*.py")]
    return {
        ".".join(file.relative_to(base).with_suffix("").parts).removesuffix(".__init__"): ast.parse(file.read_text())
        for base, file in files
        if "trained_models" not in file.parts
    }


def members(path: str, node: ast.Module | ast.ClassDef) -> Iterator[str]:
    """Give the full names of what a module or a class defines."""
    for child in node.body:
        match child:
            case ast.ClassDef(name=name):
                yield f"{path}.{name}"
                yield from members(f"{path}.{name}", child)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield f"{path}.{name}"
                if isinstance(node, ast.ClassDef):
                    yield from (f"{path}.{set_.attr}" for set_ in ast.walk(child) if is_set(set_))
            case ast.AnnAssign(target=ast.Name(id=name)) | ast.Assign(targets=[ast.Name(id=name)]):
                yield f"{path}.{name}"
            case ast.ImportFrom(names=names):
                yield from (f"{path}.{item.asname or item.name}" for item in names)


def is_set(node: ast.AST) -> TypeGuard[ast.Attribute]:
    """Tell whether a node is an attribute that is given a value."""
    return isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)


def config_keys() -> Iterator[str]:
    """Give each key of a config with its section, such as ``data.source``."""
    for section, field in Config.model_fields.items():
        for name in getattr(field.annotation, "model_fields", {}):
            yield f"{section}.{name}"


@cache
def known() -> frozenset[str]:
    """Give every tail of every full name there is: of ``a.b.c`` also ``b.c`` and ``c``."""
    full = [*modules(), *config_keys(), *(name for path, tree in modules().items() for name in members(path, tree))]
    return frozenset(".".join(name.split(".")[start:]) for name in full for start in range(name.count(".") + 1))


@cache
def identifiers() -> frozenset[str]:
    """Give every identifier that the code uses."""
    found: set[str] = set()
    for node in (node for tree in modules().values() for node in ast.walk(tree)):
        found.update(str(getattr(node, field, "")) for field in ("id", "attr", "arg", "name", "asname"))
    return frozenset(found)


def is_importable(name: str) -> bool:
    """Tell whether a name is one of Python or of another distribution."""
    for path in (name, f"builtins.{name}"):
        try:
            pkgutil.resolve_name(path)
        except (ImportError, AttributeError):
            continue
        return True
    return False


def unknown(text: str) -> list[str]:
    """Return what a text cites and nobody has."""
    cited = REFERENCE.findall(text)
    names = {name for name in cited if "." in name or name not in identifiers()} | set(PATH.findall(text))
    return sorted(name for name in names if name not in known() and not is_importable(name))


def docstrings(tree: ast.Module) -> str:
    """Return all docstrings of a module, one after the other."""
    kinds = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    return "\n".join(ast.get_docstring(node) or "" for node in ast.walk(tree) if isinstance(node, kinds))


def test_what_a_docstring_cites_is_there() -> None:
    """A name in backticks is the end of the full path of something in this repository, or can be imported."""
    found = {path: unknown(docstrings(tree)) for path, tree in modules().items()}
    assert {path: names for path, names in found.items() if names} == {}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_path_in_a_page_leads_to_something(page: Path) -> None:
    """A full path into the package or the API, such as ``app.main``, exists; blocks of code are run elsewhere."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    assert unknown("\n".join(PATH.findall(text))) == []
