"""Derived texts and flags as nodes of a graph; an empty text is a missing one."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import helper, numpy_helper

from classification_model.export.graph import DOUBLE, INT64, ML, STRING
from classification_model.export.portable.characters import (
    ANY,
    matched_by,
    spell_set,
    spell_text,
    spell_text_of_any_case,
    white_space,
)
from classification_model.export.portable.matching import Split
from classification_model.runtime.inference.derivations.texts import spell

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from classification_model.export.graph import Graph
    from classification_model.export.portable.matching import Checks

#: Stands for a text of which only is told that it is none of the known ones; no text that was read holds a NUL. (onnx
#: 1.23 cuts one off the end of a constant.)
UNKNOWN = "\0?"

#: What stands between the pieces of a combination.
BAR = "|"


def texts(*values: str) -> np.ndarray:
    """Return texts as a constant of a graph."""
    return np.array(values, dtype=object)


def contains(graph: Graph, text: str, words: Sequence[str]) -> str:
    """Tell, as 1.0 or 0.0, whether a text contains one of some whole words; NaN where it is missing."""
    other = spell_set(~matched_by(r"\w"))
    any_word = "|".join(spell_text_of_any_case(word) for word in words)
    found = graph.add("RegexFullMatch", text, pattern=f"(?:{ANY}*{other})?(?:{any_word})(?:{other}{ANY}*)?")
    return graph.add("Where", _is_empty(graph, text), np.array([np.nan]), graph.add("Cast", found, to=DOUBLE))


def find(graph: Graph, text: str, plan: Split | Checks, known: Iterable[str]) -> str:
    """Return what a pattern finds in a text.

    Parameters
    ----------
    graph
        Where nodes are added.
    text
        The tensor of the text.
    plan
        How to tell what is found.
    known
        Where each text has a check of its own, those to check for; others become `UNKNOWN`.
    """
    found = graph.add("RegexFullMatch", text, pattern=plan.found)
    if isinstance(plan, Split):
        cut = graph.add("Where", found, _first_piece(graph, text, plan.delimiter), texts(""))
        if plan.has_spaces:
            cut = _strip_end(graph, cut)
        return _without_fraction(graph, cut) if plan.has_fractions else cut
    answer = graph.add("Where", found, texts(UNKNOWN), texts(""))
    for candidate in plan.possible(known):
        is_it = graph.add("RegexFullMatch", text, pattern=plan.regex_of(candidate))
        answer = graph.add("Where", is_it, texts(candidate), answer)
    return answer


def combine(graph: Graph, pieces: Sequence[str]) -> str:
    """Put texts side by side, ``|`` between them; missing where all are."""
    whole = pieces[0]
    for piece in pieces[1:]:
        whole = graph.add("StringConcat", graph.add("StringConcat", whole, texts(BAR)), piece)
    nothing = graph.add("Equal", whole, texts(BAR * (len(pieces) - 1)))
    return graph.add("Where", nothing, texts(""), whole)


def spell_numbers(graph: Graph, number: str, known: Iterable[float]) -> str:
    """Spell known numbers as categories; missing ones become an empty text, others `UNKNOWN`."""
    values = sorted(set(known))
    spelled = graph.add(
        "LabelEncoder",
        number,
        domain=ML,
        keys_tensor=numpy_helper.from_array(np.array(values or [0.0])),
        values_tensor=_string_tensor([spell(value) for value in values] or [spell(0.0)]),
        default_tensor=_string_tensor([UNKNOWN]),
    )
    return graph.add("Where", graph.add("IsNaN", number), texts(""), spelled)


def pieces_of(combinations_known: Iterable[str]) -> set[str]:
    """Return all texts that may have been put side by side to known combinations."""
    found: set[str] = set()
    for text in combinations_known:
        parts = text.split(BAR)
        found |= {BAR.join(parts[start:end]) for start, end in combinations(range(len(parts) + 1), 2)}
    return found - {""}


def numbers_in(known: Iterable[str]) -> set[float]:
    """Return the numbers that some of known texts spell."""
    found = set()
    for text in known:
        try:
            number = float(text)
        except ValueError:
            continue
        if np.isfinite(number) and spell(number) == text:
            found.add(number)
    return found


def encode(graph: Graph, text: str, categories: Sequence[str], codes: tuple[int, int, int]) -> str:
    """Turn categories into codes: of a missing one, of an unseen one, and from the third on of the known ones."""
    missing, unseen, first = codes
    return graph.add(
        "LabelEncoder",
        text,
        domain=ML,
        keys_strings=["", *categories],
        values_int64s=[missing, *range(first, first + len(categories))],
        default_int64=unseen,
    )


def _is_empty(graph: Graph, text: str) -> str:
    return graph.add("Equal", text, texts(""))


def _first_piece(graph: Graph, text: str, delimiter: str) -> str:
    """Return what stands before a delimiter, the whole text where there is none."""
    pieces, _ = graph.add_many("StringSplit", text, outputs=2, delimiter=delimiter, maxsplit=1)
    whole = graph.add("Unsqueeze", text, np.array([2]))  # without rows, and of empty texts, there are no pieces
    return graph.add("Gather", graph.add("Concat", pieces, whole, axis=2), np.array(0), axis=2)


def _strip_end(graph: Graph, text: str) -> str:
    """Strip white space from the end of the texts that end in it, character by character as long as there is some.

    A mark at the end of a text tells its end from its middle: where a character and the mark can be cut off together,
    the character stood at the end.
    """
    space = spell_set(white_space())
    ends_in_space = graph.add("RegexFullMatch", text, pattern=f"{ANY}*{space}")
    places = graph.add("Transpose", graph.add("NonZero", ends_in_space), perm=[1, 0])
    few = graph.add("Unsqueeze", graph.add("GatherND", text, places), np.array([1]))

    def is_left(graph: Graph, marked: str) -> str:
        left = graph.add("RegexFullMatch", marked, pattern=f"{ANY}*{space}{spell_text(UNKNOWN)}")
        count = graph.add("ReduceSum", graph.add("Cast", left, to=INT64), keepdims=0)
        return graph.add("Greater", count, np.array(0))

    def strip(graph: Graph, marked: str) -> str:
        for run in _runs_of_space():
            cut = _first_piece(graph, marked, run + UNKNOWN)
            marked = graph.add("StringConcat", _first_piece(graph, cut, UNKNOWN), texts(UNKNOWN))
        return marked

    marked = graph.repeat_while(graph.add("StringConcat", few, texts(UNKNOWN)), STRING, is_left, strip)
    stripped = graph.add("Squeeze", _first_piece(graph, marked, UNKNOWN), np.array([1]))
    return graph.add("ScatterND", text, places, stripped)


def _runs_of_space() -> list[str]:
    """Return what is cut off in a step: blanks, which come in long runs, by thousands down to one; others singly."""
    kinds = [chr(place) for place in white_space().nonzero()[0].tolist()]
    return [" " * 2**power for power in range(12, 0, -1)] + kinds


def _without_fraction(graph: Graph, text: str) -> str:
    digit = spell_set(matched_by(r"\d"))
    is_whole = graph.add("RegexFullMatch", text, pattern=rf"[+-]?{digit}+\.0+")
    return graph.add("Where", is_whole, _first_piece(graph, text, "."), text)


def _string_tensor(values: Sequence[str]) -> Any:
    encoded: Any = [value.encode() for value in values]  # its types forget texts
    return helper.make_tensor("texts", STRING, [len(values)], encoded)
