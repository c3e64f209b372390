"""Turn a table into a classification model that verifies itself.

The names below are the public API: they stay, and a change of one is in the changelog. What is imported from a
submodule may move. A name is imported when it is first used; importing the package reads no file, loads no model and
configures no logging.

Predict
    `make_prediction` with the packaged model, `Predictor` with any other model folder. The types of an answer are
    `Answer`, `LoggedAnswer`, `AnswerIssue` and `Explanation`.
Model folders
    `packaged_model`, `read_manifest`, `Manifest`, `verify`, and `ModelStore` for the versions that are served.
Operate
    `MLEModel`, `ServedModel`, `PredictionLog`, `LabelLog`, `LogFaults`, `read_decisions`, `DecisionEntry`;
    `set_champion` for the registry of MLflow, with the extra [mlflow].
Analyse, in a notebook or with scikit-learn, with the extra [train]
    `train` and `load` return a fitted `Classifier`; its `evaluate` returns an `Evaluation`. `Visualize` plots a
    table.
Train and judge, with the extra [train]
    `load_config`, `ClassificationModel`, `save_estimator`, `load_pipeline`, `load_predictor`, `read_log`,
    `read_labels`, `with_labels`, `read_labelled_log`, `monitor`, `compare`, `SharedRows`, `Outcome`,
    `outcome_of`, `latency_of`, `PromotionConfig`.
Tables
    `read_table` and `write_table` for files, URLs and databases, `process_data` for a table to train on,
    `register_source` and `register_sink` for services of your own.
Errors
    The module `errors` has every exception of this package, in one tree.
"""

from __future__ import annotations

import logging
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from classification_model import errors
    from classification_model.classifier.classifier import Classifier
    from classification_model.classifier.evaluation import Evaluation
    from classification_model.classifier.fitted_classifiers import load, train
    from classification_model.comparison.measuring import latency_of, outcome_of
    from classification_model.comparison.paired import SharedRows
    from classification_model.comparison.verdict import compare
    from classification_model.config.core import load_config
    from classification_model.config.sections import PromotionConfig
    from classification_model.evaluation.metrics import Outcome
    from classification_model.labels.latest import with_labels
    from classification_model.log_frames.log_frame import read_labels, read_log
    from classification_model.monitoring.monitor import monitor
    from classification_model.own_models.classification_model import ClassificationModel
    from classification_model.own_models.save_estimator import save_estimator
    from classification_model.plotting.visualize import Visualize
    from classification_model.predict import make_prediction
    from classification_model.processing.data_pipeline import process_data
    from classification_model.processing.fitted_pipelines import load_pipeline
    from classification_model.processing.pipeline_model import load_predictor
    from classification_model.processing.sources import read_table, write_table
    from classification_model.retraining.check import read_labelled_log
    from classification_model.runtime.answers import Answer, AnswerIssue, Explanation, LoggedAnswer
    from classification_model.runtime.log.decision_log import DecisionEntry, read_decisions
    from classification_model.runtime.log.label_log import LabelLog
    from classification_model.runtime.log.prediction_log import PredictionLog
    from classification_model.runtime.log.sealed_lines import LogFaults
    from classification_model.runtime.mle.model import MLEModel, ServedModel
    from classification_model.runtime.model_folder.artifact import read_manifest
    from classification_model.runtime.model_folder.manifest import Manifest
    from classification_model.runtime.model_folder.packaged import packaged_model
    from classification_model.runtime.predictor import Predictor
    from classification_model.runtime.store.store import ModelStore
    from classification_model.runtime.verification import verify
    from classification_model.tables.services import register_sink, register_source
    from classification_model.tracking.champion import set_champion

    __version__: str

__all__ = [
    "Answer",
    "AnswerIssue",
    "ClassificationModel",
    "Classifier",
    "DecisionEntry",
    "Evaluation",
    "Explanation",
    "LabelLog",
    "LogFaults",
    "LoggedAnswer",
    "MLEModel",
    "Manifest",
    "ModelStore",
    "Outcome",
    "PredictionLog",
    "Predictor",
    "PromotionConfig",
    "ServedModel",
    "SharedRows",
    "Visualize",
    "__version__",
    "compare",
    "errors",
    "latency_of",
    "load",
    "load_config",
    "load_pipeline",
    "load_predictor",
    "make_prediction",
    "monitor",
    "outcome_of",
    "packaged_model",
    "process_data",
    "read_decisions",
    "read_labelled_log",
    "read_labels",
    "read_log",
    "read_manifest",
    "read_table",
    "register_sink",
    "register_source",
    "save_estimator",
    "set_champion",
    "train",
    "verify",
    "with_labels",
    "write_table",
]

_RUNTIME = {
    "Answer": "runtime.answers",
    "AnswerIssue": "runtime.answers",
    "DecisionEntry": "runtime.log.decision_log",
    "Explanation": "runtime.answers",
    "LabelLog": "runtime.log.label_log",
    "LogFaults": "runtime.log.sealed_lines",
    "LoggedAnswer": "runtime.answers",
    "MLEModel": "runtime.mle.model",
    "Manifest": "runtime.model_folder.manifest",
    "ModelStore": "runtime.store.store",
    "PredictionLog": "runtime.log.prediction_log",
    "Predictor": "runtime.predictor",
    "ServedModel": "runtime.mle.model",
    "make_prediction": "predict",
    "packaged_model": "runtime.model_folder.packaged",
    "read_decisions": "runtime.log.decision_log",
    "read_manifest": "runtime.model_folder.artifact",
    "set_champion": "tracking.champion",
    "verify": "runtime.verification",
}
_WORKSHOP = {
    "ClassificationModel": "own_models.classification_model",
    "Classifier": "classifier.classifier",
    "Evaluation": "classifier.evaluation",
    "Outcome": "evaluation.metrics",
    "PromotionConfig": "config.sections",
    "SharedRows": "comparison.paired",
    "Visualize": "plotting.visualize",
    "compare": "comparison.verdict",
    "latency_of": "comparison.measuring",
    "load": "classifier.fitted_classifiers",
    "load_config": "config.core",
    "load_pipeline": "processing.fitted_pipelines",
    "load_predictor": "processing.pipeline_model",
    "monitor": "monitoring.monitor",
    "outcome_of": "comparison.measuring",
    "process_data": "processing.data_pipeline",
    "read_labelled_log": "retraining.check",
    "read_labels": "log_frames.log_frame",
    "read_log": "log_frames.log_frame",
    "read_table": "processing.sources",
    "register_sink": "tables.services",
    "register_source": "tables.services",
    "save_estimator": "own_models.save_estimator",
    "train": "classifier.fitted_classifiers",
    "with_labels": "labels.latest",
    "write_table": "processing.sources",
}

logging.getLogger(__name__).addHandler(logging.NullHandler())


def __getattr__(name: str) -> Any:
    """Import a public name when it is first used, and keep it."""
    value: Any
    if name == "__version__":
        value = import_module(f"{__name__}.runtime.model_folder.packaged").package_version()
    elif name == "errors":
        value = import_module(f"{__name__}.errors")
    elif name in _RUNTIME:
        value = getattr(import_module(f"{__name__}.{_RUNTIME[name]}"), name)
    elif name in _WORKSHOP:
        with import_module(f"{__name__}.errors").require_extra("train", f"{__name__}.{name}"):
            value = getattr(import_module(f"{__name__}.{_WORKSHOP[name]}"), name)
    else:
        msg = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(msg)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """Return the public names that can be used with what is installed, for completion and `help`."""
    is_trainable = import_module("importlib.util").find_spec("sklearn") is not None
    return sorted(name for name in {*globals(), *__all__} if is_trainable or name not in _WORKSHOP)
