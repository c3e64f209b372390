"""Texts of the model card: the author's words, or what training knows; and how to call the model."""

from __future__ import annotations

import json
import re
import shlex
from typing import TYPE_CHECKING, Any

from classification_model.reporting.model_in_words import classes_in_words
from classification_model.reporting.report_tables import slice_rows
from classification_model.runtime.wheel.description import example_row, literal
from classification_model.runtime.wheel.markdown import as_text

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.training_report import TrainingReport

#: Slices that are named.
_MOST_NAMED = 8


def paragraphs(text: str) -> str:
    """Write plain text as Markdown that shows it as it is; an empty line begins a paragraph."""
    return "\n\n".join(as_text(part) for part in re.split(r"\n\s*\n", text.strip()))


def intended_use(report: TrainingReport) -> str:
    """Return what the author says that the model is for, or what it predicts."""
    config = report.data.config
    if config.card.intended_use.strip():
        return paragraphs(config.card.intended_use)
    return (
        f"To predict {as_text(config.data.target)}, one of {as_text(classes_in_words(report.manifest))}, for rows like "
        "those of the training table. A prediction has a class and the probability of each class."
    )


def limits(report: TrainingReport) -> str:
    """Return what the author says of the limits, and what training knows of them."""
    leakage = as_text(", ".join(report.data.config.data.leakage)) or "none"
    known = (
        "A row with a value outside the training range, or an unseen category, is predicted with a warning. "
        f"Columns that are known only after the outcome are not used: {leakage}."
    )
    said = paragraphs(report.data.config.card.limits)
    return f"{said}\n\n{known}" if said else known


def ethics(report: TrainingReport) -> str:
    """Return what the author says of whom the model may harm, or on whom it is less accurate."""
    said = paragraphs(report.data.config.card.ethics)
    if said:
        return said
    judged = report.judged
    worse = [row.slice for row in slice_rows(judged.slices, judged.outcome) if row.is_worse]
    named = "; ".join(as_text(f"{one.feature} {one.value} ({one.accuracy:.3f})") for one in worse[:_MOST_NAMED])
    found = f"on {len(worse)}: {named}" if worse else "on none of them"
    return (
        "The author says nothing of whom this model may harm. Of "
        f"{len(judged.slices)} slices of the hold-out, the whole 95% interval of the accuracy is below that of all "
        f"rows {found}. Of so many slices, some are so by chance. The report has all of them."
    )


def how_to_call(manifest: Manifest) -> str:
    """Return code that predicts a row: in Python, over HTTP and on the command line.

    The row is a golden row, whose values come from different rows of the training table.
    """
    inputs, _ = example_row(manifest)
    folder = manifest.pipeline.removesuffix(".pkl")
    row = "\n".join(f"    {literal(name)}: {literal(value)}," for name, value in inputs.items())
    python = (
        "import classification_model as cm\n\n"
        f"row = {{\n{row}\n}}\n"
        f'answer = cm.Predictor.load("{folder}").predict([row])\n'
        'print(answer["predictions"], answer["probabilities"])'
    )
    body = shlex.quote(_as_json({"inputs": [inputs]}))
    return "\n\n".join(
        [
            "In Python, with the model folder in the working directory:",
            _block("python", python.replace("<", "\\x3c")),
            f"Over HTTP, where `classification-api serve {folder}` runs:",
            _block("bash", f"curl localhost:8002/predict -H 'content-type: application/json' -d {body}"),
            "A file of rows on the command line:",
            _block("bash", f"classification-model predict rows.csv --model {folder} --output predictions.csv"),
        ]
    )


def _as_json(document: Any) -> str:
    """Write JSON in which nothing reads as HTML, nor is written from the right."""
    text = json.dumps(document, ensure_ascii=False)
    return (text if text.isprintable() else json.dumps(document)).replace("<", "\\u003c")


def _block(language: str, code: str) -> str:
    return f"```{language}\n{code}\n```"
