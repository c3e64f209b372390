"""The mutants of a module: each is the module with one small fault, made by mutmut's operators and one of our own."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import libcst as cst
import libcst.matchers as m
from libcst.metadata import MetadataWrapper, ParentNodeProvider, PositionProvider
from mutmut.mutation.mutators import OPERATORS_TYPE, mutation_operators

#: What is not mutated, and why.
LEFT_OUT = (
    m.Annotation()  # held by mypy, and never run
    | m.Subscript(value=m.Name("Literal"))  # held by mypy too
    | m.Assign(value=m.Subscript(value=m.Name("Literal") | m.Name("tuple") | m.Name("Mapping")))  # an alias of a type
    | m.Assign(targets=[m.AssignTarget(m.Name("Value") | m.Name("Column"))])  # aliases that are unions
    | m.Decorator()  # `slots`, `frozen` and caches change no answer
    | m.Call(func=m.Name("len") | m.Name("isinstance"))  # whatever else is put into them, any test that comes by fails
    | m.ImportFrom()
    | m.Import()
    | m.If(test=m.Name("TYPE_CHECKING"))
    | m.Call(func=m.Attribute(value=m.Name("logger")))  # the text of a log line is for people
    | m.Call(func=m.Name("TypeVar") | m.Name("cast") | m.Name("Field"))  # held by mypy, and by OpenAPI's own tests
    | m.Arg(keyword=m.Name("encoding"))  # UTF-8 is the default of every machine that runs the tests
    | m.Arg(keyword=m.Name("strict"))  # `zip` holds by it what is so by construction
    | m.Assign(targets=[m.AssignTarget(m.Name("__all__") | m.Name("__slots__"))])
    | m.SimpleStatementLine(body=[m.Expr(m.SimpleString() | m.ConcatenatedString())])  # a docstring
)
#: The text of an error is for people too; what a program reads has no spaces.
PROSE = re.compile(r".* |^.?['\"]['\"]$", re.DOTALL)


@dataclass(frozen=True)
class Mutant:
    """A module with one fault.

    Attributes
    ----------
    path
        The module, from the root of the repository.
    line, end
        First and last line of what is changed.
    is_run_on_import
        Whether that stands outside of functions.
    original, code
        The module's text, without the fault and with it.
    """

    path: Path
    line: int
    end: int
    is_run_on_import: bool
    original: str
    code: str

    @property
    def difference(self) -> str:
        """The lines that differ."""
        lines = difflib.unified_diff(self.original.splitlines(), self.code.splitlines(), lineterm="", n=0)
        return "\n".join(line for line in lines if line[:3] not in {"---", "+++"} and line[:2] != "@@")


@dataclass(frozen=True)
class Mutation:
    """A fault that may be put into a module."""

    path: Path
    module: cst.Module
    node: cst.CSTNode
    changed: cst.CSTNode
    line: int
    end: int
    is_run_on_import: bool

    def apply(self) -> Mutant | None:
        """Return the module with the fault, or None if it is no Python or as it was."""
        replaced = self.module.deep_replace(self.node, self.changed)
        original, code = self.module.code, replaced.code if isinstance(replaced, cst.Module) else ""
        try:
            compile(code, str(self.path), "exec")
        except SyntaxError:
            return None
        if code == original:
            return None
        return Mutant(self.path, self.line, self.end, self.is_run_on_import, original, code)


def _statement_left_out(node: cst.SimpleStatementLine) -> Iterable[cst.SimpleStatementLine]:
    """Leave out a statement that only calls something, which mutmut has no operator for."""
    if m.matches(node, m.SimpleStatementLine(body=[m.Expr(m.Call() | m.Await())])):
        yield node.with_changes(body=[cst.Pass()])


OPERATORS: OPERATORS_TYPE = [*mutation_operators, (cst.SimpleStatementLine, _statement_left_out)]


class _Collector(cst.CSTVisitor):
    """Collects what to change."""

    METADATA_DEPENDENCIES = (PositionProvider, ParentNodeProvider)

    def __init__(self, path: Path, module: cst.Module) -> None:
        super().__init__()
        self.path, self.module = path, module
        self.mutations: list[Mutation] = []

    def on_visit(self, node: cst.CSTNode) -> bool:
        if m.matches(node, LEFT_OUT) or (isinstance(node, cst.SimpleString) and PROSE.match(node.value)):
            return False
        place = self.get_metadata(PositionProvider, node, None)
        if place is not None:
            where = place.start.line, place.end.line, not self._is_in_function(node)
            for kind, operator in OPERATORS:
                if isinstance(node, kind):
                    for changed in operator(node):
                        self.mutations.append(Mutation(self.path, self.module, node, changed, *where))
        return True

    def _is_in_function(self, node: cst.CSTNode) -> bool:
        parent = self.get_metadata(ParentNodeProvider, node, None)
        while parent is not None:
            if isinstance(parent, cst.FunctionDef | cst.Lambda) and node is parent.body:
                return True
            node, parent = parent, self.get_metadata(ParentNodeProvider, parent, None)
        return False


def mutations(root: Path, path: Path) -> list[Mutation]:
    """Return all faults that may be put into a module.

    Parameters
    ----------
    root
        Of the repository.
    path
        The module, from there.
    """
    wrapper = MetadataWrapper(cst.parse_module((root / path).read_text(encoding="utf-8")))
    collector = _Collector(path, wrapper.module)
    wrapper.visit(collector)
    return collector.mutations
