"""Make the manifest of a fitted model."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from classification_model.export.compile_and_prove import CORE, PORTABLE
from classification_model.export.derivations import describe_derivation, is_derivation
from classification_model.runtime.input.number_format import PLAIN
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.runtime.model_folder.libraries import library_versions
from classification_model.runtime.model_folder.manifest import NONE_LEFT_OUT, Manifest
from classification_model.runtime.model_folder.packaged import package_folder
from classification_model.runtime.system.clock import time_of_making
from classification_model.training.baseline import typical_inputs
from classification_model.training.golden import with_golden_rows
from classification_model.training.reference import describe_distribution, describe_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    from sklearn.pipeline import Pipeline

    from classification_model.evaluation.metrics import Outcome
    from classification_model.export.compile_and_prove import Compilation
    from classification_model.processing.data_manager import TrainingData
    from classification_model.runtime.input.number_format import NumberFormat
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import (
        AuditFinding,
        Fingerprint,
        Holdout,
        LeftOut,
        MetricValue,
    )
    from classification_model.runtime.predictor import Model


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and what it was fitted on.

    Attributes
    ----------
    pipeline
        The pipeline.
    model
        What gives its probabilities: the compiled model, or the pipeline itself.
    compilation
        What it was compiled to.
    features
        Training rows, as `processing.rows.Rows.features`.
    schema, classes, threshold
        See `Manifest`.
    """

    pipeline: Pipeline
    model: Model
    compilation: Compilation
    features: pd.DataFrame
    schema: InputSchema
    classes: tuple[str, ...]
    threshold: float | None


def describe_model(
    fitted: Fitted,
    *,
    name: str,
    version: str,
    stem: str,
    config_hash: str,
    data: Fingerprint,
    holdout: Holdout,
    estimator: str,
    parameters: dict[str, Any],
    metrics: dict[str, MetricValue],
    judged: Outcome | None,
    gates: dict[str, float],
    monitoring: dict[str, Any],
    random_state: int,
    target: str = "",
    target_edges: tuple[float, ...] = (),
    audit: tuple[AuditFinding, ...] = (),
    layout: FileLayout = UNKNOWN,
    prediction_prefix: str = "",
    label_values: Mapping[str, str] | None = None,
    label_format: NumberFormat = PLAIN,
    left_out: LeftOut = NONE_LEFT_OUT,
) -> Manifest:
    """Write the manifest of a model; hashes of files are filled in when the folder is written.

    Parameters
    ----------
    fitted
        The model.
    name, version, config_hash, data, holdout, estimator, parameters, metrics, gates, monitoring
        See `Manifest`.
    target, target_edges, label_values, label_format, left_out, audit
        See `Manifest`.
    stem
        Name of the pipeline's file, without its suffix.
    judged
        Predictions for rows that the model did not learn from; None without such rows.
    random_state
        Seed of the golden rows.
    layout, prediction_prefix
        See `Manifest`.
    """
    compilation = fitted.compilation
    plan = [describe_derivation(step) for _, step in fitted.pipeline.steps if is_derivation(step)]
    manifest = Manifest(
        name=name,
        version=version,
        created=time_of_making(),
        config_hash=config_hash,
        code_hash=code_hash(),
        data=data,
        left_out=left_out,
        holdout=holdout,
        pipeline=f"{stem}.pkl",
        compiled=None if compilation.parity is None else CORE,
        parity=compilation.parity,
        not_compiled=compilation.reason,
        portable=None if compilation.portable_parity is None else PORTABLE,
        portable_parity=compilation.portable_parity,
        portable_inputs=compilation.derived_inputs,
        not_portable=compilation.portable_reason,
        files={},
        libraries=library_versions(),
        input_schema=fitted.schema,
        classes=fitted.classes,
        target=target,
        label_values=dict(label_values or {}),
        target_edges=target_edges,
        label_format=label_format,
        threshold=fitted.threshold,
        estimator=estimator,
        parameters=parameters,
        metrics=metrics,
        golden_rows=(),
        baseline=typical_inputs(fitted.features, fitted.schema, plan),
        training_distribution=describe_distribution(fitted.features, fitted.schema),
        prediction_distribution={} if judged is None else _predicted_distribution(judged),
        gates=gates,
        monitoring=monitoring,
        audit=audit,
        layout=layout,
        prediction_prefix=prediction_prefix,
    )
    return with_golden_rows(manifest, fitted.model, fitted.features, random_state)


def describe_trained(
    fitted: Fitted,
    data: TrainingData,
    *,
    version: str,
    stem: str,
    config_hash: str,
    estimator: str,
    parameters: dict[str, Any],
    metrics: dict[str, MetricValue],
    judged: Outcome | None,
    audit: tuple[AuditFinding, ...] = (),
) -> Manifest:
    """Write the manifest of a model that was fitted as its config says; see `describe_model`.

    Parameters
    ----------
    data
        Rows and config.
    fitted, version, stem, config_hash, estimator, parameters, metrics, judged, audit
        See `describe_model`. The hash is that of the config as it was written, without what the rows filled in.
    """
    config = data.config
    return describe_model(
        fitted,
        name=config.app.name,
        version=version,
        stem=stem,
        config_hash=config_hash,
        data=data.fingerprint,
        holdout=data.holdout_rule,
        estimator=estimator,
        parameters=parameters,
        metrics=metrics,
        judged=judged,
        gates={str(metric): limit for metric, limit in config.gates.items()} if metrics else {},
        monitoring=config.monitoring.model_dump(mode="json"),
        random_state=config.training.random_state,
        target=config.data.target,
        target_edges=data.target_edges,
        audit=audit,
        layout=config.data.layout,
        prediction_prefix=config.app.prediction_prefix,
        label_values={} if data.target_edges else config.data.classes,
        label_format=config.data.written,
        left_out=data.left_out,
    )


def code_hash() -> str:
    """Return the SHA-256 of this package's modules and templates."""
    here = package_folder()
    digest = hashlib.sha256()
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.j2")]):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def _predicted_distribution(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Describe the probabilities of each class."""
    columns = outcome.probabilities.T
    return {label: describe_numbers(np.asarray(column)) for label, column in zip(outcome.classes, columns, strict=True)}
