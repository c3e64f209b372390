"""Training, whole: from a config to a verified model folder."""

from __future__ import annotations

import logging
import re
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from threadpoolctl import threadpool_limits

from classification_model.errors import ArtifactError, ConfigError, GateError, InputError
from classification_model.estimators import check_candidates
from classification_model.evaluation.metrics import (
    METRICS,
    Outcome,
    choose_threshold,
    importances,
    is_better,
    score_with_intervals,
)
from classification_model.evaluation.slice_metrics import slice_metrics
from classification_model.export.compile_and_prove import CORE, compile_and_prove
from classification_model.patterns.pattern_timing import slow_patterns
from classification_model.patterns.searched_texts import searches_of
from classification_model.pipeline import build_pipeline
from classification_model.processing.data_manager import DataLoader, TrainingData, dump_pipeline
from classification_model.processing.model_classifier import ModelClassifier
from classification_model.processing.pipeline_model import PipelineModel, load_predictor
from classification_model.reporting.training_reports import render_reports
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN, write_model_folder
from classification_model.runtime.model_folder.manifest import MetricValue
from classification_model.runtime.model_folder.packaged import trained_models
from classification_model.runtime.predictor import Predictor
from classification_model.runtime.system.clock import source_date_epoch
from classification_model.training.describe_model import Fitted, describe_model
from classification_model.training.model_selection import Progress, Selection, class_numbers, fit_weights, select_model
from classification_model.training.training_report import TrainedModel, TrainingReport

if TYPE_CHECKING:
    import pandas as pd
    from sklearn.pipeline import Pipeline

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables
    from classification_model.runtime.predictor import Model

logger = logging.getLogger(__name__)


def run_training(
    config: Config,
    *,
    output: Path | None = None,
    source: str | pd.DataFrame | None = None,
    extra: pd.DataFrame | None = None,
    version: str | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> TrainingReport:
    """Train, judge and save the model of a problem: `train_model`, then `write_model`.

    Parameters
    ----------
    config
        The problem.
    output
        Folder in which the model folder is made; the package's ``trained_models`` when left out.
    source, extra, version, progress, jobs
        See `train_model`.

    Raises
    ------
    ArtifactError
        If the folder cannot be written.
    ClassificationModelError
        See `train_model`; nothing is saved then.
    """
    started = time.monotonic()
    folder = model_folder(config, output, version)
    trained = train_model(config, source=source, extra=extra, version=version, progress=progress, jobs=jobs)
    report = write_model(trained, folder)
    return replace(report, seconds=time.monotonic() - started)


def train_model(
    config: Config,
    *,
    source: str | pd.DataFrame | Tables | None = None,
    extra: pd.DataFrame | None = None,
    version: str | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> TrainedModel:
    """Train and judge the model of a problem; nothing is written.

    Parameters
    ----------
    config
        The problem.
    source
        Table to learn from instead of the config's: a path, a URL, a frame or tables that were read before; see
        `DataLoader`.
    extra
        Raw rows that are put below the table before the hold-out is drawn; see `DataLoader`.
    version
        Version of the model instead of the config's; the config, and so its hash, stays what it is.
    progress
        Told about every fit.
    jobs
        Threads to use; -1 for one a core.

    Raises
    ------
    ConfigError
        If a search for a pattern takes longer than a millisecond in a text that a row may hold.
    DataError
        If nothing can be learned from the table.
    TrainingError
        If a candidate cannot be fitted.
    GateError
        If the hold-out metrics miss a gate.
    InputError
        If SOURCE_DATE_EPOCH is set and no time, or the version is none.
    """
    started = time.monotonic()
    version = version_of(config, version)
    check_candidates(config)
    _check_patterns(config)
    source_date_epoch()  # what is wrong with it is told before the work
    with threadpool_limits(1):  # sums differ in their last digits by how many threads share them
        trained = _train(config, version, DataLoader(config, source, extra=extra), progress, jobs)
    return replace(trained, report=replace(trained.report, seconds=time.monotonic() - started))


def write_model(trained: TrainedModel, folder: Path) -> TrainingReport:
    """Write a trained model as a model folder, and load it from there.

    Parameters
    ----------
    trained
        What `train_model` returned.
    folder
        Where the model folder shall be; a model that is there already is replaced.

    Raises
    ------
    ArtifactError
        If the folder cannot be written.
    """
    manifest = trained.report.manifest
    write_model_folder(folder, manifest, trained.contents)
    with threadpool_limits(1):
        written = load_predictor(folder).manifest
    logger.info("model saved", extra={"folder": str(folder), "version": manifest.version})
    return replace(trained.report, folder=folder, manifest=written)


def _train(config: Config, version: str, loader: DataLoader, progress: Progress | None, jobs: int) -> TrainedModel:
    data = loader.load()
    logger.info("table loaded", extra={"rows": len(data.train), "held_out": len(data.holdout)})
    selection = select_model(data, progress, jobs)
    pipeline = fit_pipeline(data, selection.winner.candidate, selection.winner.setting)
    threshold = _threshold(data, selection)
    outcome = judge(pipeline, data, threshold)
    metrics = score_with_intervals(outcome, config.training.random_state)
    check_gates(config, metrics)
    compilation = compile_and_prove(
        pipeline,
        data.train.features,
        data.schema,
        data.classes,
        threshold=threshold,
        random_state=config.training.random_state,
    )
    model: Model = PipelineModel(pipeline, data.schema)
    if compilation.parity is not None:
        model = CompiledModel(compilation.files[CORE])
    fitted = Fitted(pipeline, model, compilation, data.train.features, data.schema, data.classes, threshold)
    manifest = describe_model(
        fitted,
        name=config.app.name,
        version=version,
        stem=folder_name(config, version),
        config_hash=config.hash,
        data=data.fingerprint,
        holdout=data.holdout_rule,
        estimator=selection.winner.candidate,
        parameters=selection.winner.setting,
        metrics=metrics,
        judged=selection.out_of_fold(),
        gates={str(metric): limit for metric, limit in config.gates.items()},
        monitoring=config.monitoring.model_dump(mode="json"),
        random_state=config.training.random_state,
    )
    report = TrainingReport(
        folder=Path(folder_name(config, version)),
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
    predictor = Predictor(model, manifest)
    predictor.check_golden_rows()
    contents = {
        manifest.pipeline: dump_pipeline(pipeline),
        **compilation.files,
        **render_reports(report, pipeline),
    }
    return TrainedModel(report, contents, predictor)


def version_of(config: Config, version: str | None = None) -> str:
    """Return the version that a model of a config gets.

    Raises
    ------
    InputError
        If another one is asked for and is no version.
    """
    if version is not None and not re.fullmatch(VERSION_PATTERN, version):
        msg = f"version: expected a PEP 440 version, such as 1.2.0+20260131t1200.ab12, found {version[:100]!r}"
        raise InputError(msg)
    return config.version if version is None else version


def folder_name(config: Config, version: str) -> str:
    """Return what the folder of a model is called, and what the names of its pipeline begins with."""
    return f"{config.app.pipeline_save_file}{version}"


def model_folder(config: Config, output: Path | None = None, version: str | None = None) -> Path:
    """Return where the model of a config is, or will be; with another version than the config's if one is given.

    Raises
    ------
    ArtifactError
        If that would be inside an installed package.
    """
    parent = trained_models() if output is None else output
    if output is None and "site-packages" in parent.parts:
        msg = "the packaged model of an installed wheel is not to be replaced: name a folder with --output"
        raise ArtifactError(msg)
    return parent / folder_name(config, version_of(config, version))


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


def _check_patterns(config: Config) -> None:
    """Refuse patterns that a text can make slow: whoever sends it would stop the server."""
    slow = slow_patterns(searches_of(config))
    if slow:
        raise ConfigError("\n".join(slow))


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
