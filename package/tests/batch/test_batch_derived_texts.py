"""Derivations of many texts at once: what Arrow finds is what Python finds."""

from __future__ import annotations

import re
from typing import Any

import garbage
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from classification_model.batch.derived_texts import TextDerivation
from classification_model.batch.expressions import translate, translate_words
from classification_model.batch.texts import DistinctTexts, is_plain
from classification_model.runtime.inference.derivations import Derivation
from classification_model.runtime.input.columns import Encoded

letters = st.sampled_from([*"abAB01 ._-,'|()[]", "é", "\n", "\x1c", "\u2003", "ß", "\u017f", "\u212a"])
texts = st.lists(
    st.text(letters, max_size=10) | garbage.texts.filter(lambda text: text.encode(errors="ignore").decode() == text),
    max_size=8,
)

atoms = st.sampled_from(
    [
        *"abAB01 ,-'_/:",
        ".",
        r"\s",
        r"\d",
        r"\w",
        r"\S",
        r"\W",
        r"\.",
        r"\(",
        r"\|",
        "[ab]",
        "[^,]",
        "[A-Z]",
        r"[\w.-]",
        r"[^\s.]",
        "[a^]",
    ]
)
times = st.sampled_from(["", "", "*", "+", "?", "*?", "+?", "??", "{2}", "{1,3}", "{2,}", "{0,2}?"])
words = st.lists(st.tuples(atoms, times).map("".join), min_size=1, max_size=4).map("".join)
patterns = st.recursive(
    words | st.sampled_from(["^", "$", r"\b", "^a", "b$"]),
    lambda inner: st.one_of(
        st.tuples(inner, inner).map("".join),
        st.tuples(inner, inner).map("|".join),
        inner.map("({})".format),
        inner.map("(?:{})".format),
    ),
    max_leaves=5,
)


def derive(derivation: Derivation, values: list[str]) -> tuple[list[Any], list[Any]]:
    """Compute a derivation of some texts and a missing one, in Arrow's way and in Python's."""
    computation = TextDerivation.of(derivation)
    assume(computation is not None)
    assert computation is not None
    codes = np.array([*range(len(values)), -1, *range(len(values))])
    found = computation.compute(Encoded(codes, DistinctTexts(pa.array(values, pa.string()))))
    (expected,) = derivation.of_columns([Encoded(codes, values)])
    return tuple(
        column.tolist() if isinstance(column, Encoded) else [str(value) for value in column]
        for column in (found, expected)
    )  # type: ignore[return-value]


@pytest.mark.slow
@settings(max_examples=500)
@given(pattern=patterns, values=texts, as_number=st.booleans())
def test_a_pattern_finds_in_any_text_what_python_finds(pattern: str, values: list[str], as_number: bool) -> None:
    """First group or whole match, greedy or not, of plain texts and of all others."""
    try:
        re.compile(pattern)
    except re.error:
        assume(False)
    found, expected = derive(
        Derivation(derive="pattern", sources=("t",), outputs=("d",), pattern=pattern, as_number=as_number), values
    )
    assert found == expected


@pytest.mark.slow
@settings(max_examples=300)
@given(
    words=st.lists(st.text(st.sampled_from([*"abB0 |.-_("]), min_size=1, max_size=3), min_size=1, max_size=3),
    values=texts,
)
def test_whole_words_are_found_where_python_finds_them(words: list[str], values: list[str]) -> None:
    """A word counts in any case, and not as a part of another one."""
    found, expected = derive(Derivation(derive="contains", sources=("t",), outputs=("d",), words=tuple(words)), values)
    assert found == expected


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (r",\s*([^.]+)\.", r",\s*(?P<found>[^.]+)\."),
        (r"^([^,]+),", r"^(?P<found>[^,]+),"),
        ("[A-Z]", "(?P<found>[A-Z])"),
        (r"(Mr|Mrs)\b (a)", r"(?P<found>Mr|Mrs)\b (?:a)"),
        (r"(?:a|b)c", r"(?P<found>(?:a|b)c)"),
    ],
)
def test_what_both_understand_is_translated(pattern: str, expected: str) -> None:
    """The first group, or all of the match, gets a name; other groups lose their number."""
    assert translate(pattern) == expected


@pytest.mark.parametrize(
    "pattern",
    [
        "(ab)*",
        "(?:ab)+",
        "a++",
        "a*+",
        r"(a)\1",
        "(?i)a",
        "(?<=a)b",
        "(?P<x>a)",
        r"\Aa",
        r"\x41",
        r"\n",
        "é",
        "[é]",
        "[a--b]",
        "a{,3}",
        "a{",
        "[[a]",
        "a\nb",
        "(?#x)a",
        "^*",
    ],
)
def test_what_may_mean_something_else_is_left_to_python(pattern: str) -> None:
    """Expressions with parts that Arrow lacks, or may read otherwise, are not translated."""
    assert translate(pattern) is None


@pytest.mark.parametrize("words", [("Größe",), ("",), ("a\n",), ("a", "b\x00")])
def test_words_that_arrow_may_not_find_are_left_to_python(words: tuple[str, ...]) -> None:
    """Words beyond printable ASCII have cases of their own."""
    assert translate_words(words) is None


def test_a_repetition_that_is_too_large_is_left_to_python() -> None:
    """What Arrow refuses to compile is no error."""
    pattern = "(" + "[a-z]{999}" * 900 + ")"
    assert translate(pattern) is not None
    assert TextDerivation.of(Derivation(derive="pattern", sources=("t",), outputs=("d",), pattern=pattern)) is None


@given(st.lists(st.binary(max_size=6) | st.text(max_size=6).map(str.encode), min_size=1))
def test_only_printable_ascii_is_plain(values: list[bytes]) -> None:
    """Control characters, letters of other scripts and bytes that are no text are not."""
    array = pa.array([b"skipped", *values]).view(pa.string())[1:]
    assert is_plain(array).tolist() == [all(32 <= letter < 127 for letter in value) for value in values]
