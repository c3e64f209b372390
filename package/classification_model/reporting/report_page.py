"""Render the training report: one HTML file, which needs nothing from elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.audit.wording import in_words
from classification_model.evaluation.metrics import METRICS
from classification_model.processing.left_out_rows import describe_left_out
from classification_model.reporting import report_tables
from classification_model.reporting.feature_notes import feature_notes
from classification_model.reporting.html_pages import render_page
from classification_model.reporting.model_in_words import (
    METRIC_NAMES,
    classes_in_words,
    compilation_note,
    metric_in_sentence,
)
from classification_model.reporting.pipeline_steps import pipeline_steps
from classification_model.reporting.report_figures import draw_figures
from classification_model.reporting.sentences import learning_sentence

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.profiling.table_profile import TableProfile
    from classification_model.training.training_report import TrainingReport

#: Rows of the tables: at most so many trials, slices, columns and features.
_MOST_TRIALS, _MOST_SLICES, _MOST_COLUMNS = 100, 60, 400


def render_html(report: TrainingReport, pipeline: Pipeline, profile: TableProfile, *, with_times: bool = True) -> str:
    """Render the training report.

    Parameters
    ----------
    report
        The result of the training.
    pipeline
        The fitted pipeline.
    profile
        The profile of the rows to train on.
    with_times
        Whether to write how long fitting and predicting took, which differs from one training to the next.
    """
    manifest, data, judged = report.manifest, report.data, report.judged
    slices = report_tables.slice_rows(judged.slices, judged.outcome)
    notes = feature_notes(data.config.features, data.train.features)
    curve = judged.learning_curve
    return render_page(
        "report.html.j2",
        report=report,
        manifest=manifest,
        config=data.config,
        profile=profile,
        facts=_facts(report),
        names=METRIC_NAMES,
        metric=metric_in_sentence(data.config.training.metric),
        metrics=report_tables.metric_rows(report),
        balance=report_tables.class_rows(report),
        classes=classes_in_words(manifest),
        left_out=describe_left_out(manifest.left_out),
        audit=[in_words(finding) for finding in report.audit],
        figures=draw_figures(judged, profile),
        columns=profile.by_strength()[:_MOST_COLUMNS],
        trials=report.selection.trials[:_MOST_TRIALS],
        with_times=with_times,
        steps=pipeline_steps(pipeline),
        features=notes[:_MOST_COLUMNS],
        more_features=max(0, len(notes) - _MOST_COLUMNS),
        costs=report_tables.cost_rows(report.selection.out_of_fold(), judged.outcome),
        gains=report_tables.gain_rows(judged.outcome),
        learning="" if curve is None else learning_sentence(curve),
        slices=slices[:_MOST_SLICES],
        more_slices=max(0, len(slices) - _MOST_SLICES),
        worse_slices=sum(row.is_worse for row in slices),
        compiled=compilation_note(manifest),
    )


def _facts(report: TrainingReport) -> list[tuple[str, str]]:
    """Return the figures at the top of the page, with what they are."""
    manifest, metric = report.manifest, report.data.config.training.metric
    shown = dict.fromkeys((metric, "roc_auc", "accuracy"))
    facts = [(f"{manifest.metrics[name].value:.3f}", METRIC_NAMES[name]) for name in METRICS if name in shown]
    gates = len(manifest.gates)
    return [
        *facts,
        (f"{len(report.data.train):,}", "rows to train on"),
        (f"{len(report.data.holdout):,}", "rows held out"),
        (f"{gates} of {gates}" if gates else "none", "gates passed" if gates else "gates"),
    ]
