"""Rows of the tables of the training report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from classification_model.evaluation.metrics import METRICS, is_better, score
from classification_model.evaluation.threshold_curve import cost_curves, gain_curve, threshold_curve
from classification_model.reporting.model_in_words import METRIC_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.evaluation.metrics import Outcome
    from classification_model.evaluation.slice_metrics import Slice
    from classification_model.training.training_report import TrainingReport

#: Shares of the rows for which the gain is listed.
_CONTACTED = (0.05, 0.1, 0.2, 0.3, 0.5)


@dataclass(frozen=True)
class MetricRow:
    """A metric on the hold-out beside the training rows.

    Attributes
    ----------
    name
        As people write it.
    value, low, high
        On the hold-out, with its 95% interval.
    out_of_fold, in_sample
        On training rows: by models that were not fitted on them, and by the model itself, which was.
    gate
        What was demanded; empty without a gate.
    is_passed
        Whether it was reached.
    """

    name: str
    value: float
    low: float
    high: float
    out_of_fold: float
    in_sample: float
    gate: str
    is_passed: bool


@dataclass(frozen=True)
class ClassRow:
    """A class with its rows on both sides of the hold-out: numbers and shares."""

    label: str
    train: int
    train_share: float
    holdout: int
    holdout_share: float


@dataclass(frozen=True)
class SliceRow:
    """A slice, the change of its log loss against all rows, and whether its accuracy's interval is below theirs."""

    slice: Slice
    excess: float
    is_worse: bool


@dataclass(frozen=True)
class CostRow:
    """A ratio of the costs of a miss and a false alarm, the best threshold, and the mean cost of a row with it."""

    ratio: float
    threshold: float
    cost: float


@dataclass(frozen=True)
class GainRow:
    """Share of the positives found among a share of the rows, and how many times as many as in a random order."""

    contacted: float
    found: float
    lift: float


def metric_rows(report: TrainingReport) -> list[MetricRow]:
    """Return the metrics in the order of reports."""
    manifest = report.manifest
    out_of_fold = score(replace(report.selection.out_of_fold(), threshold=manifest.threshold))
    in_sample = score(report.in_sample)
    rows = []
    for name, words in METRIC_NAMES.items():
        metric, limit = manifest.metrics[name], manifest.gates.get(name)
        gate = "" if limit is None else f"at {'least' if METRICS[name] else 'most'} {limit:g}"
        is_passed = limit is not None and not is_better(name, limit, metric.value)
        rows.append(
            MetricRow(words, metric.value, metric.low, metric.high, out_of_fold[name], in_sample[name], gate, is_passed)
        )
    return rows


def class_rows(report: TrainingReport) -> list[ClassRow]:
    """Return the number of rows of each class, to train on and held out."""
    train, holdout = report.data.train.labels, report.data.holdout.labels
    rows = []
    for label in report.data.classes:
        first, second = int((train == label).sum()), int((holdout == label).sum())
        rows.append(ClassRow(label, first, first / len(train), second, second / len(holdout)))
    return rows


def slice_rows(slices: Sequence[Slice], outcome: Outcome) -> list[SliceRow]:
    """Return the slices, those of the largest log loss against all rows first.

    Parameters
    ----------
    slices
        Metrics on slices.
    outcome
        Labels and predictions of all rows. A slice is worse where the whole interval of its accuracy is below theirs.
    """
    whole = score(outcome)
    rows = [SliceRow(one, one.log_loss - whole["log_loss"], one.high < whole["accuracy"]) for one in slices]
    return sorted(rows, key=lambda row: (-row.excess, row.slice.feature, row.slice.value))


def cost_rows(out_of_fold: Outcome, outcome: Outcome) -> list[CostRow]:
    """Return the best threshold for each ratio of costs; nothing with more than two classes.

    Parameters
    ----------
    out_of_fold
        Predictions of training rows, by which thresholds are chosen.
    outcome
        Those of the hold-out, which tell what they cost.
    """
    if len(outcome.classes) != 2:
        return []
    curve = threshold_curve(outcome)
    chosen, priced = cost_curves(threshold_curve(out_of_fold)), cost_curves(curve)
    return [
        CostRow(choice.ratio, choice.best_threshold, float(costs.costs[curve.thresholds == choice.best_threshold][0]))
        for choice, costs in zip(chosen, priced, strict=True)
    ]


def gain_rows(outcome: Outcome) -> list[GainRow]:
    """Return the gain at some shares of the rows; nothing with more than two classes."""
    if len(outcome.classes) != 2 or not np.any(outcome.truth == 1):
        return []
    curve = gain_curve(outcome)
    return [GainRow(share, curve.found_at(share), curve.found_at(share) / share) for share in _CONTACTED]
