"""Patterns that a text can make slow are refused before anything is learned; all others pass."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from commands import Command
from hypothesis import given, settings
from hypothesis import strategies as st
from operated import log_rows, make_problem, make_rows, make_store
from problems import EVERY_KIND, load, make_config, make_table, train

from classification_model.config.core import PACKAGED_CONFIG, load_config
from classification_model.errors import ConfigError, InputError, TrainingError
from classification_model.own_models.classification_model import ClassificationModel
from classification_model.own_models.save_estimator import save_estimator
from classification_model.patterns import hostile_texts as hostile_texts_module
from classification_model.patterns import pattern_timing, search_stopwatch
from classification_model.patterns.hostile_texts import (
    MOST_LENGTHS,
    MOST_MADE,
    MOST_TEXTS,
    HostileText,
    hostile_texts,
    telling_lengths,
)
from classification_model.patterns.pattern_timing import slow_patterns
from classification_model.patterns.search_stopwatch import lengths, make_text
from classification_model.patterns.searched_texts import Search, searches_of
from classification_model.pipeline import build_pipeline
from classification_model.retrain_pipeline import run_retraining
from classification_model.train_pipeline import train_model

#: Characters of a text that is long enough for a fast machine too.
LONG = 4000
#: None of them ends, or in time, on some text of so many characters.
SLOW = [
    r"^(a+)+$",
    r"(a|a)*b",
    r"(a|aa)+$",
    r"(\w+\s?)*!",
    r",\s*([^.]+)\.",
    r"\s+$",
    r"(.*)*x",
    r"(.*)x.*y",
    r"(?:a?){50}a{50}",
    r"(a?){30}a{30}",
    r"^(a{1,30}){1,30}$",
    r"^(\d+)*[a-z]",
    r"(x+x+)+y",
    r"([a-z]+)*\d",
    r"(?=(a+)+$)b",
    r"^(?=a+b)(a+)+c",
    r"(?!(a+)+$)b",
    r"(?<=\$)(\d+)+x",
    r"(a*)\1b",
    r"(?P<q>['\"])(\w+\s?)+(?P=q)x",
    r"^(?:(a)|b|ab)+(?(1)c|d)$",
    r"(?i)^(A+)+$",
    r"(?i:(straße)+)+x",
    r"(?x) ^ ( a+ )+ $",
    r"(?s)^(.+)+\Z(?!x)y",
    r"^(?>(a+)+)b|^(a+)+b",
    r"^b*?.+|(foo*(?:-*)?)+b+foo,+",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(.*?,){11}P",
    r"^foo=(a+)+$",
    r"^(?:foo|bar|foobar)+$",
    r"^(abc|abcabc)+$",
    r"^(([^,]*),?)+\.$",
    r"(?:[^\"\\]|\\.|[^\"])*\"x$",
    r"(\w+)@(\w+)\.com",
    r"(\d+)-(\d+)-(\d+)$",
    r"(\S+)\s+(\S+)$",
    r"x.*y.*z",
    r"foo.*bar.*baz",
    r".*.*=.*",
    r"(ö|ö)*x",
    r",*?\W\w?$",
    # So many letters are told from each other that the first repeat alone could use up all texts.
    (
        r"^[^,]*,\s*(?:Mr|Mrs|Miss|Master|Dr|Rev|Col|Capt|Major|Mlle|Mme|Don|Dona|Lady|Sir|Countess|Jonkheer)"
        r"\.\s*(?:\w+\s?)*\("
    ),
    # They are slow in texts alone that have what is looked for ahead.
    r"^(?=.*\d)(?=.*[A-Z])(?=.*[a-z])(?:\w+\s?)+$",
    r"^(?=.*!)(?:\w+\s?)+$",
    # They are slow in texts of a few lengths alone.
    r"^(?=.{18,30}$)(?:\w+\s?)+$",
    r"^(?=.{20,30}$)(?:[A-Z]+-?)+$",
    r"^x=(?=.{27}$)(?:\w+\s?)+$",
    r"^(?=(?:.{5}){6}$)(?:\w+\s?)+$",
    r"^(?!.{31})(?=.{25})(?:\w+\s?)+$",
    r"^(?=.(?:..)*$)(?:\w+\s?)+$",
]
#: A search for them takes some ten microseconds in the worst text of 1,000 characters.
QUICK = [
    "a",
    r"\d+",
    r"^(\w+)",
    r"^([^,]+),",
    r"^([A-Z])",
    r"^[^,]*,([^.]+)\.",
    r",\s*(\w+)\.",
    r", (\w+)\.",
    r"^\s*(\S+)",
    r"^(.*)$",
    r"\b(\d{4})\b",
    r"#(\w{1,40})",
    r"\$(\d+)",
    r"(?<=No\. )\d+",
    r"(?i)\b(mr|mrs|miss)\b",
    r"[$\d,.e]+",
    r"^([A-Z]+)-(\d+)$",
    r"^https?://([^/]+)/",
    r"^[a-z]+@[a-z]+\.com$",
    r"^(?:[^,]*,){3}([^,]*)",
    r"^(?:a++)++$",
    "(?x) ^ (\\d{4})  # the year\n - (\\d\\d)",
]


def said_of(pattern: str, longest: int = 1000) -> list[str]:
    return slow_patterns([Search("features.x.pattern", pattern, longest)])


@pytest.mark.slow
@pytest.mark.parametrize("pattern", SLOW)
def test_a_pattern_that_a_text_can_make_slow_is_told(pattern: str) -> None:
    """What repeats a repeat, or begins again at each character, is told with what it takes, in one line."""
    (said,) = said_of(pattern, LONG)
    time = r"(more than 20 ms|[1-9]\d*\.\d ms)"
    shown = pattern if len(pattern) <= 100 else f"{pattern[:100]}..."
    assert re.fullmatch(
        rf"features\.x\.pattern: expected at most 1 ms on any text, found {time} for '{re.escape(shown)}' on a text of "
        r"[1-9][\d,]* characters: do not nest repeats, limit them as in \{1,40\}, or anchor the pattern, "
        r"or allow shorter texts only \(data\.longest_text in a config\)",
        said,
    )


@pytest.mark.slow
def test_quick_patterns_pass() -> None:
    """What a text is read once for is no fault, however the pattern is written; all are timed in one go."""
    assert slow_patterns([Search(f"features.{number}", pattern, 1000) for number, pattern in enumerate(QUICK)]) == []


def test_the_packaged_patterns_pass() -> None:
    """The problem that ships keeps its own rule, on texts as long as any may be."""
    searches = searches_of(load_config(PACKAGED_CONFIG))
    assert [search.place for search in searches] == [
        f"features.{name}.pattern" for name in ("title", "surname", "deck")
    ]
    assert slow_patterns([search._replace(longest=10_000) for search in searches]) == []


#: Runs of characters of which none can take what begins the next one, after the beginning of the text.
_RUNS = st.sampled_from(["a+", "[0-9]*", r"\s?", "b{2}", "[cd]{1,3}", "_+?", "-*", r"(?:e|f)", "(G+)", "[H-K]{2,}"])


@pytest.mark.slow
@settings(max_examples=25)
@given(runs=st.lists(_RUNS, min_size=1, max_size=6, unique=True), ends=st.booleans())
def test_anchored_runs_that_share_no_character_pass(runs: list[str], ends: bool) -> None:
    """Where it is certain which run takes a character, no text is read twice."""
    assert said_of("^" + "".join(runs) + "$" * ends) == []


@pytest.mark.parametrize("pattern", ["a{60000}(b+)+c", "(((a{60000}){60000}){60000})+b", "(?:(?:ab{3,9}){2,5}c?){7}"])
def test_counts_beyond_measure_make_no_giant_texts(pattern: str) -> None:
    """However often something is to be repeated, nothing longer than a text may be is made of it."""
    assert max(len(part) for text in hostile_texts(pattern, 500) for part in text) <= 3 * 500
    said_of(pattern, 500)


def test_groups_too_deep_to_be_looked_through_are_told() -> None:
    """A pattern of hundreds of groups in groups, which `re` knows, is refused and no crash."""
    pattern = "(" * 300 + "a" + ")+" * 300
    (said,) = said_of(pattern)
    assert said == f"features.x.pattern: '{pattern[:100]}...' has too many nested groups to be timed: use fewer"


def test_every_slow_pattern_is_told_and_no_other() -> None:
    """Of several patterns, each slow one has its line, in order."""
    patterns = {"a": "^(a+)+$", "b": r"^(\w+)", "c": r"\s+$"}
    said = slow_patterns([Search(name, pattern, LONG) for name, pattern in patterns.items()])
    assert [line.partition(":")[0] for line in said] == ["a", "c"]


def test_what_is_slow_in_long_texts_alone_depends_on_the_limit() -> None:
    """A pattern that is slow in the texts of one config may be quick in those of another."""
    assert said_of(r"\s+$", 100) == []
    assert said_of(r"\s+$", 10_000) != []
    (said,) = said_of("^(a+)+$")
    assert said.endswith(" characters: do not nest repeats, limit them as in {1,40}, or anchor the pattern")


@pytest.mark.slow
def test_long_and_odd_patterns_are_shown_in_one_line() -> None:
    """A pattern of several lines, or of many characters, makes no error of several lines or without an end."""
    (odd,) = said_of("(?x) ^ (a+)+\n $")
    assert r"'(?x) ^ (a+)+\n $'" in odd
    (long,) = said_of("^(a+)+" + "b" * 500)
    assert f"'^(a+)+{'b' * 94}...' on a text of" in long


def test_texts_reach_each_repeat_and_fail_after_it() -> None:
    """A text begins with what leads to a repeat, goes on with what it takes, and ends with what it does not take."""
    texts = hostile_texts(r"^id=(\d+,?)+;$", 1000)
    assert {("id=", "0", ""), ("id=", "0,", "a"), ("id=", "0", ";")} <= {tuple(text) for text in texts}
    many = hostile_texts("|".join(f"(?:{letter}+x)+" for letter in "abcdefghij"), 1000)
    assert len(many) <= MOST_TEXTS
    assert all(text.repeated for text in texts)


def test_no_more_texts_are_made_than_are_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a pattern of which millions of texts could be made, no more are made than are needed."""
    made = 0

    def make(*parts: str) -> HostileText:
        nonlocal made
        made += 1
        return HostileText(*parts)

    monkeypatch.setattr(hostile_texts_module, "HostileText", make)
    words = [f"{first}{second}+" for first in "abcdefghijkl" for second in "0123456789"]
    assert len(hostile_texts("|".join(words), 1000)) == MOST_TEXTS
    assert made <= MOST_MADE


def test_each_repeat_has_its_share_of_the_texts() -> None:
    """However many texts the first repeat could use, the last one has some, and so has the whole."""
    words = "|".join(a + b for a, b in zip("abcdefghijklm", "nopqrstuvwxyz", strict=True))
    texts = hostile_texts(rf"^X*(?:{words})=(\d+,?)+;$", 1000)
    assert len(texts) == MOST_TEXTS
    assert {("an=", "0,", ""), ("", "an=0;", "")} <= {tuple(text) for text in texts}


def test_lengths_are_those_that_a_pattern_bounds() -> None:
    """What an assertion looks for comes first, then what repeats take; few are told, none too short to matter."""
    assert telling_lengths(r"^(?=.{20,30}$)(?:[A-Z]+-?){2,}$", 1000) == [19, 20, 21, 29, 30, 31]
    assert telling_lengths(r"(?!.{31})a", 31) == [30]
    assert telling_lengths(r"(?:.{5}){6}|.{70000}", 100) == [29, 30, 31]
    many = telling_lengths("".join(f"a{{{10 * count}}}" for count in range(2, 50)) + "(?<=^.{777})", 1000)
    assert len(many) == MOST_LENGTHS
    assert {776, 777, 778} <= set(many)


@pytest.mark.slow
@given(
    pattern=st.sampled_from(SLOW + QUICK),
    longest=st.integers(1, 300),
    telling=st.lists(st.integers(1, 400), max_size=5),
    skipped=st.integers(0, 20),
)
def test_texts_are_as_long_as_is_asked_for(pattern: str, longest: int, telling: list[int], skipped: int) -> None:
    """Lengths grow up to the longest, with those that tell of the pattern, and each text has its length."""
    steps = lengths(longest, telling, skipped)
    assert steps == sorted(set(steps))
    assert steps[-1] == longest
    assert {length + skipped for length in telling if length + skipped <= longest} <= set(steps)
    for text in hostile_texts(pattern, longest)[:20]:
        assert [len(make_text(text, length)) for length in steps] == steps


def test_a_busy_machine_makes_no_pattern_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several times of a search the best one counts: time that others took from it is not its own."""
    calls = 0

    def measure(*_: object) -> float:
        nonlocal calls
        calls += 1
        return 1e-5 if calls % 4 == 0 else 0.5

    monkeypatch.setattr(search_stopwatch, "measure", measure)
    order = {"pattern": "a", "longest": 1000, "lengths": [30], "texts": [("", "a", ""), ("", "b", "")]}
    assert search_stopwatch.slowest(order, 0.001, 0.02) is None
    monkeypatch.setattr(search_stopwatch, "measure", lambda *_: 0.002)
    assert search_stopwatch.slowest(order, 0.001, 0.02) == (0.002, 1000)


def test_a_search_that_had_to_be_killed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program did not end, what it was about is slow, and what it had done counts."""

    def run(*_: object, **options: float) -> None:
        raise subprocess.TimeoutExpired("python", options["timeout"], output=b"null\n[0.0042, 300]\nnu")

    monkeypatch.setattr(subprocess, "run", run)
    said = slow_patterns([Search(name, "a", 1000) for name in "abcd"])
    assert [line.partition(": do not")[0] for line in said] == [
        "b: expected at most 1 ms on any text, found 4.2 ms for 'a' on a text of 300 characters",
        "c: expected at most 1 ms on any text, found more than 20 ms for 'a' on a text of 1,000 characters",
    ]


@pytest.mark.parametrize("broken", ["_PYTHON", "_STOPWATCH"])
def test_patterns_that_cannot_be_timed_are_not_taken_for_quick(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, broken: str
) -> None:
    """Where the program that times them cannot run, that is an error, in one line."""
    missing = tmp_path / "missing"
    monkeypatch.setattr(pattern_timing, broken, missing if broken == "_STOPWATCH" else (str(missing),))
    reason = "No such file or directory" if broken == "_PYTHON" else "it ended with code 2"
    name = "search_stopwatch.py" if broken == "_PYTHON" else "missing"
    expected = f"patterns cannot be timed, as the program {name} cannot run: {reason}"
    with pytest.raises(TrainingError, match=f"^{re.escape(expected)}$"):
        said_of("a")


def test_without_patterns_no_program_is_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A config without patterns pays nothing."""
    monkeypatch.setattr(pattern_timing, "_PYTHON", ())
    assert slow_patterns([]) == []


# Where it is called


@pytest.mark.slow
@pytest.mark.parametrize("pattern", [r"^(a+)+$", r",\s*([^.]+)\."])
def test_training_refuses_a_slow_pattern_and_saves_nothing(tmp_path: Path, pattern: str) -> None:
    """The config is at fault, the feature is named, and not even the table is read."""
    word = {"derive": "pattern", "from": ["note"], "pattern": pattern}
    data = {"source": "nowhere.csv", "longest_text": LONG}
    config = make_config(EVERY_KIND | {"word": word}, folder=tmp_path, data=data)
    with pytest.raises(ConfigError, match=rf"^features\.word\.pattern: .* for '{re.escape(pattern)}' on a text of "):
        train_model(config)
    with pytest.raises(ConfigError, match=r"^features\.word\.pattern: "):
        train(make_table(), config)
    assert [path.name for path in tmp_path.iterdir()] == ["nowhere.csv"]


@pytest.mark.slow
def test_the_command_line_says_it_in_a_line(command: Command, tmp_path: Path) -> None:
    """`train` ends with the one line and exit code 2, and leaves the model that was there alone."""
    make_problem(tmp_path)
    first = command("train", "--config", "config.yml", "--output", "models")
    assert first.code == 0, first.err
    before = sorted((path, path.read_bytes()) for path in (tmp_path / "models").rglob("*") if path.is_file())
    text = (tmp_path / "config.yml").read_text(encoding="utf-8")
    slow = "  carrier: categorical\n  kind:\n    derive: pattern\n    from: carrier\n    pattern: '(\\w+\\s?)*!'\n"
    (tmp_path / "config.yml").write_text(text.replace("  carrier: categorical\n", slow), encoding="utf-8")
    done = command("train", "--config", "config.yml", "--output", "models")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: features\.kind\.pattern: .* for '\(\\w\+\\s\?\)\*!' on a text .* or anchor the pattern\n", done.err
    )
    after = sorted((path, path.read_bytes()) for path in (tmp_path / "models").rglob("*") if path.is_file())
    assert after == before


def test_a_model_of_the_class_refuses_it_too(tmp_path: Path) -> None:
    """`fit` refuses what `train` refuses, and has no model then."""
    word = {"derive": "pattern", "from": ["note"], "pattern": "^(a+)+$"}
    table = make_table()
    model = ClassificationModel(make_config(EVERY_KIND | {"word": word}, folder=tmp_path))
    with pytest.raises(ConfigError, match=r"^features\.word\.pattern: "):
        model.fit(table.drop(columns="colour"), table["colour"])
    assert model.trained is None


@pytest.mark.slow
def test_retraining_refuses_it_and_what_serves_goes_on(tmp_path: Path) -> None:
    """A slow pattern that came into the config since is no reason to train, and the store stays as it is."""
    config = make_problem(tmp_path)
    store = make_store(tmp_path, config)
    log_rows(store, tmp_path / "log", make_rows(100, 1))
    text = (tmp_path / "config.yml").read_text(encoding="utf-8")
    slow = "  carrier: categorical\n  word:\n    derive: pattern\n    from: carrier\n    pattern: '^(a+)+$'\n"
    (tmp_path / "config.yml").write_text(text.replace("  carrier: categorical\n", slow), encoding="utf-8")
    with pytest.raises(ConfigError, match=r"^features\.word\.pattern: "):
        run_retraining(load_config(tmp_path / "config.yml"), store, tmp_path / "log", force=True, jobs=1)
    assert (store.versions(), store.current()) == (["1.0.0"], "1.0.0")


def test_a_saved_pipeline_with_a_slow_pattern_is_refused(tmp_path: Path) -> None:
    """A slow pattern in the first steps of an estimator is no more saved than trained with."""
    features = {
        "note": {"kind": "text"},
        "word": {"derive": "pattern", "from": ["note"], "pattern": r"(\w+\s?)*!|(now|later)"},
    }
    data = load(make_table(), make_config(features, folder=tmp_path))
    rows = data.train
    pipeline = build_pipeline(data.config).fit(rows.features, rows.labels)
    with pytest.raises(
        InputError,
        match=r"^the pattern of 'word': expected at most 1 ms .*, found more than 20 ms for '\(.*' on a text of ",
    ):
        save_estimator(pipeline, rows.features, rows.labels, name="own", version="1.0.0", folder=tmp_path / "own")
    assert not (tmp_path / "own").exists()
