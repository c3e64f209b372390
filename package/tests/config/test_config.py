"""The problem file: what it accepts, what it refuses, and in which words."""

import random
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from written import read_table

from classification_model.config.core import PACKAGED_CONFIG, load_config, parse_config
from classification_model.errors import ConfigError

#: Five lines that are a config; what is added to them begins on line 6.
MINIMAL = "app:\n  name: Churn\ndata:\n  source: table.csv\n  target: left\n"

_TEXT = (Path(__file__).parent / "config_faults.txt").read_text(encoding="utf-8")
CASES = re.compile(r"^=== (?P<name>.+)\n(?P<addition>(?s:.*?))\n>>>\n(?P<complaint>(?:.+\n)+)", re.MULTILINE)
FAULTS = {match["name"]: (match["addition"], match["complaint"].rstrip()) for match in CASES.finditer(_TEXT)}
VALUE_FAULTS = [fault for name, fault in FAULTS.items() if not name.startswith("syntax")]


def test_every_case_of_the_file_is_read() -> None:
    """No case of `config_faults.txt` is passed over because of how it is written."""
    assert len(FAULTS) == _TEXT.count("\n=== ") > 80


def complaint(text: str) -> str:
    """Return the words in which a config is refused."""
    with pytest.raises(ConfigError, match=r"\Aconfig\.yml:\d+: ") as caught:
        parse_config(text)
    return str(caught.value)


def faults(text: str) -> list[str]:
    """Return the lines in which a config is refused, none when it loads."""
    try:
        parse_config(text)
    except ConfigError as error:
        return str(error).split("\n")
    return []


@pytest.mark.slow
@pytest.mark.parametrize(("addition", "expected"), [pytest.param(*fault, id=name) for name, fault in FAULTS.items()])
def test_a_fault_is_told_with_file_line_key_expected_and_found(addition: str, expected: str) -> None:
    """Each fault is one line: file, line, key, what was expected there and what was found."""
    assert complaint(MINIMAL + addition) == expected


@pytest.mark.parametrize(
    ("addition", "expected"),
    [
        pytest.param("# \x07", "6: expected printable characters, found '\\x07': remove it", id="bell"),
        pytest.param("#\ud800", "6: expected printable characters, found '\\ud800': remove it", id="surrogate"),
        pytest.param(
            "".join(f"{' ' * depth}a:\n" for depth in range(400)),
            "1: expected a few levels of nested keys, found hundreds",
            id="nested without end",
        ),
        pytest.param(
            f"training:\n  folds: {'9' * 5000}",
            f"7: training.folds: expected a whole number of fewer digits, found '{'9' * 59}...",
            id="a number of 5000 digits",
        ),
        pytest.param(
            "\u00a0a: b",
            "6: '\\xa0a': expected one of: app, data, features, training, gates, monitoring, promotion, card, "
            "found an unknown key",
            id="a key that begins with a blank of another kind",
        ),
    ],
)
def test_what_cannot_be_seen_is_told_in_one_short_line(addition: str, expected: str) -> None:
    """Unprintable characters are escaped in a complaint, and long values cut."""
    assert complaint(MINIMAL + addition) == f"config.yml:{expected}"


@pytest.mark.parametrize(
    ("text", "found"),
    [("", "an empty file"), ("# nothing\n\n", "an empty file"), ("churn", "a single value"), ("- a\n- b", "a list")],
)
def test_a_file_that_is_no_mapping_is_refused(text: str, found: str) -> None:
    """A file without sections is told what was expected instead."""
    assert complaint(text) == f"config.yml:1: expected a mapping with the sections of a config, found {found}"


def test_missing_sections_and_keys_are_named() -> None:
    """What must be there is named at the line of the section that lacks it."""
    assert complaint("data:\n  source: a.csv\n").splitlines() == [
        "config.yml:1: app: expected this key, found nothing",
        "config.yml:1: data.target: expected this key, found nothing",
    ]


@pytest.mark.parametrize(
    ("key", "value", "expected"),
    [
        ("version", "v1", "a PEP 440 version, such as 1.2.0"),
        ("version", "1.0.0+", "a PEP 440 version, such as 1.2.0"),
        ("version", "\u0661.0", "a PEP 440 version, such as 1.2.0"),
        ("pipeline_save_file", "../model", "a beginning of file names: letters, digits, - and _"),
        ("pipeline_save_file", "a/b", "a beginning of file names: letters, digits, - and _"),
    ],
)
def test_what_becomes_part_of_a_path_is_held_to_its_form(key: str, value: str, expected: str) -> None:
    """Neither the version nor the name of the artifact can lead out of the output folder."""
    text = f"app:\n  name: x\n  {key}: {value}\ndata:\n  source: a.csv\n  target: y\n"
    assert complaint(text) == f"config.yml:3: app.{key}: expected {expected}, found {value!r}"


def test_faults_of_all_sections_are_told_at_once_in_order_of_lines() -> None:
    """All ill-formed values are reported together, sorted by line, whatever the section."""
    text = """
monitoring:
  drift:
    psi: none

gates:
  roc: 0.5
features:
  # both lines below are wrong
  age: number
  sex:
    kind: categorical
    encode: hot
data:
  source: a.csv
  drop:
    -
  target: y
training:
  folds: five
app:
  named: x
"""
    lines = [line.split(": expected")[0] for line in complaint(text).splitlines()]
    assert lines == [
        "config.yml:4: monitoring.drift.psi",
        "config.yml:7: gates.roc",
        "config.yml:10: features.age",
        "config.yml:13: features.sex.encode",
        "config.yml:17: data.drop.0",
        "config.yml:20: training.folds",
        "config.yml:21: app.name",
        "config.yml:22: app.named",
    ]


def test_contradictions_of_all_sections_are_told_at_once_in_order_of_lines() -> None:
    """Values that only contradict each other are reported together, sorted by line, too."""
    text = """
gates:
  accuracy: 75
training:
  threshold: 3
  split:
    kind: time
features:
  x:
    derive: log
    from: y
app:
  name: x
data:
  source: a.csv
  target: y
  index: y
"""
    lines = [line.split(": expected")[0] for line in complaint(text).splitlines()]
    assert lines == [
        "config.yml:3: gates.accuracy",
        "config.yml:5: training.threshold",
        "config.yml:7: training.split.kind",
        "config.yml:11: features.x.from",
        "config.yml:17: data.index",
    ]


@pytest.mark.slow
@given(
    case=st.sampled_from(VALUE_FAULTS),
    seed=st.randoms(use_true_random=False),
    newline=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_are_right_whatever_comments_and_blanks_stand_between(
    case: tuple[str, str], seed: random.Random, newline: str
) -> None:
    """Comments and blank lines move the line of a complaint by their number, and change nothing else."""
    addition, expected = case
    spaced: list[str] = []
    moved: dict[int, int] = {}
    for number, line in enumerate((MINIMAL + addition).splitlines(), start=1):
        between = ["", "   ", "# folds: [five]", "      # kind:", "#"]
        spaced += seed.choices(between, k=seed.randrange(3))
        spaced.append(line + seed.choice(["", "  # why"]))
        moved[number] = len(spaced)
    wanted = [
        re.sub(r":(\d+):", lambda match: f":{moved[int(match[1])]}:", line, count=1) for line in expected.split("\n")
    ]
    assert complaint(newline.join(spaced)).splitlines() == wanted


@given(text=st.text(alphabet=st.sampled_from(list("ab:-#'\"[]{}&*!|>%@`?,\\\n\n\t  \x00\x85\u2028\ufeff\ud800"))))
def test_any_text_is_a_config_or_a_complaint(text: str) -> None:
    """Text of any kind leads to a config error with a line of the file, never to another exception."""
    with pytest.raises(ConfigError, match=r"\Aconfig\.yml:\d+: "):
        parse_config(text)


@pytest.mark.slow
@settings(max_examples=50)
@given(
    start=st.integers(0, 155),
    count=st.integers(0, 3),
    instead=st.lists(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=12)
        | st.sampled_from(["  a:", "- b", "    kind: x", "..."]),
        max_size=2,
    ),
)
def test_a_damaged_config_loads_or_is_complained_about(start: int, count: int, instead: list[str]) -> None:
    """Lines of the packaged config replaced by anything give a config or lines of complaint that stand in the file."""
    lines = PACKAGED_CONFIG.read_text(encoding="utf-8").splitlines()
    lines[start : start + count] = instead
    text = "\n".join(lines)
    told = faults(text)
    places = [re.match(r"config\.yml:(\d+): \S", line) for line in told]
    numbers = [int(place[1]) for place in places if place]
    assert len(numbers) == len(told)
    assert numbers == sorted(numbers)
    assert all(1 <= number <= len(re.split("[\n\x85\u2028\u2029]", text)) for number in numbers)


def test_a_file_that_cannot_be_read_says_why(tmp_path: Path) -> None:
    """A missing file, a folder, bytes that are no UTF-8 and an impossible name are config errors that name it."""
    latin = tmp_path / "latin.yml"
    latin.write_bytes("app:\n  name: Gr\u00f6\u00dfe\n".encode("latin-1"))
    for path, reason in [
        (tmp_path / "none.yml", "No such file or directory"),
        (tmp_path, "Is a directory"),
        (latin, "it is not UTF-8 text"),
        (Path("a\0b"), "embedded null byte"),
    ]:
        with pytest.raises(ConfigError, match=re.escape(f"{path} cannot be read: {reason}")):
            load_config(path)


def test_a_complaint_names_the_file_that_was_given(tmp_path: Path) -> None:
    """The path in a complaint is the one that the caller used, so that editors can jump to it."""
    path = tmp_path / "churn.yml"
    path.write_text(MINIMAL + "training:\n  folds: many\n", encoding="utf-8")
    with pytest.raises(ConfigError, match=re.escape(f"{path}:7: training.folds: expected a whole number")):
        load_config(path)


def test_the_packaged_config_describes_the_packaged_table() -> None:
    """Every column and class that the packaged config names stands in the packaged table."""
    config = load_config()
    table = read_table(str(config.folder / config.data.source))
    columns = [name for name, feature in config.features.items() if not feature.sources]
    named = {*columns, config.data.target, config.data.group, *config.data.leakage}
    assert named <= set(table.columns)
    assert set(table[config.data.target]) == set(config.data.classes)


def test_paths_are_resolved_against_the_folder_of_the_file(tmp_path: Path) -> None:
    """A config knows its folder, which is no part of what it says."""
    path = tmp_path / "config.yml"
    path.write_text(MINIMAL, encoding="utf-8")
    assert load_config(path).folder == tmp_path
    assert "folder" not in load_config(path).model_dump()


def test_configs_cannot_be_changed() -> None:
    """Every part of a config is frozen."""
    config = load_config()
    parts = [config, config.app, config.data, config.training, config.training.split, config.monitoring.drift]
    for part in [*parts, *config.features.values()]:
        field = next(iter(type(part).model_fields))
        with pytest.raises(ValidationError, match="frozen"):
            setattr(part, field, getattr(part, field))


WHOLE = """
app:
  name: Churn
data:
  source: table.csv
  target: left
  classes:
    no: stays
    yes: leaves
features:
  fee:
    kind: numeric
    impute: mean
  plan: categorical
training:
  folds: 4
  threshold: 0.4
gates:
  roc_auc: 0.7
"""


@pytest.mark.parametrize(
    "same",
    [
        pytest.param("# A comment\n" + WHOLE.replace("\n", "  # another\n"), id="comments"),
        pytest.param(WHOLE.replace("\n", "\n\n"), id="blank lines"),
        pytest.param(WHOLE.replace("name: Churn", "name: 'Churn'").replace("0.4", '"0.4"'), id="quotes"),
        pytest.param(
            WHOLE.replace("\ngates:\n  roc_auc: 0.7", "").replace("app:", "gates:\n  roc_auc: 0.7\napp:"), id="order"
        ),
        pytest.param(WHOLE.replace("folds: 4\n  threshold: 0.4", "threshold: 0.4\n  folds: 4"), id="order of options"),
        pytest.param(WHOLE.replace("plan: categorical", "plan:\n    kind: categorical"), id="long form"),
        pytest.param(WHOLE.replace("folds: 4", "folds: 4\n  metric: log_loss"), id="default spelled out"),
        pytest.param(WHOLE.replace("0.7", "0.70"), id="another spelling of a number"),
    ],
)
def test_the_hash_is_of_what_a_config_says_not_of_how(same: str) -> None:
    """Comments, blanks, quotes, the order of sections and options, and spelled-out defaults leave the hash."""
    assert parse_config(same).hash == parse_config(WHOLE).hash


def test_the_hash_is_the_same_in_any_folder(tmp_path: Path) -> None:
    """A config that is moved keeps its hash."""
    assert parse_config(WHOLE, folder=tmp_path).hash == parse_config(WHOLE, name="other.yml").hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Churn", "churn"),
        ("target: left", "target: gone"),
        ("yes: leaves", "yes: goes"),
        ("no: stays\n    yes: leaves", "yes: leaves\n    no: stays"),
        ("impute: mean", "impute: 0"),
        ("plan: categorical", "plan: text"),
        ("plan: categorical", "plan: categorical\n  also: numeric"),
        ("folds: 4", "folds: 5"),
        ("roc_auc: 0.7", "roc_auc: 0.71"),
    ],
)
def test_the_hash_changes_with_every_value(old: str, new: str) -> None:
    """A value that training or the manifest depends on changes the hash; so does the order of classes."""
    assert old in WHOLE
    assert parse_config(WHOLE.replace(old, new)).hash != parse_config(WHOLE).hash


def test_the_hash_changes_with_the_order_of_features() -> None:
    """Features in another order are other columns of the model."""
    other = WHOLE.replace("  fee:\n    kind: numeric\n    impute: mean\n", "")
    other = other.replace("plan: categorical\n", "plan: categorical\n  fee:\n    kind: numeric\n    impute: mean\n")
    assert sorted(other.split()) == sorted(WHOLE.split())
    assert parse_config(other).hash != parse_config(WHOLE).hash


def yaml_of(value: Any, indent: int = 0) -> str:
    """Write nested dicts, lists and scalars as block YAML, texts between double quotes."""
    margin = "  " * indent
    if isinstance(value, dict):
        lines = (
            f"{margin}{quoted(key)}:{_below(inner, indent)}" if inner != {} else f"{margin}{quoted(key)}:"
            for key, inner in value.items()
        )
        return "\n".join(lines)
    return "\n".join(f"{margin}- {quoted(item)}" for item in value)


def _below(value: Any, indent: int) -> str:
    return f"\n{yaml_of(value, indent + 1)}" if isinstance(value, (dict, list)) else f" {quoted(value)}"


def quoted(value: Any) -> str:
    """Write a scalar; texts with every character escaped that is not a plain letter."""
    if not isinstance(value, str):
        return str(value).lower() if isinstance(value, bool) else str(value)
    letters = (letter if letter.isalnum() and letter.isascii() else f"\\U{ord(letter):08x}" for letter in value)
    return f'"{"".join(letters)}"'


names = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
words = st.lists(names, min_size=1, max_size=3)
finite = st.floats(allow_nan=False, allow_infinity=False)
parts = st.lists(st.sampled_from(["year", "month", "day", "hour", "days"]), min_size=1, max_size=3)
scalars = st.integers(-(2**53), 2**53) | finite | st.booleans() | st.sampled_from(["sqrt", "log2", "none", "l1"])


def section(**optional: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw some keys of a section."""
    return st.fixed_dictionaries({}, optional=optional)


columns = st.one_of(
    st.fixed_dictionaries(
        {"kind": st.just("numeric")},
        optional={"impute": finite | st.sampled_from(["median", "mean"]), "missing_values": words},
    ),
    st.fixed_dictionaries(
        {"kind": st.just("categorical")},
        optional={"encode": st.sampled_from(["one_hot", "ordinal", "target", "none"])},
    ),
    st.fixed_dictionaries({"kind": st.sampled_from(["boolean", "text"])}, optional={"encode": st.just("none")}),
    st.fixed_dictionaries(
        {"kind": st.just("datetime")},
        optional={"datetime_format": st.sampled_from(["%d.%m.%Y", "%Y/%m/%d %H:%M", "%d %b %y"]), "parts": parts},
    ),
)


@st.composite
def configs(draw: st.DrawFn) -> dict[str, Any]:
    """Draw what a valid config may say, as the nested values that it shall load to."""
    labels = draw(st.lists(names.filter(lambda name: name not in {"0", "1"}), min_size=2, max_size=2, unique=True))
    target, *others = draw(st.lists(names, min_size=4, max_size=8, unique=True))
    features: dict[str, Any] = {}
    for name in others[1:]:
        text = [above for above, feature in features.items() if feature["kind"] == "text" and "derive" not in feature]
        if draw(st.booleans()) and text:
            features[name] = {"derive": "contains", "from": text[:1], "words": draw(words), "kind": "boolean"}
        else:
            features[name] = draw(columns)
    data = {"source": draw(names), "target": target, "classes": dict(zip(["0", "1"], labels, strict=True))}
    data |= draw(section(missing_values=words, delimiter=st.sampled_from(";\t| "), drop=st.just(others[:1])))
    weights = st.fixed_dictionaries({}, optional=dict.fromkeys(labels, st.floats(0.01, 100)))
    training = section(
        random_state=st.integers(0, 2**32 - 1),
        folds=st.integers(2, 20),
        metric=st.sampled_from(["log_loss", "roc_auc", "f1"]),
        split=section(kind=st.just("random"), holdout=st.floats(0.05, 0.5)).filter(bool),
        candidates=section(
            logistic_regression=st.dictionaries(names, scalars | st.lists(scalars, min_size=1, max_size=3), max_size=2),
            random_forest=st.just({}),
        ).filter(bool),
        trials=st.integers(1, 1000),
        budget_seconds=st.floats(0.1, 1e9),
        class_weights=st.sampled_from(["none", "balanced"]) | weights.filter(bool),
        threshold=st.floats(0.01, 0.99) | st.sampled_from(["accuracy", "f1"]),
    )
    content = {
        "app": {"name": draw(names)} | draw(section(description=names, version=st.just("1.2.0rc1"))),
        "data": data,
    }
    content |= draw(section(training=training.filter(bool), gates=section(roc_auc=st.floats(0, 1)).filter(bool)))
    return content | ({"features": features} if features else {})


@pytest.mark.slow
@given(content=configs())
def test_a_config_loads_to_what_was_written(content: dict[str, Any]) -> None:
    """Any valid config, written as YAML, loads to the same values: names, texts, numbers, lists and their order."""
    loaded = parse_config(yaml_of(content)).model_dump(mode="json", by_alias=True, exclude_unset=True)
    assert loaded == content
    assert list(loaded.get("features", {})) == list(content.get("features", {}))
