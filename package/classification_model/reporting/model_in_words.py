"""Say in words what a model is: its metrics' names, its classes, how it was compiled."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.processing.target_bins import describe_bins

if TYPE_CHECKING:
    from classification_model.runtime.model_folder.manifest import Manifest

METRIC_NAMES = {
    "roc_auc": "ROC AUC",
    "average_precision": "Average precision",
    "log_loss": "Log loss",
    "brier": "Brier score",
    "accuracy": "Accuracy",
    "f1": "F1",
}


def metric_in_sentence(metric: str) -> str:
    """Return what a metric is called inside a sentence."""
    name = METRIC_NAMES[metric]
    return name if metric in {"roc_auc", "brier", "f1"} else name.lower()


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
