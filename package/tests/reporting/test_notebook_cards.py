"""What a notebook shows of a comparison, a decision and a monitoring report."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd

import classification_model as cm
from classification_model.config.sections import MonitoringConfig
from classification_model.monitoring.performance import Estimate
from classification_model.monitoring.report import MonitoringReport
from classification_model.retraining.decision import decide_retraining

NOW = datetime(2026, 11, 30, tzinfo=UTC)


def report_of(right: int, count: int) -> MonitoringReport:
    """Make a report on a model of which so many of the labelled predictions were right."""
    share = right / count
    accuracy = Estimate(value=share, low=max(0.0, share - 0.05), high=min(1.0, share + 0.05), count=count, right=right)
    return MonitoringReport(
        model="<colours>", version="1.0.0", window="500", predictions=count, labels=count, first=NOW,
        last=NOW, accuracy=accuracy, expected_accuracy=accuracy, notes=("a < b",),
    )  # fmt: skip


def test_a_monitoring_report_shows_its_measures() -> None:
    """Estimates have their interval; texts are escaped; what is unknown is left out."""
    shown = report_of(80, 100)._repr_html_()
    assert "&lt;colours&gt;, version 1.0.0" in shown
    assert "0.750 to 0.850" in shown
    assert "a &lt; b" in shown
    assert "ROC AUC" not in shown


def test_a_decision_shows_its_reasons_and_evidence() -> None:
    """The answer is the title, and the reasons are sentences below."""
    decision = decide_retraining(report_of(50, 200), MonitoringConfig(), created=NOW - timedelta(days=9), now=NOW)
    shown = decision._repr_html_()
    assert f"Retrain: {decision.retrain}" in shown
    assert "accuracy floor" in shown
    assert "0.250 (" in shown
    assert "unknown" in shown


def test_a_comparison_shows_both_models() -> None:
    """The verdict is the title; each set has its metrics side by side."""
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 2, 400)
    weak = np.clip(truth * 0.2 + draw.random(400) * 0.8, 0.01, 0.99)
    strong = np.clip(truth * 0.6 + draw.random(400) * 0.4, 0.01, 0.99)
    before, after = (cm.Outcome(("no", "yes"), truth, np.column_stack([1 - p, p])) for p in (weak, strong))
    shared = cm.SharedRows("holdout", before, after, pd.DataFrame({"size": draw.normal(size=400)}))
    comparison = cm.compare([shared], cm.PromotionConfig(), champion="1.0.0", challenger="1.1.0", latency_ms=(0.1, 0.1))
    shown = comparison._repr_html_()
    assert f"{comparison.verdict.capitalize()}: 1.1.0 against 1.0.0" in shown
    assert "Holdout, 400 rows: better" in shown
    assert f"{comparison.sets[0].champion['log_loss']:.4f}" in shown
