"""Render the training report: one HTML file."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.audit.wording import in_words
from classification_model.evaluation.metrics import METRICS
from classification_model.plotting.figures import as_svg
from classification_model.plotting.model_plots import ModelPlots
from classification_model.processing.left_out_rows import describe_left_out
from classification_model.reporting.feature_notes import feature_notes
from classification_model.reporting.html_pages import render_page
from classification_model.reporting.model_in_words import METRIC_NAMES, classes_in_words, compilation_note

if TYPE_CHECKING:
    from classification_model.training.training_report import TrainingReport


def render_html(report: TrainingReport) -> str:
    """Render the training report: one file, plots inside."""
    return render_page(
        "report.html.j2",
        report=report,
        manifest=report.manifest,
        config=report.data.config,
        names=METRIC_NAMES,
        higher=METRICS,
        classes=classes_in_words(report.manifest),
        left_out=describe_left_out(report.manifest.left_out),
        features=feature_notes(report.data.config.features, report.data.train.features),
        compiled=compilation_note(report.manifest),
        audit=[in_words(finding) for finding in report.audit],
        plots=_plots(ModelPlots(report.judged), len(report.manifest.classes)),
    )


def _plots(plots: ModelPlots, classes: int) -> dict[str, str]:
    """Draw the plots of the model as SVG, by caption."""
    figures = {
        "ROC curve": plots.roc(),
        "Precision and recall": plots.precision_recall(),
        "Calibration": plots.calibration(),
        "Confusion": plots.confusion(),
    }
    if classes == 2:
        figures |= {
            "Metrics by threshold": plots.threshold(),
            "Expected cost by threshold": plots.cost(),
            "Gain": plots.gain(),
        }
    if plots.judged.learning_curve is not None:
        figures["Learning curve"] = plots.learning_curve()
    if plots.judged.dependences:
        figures["Partial dependence"] = plots.partial_dependence()
    return {caption: as_svg(figure, number) for number, (caption, figure) in enumerate(figures.items())}
