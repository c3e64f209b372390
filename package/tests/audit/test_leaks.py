"""Which columns surely give the target away, which are suspected, and which good features are neither."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from classification_model.audit.class_labels import ClassLabels, class_labels
from classification_model.audit.coded_column import CodedColumn, code_column
from classification_model.audit.sure_leaks import sure_leak
from classification_model.audit.suspicion import suspicion

Verdict = Literal["sure", "suspected", "nothing"]


def labelled(*counts: int) -> ClassLabels:
    """Give so many rows of each class a, b, c, in order."""
    return class_labels(np.repeat(np.array(list("abc")[: len(counts)], dtype=object), counts))


def categories(values: list[str | None], name: str = "column") -> CodedColumn:
    """Code categories."""
    return code_column(name, "categorical", pd.Series(values, dtype=object))


def numbers(values: Any, kind: str = "numeric") -> CodedColumn:
    """Code numbers."""
    return code_column("column", kind, pd.Series(values, dtype=np.float64))


def verdict(column: CodedColumn, labels: ClassLabels, columns: int = 10) -> Verdict:
    """Say what the audit makes of a column."""
    if sure_leak(column, labels, columns) is not None:
        return "sure"
    return "nothing" if suspicion(column, labels, columns) is None else "suspected"


def filled(labels: ClassLabels, **rows: int) -> CodedColumn:
    """Fill a column in the first rows of each class, so many as are named; each value is another text."""
    values: list[str | None] = [None] * len(labels)
    for name, count in rows.items():
        for row in np.flatnonzero(labels.numbers == labels.names.index(name))[:count]:
            values[row] = f"reason {row}"
    return categories(values)


@pytest.mark.parametrize(
    ("counts", "rows", "expected"),
    [
        ((100, 100), {"b": 100}, "sure"),  # in all rows of the class
        ((100, 100), {"b": 20}, "sure"),
        ((100, 100), {"b": 19}, "suspected"),  # too few to be sure
        ((100, 100), {"b": 10}, "nothing"),  # shuffled labels show as much in one table of a hundred
        ((180, 20), {"b": 10}, "suspected"),
        ((180, 20), {"b": 9}, "nothing"),
        ((100, 100), {"b": 2}, "nothing"),
        ((100, 100), {"b": 1}, "nothing"),
        ((20, 20), {"b": 20}, "sure"),
        ((10, 10), {"b": 10}, "sure"),
        ((9, 9), {"b": 9}, "nothing"),  # so small a table proves nothing
        ((2, 2), {"b": 2}, "nothing"),
        ((990, 10), {"a": 200}, "nothing"),  # nearly all rows are of this class anyway
        ((990, 10), {"b": 10}, "sure"),
        ((1000, 1000), {"b": 1000, "a": 1}, "suspected"),  # one exception, and nothing is sure
        ((1000, 1000), {"b": 500, "a": 10}, "suspected"),  # 2% of exceptions
        ((1000, 1000), {"b": 500, "a": 30}, "nothing"),  # 6% of exceptions: a good feature
        ((1000, 1000), {"b": 970, "a": 15}, "suspected"),  # the gaps alone: 0.9775
        ((1000, 1000), {"b": 800, "a": 200}, "nothing"),  # gaps that are only correlated: 0.8
        ((1000, 1000), {"b": 930, "a": 70}, "nothing"),  # and strongly so: 0.93
        ((1000, 1000), {"b": 1000, "a": 1000}, "nothing"),
        ((1000, 1000), {}, "nothing"),
        ((60, 60, 60), {"c": 60}, "sure"),
        ((60, 60, 60), {"c": 25}, "sure"),
        ((60, 60, 60), {"a": 60, "b": 60}, "suspected"),  # missing for one of three classes
        ((60, 60, 60), {"a": 30, "b": 30}, "nothing"),
    ],
)
def test_a_column_that_is_filled_for_one_class_only(
    counts: tuple[int, ...], rows: dict[str, int], expected: Verdict
) -> None:
    """It is a sure leak from 20 rows on, or in the whole class; a handful, exceptions or a common class are not."""
    labels = labelled(*counts)
    assert verdict(filled(labels, **rows), labels) == expected


@pytest.mark.parametrize(
    ("counts", "words", "expected"),
    [
        ((100, 100), ("N", "Y"), "sure"),
        ((15, 10), ("N", "Y"), "sure"),
        ((40, 9), ("N", "Y"), "nothing"),  # nine rows of a class are too few for both rules
        ((5, 5), ("N", "Y"), "nothing"),
        ((30, 30, 30), ("x", "y", "z"), "sure"),
        ((30, 30, 30), ("x", "y", None), "sure"),  # a gap is a value
        ((30, 30, 30), ("x", "x", "z"), "nothing"),  # two classes look the same
        ((100, 100), ("same", "same"), "nothing"),
    ],
)
def test_the_target_under_another_name(
    counts: tuple[int, ...], words: tuple[str | None, ...], expected: Verdict
) -> None:
    """Values that are one-to-one with the classes are a sure leak, unless the table is tiny."""
    labels = labelled(*counts)
    assert verdict(categories([words[number] for number in labels.numbers]), labels) == expected


def test_the_target_under_another_name_with_gaps_or_exceptions() -> None:
    """Gaps in less than half of the rows leave it sure; one wrong value, or a second word for a class, do not."""
    labels = labelled(100, 100)
    copy: list[str | None] = ["NY"[number] for number in labels.numbers]
    assert verdict(categories([None if row % 3 == 0 else word for row, word in enumerate(copy)]), labels) == "sure"
    assert verdict(categories([word if row % 3 == 0 else None for row, word in enumerate(copy)]), labels) == "nothing"
    assert verdict(categories(["Y", *copy[1:]]), labels) == "suspected"
    assert verdict(categories(["no" if row < 40 else word for row, word in enumerate(copy)]), labels) == "suspected"
    assert verdict(numbers(labels.numbers), labels) == "sure"
    assert verdict(numbers(labels.numbers * 86400.0, "datetime"), labels) == "sure"


def test_the_more_columns_are_looked_at_the_more_it_takes_to_be_sure() -> None:
    """What holds in one column of few is chance in one of many."""
    labels = labelled(10, 10)
    column = filled(labels, b=10)
    assert (verdict(column, labels, 10), verdict(column, labels, 1000)) == ("sure", "suspected")


@pytest.mark.parametrize("sign", [1, -1])
def test_the_numeric_target_in_other_units_is_sure(sign: int) -> None:
    """A number that rises or falls with a binned target in every row is the target; rounded, it is suspected."""
    random = np.random.default_rng(0)
    target = random.lognormal(4, 1, 300)
    labels = class_labels(np.where(target > np.median(target), "dear", "cheap").astype(object), target)
    assert verdict(numbers(sign * np.log(target)), labels) == "sure"
    assert verdict(numbers(sign * np.round(np.log(target), 1)), labels) == "suspected"
    assert verdict(numbers(sign * np.log(target) + random.normal(0, 0.7, 300)), labels) == "nothing"


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize(("rows", "noise"), [(200, 0.1), (2000, 0.2), (20_000, 0.3)])
def test_a_number_that_separates_the_classes_is_suspected(rows: int, noise: float, share: float) -> None:
    """A noisy copy of the outcome has an AUC above 0.99, which no column should reach alone; it is not sure."""
    random = np.random.default_rng(3)
    outcome = np.arange(rows) < rows * share
    score = outcome + random.normal(0, noise, rows)
    assert roc_auc_score(outcome, score) > 0.985
    labels = class_labels(outcome.astype(str).astype(object))
    assert verdict(numbers(score), labels) == "suspected"
    assert verdict(numbers(-score, "datetime"), labels) == "suspected"


@pytest.mark.parametrize("rows", [500, 2000, 20_000])
def test_a_good_feature_is_not_suspected(rows: int) -> None:
    """A number with an AUC of 0.97 is a feature to be glad of, and stays without a remark."""
    random = np.random.default_rng(0)
    outcome = np.arange(rows) % 2 == 1
    score = outcome + random.normal(0, 0.375, rows)
    assert 0.96 < roc_auc_score(outcome, score) < 0.98
    assert verdict(numbers(score), class_labels(outcome.astype(str).astype(object))) == "nothing"


@pytest.mark.parametrize("rows", [60, 400, 3000])
def test_noise_is_never_suspected_however_many_values_it_has(rows: int) -> None:
    """Ids, codes, dates and texts that have nothing to do with the class predict it in the fold alone."""
    random = np.random.default_rng(2)
    labels = class_labels(random.choice(["a", "b"], rows).astype(object))
    for _ in range(20):
        assert verdict(numbers(random.normal(size=rows)), labels) == "nothing"
        assert verdict(numbers(random.integers(9, size=rows)), labels) == "nothing"
        assert verdict(numbers(random.permutation(rows), "datetime"), labels) == "nothing"
        assert verdict(categories([f"text {value}" for value in random.permutation(rows)]), labels) == "nothing"
        assert (
            verdict(categories([f"code {value}" for value in random.integers(rows // 3, size=rows)]), labels)
            == "nothing"
        )
        gaps = [None if value < 0.5 else "x" for value in random.random(rows)]
        assert verdict(categories(gaps), labels) == "nothing"


@pytest.mark.parametrize("kind", ["numeric", "categorical"])
def test_codes_of_which_each_means_one_class_are_suspected(kind: str) -> None:
    """Forty codes in no order, each of one class, predict it perfectly, be they numbers or words."""
    codes = np.random.default_rng(4).integers(40, size=1000)
    labels = class_labels(np.where(codes % 2, "a", "b").astype(object))
    column = numbers(codes) if kind == "numeric" else categories([f"code {code}" for code in codes])
    assert verdict(column, labels) == "suspected"


def test_a_column_that_tells_three_classes_is_suspected_and_one_that_tells_one_of_them_is_not() -> None:
    """Among several classes, a column must tell each from the others."""
    random = np.random.default_rng(5)
    labels = labelled(200, 200, 200)
    assert verdict(numbers(labels.numbers + random.normal(0, 0.1, 600)), labels) == "suspected"
    assert verdict(numbers((labels.numbers == 1) + random.normal(0, 0.1, 600)), labels) == "nothing"


def test_a_column_with_perfect_log_loss_is_suspected_though_a_rare_class_hides_behind_another() -> None:
    """Where a dozen rows of a third class look like the first one, the log loss still is as good as perfect."""
    labels = labelled(4000, 4000, 12)
    codes = np.where(labels.numbers == 1, 10, 0) + np.arange(len(labels)) % 10  # each of one class, but for the rare
    found = suspicion(numbers(codes), labels)
    assert found is not None
    assert float(found.split("log loss ")[1].split("%")[0]) < 5
    assert float(found.split("ROC AUC ")[1].split(",")[0]) < 0.98
    labels = labelled(4000, 4000, 800)
    codes = np.where(labels.numbers == 1, 10, 0) + np.arange(len(labels)) % 10
    assert suspicion(numbers(codes), labels) is None


def test_the_reasons_say_figures() -> None:
    """A reason holds the rows and the class, or the AUC."""
    labels = labelled(120, 80)
    assert sure_leak(filled(labels, b=80), labels) == "filled in all 80 rows of class 'b', and in no other row"
    assert (
        sure_leak(filled(labels, b=30), labels) == "filled in 30 rows, all of class 'b', and missing in all 170 others"
    )
    assert sure_leak(categories(["ab"[number] for number in labels.numbers]), labels) == "one-to-one with the target"
    assert suspicion(filled(labels, b=19), labels) == "filled in 19 rows, all of them of class 'b'"
    separating = suspicion(numbers(labels.numbers * 100 + np.arange(200) % 7), labels)
    assert separating is not None
    assert separating.startswith("predicts the target almost alone, out of fold: ROC AUC 1.0000, log loss ")
