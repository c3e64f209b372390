"""Render the reports of a training: an HTML page and a model card in Markdown."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import font_manager, style
from matplotlib.figure import Figure
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_curve
from skops.card import Card

from classification_model.audit.wording import in_words
from classification_model.config.features import ColumnFeature, used_features
from classification_model.evaluation.metrics import METRICS
from classification_model.pipeline import MISSING_CATEGORY, RARE_CATEGORY
from classification_model.processing.left_out_rows import describe_left_out
from classification_model.processing.target_bins import describe_bins
from classification_model.reporting.html_pages import render_page
from classification_model.runtime.wheel.markdown import as_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from matplotlib.axes import Axes
    from sklearn.pipeline import Pipeline

    from classification_model.config.features import DerivedFeature
    from classification_model.evaluation.metrics import Outcome
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.training_report import TrainingReport

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Accuracy",
    "f1": "F1",
}
_COLOURS = ("#1b5e9b", "#d1495b", "#3a7d44", "#8a5a9e", "#c77f1a", "#4a4e69")
_MOST_CURVES = 6
_LONGEST_LABEL = 24


@dataclass(frozen=True)
class FeatureNote:
    """A row of the report's table of features: kind, share of missing values, and their handling."""

    name: str
    kind: str
    missing: str
    handling: str


def render_reports(report: TrainingReport, pipeline: Pipeline) -> dict[str, bytes]:
    """Render ``reports/report.html`` and ``reports/model_card.md``.

    Neither holds a time or a duration: the same training gives the same bytes.
    """
    return {
        "reports/report.html": render_html(report).encode(),
        "reports/model_card.md": render_card(report, pipeline).encode(),
    }


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
        features=feature_notes(report),
        compiled=compilation_note(report.manifest),
        audit=[in_words(finding) for finding in report.audit],
        plots={
            "ROC curve": _plot(_draw_roc, report.outcome),
            "Precision and recall": _plot(_draw_precision_recall, report.outcome),
            "Calibration": _plot(_draw_calibration, report.outcome),
            "Confusion": _plot(_draw_confusion, report.outcome),
        },
    )


def render_card(report: TrainingReport, pipeline: Pipeline) -> str:
    """Render the model card."""
    manifest, data = report.manifest, report.data.config.data
    metrics = [manifest.metrics[name] for name in METRIC_NAMES]
    card = Card(pipeline, template=None)
    title = f"{as_text(manifest.name)}, version {manifest.version}".replace("/", "&#47;")  # skops nests at a slash
    target, classes = as_text(data.target), as_text(classes_in_words(manifest))
    left_out = describe_left_out(manifest.left_out)
    left_out = f"Rows left out: {as_text(left_out)}. " if left_out else ""
    leakage = as_text(", ".join(data.leakage)) or "none"
    card.add(
        **{
            title: as_text(report.data.config.app.description),
            "Intended use": f"To predict {target}, one of {classes}, for rows like those of the training table. "
            "A prediction has a class and the probability of each class.",
            "Training data": f"{len(report.data.train)} rows to train on and {len(report.data.holdout)} held out, "
            f"of a table of {manifest.data.rows} rows and {manifest.data.columns} columns (SHA-256 "
            f"`{manifest.data.sha256}`). {left_out}"
            f"{as_text(manifest.holdout.rule[:1].upper() + manifest.holdout.rule[1:])}.",
            "Estimator": f"`{manifest.estimator}`, the best of {len(report.selection.trials)} trials by "
            f"{METRIC_NAMES[report.data.config.training.metric]} over {report.data.config.training.folds} folds.",
            "Compiled": as_text(compilation_note(manifest)),
            "Limits": "A row with a value outside the training range, or an unseen category, is predicted with a "
            "warning. "
            f"Columns that are known only after the outcome are not used: {leakage}.",
            "Audit of the rows": "\n".join(f"- {as_text(in_words(finding))}." for finding in report.audit)
            or "Nothing odd was found.",
        }
    )
    card.add_table(
        folded=False,
        **{
            "Metrics on the hold-out": {
                "metric": list(METRIC_NAMES.values()),
                "value": [f"{metric.value:.4f}" for metric in metrics],
                "95% interval": [f"{metric.low:.4f} to {metric.high:.4f}" for metric in metrics],
            },
            "Features": {
                "feature": [as_text(note.name) for note in feature_notes(report)],
                "kind": [as_text(note.kind) for note in feature_notes(report)],
                "if missing": [as_text(note.handling) for note in feature_notes(report)],
            },
        },
    )
    return str(card.render()).lstrip("\n")


def classes_in_words(manifest: Manifest) -> str:
    """List the classes, each with its range if it is a bin of a number."""
    if manifest.target_edges:
        return "; ".join(describe_bins(manifest.target_edges, manifest.classes))
    return ", ".join(manifest.classes)


def compilation_note(manifest: Manifest) -> str:
    """Describe the compiled model and its check, without the last digits, which may vary."""
    parity = manifest.parity
    if parity is None:
        return f"No compiled model: {manifest.not_compiled}."
    return (
        f"The compiled model and the pipeline predict the same class, and the same probabilities to within "
        f"{parity.tolerance:g}, for {parity.training_rows} training rows and {parity.generated_rows} generated rows of "
        "edge cases. " + _portable_note(manifest)
    )


def _portable_note(manifest: Manifest) -> str:
    if manifest.portable is None:
        return f"No model for other runtimes: {manifest.not_portable}."
    if manifest.portable_inputs:
        names = ", ".join(manifest.portable_inputs)
        return f"For other runtimes, {manifest.portable} takes raw columns and the derived columns {names}."
    return f"For other runtimes, {manifest.portable} takes raw columns and gives labels; it passed the same check."


def feature_notes(report: TrainingReport) -> list[FeatureNote]:
    """Describe each feature: its kind, its share of missing values, and their handling."""
    frame, features = report.data.train.features, report.data.config.features
    used = used_features(features)
    notes = []
    for name, feature in features.items():
        gaps = f"{frame[name].isna().mean():.1%}" if name in frame.columns else "derived" if feature.sources else ""
        notes.append(FeatureNote(name, _kind(feature), gaps, _handling(feature, used) if name in used else "not used"))
    return notes


def _kind(feature: ColumnFeature | DerivedFeature) -> str:
    if isinstance(feature, ColumnFeature):
        return feature.kind
    return f"{feature.kind}, {feature.derive.replace('_', ' ')} of {', '.join(feature.sources)}"


def _handling(feature: ColumnFeature | DerivedFeature, features: dict[str, Any]) -> str:
    if getattr(feature, "encode", "") == "none" or feature.kind == "text":
        users = [name for name, other in features.items() if _feeds(feature, other, features)]
        return f"passed on to {', '.join(users)}, derived from it"
    if feature.kind != "categorical":
        fill = getattr(feature, "impute", "median")
        fill = f"the training {fill}" if isinstance(fill, str) else f"{fill:g}"
        return f"{fill}, with an indicator if values were missing in training"
    unseen = f"counts as {RARE_CATEGORY!r}"
    if feature.encode == "target":
        unseen = "gets the rate of all rows"
    return (
        f"the category {MISSING_CATEGORY!r} if values were missing in training, else like an unseen category; "
        f"an unseen category {unseen}"
    )


def _feeds(feature: Any, other: Any, features: dict[str, Any]) -> bool:
    return any(features[source] is feature for source in other.sources)


def _plot(draw: Callable[[Axes, Outcome], None], outcome: Outcome) -> str:
    """Draw a plot and return it as base64 PNG, the same bytes for the same data."""
    buffer = io.BytesIO()
    with style.context(["default", {"text.parse_math": False}]):  # labels may hold a dollar
        figure = Figure(figsize=(5.2, 4.4), layout="constrained")
        axes = figure.add_subplot()
        draw(axes, replace(outcome, classes=_plot_labels(outcome.classes)))
        figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return base64.b64encode(buffer.getvalue()).decode()


def _plot_labels(classes: tuple[str, ...]) -> tuple[str, ...]:
    """Cut long labels, and number those that the font of matplotlib cannot write."""
    glyphs = font_manager.get_font(font_manager.findfont("DejaVu Sans")).get_charmap()
    labels = []
    for number, label in enumerate(classes, start=1):
        line = " ".join(label.split())
        cut = line if len(line) <= _LONGEST_LABEL else f"{line[: _LONGEST_LABEL - 3]}..."
        drawn = cut if all(ord(character) in glyphs for character in cut) else f"class {number}"
        labels.append(f" {drawn}" if drawn.startswith("_") else drawn)  # a legend leaves out what begins with _
    return tuple(labels)


def _curves(outcome: Outcome) -> list[tuple[str, np.ndarray, np.ndarray, str]]:
    """Give label, truth, scores and colour of each curve: one for two classes, else one a class."""
    numbers = [1] if len(outcome.classes) == 2 else range(min(len(outcome.classes), _MOST_CURVES))
    return [
        (outcome.classes[number], outcome.truth == number, outcome.probabilities[:, number], _COLOURS[place])
        for place, number in enumerate(numbers)
        if (outcome.truth == number).any()
    ]


def _draw_roc(axes: Axes, outcome: Outcome) -> None:
    for label, truth, scores, colour in _curves(outcome):
        false_rate, true_rate, _ = roc_curve(truth, scores)
        axes.plot(false_rate, true_rate, color=colour, label=label)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    axes.set(xlabel="False positive rate", ylabel="True positive rate", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower right")


def _draw_precision_recall(axes: Axes, outcome: Outcome) -> None:
    for label, truth, scores, colour in _curves(outcome):
        precision, recall, _ = precision_recall_curve(truth, scores)
        axes.plot(recall, precision, color=colour, label=label)
        axes.axhline(float(truth.mean()), color=colour, linestyle="--", linewidth=0.8, alpha=0.5)
    axes.set(xlabel="Recall", ylabel="Precision", xlim=(0, 1), ylim=(0, 1.01))
    axes.legend(loc="lower left")


def _draw_calibration(axes: Axes, outcome: Outcome) -> None:
    for label, truth, scores, colour in _curves(outcome):
        actual, predicted = calibration_curve(truth, scores, n_bins=10, strategy="quantile")
        axes.plot(predicted, actual, color=colour, marker="o", markersize=4, label=label)
    axes.plot([0, 1], [0, 1], color="0.7", linestyle="--", linewidth=1)
    axes.set(xlabel="Mean predicted probability", ylabel="Actual share", xlim=(0, 1), ylim=(0, 1))
    axes.legend(loc="upper left")


def _draw_confusion(axes: Axes, outcome: Outcome) -> None:
    counts = confusion_matrix(outcome.truth, outcome.predicted, labels=range(len(outcome.classes)))
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    places = range(len(outcome.classes))
    for row in places:
        for column in places:
            colour = "white" if shares[row, column] > 0.5 else "black"
            axes.text(column, row, f"{counts[row, column]}", ha="center", va="center", color=colour)
    axes.set_xticks(places, outcome.classes, rotation=30 if len(outcome.classes) > 3 else 0)
    axes.set_yticks(places, outcome.classes)
    axes.set(xlabel="Predicted", ylabel="Actual")
