"""What a run in MLflow holds of a training: parameters, metrics, the config, plots and the table."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from classification_model.evaluation.metrics import score
from classification_model.plotting.model_plots import ModelPlots
from classification_model.tables.locations import locate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matplotlib.figure import Figure

    from classification_model.config.sections import Config
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.training.model_selection import Trial
    from classification_model.training.training_report import TrainingReport

#: Keys of ``data`` that name a table, maybe by a URL with a password.
_SOURCES = ("source", "validation_source")
_DPI = 100


def parameters_of(report: TrainingReport) -> dict[str, str]:
    """Return the parameters of a training: the winner, its settings, and how it was chosen and trained."""
    manifest, training = report.manifest, report.data.config.training
    found = {
        "estimator": manifest.estimator,
        **_flat(manifest.parameters, ""),
        "threshold": manifest.threshold,
        "rows": len(report.data.train),
        "held_out": len(report.data.holdout),
        "columns": manifest.data.columns,
        "features": len(manifest.input_schema.fields),
        **_flat(training.model_dump(mode="json", exclude={"candidates", "estimator"}), "training."),
    }
    return {name: str(value) for name, value in found.items() if value is not None}


def metrics_of(report: TrainingReport) -> dict[str, float]:
    """Return the metrics of a training: on the hold-out with intervals, on training rows, and of cross-validation."""
    found = {"seconds": report.seconds}
    for name, metric in report.manifest.metrics.items():
        found |= {name: metric.value, f"{name}_low": metric.low, f"{name}_high": metric.high}
    found |= {f"train_{name}": value for name, value in score(report.in_sample).items()}
    return found | cross_validated(report.selection.winner, report.data.config.training.metric)


def trial_parameters(trial: Trial) -> dict[str, str]:
    """Return the parameters of a trial: the candidate and its setting."""
    return {"candidate": trial.candidate, **{name: str(value) for name, value in _flat(trial.setting, "").items()}}


def trial_metrics(trial: Trial, metric: str) -> dict[str, float]:
    """Return the metrics of a trial: of cross-validation, and its times."""
    times = {"fit_seconds": trial.fit_seconds, "predict_microseconds": trial.predict_microseconds}
    return cross_validated(trial, metric) | times


def cross_validated(trial: Trial, metric: str) -> dict[str, float]:
    """Return the means of the metrics over the folds, and the deviation of the one that decides."""
    means = {f"cv_{name}": value for name, value in trial.scores.items()}
    return means | {f"cv_{metric}_deviation": trial.deviation}


def config_content(config: Config) -> dict[str, Any]:
    """Return what a config file says, without the secrets of a URL."""
    content = config.model_dump(mode="json", by_alias=True, exclude_unset=True)
    for key in _SOURCES:
        if content["data"].get(key):
            content["data"][key] = locate(content["data"][key]).name
    return content


def dataset_of(manifest: Manifest, source: str) -> dict[str, str]:
    """Return how MLflow describes the table: its name, a digest of 36 characters at most, and its whole fingerprint."""
    data = manifest.data
    return {
        "name": manifest.name,
        "digest": data.sha256[:36],
        "source_type": "local",
        "source": json.dumps({"uri": source}),
        "profile": json.dumps({"num_rows": data.rows, "num_columns": data.columns, "sha256": data.sha256}),
    }


def save_plots(report: TrainingReport, folder: Path) -> None:
    """Draw the plots of a report into a folder, as PNG."""
    folder.mkdir()
    for name, figure in _figures(report):
        figure.savefig(folder / f"{name}.png", dpi=_DPI, facecolor="white", bbox_inches="tight")


def _figures(report: TrainingReport) -> Iterator[tuple[str, Figure]]:
    judged, plots = report.judged, ModelPlots(report.judged)
    yield "roc", plots.roc()
    yield "precision_recall", plots.precision_recall()
    yield "calibration", plots.calibration()
    yield "confusion", plots.confusion()
    if judged.importances:
        yield "importance", plots.importance()
    if judged.learning_curve is not None:
        yield "learning_curve", plots.learning_curve()
    if len(judged.outcome.classes) == 2:
        yield "threshold", plots.threshold()
        yield "gain", plots.gain()


def _flat(values: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= _flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return found
