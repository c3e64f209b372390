"""Render the files of a training's reports."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.reporting.eda_page import render_eda
from classification_model.reporting.leaderboard import LEADERBOARD, write_leaderboard
from classification_model.reporting.model_card import render_card
from classification_model.reporting.report_page import render_html
from classification_model.runtime.system.clock import source_date_epoch
from classification_model.training.explore import exploration_of

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.training.training_report import TrainingReport


def render_reports(report: TrainingReport, pipeline: Pipeline) -> dict[str, bytes]:
    """Render ``report.html``, ``eda.html``, ``model_card.md`` and ``leaderboard.csv`` in the folder ``reports``.

    Where ``SOURCE_DATE_EPOCH`` is set, no duration is written: then the same training gives the same bytes. The card
    has neither dates nor durations.
    """
    with_times = source_date_epoch() is None
    exploration = exploration_of(report)
    return {
        "reports/report.html": render_html(report, pipeline, exploration.profile, with_times=with_times).encode(),
        "reports/eda.html": render_eda(exploration).encode(),
        "reports/model_card.md": render_card(report, pipeline).encode(),
        LEADERBOARD: write_leaderboard(report.selection, with_times=with_times),
    }
