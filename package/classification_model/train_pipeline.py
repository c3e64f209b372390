"""Train the model of a config, and write it as a verified model folder."""

from __future__ import annotations

import dataclasses
import logging
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from classification_model.errors import ConfigError
from classification_model.estimators import check_candidates
from classification_model.evaluation.judged import judge
from classification_model.evaluation.metrics import score, score_with_intervals
from classification_model.export.compile_and_prove import CORE, compile_and_prove
from classification_model.patterns.pattern_timing import slow_patterns
from classification_model.patterns.searched_texts import searches_of
from classification_model.processing.data_manager import DataLoader, TrainingData
from classification_model.processing.fitted_pipelines import dump_pipeline
from classification_model.processing.pipeline_model import PipelineModel, load_predictor
from classification_model.processing.run_records import append_record, check_appendable
from classification_model.reporting.training_reports import render_reports
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.model_folder.artifact import write_model_folder
from classification_model.runtime.predictor import Predictor
from classification_model.runtime.system.clock import source_date_epoch
from classification_model.tracking.track_training import track_training
from classification_model.training.audit_training_data import audit_training_data
from classification_model.training.describe_model import Fitted, describe_trained
from classification_model.training.fit_winner import fit_pipeline, predict_holdout, predict_training_rows, threshold_of
from classification_model.training.folder_names import folder_name, model_folder, version_of
from classification_model.training.gates import check_gates
from classification_model.training.kept_model import KeptModel
from classification_model.training.learning_curve import learning_curve
from classification_model.training.model_selection import select_model
from classification_model.training.progress import Progress, Silent
from classification_model.training.training_report import TrainedModel, TrainingReport, record_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables
    from classification_model.runtime.predictor import Model

logger = logging.getLogger(__name__)


def run_training(
    config: Config,
    *,
    output: Path | None = None,
    source: str | pd.DataFrame | Callable[[], pd.DataFrame] | None = None,
    extra: pd.DataFrame | None = None,
    version: str | None = None,
    replace: bool = False,
    progress: Progress | None = None,
    jobs: int = -1,
    record: Path | None = None,
) -> TrainingReport:
    """Train, evaluate and save the model of a config.

    Parameters
    ----------
    config
        The config, as `load_config` returns it.
    output
        Folder in which the model folder is made. The default is the package's own ``trained_models``.
    source
        Table to train on instead of ``data.source``: a path, a URL, a frame or a function that returns one. A Parquet
        file that `process_data` wrote is trained on as the raw data would be.
    extra
        Raw rows to append to the table before the hold-out is drawn; see `DataLoader`.
    version
        PEP 440 version of the model instead of the config's.
    replace
        Whether another model of the same version may be replaced. One that would come out the same may always be.
    progress
        Object that is called before each step and after each fit, such as a progress bar; see `Progress`.
    jobs
        Number of threads; -1 for one per core.
    record
        File of JSON lines to which the record of the run is appended; see `RunRecord`.

    Returns
    -------
    TrainingReport
        The manifest, the metrics and the place of the model folder.

    Raises
    ------
    ConfigError
        If a candidate has no such parameter, or a pattern takes more than a millisecond on a text that a row may hold.
    DataError
        If a table cannot be read, or cannot be trained on.
    TrainingError
        If a candidate cannot be fitted.
    GateError
        If a metric on the hold-out misses a gate. Nothing is saved.
    ArtifactError
        If the folder cannot be written, or holds another model of the same version: of another config, code, libraries
        or rows, which is told before anything is fitted, or one that came out differently.
    InputError
        If the version or the environment variable ``SOURCE_DATE_EPOCH`` is malformed.
    """
    started, began = datetime.now(UTC), time.monotonic()
    folder = model_folder(config, output, version)
    if record is not None:
        check_appendable(record)
    progress = progress or Silent()
    kept = None if replace else KeptModel(folder)
    trained = train_model(config, source=source, extra=extra, version=version, kept=kept, progress=progress, jobs=jobs)
    progress.step("saving and verifying the model")
    report = dataclasses.replace(write_model(trained, folder), seconds=time.monotonic() - began)
    track_training(trained, config, source, progress)
    if record is not None:
        append_record(record, record_of(report, config.data.source if source is None else source, started))
    return report


def train_model(
    config: Config,
    *,
    source: str | pd.DataFrame | Callable[[], pd.DataFrame] | Tables | None = None,
    extra: pd.DataFrame | None = None,
    target_edges: tuple[float, ...] = (),
    version: str | None = None,
    kept: KeptModel | None = None,
    progress: Progress | None = None,
    jobs: int = -1,
) -> TrainedModel:
    """Train and evaluate the model of a config, without writing it.

    Parameters
    ----------
    config
        The config.
    source
        Table to train on instead of ``data.source``: a path, a URL, a frame or the result of `DataLoader.read`.
    target_edges
        See `DataLoader`.
    extra, version, progress, jobs
        See `run_training`. Another version does not change the config or its hash.
    kept
        A model that must come out again; None if any may come out.

    Returns
    -------
    TrainedModel
        The report, the files of the model folder and a predictor.

    Raises
    ------
    ConfigError, DataError, TrainingError, GateError, InputError
        See `run_training`.
    """
    started = time.monotonic()
    version = version_of(config, version)
    check_candidates(config)
    _check_patterns(config)
    source_date_epoch()  # fail on a bad SOURCE_DATE_EPOCH before training
    if kept is not None:
        kept.check_recipe(config)
    with threadpool_limits(1):  # sums differ in their last digits by how many threads share them
        loader = DataLoader(config, source, extra=extra, target_edges=target_edges)
        progress = progress or Silent()
        progress.step("reading the table")
        data = loader.load()
        if kept is not None:
            kept.check_data(data)
        trained = _train(config, version, data, progress, jobs)
    if kept is not None:
        kept.check_model(trained.report.manifest, trained.contents)
    report = dataclasses.replace(trained.report, seconds=time.monotonic() - started)
    return dataclasses.replace(trained, report=report)


def write_model(trained: TrainedModel, folder: Path) -> TrainingReport:
    """Write a trained model as a model folder, then verify and load it.

    Parameters
    ----------
    trained
        Result of `train_model`.
    folder
        The model folder; a model in it is replaced.

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
    return dataclasses.replace(trained.report, folder=folder, manifest=written)


def _train(config: Config, version: str, data: TrainingData, progress: Progress, jobs: int) -> TrainedModel:
    logger.info("table loaded", extra={"rows": len(data.train), "held_out": len(data.holdout)})
    progress.step("auditing the table")
    audit = audit_training_data(data)
    selection = select_model(data, progress, jobs)
    progress.step(f"fitting {selection.winner.candidate} on {len(data.train)} rows")
    pipeline = fit_pipeline(data, selection.winner.candidate, selection.winner.setting)
    threshold = threshold_of(data, selection)
    outcome = predict_holdout(pipeline, data, threshold)
    metrics = score_with_intervals(outcome, config.training.random_state)
    check_gates(config, metrics)
    progress.step("compiling the model and proving that it predicts the same")
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
    manifest = describe_trained(
        fitted,
        data,
        version=version,
        stem=folder_name(config, version),
        config_hash=config.hash,
        estimator=selection.winner.candidate,
        parameters=selection.winner.setting,
        metrics=metrics,
        judged=selection.out_of_fold(),
        audit=audit,
    )
    progress.step(f"fitting {selection.winner.candidate} on fewer rows: the learning curve")
    in_sample = predict_training_rows(model.probabilities, data, threshold)
    curve = learning_curve(data, selection, score(in_sample)[config.training.metric], jobs)
    progress.step("reporting: importances, dependences, slices and plots")
    judged = judge(
        outcome,
        model.probabilities,
        data.holdout.features,
        data.schema,
        random_state=config.training.random_state,
        learning_curve=curve,
    )
    report = TrainingReport(
        folder=Path(folder_name(config, version)),
        manifest=manifest,
        data=data,
        selection=selection,
        judged=judged,
        in_sample=in_sample,
        audit=audit,
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


def _check_patterns(config: Config) -> None:
    """Refuse patterns that a hostile text makes slow, since such a text would stop a server."""
    slow = slow_patterns(searches_of(config))
    if slow:
        raise ConfigError("\n".join(slow))
