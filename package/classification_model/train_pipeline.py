"""Training, whole: from a config to a verified model folder."""

from __future__ import annotations

import hashlib
import logging
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from classification_model.artifact import read_files, read_manifest, trained_models, write_model_folder
from classification_model.baseline import typical_inputs
from classification_model.checking import check_rows
from classification_model.clock import source_date_epoch
from classification_model.compiled import CompiledModel
from classification_model.errors import ArtifactError, DataError, GateError
from classification_model.estimators import check_candidates
from classification_model.evaluation import (
    METRICS,
    Outcome,
    choose_threshold,
    importances,
    is_better,
    score_with_intervals,
    slice_metrics,
)
from classification_model.export.compilation import CORE, PORTABLE, compile_and_prove
from classification_model.export.derivations import describe_derivation, is_derivation
from classification_model.golden import golden_inputs
from classification_model.libraries import library_versions
from classification_model.manifest import GoldenRow, Manifest, MetricValue
from classification_model.model_selection import Progress, Selection, class_numbers, fit_weights, select_model
from classification_model.pipeline import build_pipeline
from classification_model.predict import Predictor
from classification_model.processing.data_manager import DataLoader, TrainingData, dump_pipeline, table_rule
from classification_model.processing.model_classifier import ModelClassifier
from classification_model.processing.pipeline_model import PipelineModel, load_predictor
from classification_model.processing.sources import read_bytes
from classification_model.reference import describe_distribution, describe_numbers
from classification_model.reports import render_reports
from classification_model.training_report import TrainingReport

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.config.sections import Config
    from classification_model.export.compilation import Compilation
    from classification_model.predict import Model

logger = logging.getLogger(__name__)


def run_training(
    config: Config,
    *,
    output: Path | None = None,
    source: str | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> TrainingReport:
    """Train, judge and save the model of a problem.

    Parameters
    ----------
    config
        The problem.
    output
        Folder in which the model folder is made; the package's ``trained_models`` when left out.
    source
        Table to learn from instead of the config's.
    progress
        Told about every fit.
    jobs
        Threads to use; -1 for one a core.

    Raises
    ------
    DataError
        If nothing can be learned from the table.
    TrainingError
        If a candidate cannot be fitted.
    GateError
        If the hold-out metrics miss a gate. Nothing is saved then.
    ArtifactError
        If the folder cannot be written.
    InputError
        If SOURCE_DATE_EPOCH is set and no time.
    """
    started = time.monotonic()
    check_candidates(config)
    source_date_epoch()  # what is wrong with it is told before the work
    with threadpool_limits(1):  # sums differ in their last digits by how many threads share them
        report = _train(config, model_folder(config, output), DataLoader(config, source), progress, jobs)
    return replace(report, seconds=time.monotonic() - started)


def _train(config: Config, folder: Path, loader: DataLoader, progress: Progress | None, jobs: int) -> TrainingReport:
    data = loader.load()
    logger.info("table loaded", extra={"rows": len(data.train), "held_out": len(data.holdout)})
    selection = select_model(data, progress, jobs)
    pipeline = fit_pipeline(data, selection.winner.candidate, selection.winner.setting)
    threshold = _threshold(data, selection)
    outcome = judge(pipeline, data, threshold)
    metrics = score_with_intervals(outcome, config.training.random_state)
    check_gates(config, metrics)
    compilation = compile_and_prove(pipeline, data, threshold)
    model: Model = PipelineModel(pipeline, data.schema)
    if compilation.parity is not None:
        model = CompiledModel(compilation.files[CORE])
    manifest = _describe(
        config=config,
        data=data,
        selection=selection,
        pipeline=pipeline,
        model=model,
        compilation=compilation,
        threshold=threshold,
        metrics=metrics,
    )
    report = TrainingReport(
        folder=folder,
        manifest=manifest,
        data=data,
        selection=selection,
        outcome=outcome,
        importances=importances(
            ModelClassifier(model, data.schema, len(data.classes)),
            data.holdout.features,
            class_numbers(data.holdout.labels, data.classes),
            config.training.random_state,
        ),
        slices=slice_metrics(data.holdout.features, outcome),
        seconds=0.0,
    )
    Predictor(model, manifest).check_golden_rows()
    contents = {
        manifest.pipeline: dump_pipeline(pipeline),
        **compilation.files,
        **render_reports(report, pipeline),
    }
    write_model_folder(folder, manifest, contents)
    written = load_predictor(folder).manifest
    logger.info("model saved", extra={"folder": str(folder), "version": manifest.version})
    return replace(report, manifest=written)


def model_folder(config: Config, output: Path | None = None) -> Path:
    """Return where the model of a config is, or will be.

    Raises
    ------
    ArtifactError
        If that would be inside an installed package.
    """
    parent = trained_models() if output is None else output
    if output is None and "site-packages" in parent.parts:
        msg = "the packaged model of an installed wheel is not to be replaced: name a folder with --output"
        raise ArtifactError(msg)
    return parent / f"{config.app.pipeline_save_file}{config.version}"


def is_current(config: Config, folder: Path, source: str | None = None) -> bool:
    """Tell whether a model folder holds what training would make anew: same config, table, libraries and code."""
    try:
        manifest = read_manifest(folder)
        read_files(folder, manifest)
        loader = DataLoader(config, source)
        content = read_bytes(loader.source)
        second = None if loader.validation_source is None else read_bytes(loader.validation_source)
    except (ArtifactError, DataError):
        return False
    return (
        (second is None or manifest.holdout.rule == table_rule(second))
        and manifest.config_hash == config.hash
        and manifest.data.sha256 == hashlib.sha256(content).hexdigest()
        and manifest.libraries == library_versions()
        and manifest.code_hash == code_hash()
    )


def code_hash() -> str:
    """Return the SHA-256 of this package's modules and templates."""
    here = Path(__file__).resolve().parent
    digest = hashlib.sha256()
    for path in sorted([*here.rglob("*.py"), *here.rglob("*.j2")]):
        digest.update(path.relative_to(here).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def fit_pipeline(data: TrainingData, candidate: str, setting: dict[str, Any]) -> Pipeline:
    """Fit a candidate's whole pipeline on all training rows; it predicts class numbers."""
    pipeline = build_pipeline(data.config, candidate, setting)
    weights = fit_weights(data.train, data.config)
    parameters = {} if weights is None else {"estimator__sample_weight": weights}
    return pipeline.fit(data.train.features, class_numbers(data.train.labels, data.classes), **parameters)


def judge(pipeline: Pipeline, data: TrainingData, threshold: float | None) -> Outcome:
    """Predict the hold-out."""
    truth = class_numbers(data.holdout.labels, data.classes)
    return Outcome(data.classes, truth, pipeline.predict_proba(data.holdout.features), threshold)


def check_gates(config: Config, metrics: dict[str, MetricValue]) -> None:
    """Refuse a model that misses a gate.

    Raises
    ------
    GateError
        Naming every gate that was missed, with what was reached.
    """
    missed = [
        f"{name} is {metrics[name].value:.4f} (95 % interval {metrics[name].low:.4f} to {metrics[name].high:.4f}), "
        f"{'at least' if METRICS[name] else 'at most'} {limit:g} is demanded"
        for name, limit in config.gates.items()
        if not (is_better(name, metrics[name].value, limit) or metrics[name].value == limit)
    ]
    if missed:
        msg = f"the model is not saved, it misses its gates: {'; '.join(missed)}"
        raise GateError(msg)


def _threshold(data: TrainingData, selection: Selection) -> float | None:
    choice = data.config.training.threshold
    if len(data.classes) > 2:
        return None
    return choice if isinstance(choice, float) else choose_threshold(selection.out_of_fold(), choice)


def _describe(
    *,
    config: Config,
    data: TrainingData,
    selection: Selection,
    pipeline: Pipeline,
    model: Model,
    compilation: Compilation,
    threshold: float | None,
    metrics: dict[str, MetricValue],
) -> Manifest:
    """Write the manifest; hashes of files are filled in when the folder is written."""
    state = config.training.random_state
    plan = [describe_derivation(step) for _, step in pipeline.steps if is_derivation(step)]
    winner = selection.winner
    manifest = Manifest(
        name=config.app.name,
        version=config.version,
        created=_now(),
        config_hash=config.hash,
        code_hash=code_hash(),
        data=data.fingerprint,
        holdout=data.holdout_rule,
        pipeline=f"{config.app.pipeline_save_file}{config.version}.pkl",
        compiled=None if compilation.parity is None else CORE,
        parity=compilation.parity,
        not_compiled=compilation.reason,
        portable=None if compilation.portable_parity is None else PORTABLE,
        portable_parity=compilation.portable_parity,
        portable_inputs=compilation.derived_inputs,
        not_portable=compilation.portable_reason,
        files={},
        libraries=library_versions(),
        input_schema=data.schema,
        classes=data.classes,
        threshold=threshold,
        estimator=winner.candidate,
        parameters=winner.setting,
        metrics=metrics,
        golden_rows=(),
        baseline=typical_inputs(data.train.features, data.schema, plan),
        training_distribution=describe_distribution(data.train.features, data.schema),
        prediction_distribution=_predicted_distribution(selection.out_of_fold()),
        gates=dict(config.gates),
        monitoring=config.monitoring.model_dump(mode="json"),
    )
    inputs = golden_inputs(data.train.features, data.schema, state)
    probabilities = Predictor(model, manifest).probabilities(check_rows(data.schema, inputs))
    golden = tuple(
        GoldenRow(inputs=row, probabilities=tuple(values))
        for row, values in zip(inputs, probabilities.tolist(), strict=True)
    )
    return manifest.model_copy(update={"golden_rows": golden})


def _predicted_distribution(outcome: Outcome) -> dict[str, dict[str, Any]]:
    """Describe the out-of-fold probabilities of each class."""
    columns = outcome.probabilities.T
    return {label: describe_numbers(np.asarray(column)) for label, column in zip(outcome.classes, columns, strict=True)}


def _now() -> str:
    """Return the time of making, RFC 3339 in UTC; SOURCE_DATE_EPOCH stands in for the clock."""
    epoch = source_date_epoch()
    moment = datetime.now(UTC) if epoch is None else datetime.fromtimestamp(epoch, UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
