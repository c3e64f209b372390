"""Which rows are held out, and which rows each fold is judged on."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from classification_model.config.sections import SplitConfig, TrainingConfig
from classification_model.errors import DataError
from classification_model.processing.splitting import (
    AtMostFolds,
    hold_out_by_hash,
    hold_out_latest,
    keys_of,
    make_folds,
    share_of,
)

keys = st.lists(st.text(max_size=6), min_size=1, max_size=30, unique=True)


def training(kind: str, folds: int = 3) -> TrainingConfig:
    """Give the settings of a split."""
    return TrainingConfig(folds=folds, split=SplitConfig.model_validate({"kind": kind}))


def held_out(names: list[str], share: float = 0.4) -> set[str]:
    """Give the keys that are held out."""
    mask, _ = hold_out_by_hash(pd.DataFrame({"key": names}), share, "its key")
    return {name for name, held in zip(names, mask, strict=True) if held}


@given(st.text(st.characters(exclude_categories=())))
def test_a_key_is_a_number_from_0_to_below_1(key: str) -> None:
    """The share of a key is the first 64 bits of its SHA-256 over 2**64, lone surrogates included."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    assert share_of(key) == int(digest[:16], 16) / 2**64
    assert 0 <= share_of(key) < 1


@pytest.mark.slow
@given(keys, keys)
def test_a_row_keeps_its_side_as_the_table_grows(first: list[str], second: list[str]) -> None:
    """Rows that were held out stay held out when others are added, and no other old row joins them."""
    grown = list(dict.fromkeys([*first, *second]))
    assert held_out(grown) & set(first) == held_out(first)


@pytest.mark.slow
@given(keys, st.randoms())
def test_the_order_of_rows_does_not_matter(names: list[str], random: Any) -> None:
    """Shuffled rows are held out as before."""
    assert held_out(random.sample(names, len(names))) == held_out(names)


@pytest.mark.slow
@given(keys, st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_holds_out_more_of_the_same(names: list[str], one: float, other: float) -> None:
    """The rows of a smaller hold-out belong to every larger one."""
    assert held_out(names, min(one, other)) <= held_out(names, max(one, other))


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
def test_the_share_is_that_which_was_asked_for(share: float) -> None:
    """Of 20,000 keys the share that is held out is right to a hundredth."""
    assert len(held_out([str(number) for number in range(20_000)], share)) / 20_000 == pytest.approx(share, abs=0.01)


def test_the_order_of_columns_does_not_matter() -> None:
    """A row's key joins its values in the order of their columns' names."""
    frame = pd.DataFrame({"b": ["2", "4"], "a": ["1", "3"]})
    assert keys_of(frame) == keys_of(frame[["a", "b"]]) == ["1\x1f2", "3\x1f4"]


def test_the_rule_can_be_followed_by_hand() -> None:
    """The rule says in words what was done, and the manifest's record of it holds kind, share, key and count."""
    mask, rule = hold_out_by_hash(pd.DataFrame({"key": list("abcdefgh")}), 0.5, "its key")
    assert rule.rule == (
        "a row is held out when the first 8 bytes of the SHA-256 of its key, over 2**64, are below 0.5; "
        "several columns are joined by U+001F in the order of their names"
    )
    assert (rule.kind, rule.share, rule.key, rule.rows) == ("hash", 0.5, ("key",), int(mask.sum()))
    assert mask.tolist() == [hashlib.sha256(key.encode()).digest()[0] < 128 for key in "abcdefgh"]


@given(st.lists(st.integers(0, 50), min_size=2, max_size=60).filter(lambda found: len(set(found)) > 1))
def test_the_latest_rows_are_held_out(moments: list[int]) -> None:
    """Every row held out is later than every other one, and there are as many as asked for, or more of one moment."""
    times = np.array(moments, dtype=np.float64)
    try:
        mask, rule = hold_out_latest(times, 0.25)
    except DataError:
        assert (times == times.min()).mean() > 0.7
        return
    assert times[mask].min() == rule.cutoff > times[~mask].max()
    assert mask.sum() >= len(times) * 0.25 - 1
    assert (times > times[mask].min()).sum() <= len(times) * 0.25
    assert (rule.kind, rule.rows) == ("time", int(mask.sum()))


def test_one_moment_cannot_be_split_by_time() -> None:
    """When the latest rows are all rows, none is left to learn from, and the error says so."""
    with pytest.raises(DataError, match=r"data\.time: expected rows before the latest 20%, found none to train on"):
        hold_out_latest(np.ones(9), 0.2)


LABELS: NDArray[np.int64] = np.array([0, 0, 1, 2] * 15)


def test_random_folds_are_stratified() -> None:
    """Each row is judged once, and each fold holds the classes in their shares."""
    folds = make_folds(training("random"), LABELS)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(60))
    assert all(np.bincount(LABELS[test]).tolist() == [10, 5, 5] for _, test in folds)
    assert all(set(train) | set(test) == set(range(60)) for train, test in folds)


def test_folds_are_drawn_by_their_seed() -> None:
    """The same seed draws the same folds, another seed draws others."""
    first, second = (make_folds(training("random"), LABELS) for _ in range(2))
    assert all((a[1] == b[1]).all() for a, b in zip(first, second, strict=True))
    other = make_folds(training("random").model_copy(update={"random_state": 1}), LABELS)
    assert any((a[1] != b[1]).any() for a, b in zip(first, other, strict=True))


@pytest.mark.slow
@given(st.lists(st.integers(0, 9), min_size=60, max_size=60))
def test_groups_stay_together(numbers: list[int]) -> None:
    """No group is both learned from and judged in one fold, or there are too few groups, or a fold lacks a class."""
    groups = [f"g{number}" for number in numbers]
    try:
        folds = make_folds(training("group"), LABELS, groups)
    except DataError as error:
        known = ("group or more for each of 3 folds", "to train on", "to evaluate on")
        assert any(words in str(error) for words in known)  # noqa: PT017
        return
    for train, test in folds:
        assert not {groups[row] for row in train} & {groups[row] for row in test}
        assert len(test)


def test_too_few_groups_are_counted() -> None:
    """Fewer groups than folds are refused, with both numbers."""
    with pytest.raises(
        DataError, match=r"expected a group or more for each of 3 folds, found 2 group\(s\): lower training\.folds"
    ):
        make_folds(training("group"), LABELS, ["a", "b"] * 30)


def test_a_fold_without_a_row_is_refused() -> None:
    """When large groups leave nothing to judge a fold on, that fold is named."""
    labels = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0])
    groups = list("aaaacadaaaab")
    with pytest.raises(DataError, match=r"fold \d has no rows to evaluate on: lower training\.folds"):
        make_folds(training("group", folds=4), labels, groups)


@given(st.permutations(range(60)), st.integers(1, 4))
def test_folds_in_time_are_judged_on_what_comes_later(order: list[int], at_once: int) -> None:
    """In a split by time each fold is judged on rows later than all that it learns from, never of one moment."""
    moments = np.array(order, dtype=np.float64) // at_once
    labels = np.array([number % 3 for number in order])
    for train, test in make_folds(training("time"), labels, moments=moments):
        assert moments[train].max() < moments[test].min()


def test_a_fold_without_a_class_is_refused() -> None:
    """When the first rows in time lack a class, the fold that cannot learn it is named."""
    with pytest.raises(DataError, match=r"fold 1 has no rows of some class to train on: lower training\.folds"):
        make_folds(training("time"), np.array([0] * 30 + [1] * 30), moments=np.arange(60.0))


def test_folds_that_judge_one_class_are_refused() -> None:
    """When the later rows are all of one class, no metric can be computed of any fold, and the error says so."""
    labels = np.array([0, 1] * 10 + [0] * 60)
    with pytest.raises(DataError, match=r"no fold has rows of two classes to evaluate on: lower training\.folds"):
        make_folds(training("time"), labels, moments=np.arange(80.0))


@pytest.mark.parametrize(("smallest", "folds"), [(1, 2), (2, 2), (3, 3), (9, 5)])
def test_encoding_makes_do_with_fewer_folds(smallest: int, folds: int) -> None:
    """No class is asked for more folds than it has rows, without a warning, and every row is encoded once."""
    labels = np.array([0] * 20 + [1] * smallest)
    drawn = list(AtMostFolds(5, shuffle=True, random_state=0).split(np.zeros((len(labels), 1)), labels))
    assert len(drawn) == folds
    assert sorted(np.concatenate([test for _, test in drawn])) == list(range(len(labels)))
