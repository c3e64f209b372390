"""Render the model card in Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skops.card import Card

from classification_model.audit.wording import in_words
from classification_model.processing.left_out_rows import describe_left_out
from classification_model.reporting import card_texts
from classification_model.reporting.feature_notes import feature_notes
from classification_model.reporting.model_in_words import METRIC_NAMES, compilation_note, metric_in_sentence
from classification_model.runtime.wheel.markdown import as_text

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.training.training_report import TrainingReport


def render_card(report: TrainingReport, pipeline: Pipeline) -> str:
    """Render the model card. It holds no time or duration: the same training gives the same bytes."""
    manifest = report.manifest
    notes = feature_notes(report.data.config.features, report.data.train.features)
    metrics = [manifest.metrics[name] for name in METRIC_NAMES]
    card = Card(pipeline, template=None)
    title = f"{as_text(manifest.name)}, version {manifest.version}".replace("/", "&#47;")  # skops nests at a slash
    left_out = describe_left_out(manifest.left_out)
    left_out = f"Rows left out: {as_text(left_out)}. " if left_out else ""
    contact = card_texts.paragraphs(report.data.config.card.contact)
    card.add(
        **{
            title: as_text(report.data.config.app.description),
            "Intended use": card_texts.intended_use(report),
            "How to call it": card_texts.how_to_call(manifest),
            "Limits": card_texts.limits(report),
            "Ethics": card_texts.ethics(report),
            **({"Contact": contact} if contact else {}),
            "Training data": f"{len(report.data.train)} rows to train on and {len(report.data.holdout)} held out, "
            f"of a table of {manifest.data.rows} rows and {manifest.data.columns} columns (SHA-256 "
            f"`{manifest.data.sha256}`). {left_out}"
            f"{as_text(manifest.holdout.rule[:1].upper() + manifest.holdout.rule[1:])}.",
            "Estimator": f"`{manifest.estimator}`, the best of {len(report.selection.trials)} trials by "
            f"{metric_in_sentence(report.data.config.training.metric)} over {report.data.config.training.folds} folds.",
            "Compiled": as_text(compilation_note(manifest)),
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
                "feature": [as_text(note.name) for note in notes],
                "kind": [as_text(note.kind) for note in notes],
                "if missing": [as_text(note.handling) for note in notes],
            },
        },
    )
    return str(card.render()).lstrip("\n")
