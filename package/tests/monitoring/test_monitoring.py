"""Monitoring: what a log tells of a model, and what it must not pretend to tell."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logged import START, make_frame
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from classification_model.errors import InputError
from classification_model.monitoring.monitor import MonitoringReport, monitor
from classification_model.monitoring.raw_values import read_field
from classification_model.runtime.input.schema import SchemaField
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.model_folder.packaged import packaged_model


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """Give the manifest of the packaged model, whose config masks nothing."""
    return read_manifest(packaged_model())


def limited(manifest: Manifest, **limits: Any) -> Manifest:
    """Change limits of monitoring."""
    return manifest.model_copy(update={"monitoring": manifest.monitoring | limits})


def of_three(manifest: Manifest) -> Manifest:
    """Make a manifest of three classes."""
    reference = next(iter(manifest.prediction_distribution.values()))
    classes = ("red", "green", "blue")
    return manifest.model_copy(
        update={
            "classes": classes,
            "threshold": None,
            "prediction_distribution": dict.fromkeys(classes, reference),
        }
    )


def notes_of(report: MonitoringReport) -> str:
    """Return all notes in one text."""
    return "\n".join(report.notes)


def test_labelled_predictions_have_the_metrics_of_scikit_learn(manifest: Manifest) -> None:
    """Accuracy with its Wilson interval, ROC AUC, log loss and Brier score are those of the libraries."""
    frame = make_frame(manifest, 400)
    report = monitor(frame, manifest)
    truth, probability = frame["label"] == "survived", frame["probabilities.survived"]
    right = int((frame["label"] == frame["prediction"]).sum())
    assert report.accuracy is not None
    assert (report.accuracy.right, report.accuracy.count, report.accuracy.value) == (right, 400, right / 400)
    assert (report.accuracy.low, report.accuracy.high) == pytest.approx(proportion_confint(right, 400, method="wilson"))
    assert report.roc_auc == pytest.approx(roc_auc_score(truth, probability))
    assert report.log_loss == pytest.approx(log_loss(truth, probability))
    assert report.brier == pytest.approx(brier_score_loss(truth, probability))


def test_only_labelled_predictions_count_for_accuracy(manifest: Manifest) -> None:
    """Windows are of predictions, and their labels are counted apart."""
    frame = make_frame(manifest, 1001, labelled=0.3)
    report = monitor(frame, manifest, window="500")
    labels = int(frame["label"].notna().sum())
    assert (report.predictions, report.labels) == (1001, labels)
    assert [window.predictions for window in report.windows] == [500, 500, 1]
    assert sum(window.labels for window in report.windows) == labels
    assert report.accuracy is not None
    assert report.accuracy.count == labels
    assert report.expected_accuracy is not None
    assert report.expected_accuracy.count == 1001


def test_the_last_row_is_in_the_last_window(manifest: Manifest) -> None:
    """A right prediction at the very end is measured, alone in its window."""
    frame = make_frame(manifest, 501)
    frame["label"] = frame["prediction"]
    last = monitor(frame, manifest, window="500").windows[-1]
    assert last.accuracy is not None
    assert (last.start, last.end, last.accuracy.right, last.accuracy.count) == (last.end, last.start, 1, 1)
    assert last.roc_auc is None


def test_labels_of_one_class_have_no_roc_auc(manifest: Manifest) -> None:
    """Where every label is the same there is no ROC AUC, and all other measures are there."""
    frame = make_frame(manifest, 50)
    frame["label"] = "died"
    report = monitor(frame, manifest)
    assert report.roc_auc is None
    assert report.accuracy is not None
    assert report.log_loss is not None
    assert report.calibration


@pytest.mark.slow
def test_without_labels_the_expected_accuracy_is_close_to_the_real_one(manifest: Manifest) -> None:
    """Of calibrated probabilities, the interval of the expected accuracy holds the accuracy that labels show later."""
    inside = []
    for seed in range(40):
        frame = make_frame(manifest, 400, seed=seed)
        expected = monitor(frame.drop(columns="label"), manifest).expected_accuracy
        assert expected is not None
        accuracy = (frame["label"] == frame["prediction"]).mean()
        inside.append(expected.low <= accuracy <= expected.high)
    assert np.mean(inside) >= 0.85


def test_a_contradicted_expectation_is_named(manifest: Manifest) -> None:
    """Labels that contradict the probabilities are a note; labels that follow them are none."""
    frame = make_frame(manifest, 400)
    assert "do not rely on the expected accuracy" not in notes_of(monitor(frame, manifest))
    frame["label"] = np.where(frame["label"] == "died", "survived", "died")
    note = "of 400 labelled predictions were right, but their probabilities predict"
    assert note in notes_of(monitor(frame, manifest))


def test_calibration_bins_hold_every_labelled_row_once(manifest: Manifest) -> None:
    """The bins count all labelled rows; their error is small where calibrated, and one where reversed."""
    frame = make_frame(manifest, 2000)
    report = monitor(frame, manifest)
    assert sum(one.count for one in report.calibration) == 2000
    assert all(one.low <= one.predicted <= one.high for one in report.calibration)
    assert report.calibration_error is not None
    assert report.calibration_error < 0.05
    reversed_ones = pd.DataFrame({"probabilities.survived": [1.0] * 2000, "probabilities.died": 0.0, "label": "died"})
    frame[reversed_ones.columns] = reversed_ones
    assert monitor(frame, manifest).calibration_error == 1


def test_an_empty_log_is_a_report_that_says_so(manifest: Manifest) -> None:
    """A log without rows, with or without columns, gives a report with a note."""
    for frame in (pd.DataFrame(), make_frame(manifest, 3).iloc[:0]):
        report = monitor(frame, manifest)
        assert (report.predictions, report.labels, report.first, report.accuracy) == (0, 0, None, None)
        assert (report.windows, report.drifted_share, report.expected_accuracy) == ((), None, None)
        assert "the log has no predictions of this model" in report.notes


def test_other_versions_and_problems_are_left_out_and_named(manifest: Manifest) -> None:
    """Rows of other models do not count, and the notes say how many there are of which."""
    mine, older, other = (make_frame(manifest, rows) for rows in (30, 20, 10))
    older["version"] = "0.9.0"
    other["model"] = "Bicycles"
    report = monitor(pd.concat([mine, older, other], ignore_index=True), manifest)
    assert report.predictions == 30
    assert "20 row(s) of another version than '1.0.0' are left out: '0.9.0' (20)" in notes_of(report)
    assert "10 row(s) of another problem than" in notes_of(report)
    assert "'Bicycles' (10)" in notes_of(report)


def test_a_clock_that_goes_back_is_counted(manifest: Manifest) -> None:
    """Rows out of order are sorted, and how many are older than the one before is a note."""
    frame = make_frame(manifest, 40)
    jumbled = pd.concat([frame.iloc[20:], frame.iloc[:20]])
    report = monitor(jumbled, manifest, window="7")
    assert "1 row(s) are older than the one before them" in notes_of(report)
    assert report.windows == monitor(frame, manifest, window="7").windows


def test_probabilities_that_are_none_are_left_out_and_counted(manifest: Manifest) -> None:
    """Missing, infinite and impossible probabilities, and predictions that are no class, spoil no measure."""
    frame = make_frame(manifest, 200)
    clean = monitor(frame.iloc[5:], manifest)
    frame.loc[0, "probabilities.survived"] = np.nan
    frame.loc[1, "probabilities.survived"] = np.inf
    frame.loc[2, "probabilities.died"] = -0.5
    frame.loc[3, "prediction"] = "unheard of"
    frame.loc[4, "probabilities.died"] = 7.0
    report = monitor(frame, manifest)
    assert (report.predictions, report.labels) == (200, 195)
    assert (report.accuracy, report.log_loss, report.classes) == (clean.accuracy, clean.log_loss, clean.classes)
    assert "5 row(s) have a prediction that is not a class of the model" in notes_of(report)


def test_labels_that_are_no_class_are_counted(manifest: Manifest) -> None:
    """A label that the model does not know is not known, and counted."""
    frame = make_frame(manifest, 20)
    frame.loc[:2, "label"] = "lost at sea"
    report = monitor(frame, manifest)
    assert report.labels == 17
    assert "3 label(s) are not a class of the model" in notes_of(report)


def test_three_classes_are_measured(manifest: Manifest) -> None:
    """Of more than two classes, accuracy, ROC AUC and calibration are those of the predicted class."""
    three = of_three(manifest)
    draw = np.random.default_rng(0)
    probabilities = draw.dirichlet([0.5, 0.5, 0.5], 600)
    truth = (probabilities.cumsum(axis=1) > draw.random((600, 1))).argmax(axis=1)
    frame = make_frame(manifest, 600).drop(columns=["probabilities.died", "probabilities.survived"])
    for number, label in enumerate(three.classes):
        frame[f"probabilities.{label}"] = probabilities[:, number]
    frame["prediction"] = np.array(three.classes)[probabilities.argmax(axis=1)]
    frame["label"] = np.array(three.classes)[truth]
    report = monitor(frame, three)
    assert report.accuracy is not None
    assert report.accuracy.value == np.mean(probabilities.argmax(axis=1) == truth)
    assert report.roc_auc == pytest.approx(roc_auc_score(truth, probabilities, multi_class="ovr"))
    assert report.calibration_error is not None
    assert report.calibration_error < 0.1
    assert [one.label for one in report.classes] == list(three.classes)
    assert sum(one.share for one in report.classes) == pytest.approx(1)


def test_masked_features_are_named_and_not_missing(manifest: Manifest) -> None:
    """What the config masks has no drift, and a note says so; what nobody gave is missing."""
    frame = make_frame(manifest, 200, sex=["male", "female"] * 100, age=[30.0] * 200)
    report = monitor(frame, limited(manifest, masked=["sex", "name"]))
    found = {one.feature: one for one in report.drift}
    assert "sex" not in found
    assert "name" not in found
    assert "fields that are not in the log, whose drift is unknown: pclass, name, sex" in notes_of(report)
    assert found["cabin"].missing_now == 1
    assert "fields that no request has, all of whose values are missing: fare, cabin" in notes_of(report)


def test_features_of_a_single_bin_are_named(manifest: Manifest) -> None:
    """A feature whose values fall into one bin, as those of rare categories do, is not tested, and a note says so."""
    frame = make_frame(manifest, 200, ticket=[f"{number}" for number in range(200)])
    note = "not tested for drift, because all values fall into one bin after rare values were combined: "
    (named,) = (line.removeprefix(note) for line in monitor(frame, manifest).notes if line.startswith(note))
    assert "ticket" in named.split(", ")
    (ticket,) = (one for one in monitor(frame, manifest).drift if one.feature == "ticket")
    assert (ticket.p_value, ticket.drifted) == (None, False)


def test_drift_of_features_and_predictions_is_found(manifest: Manifest) -> None:
    """Passengers who are all old women drift in age and sex; probabilities that are as in training do not."""
    frame = make_frame(manifest, 300, sex=["female"] * 300, age=[75.0 + number % 5 for number in range(300)])
    report = monitor(frame, limited(manifest, masked=["name", "pclass", "ticket", "fare", "cabin", "sibsp", "parch"]))
    assert {one.feature: one.drifted for one in report.drift} == {"sex": True, "age": True}
    assert report.drifted_share == 1
    assert not any(one.drifted for one in report.prediction_drift)
    shifted = frame.assign(**{"probabilities.survived": 0.9, "probabilities.died": 0.1})
    assert all(one.drifted for one in monitor(shifted, manifest).prediction_drift)


def test_a_model_may_not_say_how_its_probabilities_were_distributed(manifest: Manifest) -> None:
    """Without a distribution of predictions in the manifest their drift is not known, and a note says so."""
    frame = make_frame(manifest, 150)
    report = monitor(frame, manifest.model_copy(update={"prediction_distribution": {}}))
    assert report.prediction_drift == ()
    assert [one.probability_before for one in report.classes] == [None, None]
    assert "the drift of the probabilities is unknown, as the manifest" in notes_of(report)


def test_too_few_predictions_judge_no_drift(manifest: Manifest) -> None:
    """Below the minimum count there is no share of drifted features, and a note says why."""
    report = monitor(make_frame(manifest, 99, sex=["female"] * 99), manifest)
    assert report.drifted_share is None
    assert not any(one.drifted for one in report.drift)
    assert "too few predictions for a decision on drift: 99 (minimum 100)" in report.notes


def test_recent_predictions_alone_can_be_measured(manifest: Manifest) -> None:
    """The newest predictions, by number or by time, are those that are measured."""
    frame = make_frame(manifest, 300, every="1h")
    assert monitor(frame, manifest, recent="50").predictions == 50
    assert monitor(frame, manifest, recent="1000").predictions == 300
    report = monitor(frame, manifest, recent="1d")
    assert report.predictions == 24
    assert report.last == frame["timestamp"].iloc[-1]


def test_years_without_predictions_are_one_window(manifest: Manifest) -> None:
    """A gap of years in windows of minutes is one empty window that is named."""
    frame = make_frame(manifest, 2)
    frame.loc[1, "timestamp"] = START + pd.Timedelta(days=3650)
    report = monitor(frame, manifest, window="1m")
    assert [window.empty for window in report.windows] == [0, 5255999, 0]
    assert "no predictions from 2026-11-16 00:01 to 2036-11-13 00:00: 5255999 empty windows" in report.notes


@pytest.mark.slow
def test_of_many_windows_the_newest_are_kept(manifest: Manifest) -> None:
    """A report holds a thousand windows at most, and says how many it leaves out."""
    report = monitor(make_frame(manifest, 1010), manifest, window="1")
    assert len(report.windows) == 1000
    assert report.windows[-1].end == report.last
    assert "the oldest 10 of 1010 windows are not listed" in report.notes


def test_the_window_of_the_config_is_the_default(manifest: Manifest) -> None:
    """Without a window of the caller the model's own counts, and one that is spelt otherwise is refused."""
    frame = make_frame(manifest, 10)
    assert monitor(frame, limited(manifest, window="7d")).window == "7d"
    assert monitor(frame, manifest, window="3").window == "3"
    with pytest.raises(InputError, match="expected a window such as 500"):
        monitor(frame, manifest, window="soon")


@pytest.mark.slow
@settings(max_examples=20)
@given(st.randoms(use_true_random=False))
def test_the_order_of_rows_changes_nothing_but_windows(random: Any) -> None:
    """Rows of one moment in another order give the same report, but for its windows."""
    manifest = read_manifest(packaged_model())
    frame = make_frame(manifest, 60, sex=["male", "female", "other"] * 20, age=[None, 3.5, "n/a", 80, 90, True] * 10)
    frame["timestamp"] = START
    order = list(range(60))
    random.shuffle(order)
    reports = [monitor(rows, manifest, window="7") for rows in (frame, frame.iloc[order])]
    one, other = (report.model_dump(exclude={"windows"}) for report in reports)
    assert _close(one, other)


def _close(one: Any, other: Any) -> bool:
    """Compare nested values, numbers to within what the order of a sum changes."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_close(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(_close, one, other))
    return bool(one == pytest.approx(other, rel=1e-9)) if isinstance(one, float) else bool(one == other)


def test_a_report_can_be_read_again(manifest: Manifest) -> None:
    """The JSON of a report is strict, and reads as the same report."""
    report = monitor(make_frame(manifest, 150, labelled=0.5), manifest, window="1h", notes=["a line was torn"])

    def refuse(name: str) -> None:
        pytest.fail(f"{name} is no JSON")

    assert json.loads(report.to_json(), parse_constant=refuse)["model"] == manifest.name
    assert MonitoringReport.model_validate_json(report.to_json()) == report
    assert report.notes[0] == "a line was torn"


def read(values: Any, **field: Any) -> Any:
    """Read raw values of a field."""
    described = {"name": "x", "kind": "numeric", "nullable": False} | field
    return read_field(SchemaField.model_validate(described), pd.Series(values, dtype=object))


@pytest.mark.parametrize("word", ["12", 12])
def test_values_are_read_as_the_model_reads_them(word: Any) -> None:
    """Numbers in texts count as numbers, marks as missing, lists and infinite numbers as unreadable."""
    found = read([1, 2.5, word, "n/a", None, [1], {}, "abc", True, float("inf"), 10**400], minimum=2.0, maximum=5.0)
    assert sorted(found.values.tolist()) == [1, 2.5, 12]
    assert found.missing == 2
    assert (found.remarks.rows, found.remarks.unreadable, found.remarks.out_of_range) == (11, 6, 2)
    assert found.remarks.unexpected_missing == 2


def test_categories_that_training_did_not_see_are_counted() -> None:
    """3, 3.0 and "3" are one category, and another one than true; each row of an unseen one counts."""
    found = read([3, 3.0, "3", True, "new", "new", None], kind="categorical", categories=("3",), nullable=True)
    assert found.remarks.unseen_category == 3
    assert found.remarks.unexpected_missing == 0
    assert dict(zip(found.values, found.counts.tolist(), strict=True)).keys() == {"3", "true", "new"}


@given(st.lists(st.one_of(st.none(), st.floats(-1e6, 1e6), st.integers(-(10**6), 10**6)), max_size=40))
def test_numbers_are_read_alike_in_bulk_and_one_by_one(values: list[Any]) -> None:
    """A column of numbers gives what the same numbers give beside a text, which are read one by one."""
    quick = read(values, minimum=-5.0, maximum=1000.0)
    slow = read([*values, "abc"], minimum=-5.0, maximum=1000.0)
    slow_values = np.repeat(slow.values, slow.counts)
    assert np.sort(np.repeat(quick.values, quick.counts)).tolist() == np.sort(slow_values).tolist()
    assert quick.missing == slow.missing
    assert quick.remarks == slow.remarks.model_copy(update={"rows": slow.remarks.rows - 1, "unreadable": 0})
