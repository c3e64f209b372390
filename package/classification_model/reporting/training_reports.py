"""Render the files of a training's reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.reporting.model_card import render_card
from classification_model.reporting.report_page import render_html

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.training.training_report import TrainingReport


def render_reports(report: TrainingReport, pipeline: Pipeline) -> dict[str, bytes]:
    """Render ``reports/report.html`` and ``reports/model_card.md``.

    Neither holds a time or a duration: the same training gives the same bytes.
    """
    return {
        "reports/report.html": render_html(report).encode(),
        "reports/model_card.md": render_card(report, pipeline).encode(),
    }
