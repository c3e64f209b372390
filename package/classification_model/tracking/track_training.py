"""Log a finished training to MLflow: its run, a run below it for each trial, and the registered model."""

from __future__ import annotations

import logging
import shutil
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification_model.errors import ClassificationModelError
from classification_model.processing.data_manager import RawTable
from classification_model.runtime.model_folder.artifact import read_manifest, write_model_folder
from classification_model.tables.locations import locate
from classification_model.tracking.logged_models import log_model, register
from classification_model.tracking.names import name_in_mlflow, tags_of
from classification_model.tracking.run_content import (
    config_content,
    dataset_of,
    metrics_of,
    parameters_of,
    save_plots,
    trial_metrics,
    trial_parameters,
)
from classification_model.tracking.server import connected, is_tracking, waiting_briefly

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlflow import MlflowClient
    from mlflow.entities import LoggedModel

    from classification_model.config.sections import Config
    from classification_model.training.progress import Progress
    from classification_model.training.training_report import TrainedModel, TrainingReport

_LONGEST_VALUE = 6000
_MOST_PARAMETERS = 100
#: Seconds after which the trials that are left are not logged.
_TRIALS_SECONDS = 120.0
_PARENT = "mlflow.parentRunId"

logger = logging.getLogger(__name__)


def track_training(trained: TrainedModel, config: Config, source: Any = None, progress: Progress | None = None) -> None:
    """Log a training to the MLflow server of ``MLFLOW_TRACKING_URI``; without it, do nothing.

    Whatever goes wrong is one warning: the model is there without MLflow.

    Parameters
    ----------
    trained
        The trained model, whose model folder may or may not be written.
    config
        The config that it was trained by, before the table completed it.
    source
        The table instead of ``data.source``: its name, a frame, a function that returned one, or as it was read.
    progress
        Called before the step; see `Progress`.
    """
    if not is_tracking():
        return
    if progress is not None:
        progress.step("logging to MLflow")
    try:
        _log(trained, config, _name_of(source, config))
    except ClassificationModelError as error:
        manifest = trained.report.manifest
        logger.warning("version %s of %s is not in MLflow: %s", manifest.version, manifest.name, error)


def _name_of(source: Any, config: Config) -> str:
    if isinstance(source, RawTable):
        return source.name
    source = config.data.source if source is None else source
    return locate(source).name if isinstance(source, str) else "the given table"


def _log(trained: TrainedModel, config: Config, source: str) -> None:
    report = trained.report
    with connected("logging to MLflow") as client, tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "folder"
        write_model_folder(folder, report.manifest, trained.contents)
        manifest = read_manifest(folder)  # with its digest
        experiment = _experiment(client, name_in_mlflow(manifest.name))
        started = int((time.time() - report.seconds) * 1000)
        run = client.create_run(experiment, started, tags_of(manifest), run_name=f"version {manifest.version}")
        run_id = run.info.run_id
        try:
            model = client.create_logged_model(
                experiment,
                name=f"version-{manifest.version}".replace(".", "-").replace("+", "-"),
                source_run_id=run_id,
                tags=tags_of(manifest),
                params={"estimator": manifest.estimator},
            )
            _log_run(client, run_id, report, model, source)
            _log_files(client, run_id, report, config, folder)
            _log_trials(client, experiment, run_id, started, report)
            log_model(client, model, folder, manifest, run_id)
            register(client, name_in_mlflow(manifest.name), model, manifest, run_id)
        except BaseException:
            _mark_failed(client, run_id)
            raise
        client.set_terminated(run_id)


def _experiment(client: MlflowClient, name: str) -> str:
    """Return the id of an experiment, which is made, or restored, if needed."""
    from mlflow.exceptions import RestException  # noqa: PLC0415 - an extra

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name)
        except RestException as error:  # another training was quicker
            found = client.get_experiment_by_name(name)
            if found is None or error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _log_run(client: MlflowClient, run_id: str, report: TrainingReport, model: LoggedModel, source: str) -> None:
    from mlflow.entities import (  # noqa: PLC0415 - an extra
        Dataset,
        DatasetInput,
        InputTag,
        LoggedModelOutput,
        Metric,
    )

    dataset = dataset_of(report.manifest, source)
    tag = InputTag("mlflow.data.context", "training")
    client.log_inputs(run_id, [DatasetInput(Dataset(**dataset), [tag])])
    now = int(time.time() * 1000)
    of_model = [
        Metric(name, value, now, 0, model.model_id, dataset["name"], dataset["digest"], run_id)
        for name, value in metrics_of(report).items()
    ]
    client.log_batch(run_id, of_model)
    _log_parameters(client, run_id, parameters_of(report))
    client.log_outputs(run_id, [LoggedModelOutput(model.model_id, 0)])


def _log_parameters(client: MlflowClient, run_id: str, parameters: Mapping[str, str]) -> None:
    from mlflow.entities import Param  # noqa: PLC0415 - an extra

    found = [Param(name, value[:_LONGEST_VALUE]) for name, value in parameters.items()]
    for first in range(0, len(found), _MOST_PARAMETERS):
        client.log_batch(run_id, params=found[first : first + _MOST_PARAMETERS])


def _log_files(client: MlflowClient, run_id: str, report: TrainingReport, config: Config, folder: Path) -> None:
    import yaml  # noqa: PLC0415 - MLflow has it

    files = folder.parent / "files"
    files.mkdir()
    text = yaml.safe_dump(config_content(config), sort_keys=False, allow_unicode=True)
    (files / "config.yml").write_text(text, encoding="utf-8")
    save_plots(report, files / "plots")
    if (folder / "reports").is_dir():
        shutil.copytree(folder / "reports", files / "reports")
    client.log_artifacts(run_id, str(files))


def _log_trials(client: MlflowClient, experiment: str, parent: str, started: int, report: TrainingReport) -> None:
    """Make a run for each trial, the best first; a server that takes long gets no more of them after a while.

    MLflow lists the latest run first, so the best trial starts last. A run lasts as long as a fit of the trial.
    """
    from mlflow.entities import Metric  # noqa: PLC0415 - an extra

    metric, deadline = report.data.config.training.metric, time.monotonic() + _TRIALS_SECONDS
    count = len(report.selection.trials)
    for place, trial in enumerate(report.selection.trials):
        if time.monotonic() > deadline:
            logger.warning("the MLflow server is slow: %d of %d trials are not in MLflow", count - place, count)
            return
        start, tags, name = started + count - place, {_PARENT: parent}, f"{place + 1}: {trial.candidate}"
        run_id = client.create_run(experiment, start, tags, name).info.run_id
        client.log_batch(run_id, [Metric(key, value, start, 0) for key, value in trial_metrics(trial, metric).items()])
        _log_parameters(client, run_id, trial_parameters(trial))
        client.set_terminated(run_id, end_time=start + round(1000 * trial.fit_seconds))


def _mark_failed(client: MlflowClient, run_id: str) -> None:
    """Say in MLflow that a run was not logged in full, if it still answers."""
    try:
        with waiting_briefly():
            client.set_terminated(run_id, "FAILED")
    except Exception:  # noqa: BLE001 - the error before this one is told
        logger.debug("the run %s cannot be marked as failed", run_id)
