"""Fitted pipelines of small problems, by estimator, and the proofs of what they are compiled to."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from problems import DERIVED, EVERY_KIND, load, make_config, make_table
from sklearn.base import ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import VotingClassifier
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from classification_model.estimators import build_estimator
from classification_model.export.convert_pipeline import Converted, compile_core, convert_pipeline
from classification_model.export.portable.model import Portable, compile_portable
from classification_model.export.portable.portable_parity import prove_portable
from classification_model.export.proof.evidence import Evidence, gather_evidence
from classification_model.export.proof.parity import prove_core
from classification_model.pipeline import build_pipeline
from classification_model.processing.data_manager import TrainingData
from classification_model.runtime.input.schema import InputSchema
from classification_model.runtime.model_folder.manifest import Parity
from classification_model.training.folds import class_numbers

FEATURES = EVERY_KIND | DERIVED
BASES: dict[str, dict[str, Any]] = {
    "logistic_regression": {},
    "random_forest": {"n_estimators": 8, "min_samples_leaf": 3},
    "extra_trees": {"n_estimators": 8, "min_samples_leaf": 3},
    "hist_gradient_boosting": {"max_iter": 8, "min_samples_leaf": 5},
    "average": {"logistic_regression": {}, "random_forest": {"n_estimators": 5}},
}
METHODS = ("sigmoid", "isotonic", "temperature")


@cache
def data_of(classes: int, *names: str) -> TrainingData:
    """Load the table of a number of classes, with all features or some."""
    features = {name: item for name, item in FEATURES.items() if not names or name in names}
    with TemporaryDirectory() as folder:
        return load(make_table(160, classes), make_config(features, folder=Path(folder), classes=classes))


def compile_pipeline(pipeline: Pipeline, schema: InputSchema) -> bytes:
    """Compile a fitted pipeline for the runtime."""
    return compile_core(convert_pipeline(pipeline, schema))


def estimator_of(name: str) -> ClassifierMixin:
    """Build one of the bases, or one calibrated, such as ``isotonic average`` or ``sigmoid average, one for all``."""
    if name == "average of calibrated":
        members = [(inner, estimator_of(inner)) for inner in ("isotonic random_forest", "sigmoid logistic_regression")]
        return VotingClassifier(members, voting="soft", weights=[2, 1], flatten_transform=False)
    method, _, base = name.rpartition(" ") if "," not in name else name.partition(",")[0].rpartition(" ")
    estimator = build_estimator(base, BASES[base], 0)
    if not method:
        return estimator
    return CalibratedClassifierCV(estimator, method=method, cv=3, ensemble="," not in name)


def fit(data: TrainingData, estimator: ClassifierMixin) -> Pipeline:
    """Fit a pipeline that ends in an estimator on all training rows."""
    pipeline = build_pipeline(data.config)
    pipeline.steps[-1] = ("estimator", estimator)
    with threadpool_limits(1):
        return pipeline.fit(data.train.features, class_numbers(data.train.labels, data.classes))


@cache
def fitted(classes: int, name: str, *features: str) -> Pipeline:
    """Fit a pipeline with one of the estimators, once."""
    return fit(data_of(classes, *features), estimator_of(name))


def threshold_of(data: TrainingData) -> float | None:
    """Return the threshold that the tests decide by."""
    return 0.4 if len(data.classes) == 2 else None


def evidence_of(pipeline: Pipeline, data: TrainingData, generated_rows: int = 400) -> Evidence:
    """Let a pipeline predict its training rows and some of edges."""
    return gather_evidence(
        pipeline,
        data.train.features,
        data.schema,
        threshold=threshold_of(data),
        random_state=0,
        generated_rows=generated_rows,
    )


def portable_of(converted: Converted, data: TrainingData, **options: Any) -> Portable:
    """Compile the portable model."""
    return compile_portable(converted, data.schema, data.classes, threshold_of(data), **options)


def prove(pipeline: Pipeline, data: TrainingData, generated_rows: int = 400) -> tuple[Parity, Parity]:
    """Compile a pipeline both ways and hold both against it."""
    converted = convert_pipeline(pipeline, data.schema)
    evidence = evidence_of(pipeline, data, generated_rows)
    return (
        prove_core(compile_core(converted), pipeline, data.schema, evidence),
        prove_portable(portable_of(converted, data).content, data.classes, evidence),
    )
