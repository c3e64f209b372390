"""The rule on accuracy and its inputs, each at its limit and beside it; without a trained model."""

from __future__ import annotations

import re
from pathlib import Path
from statistics import NormalDist
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from statsmodels.stats.proportion import proportion_confint

from classification_model.errors import InputError, LogUnavailableError
from classification_model.predict import packaged_predictor
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.mle import logged_accuracy
from classification_model.runtime.mle.accuracy_rule import Z_95, Z_999, verdict, wilson
from classification_model.runtime.mle.logged_accuracy import judge_predictions
from classification_model.runtime.mle.model import ServedModel, _keys
from classification_model.runtime.model_folder.manifest import Manifest


def test_confidences_are_those_of_the_normal_distribution() -> None:
    """95% and 99.9% of it, half of the rest on each side."""
    assert pytest.approx(NormalDist().inv_cdf(0.975), abs=1e-12) == Z_95
    assert pytest.approx(NormalDist().inv_cdf(0.9995), abs=1e-12) == Z_999


@pytest.mark.parametrize(("right", "count"), [(0, 7), (7, 7), (1, 7), (6, 7), (50, 100), (613, 1000)])
def test_an_interval_of_another_confidence_is_that_of_statsmodels(right: int, count: int) -> None:
    """It begins at 0 and ends at 1, exactly, where none or all are right."""
    expected = proportion_confint(right, count, alpha=0.001, method="wilson")
    assert wilson(right, count, Z_999) == pytest.approx(expected, abs=1e-12)
    assert (wilson(right, count)[0] == 0.0) == (right == 0)
    assert (wilson(right, count)[1] == 1.0) == (right == count)


@pytest.mark.parametrize(("right", "count"), [(-1, 10), (11, 10), (1, 0), (-1, 0)])
def test_more_right_answers_than_answers_are_refused(right: int, count: int) -> None:
    """And so are fewer than none."""
    with pytest.raises(ValueError, match=f"from 0 to {count}, found {right}$"):
        wilson(right, count)
    with pytest.raises(ValueError, match=f"from 0 to {count}, found {right}$"):
        verdict(right, count, 0.7, 1)


def test_an_interval_that_ends_at_the_floor_contains_it() -> None:
    """Then more labels are waited for; a floor above its end is a reason to retrain."""
    floor = wilson(61, 100)[1]
    assert verdict(61, 100, floor, 100) == "wait"
    assert verdict(61, 100, np.nextafter(floor, 1), 100) == "yes"


def test_without_labels_or_with_one_too_few_nothing_is_decided() -> None:
    """The minimum itself is enough."""
    assert verdict(0, 0, 0.7, 0) == "wait"
    assert [verdict(0, count, 0.7, 30) for count in (29, 30)] == ["wait", "yes"]
    assert [verdict(count, count, 0.7, 1) for count in (0, 1)] == ["wait", "no"]


# The accuracy of a log


@pytest.fixture
def manifest(model_folder: object) -> Manifest:
    return packaged_predictor().manifest


def put(folder: Path, manifest: Manifest, names: list[str], label: str) -> None:
    """Log predictions of one label under these names."""
    log = PredictionLog(folder)
    shares = dict.fromkeys(manifest.classes, 0.5)
    rows: list[dict[str, Any]] = [{}] * len(names)
    log.append(PredictionRecords(manifest).encode(names, rows, None, [label] * len(names), [shares] * len(names)))
    log.close()


@pytest.mark.parametrize(
    ("floor", "minimum"), [(0, 1), (1, 1), (0.0, 1), (1.0, 1), (-0.1, 1), (1.1, 1), (0.7, 0), (0.7, -1), (70, 1)]
)
def test_limits_out_of_their_range_are_refused(floor: float, minimum: int, manifest: Manifest, tmp_path: Path) -> None:
    """A floor is between 0 and 1, which it cannot be itself, and one label at least is asked for."""
    found = re.escape(
        f"expected a floor between 0 and 1 and a minimum_count of 1 or more, found {floor!r} and {minimum!r}"
    )
    with pytest.raises(InputError, match=f"^{found}$"):
        judge_predictions(tmp_path, manifest, {}, floor=floor, minimum_count=minimum)


@pytest.mark.parametrize("floor", [0.001, 0.999])
def test_one_label_may_be_enough(floor: float, manifest: Manifest, tmp_path: Path) -> None:
    """Where the caller says so."""
    put(tmp_path, manifest, ["a"], manifest.classes[1])
    found = judge_predictions(tmp_path, manifest, {"a": manifest.classes[1]}, floor=floor, minimum_count=1)
    assert (found.retrain, found.count, found.right, found.accuracy) == ("no", 1, 1, 1.0)
    assert (found.low, found.high) == wilson(1, 1)
    assert (found.floor, found.minimum_count) == (floor, 1)


def test_labels_are_counted_by_the_model_that_predicted(manifest: Manifest, tmp_path: Path) -> None:
    """Of another version or another model, they are others; without a prediction, unknown; ids may be UUIDs."""
    first, second = manifest.classes[:2]
    names = [str(UUID(int=number)) for number in range(6)]
    put(tmp_path, manifest, names[:3], first)
    put(tmp_path, manifest.model_copy(update={"version": "0.9"}), names[3:4], first)
    put(tmp_path, manifest.model_copy(update={"name": "another"}), names[4:5], first)
    put(tmp_path, manifest, ["without a label"], first)
    labels: Any = {UUID(name): first for name in names} | {UUID(names[1]): second}
    found = judge_predictions(tmp_path, manifest, labels, floor=0.7, minimum_count=3)
    assert (found.count, found.right, found.others, found.unknown) == (3, 2, 2, 1)
    assert found.accuracy == pytest.approx(2 / 3)
    assert (found.low, found.high) == wilson(2, 3)


def test_a_label_that_is_no_class_is_named(manifest: Manifest, tmp_path: Path) -> None:
    """The first of them, cut where it is long."""
    labels = {"a": manifest.classes[0], "b": "x" * 1000, "c": "other"}
    with pytest.raises(InputError, match=r"^expected labels among died, survived, 0, 1, found 'x+\.\.\.x+'$"):
        judge_predictions(tmp_path, manifest, labels, floor=0.7, minimum_count=1)


def test_a_log_that_cannot_be_read_says_why(
    manifest: Manifest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the words of the system, or by those of the error where there are none."""
    (tmp_path / "log").write_text("a file")
    with pytest.raises(LogUnavailableError, match=r"^the log in \S+/log cannot be read: Not a directory$"):
        judge_predictions(tmp_path / "log", manifest, {}, floor=0.7, minimum_count=1)
    monkeypatch.setattr(logged_accuracy, "iter_predictions", _fail)
    with pytest.raises(LogUnavailableError, match=r"^the log in \S+/log cannot be read: gone$"):
        judge_predictions(tmp_path / "log", manifest, {}, floor=0.7, minimum_count=1)


def _fail(_: Path) -> None:
    raise OSError("gone")


# Keys of rows


@pytest.mark.parametrize("key", ["", "x" * 256, "é" * 256, "\ud7ff\ue000", 0, -(2**63), 2**63 - 1, None])
def test_a_key_may_be_as_large_as_is_promised(key: Any) -> None:
    """A text of 256 characters, the ends of 64 bits, or nothing."""
    assert _keys([key, "b"], 2) == [key, "b"]


@pytest.mark.parametrize(
    "key", ["x" * 257, "\ud800", "a\udfff", -(2**63) - 1, 2**63, True, False, 1.0, b"a", (1,)], ids=repr
)
def test_a_key_beyond_is_refused_by_the_number_of_its_row(key: Any) -> None:
    """With the type of what was found."""
    expected = "a text of at most 256 characters, a whole number of 64 bits or None"
    found = re.escape(f"index: expected {expected} as the key of row 1 (counted from 0), found {type(key).__name__}")
    with pytest.raises(InputError, match=f"^{found}$"):
        _keys(["a", key], 2)


@pytest.mark.parametrize(
    ("index", "found"),
    [("ab", "str"), (b"ab", "bytes"), ({"a": 1, "b": 2}, "dict"), ([1], "1 for 2 rows"), ([1, 2, 3], "3 for 2 rows")],
)
def test_an_index_that_is_no_list_of_keys_is_refused(index: Any, found: str) -> None:
    """A text and a mapping have a length too."""
    with pytest.raises(InputError, match=f"^index: expected a list of one key for each row, found {found}$"):
        _keys(index, 2)


def test_an_index_may_be_any_sequence_or_nothing() -> None:
    """Numbers of numpy become those of Python."""
    assert _keys(None, 2) is None
    assert _keys(("a", 1), 2) == ["a", 1]
    assert _keys({1: 2, 3: 4}.keys(), 2) == [1, 3]  # type: ignore[arg-type]
    found = _keys(np.array([5, 6]), 2)  # type: ignore[arg-type]
    assert found == [5, 6]
    assert {type(key) for key in found} == {int}


def test_the_packaged_model_is_loaded_and_saved_without_a_path(model_folder: Path, tmp_path: Path) -> None:
    """A path may be a text."""
    model = ServedModel().load()
    assert model.manifest == packaged_predictor().manifest
    assert model.log is None
    model.save(str(tmp_path / "copy"))
    assert ServedModel().load(str(tmp_path / "copy")).manifest == model.manifest
    assert (tmp_path / "copy" / "manifest.json").read_bytes() == (model_folder / "manifest.json").read_bytes()
