"""What the portable graph derives itself, against the Python it is translated from."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from fitted import data_of, estimator_of, fit, portable_of, prove
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from problems import EVERY_KIND, load, make_config, make_table

from classification_model.export.convert_pipeline import convert_pipeline
from classification_model.export.graph import BOOL, DOUBLE, STRING, Graph
from classification_model.export.portable import numbers, texts
from classification_model.export.portable.characters import matched_by, spell_set
from classification_model.export.portable.matching import Checks, Split, plan_matching
from classification_model.export.portable.outline import MOST_CHECKS
from classification_model.export.portable.shapes import UntranslatableError
from classification_model.runtime.inference.derivations.dates import PARTS, parts_of_moments
from classification_model.runtime.inference.derivations.numbers import add, divide, log_one_plus
from classification_model.runtime.inference.derivations.texts import combine, pattern_finder, spell, word_finder
from classification_model.runtime.input.moments import MOMENTS

#: Characters that programs take for others, white space of every kind among them.
SIGNS = "aBé3\u0663\u00b2.,|;-_ \t\n\r\x1f\x85\xa0\u2003\u3000\u200b\u017f\u212a\u0130\u0131ßK0\U0001f600\u0301"


def run(
    build: Callable[..., str | Sequence[str]], *columns: Sequence[Any], gives: int = DOUBLE
) -> list[NDArray[np.generic]]:
    """Build a graph of columns, run it with onnxruntime, and return its outputs."""
    graph = Graph()
    takes = [STRING if column and isinstance(column[0], str) else DOUBLE for column in columns]
    names = [graph.input(f"given_{number}", kind, 1) for number, kind in enumerate(takes)]
    made = build(graph, *names)
    outputs = [made] if isinstance(made, str) else list(made)
    for number, tensor in enumerate(outputs):
        graph.output(f"found_{number}", tensor, gives, 1)
    session = onnxruntime.InferenceSession(graph.to_bytes({}), providers=["CPUExecutionProvider"])
    inputs = {
        name: np.array(column, dtype=object if kind == STRING else np.float64).reshape(-1, 1)
        for name, kind, column in zip(names, takes, columns, strict=True)
    }
    return [output[:, 0] for output in session.run(None, inputs)]


def mixed(words: Sequence[str], count: int = 3000, longest: int = 6) -> list[str]:
    """Put words together at random, as texts that were read: stripped, none of them empty."""
    draw = np.random.default_rng(0)
    made = ("".join(draw.choice(words, draw.integers(1, longest + 1))).strip() for _ in range(count))
    return [text for text in made if text]


# Characters


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "flags"),
    [
        (r"\w", 0),
        (r"\s", 0),
        (r"\d", 0),
        (r"[^\w\s]", 0),
        (r"[^,\n]", 0),
        ("k", re.IGNORECASE),
        ("s", re.IGNORECASE),
        ("i", re.IGNORECASE),
        ("ß", re.IGNORECASE),
    ],
)
def test_sets_of_characters_are_those_of_python(pattern: str, flags: int) -> None:
    """RE2 matches the same characters as Python, at both ends of every run of them and in all of the first plane."""
    expected = matched_by(pattern, flags)
    edges = np.flatnonzero(np.diff(expected.astype(np.int8))) + 1
    places = np.unique(np.concatenate([edges, edges - 1, np.arange(1, 0x3000)]))
    places = places[(places < 0xD800) | (places >= 0xE000)]
    (found,) = run(
        lambda graph, text: graph.add("RegexFullMatch", text, pattern=spell_set(expected)),
        [chr(place) for place in places.tolist()],
        gives=BOOL,
    )
    assert found.tolist() == [bool(re.fullmatch(pattern, chr(place), flags)) for place in places.tolist()]


# Words


WORDS = ["Master", "at once", "male|0", "straße", "İx", "K", "+x", "_a", "²", "a\nb"]


@pytest.mark.slow
@pytest.mark.parametrize("words", [*([word] for word in WORDS), WORDS], ids=repr)
def test_words_are_found_as_python_finds_them(words: list[str]) -> None:
    """Whole words of any case, with Python's idea of a word and of upper and lower case; a missing text is missing."""
    parts = [*WORDS, *(word.upper() for word in WORDS), *(word.swapcase() for word in WORDS), *SIGNS]
    given_texts = ["", *mixed(parts, longest=4)]
    (found,) = run(lambda graph, text: texts.contains(graph, text, words), given_texts)
    search = word_finder(words)
    assert np.isnan(found[0])
    assert found[1:].tolist() == [search(text) for text in given_texts[1:]]
    assert 0 < found[1:].sum() < len(found)


# Patterns


def assert_finds(pattern: str, given_texts: list[str]) -> None:
    """Hold a translated pattern against `re`; of answers that are not checked for, only that they are unknown."""
    plan = plan_matching(pattern)
    find = pattern_finder(pattern, as_number=False)
    expected = [find(text) for text in given_texts]
    known = sorted({str(answer) for answer in expected if answer is not None})[::2][:60]
    if isinstance(plan, Checks) and plan.every_text is not None:
        known = list(plan.every_text)
    (found,) = run(lambda graph, text: texts.find(graph, text, plan, known), given_texts, gives=STRING)
    for text, answer, right in zip(given_texts, found.tolist(), expected, strict=True):
        is_told = isinstance(plan, Split) or right is None or right in known
        assert answer == ((right or "") if is_told else texts.UNKNOWN), (pattern, text)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("pattern", "kind"),
    [
        (r",\s*([^.]+)\.", Checks),  # the titles of the Titanic
        (r"^([^,]+),", Split),  # its surnames
        (r"^([A-Z])", Checks),  # its decks
        (r"^(\w+)", Checks),
        (r"\w+", Checks),
        (r"[^,]+", Checks),
        (r"[A-Z]", Checks),
        (r"[0-9]{1,2}", Checks),
        (r"^a-(\d+)", Checks),
        (r"^\s*([^.]*)\s*$", Checks),
        (r"^(\S+)\s", Checks),
        (r"^(\d)\.", Checks),
        (r"^([\d.]+)", Checks),
        (r"^(.*?),", Split),
        (r"^([\s\S]+?)$", None),
        (r"^([^|]+)\|(\d)", Split),
        (r"^([\w\s.]*);", Split),
        (r"^(\w+)\s*[,;]", Checks),
        (r",([^ ]+) ", Checks),
        (r"(?:a|B)(\d)", None),
        (r"(?x) ^ ( [a-z]+ ) ", Checks),
    ],
)
def test_patterns_find_what_python_finds(pattern: str, kind: type | None) -> None:
    """Each plain shape gives what `re` gives, stripped and spelled as a category, on texts that are hard to split."""
    if kind is None:
        with pytest.raises(UntranslatableError):
            plan_matching(pattern)
        return
    assert isinstance(plan_matching(pattern), kind)
    words = [*SIGNS, "Sage", "Mr. ", ", ", " ,", "3.0", "10.00", "\u0663.0", "a-", "a-3", "van  der", ",."]
    assert_finds(pattern, mixed(words))


SETS = [
    "a",
    ",",
    r"\.",
    "3",
    " ",
    r"\s",
    r"\w",
    r"\d",
    "[^.]",
    "[^,]",
    ".",
    "[a-z]",
    "[a3. ]",
    r"\S",
    r"[\d. ]",
    r"[\s\S]",
]
runs = st.tuples(st.sampled_from(SETS), st.sampled_from(["", "", "+", "+", "*", "?", "{2}", "{1,2}", "+?", "*?"])).map(
    "".join
)
several = st.lists(runs, max_size=2).map("".join)
patterns = st.tuples(st.sampled_from(["^", ""]), several, runs, several, st.sampled_from(["", "", "$"])).map(
    lambda parts: f"{parts[0]}{parts[1]}({parts[2]}){parts[3]}{parts[4]}"
)
some_texts = st.lists(
    st.text(st.sampled_from("aB,. 3\n0\u2003"), min_size=1, max_size=9).map(str.strip).filter(bool),
    min_size=1,
    max_size=30,
)


@pytest.mark.slow
@settings(max_examples=300)
@given(pattern=patterns, given_texts=some_texts)
def test_any_pattern_is_translated_exactly_or_not_at_all(pattern: str, given_texts: list[str]) -> None:
    """Whatever a pattern is, there is either an exact translation of it or none."""
    try:
        plan_matching(pattern)
    except UntranslatableError:
        return
    assert_finds(pattern, given_texts)


@pytest.mark.parametrize(
    ("pattern", "reason"),
    [
        ("(?i)^(a)", "its pattern sets flags"),
        ("^((?i:a))", "its pattern sets flags"),
        ("^(?:Mr|Mrs) (a)", "more than runs of characters"),
        (r"\b(\w+)", "more than runs of characters"),
        ("^(?=b)(a)", "more than runs of characters"),
        (r"^(\w+) (?P<x>\1)", "more than runs of characters"),
        ("^([A-Z][0-9])", "captures more than one run"),
        ("^()a", "captures nothing"),
        (r"^(\s+)", "matches white space only"),
        ("^(a{0})", "matches white space only"),
        ("^(.+?)b", "a lazy repeat"),
        (r"^(\w+)a", "can match in several ways"),
        (r"^([^,]+)\s", "can match in several ways"),
        (r" (\w+)\.", "not anchored to the beginning"),
        (r", ([^.]+)\.", "not anchored to the beginning"),
        ("(a+)$", "not anchored to the beginning"),
        ("^(.{3})", "that may be white space"),
        ("^([0-9.]{3})", "limits the number of characters of a number"),
        ("^(a{1001})", "a repeat count that RE2 does not support"),
    ],
)
def test_patterns_that_are_not_translated_say_why(pattern: str, reason: str) -> None:
    """A pattern that is more than a plain shape, or ambiguous, is refused with a reason."""
    with pytest.raises(UntranslatableError, match=reason):
        plan_matching(pattern)


def test_white_space_of_any_kind_and_length_is_stripped() -> None:
    """What stands before a delimiter loses its white space, be there thousands of blanks or every kind of them."""
    spaces = [chr(place) for place in matched_by(r"\s").nonzero()[0].tolist()]
    ends = [
        "",
        *spaces,
        "".join(spaces),
        "".join(reversed(spaces)),
        " " * 5000,
        "\t" * 40,
        " \u3000" * 30,
        "\u2003 \n" * 9,
    ]
    assert_finds("^([^,]+),", [f"van  der\u3000Bilt{end}, Mr. {end}X" for end in ends])
    assert_finds("^([^,]+),", ["Sage, no space at all", "Allen, none"])
    assert_finds("^([^,]+),", [","])


# Combinations


def test_combinations_are_put_together_and_missing_when_all_is() -> None:
    """Pieces stand side by side, an empty one between bars; without any the combination is missing."""
    first, second = ["a", "", "", "|", "x|y", ""], ["b", "b", "", "", "z", "|"]
    (found,) = run(lambda graph, *pieces: texts.combine(graph, pieces), first, second, gives=STRING)
    assert found.tolist() == [combine(pair) or "" for pair in zip(first, second, strict=True)]
    assert found.tolist() == ["a|b", "|b", "", "||", "x|y|z", "||"]


def test_known_numbers_are_spelled_as_categories() -> None:
    """A known number is spelled as Python spells it, a missing one is empty, any other is no known one."""
    known = [3.0, -0.5, 7.25, 1e16, 1e-7, 0.1, 5e-324, 1.7976931348623157e308]
    given_numbers = [*known, -0.0, 0.0, np.nan, 3.0000000000000004, 2.0]
    (found,) = run(lambda graph, number: texts.spell_numbers(graph, number, [*known, 0.0]), given_numbers, gives=STRING)
    expected = [spell(number) for number in known]
    assert found.tolist() == [*expected, "0", "0", "", texts.UNKNOWN, texts.UNKNOWN]
    assert texts.numbers_in(["3", "3.0", "-0.5", "nan", "inf", "1e+16", "1e16", "x", "", "7.250"]) == {3.0, -0.5, 1e16}
    (found,) = run(lambda graph, number: texts.spell_numbers(graph, number, []), [1.0, np.nan], gives=STRING)
    assert found.tolist() == [texts.UNKNOWN, ""]


def test_pieces_of_combinations_may_hold_bars() -> None:
    """Every way to take a combination apart is considered."""
    assert texts.pieces_of(["a|b|c"]) == {"a", "b", "c", "a|b", "b|c", "a|b|c"}
    assert texts.pieces_of(["|b"]) == {"b", "|b"}


# Numbers


EDGES = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    np.nan,
    1e30,
    -1e30,
    1.7e308,
    -1.7e308,
    5e-324,
    np.nextafter(-1, 0),
    np.nextafter(-1, -2),
]


def same(found: NDArray[Any], expected: NDArray[Any]) -> bool:
    return np.array_equal(found, expected, equal_nan=True)


def test_sums_and_ratios_are_those_of_python() -> None:
    """The same operations in the same order, bit for bit; what is not finite is missing."""
    draw = np.random.default_rng(0)
    pairs = [(one, other) for one in EDGES for other in EDGES] + draw.normal(size=(500, 2)).tolist()
    first, second = np.array(pairs).T
    (found,) = run(lambda graph, *columns: numbers.add(graph, columns, 0.1), first.tolist(), second.tolist())
    assert same(found, add([first, second], 0.1))
    (found,) = run(numbers.divide, first.tolist(), second.tolist())
    assert same(found, divide(first, second))


def test_logarithms_keep_the_digits_of_tiny_numbers() -> None:
    """The logarithm of one plus a number is right to the last digits, from 5e-324 up to 1e308."""
    draw = np.random.default_rng(0)
    sizes = 10.0 ** draw.uniform(-320, 308, 20_000)
    given_numbers = np.concatenate([EDGES, sizes, -sizes[sizes < 1], draw.uniform(-1, 3, 20_000)])
    (found,) = run(numbers.log_one_plus, given_numbers.tolist())
    expected = log_one_plus(given_numbers)
    np.testing.assert_allclose(np.asarray(found, dtype=np.float64), expected, rtol=1e-15, atol=0)


def test_parts_of_dates_are_those_of_python() -> None:
    """Every part of moments from year 1 to 9999, at the turn of years, leap days and centuries; outside is missing."""
    draw = np.random.default_rng(0)
    turns = [
        np.datetime64(f"{year:04}-{day}", "s").astype(np.int64).item() + second
        for year in (1, 4, 100, 400, 1582, 1600, 1900, 1969, 1970, 2000, 2023, 2024, 2100, 9999)
        for day in ("01-01", "02-28", "03-01", "12-31")
        for second in (-1, 0, 0.5, 86_399)
    ]
    outside = [np.nan, MOMENTS[0] - 0.5, MOMENTS[1] + 0.5, 1e300, -np.inf]
    moments = np.concatenate([turns, outside, MOMENTS, draw.uniform(*MOMENTS, 20_000)])
    found = run(lambda graph, seconds: numbers.parts_of_moment(graph, seconds, PARTS), moments.tolist())
    for part, values, expected in zip(PARTS, found, parts_of_moments(moments, PARTS), strict=True):
        assert same(values, expected), part


# What is translated, and what becomes an input


def derived_inputs(
    folder: Path, derived: dict[str, Any], *columns: str, notes: list[str] | None = None
) -> dict[str, str]:
    """Train with some derived features; return what the portable model takes derived, once it is proved."""
    table = make_table(150)
    if notes is not None:
        table["note"] = [notes[number % len(notes)] for number in range(len(table))]
    data = load(table, make_config({name: EVERY_KIND[name] for name in columns} | derived, folder=folder))
    pipeline = fit(data, estimator_of("logistic_regression"))
    _, portable = prove(pipeline, data)
    assert portable.holds
    return portable_of(convert_pipeline(pipeline, data.schema), data).derived_inputs


@pytest.mark.slow
def test_a_number_in_a_combination_is_told_where_only_known_ones_matter(tmp_path: Path) -> None:
    """Combined with a category and encoded, only known numbers matter; searched for words, every number does."""
    pair = {"pair": {"derive": "combine", "from": ["shape", "size"], "encode": "target"}}
    assert derived_inputs(tmp_path, pair, "shape", "size") == {}
    word = {"word": {"derive": "contains", "from": ["pair"], "words": ["ball|1"]}}
    reason = {"word": "contains of pair: its source is only known for the texts of training"}
    assert derived_inputs(tmp_path, pair | word, "shape", "size") == reason


@pytest.mark.slow
def test_flags_in_a_combination_are_told_in_full(tmp_path: Path) -> None:
    """A truth value has few values, so a combination of it can be searched and split."""
    features = {
        "urgent": {"derive": "contains", "from": ["note"], "words": ["now"]},
        "both": {"derive": "combine", "from": ["open", "urgent", "shape"], "encode": "none"},
        "ball": {"derive": "contains", "from": ["both"], "words": ["1|ball", "0|0|ball"]},
        "first": {"derive": "pattern", "from": ["both"], "pattern": r"^([^|]*)\|"},
    }
    assert derived_inputs(tmp_path, features, "open", "shape", "note") == {}


def test_a_combination_of_combinations_is_taken_apart(tmp_path: Path) -> None:
    """What matters of an inner combination is what is known of the outer one, down to patterns and numbers."""
    features = {
        "word": {"derive": "pattern", "from": ["note"], "pattern": r"^(\w+)", "encode": "none"},
        "inner": {"derive": "combine", "from": ["word", "count"], "encode": "none"},
        "outer": {"derive": "combine", "from": ["inner", "shape"], "encode": "target"},
    }
    assert derived_inputs(tmp_path, features, "count", "shape", "note") == {}


@pytest.mark.slow
def test_too_many_checks_are_not_made(tmp_path: Path) -> None:
    """A pattern that needs a check for each answer is an input where hundreds of answers are known."""
    notes = [f"word{number} and" for number in range(150)]
    word = {"word": {"derive": "pattern", "from": ["note"], "pattern": r"^(\w+)", "encode": "target"}}
    few = derived_inputs(tmp_path, word, "note", notes=notes)
    assert few == {}
    table = make_table(1000)
    table["note"] = [f"word{number} and" for number in range(1000)]
    data = load(table, make_config({"note": {"kind": "text"}} | word, folder=tmp_path))
    converted = convert_pipeline(fit(data, estimator_of("logistic_regression")), data.schema)
    (reason,) = portable_of(converted, data).derived_inputs.values()
    count = len(converted.categories["word"])
    assert reason == f"pattern of note: it would need {count} checks"
    assert count > MOST_CHECKS


def test_a_combination_of_dozens_of_bars_is_an_input(tmp_path: Path) -> None:
    """A category that is full of bars is not taken apart in thousands of ways."""
    features = {
        "word": {"derive": "pattern", "from": ["note"], "pattern": r"^([^,]+),", "encode": "none"},
        "pair": {"derive": "combine", "from": ["word", "shape"], "encode": "target"},
    }
    notes = ["|" * 40 + "x,", "now,", "later,"]
    reason = {"pair": "combine of word, shape: a known combination has more than 30 bars"}
    assert derived_inputs(tmp_path, features, "note", "shape", notes=notes) == reason


def test_what_nothing_needs_is_no_input() -> None:
    """Where a derived column is an input, its source is one only if something else needs it."""
    data = data_of(2, "digits", "note", "size")
    pipeline = fit(data, estimator_of("logistic_regression"))
    converted = convert_pipeline(pipeline, data.schema)
    session = onnxruntime.InferenceSession(portable_of(converted, data).content, providers=["CPUExecutionProvider"])
    assert [item.name for item in session.get_inputs()] == ["size", "digits"]
