"""Write a fitted scikit-learn classifier as a model folder: compiled, verified and described."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pydantic import ValidationError
from sklearn.pipeline import Pipeline
from threadpoolctl import threadpool_limits

from classification_model.config.complaints import describe, faults_in_argument, nearest
from classification_model.config.sections import AppConfig, MonitoringConfig
from classification_model.errors import DataError, ExportError, InputError
from classification_model.estimators import name_of
from classification_model.evaluation.metrics import Outcome, score_with_intervals
from classification_model.export.compile_and_prove import CORE, compile_and_prove
from classification_model.export.derivations import leading_derivations
from classification_model.own_models.given_estimators import (
    check_classifier,
    complete_pipeline,
    prepare_table,
    schema_of_frame,
)
from classification_model.own_models.given_labels import labels_of, names_of_classes, values_of_classes
from classification_model.patterns.pattern_timing import slow_patterns
from classification_model.patterns.searched_texts import searched_columns, searches
from classification_model.processing.fields import describe_schema
from classification_model.processing.fitted_pipelines import dump_pipeline
from classification_model.processing.raw_tables import hash_of_rows, raw_frame, spell_column
from classification_model.runtime.inference.compiled import CompiledModel
from classification_model.runtime.model_folder.artifact import VERSION_PATTERN, write_model_folder
from classification_model.runtime.model_folder.manifest import Fingerprint, Holdout
from classification_model.runtime.predictor import Predictor
from classification_model.training.describe_model import Fitted, describe_model

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Manifest

_STEM = AppConfig.model_fields["pipeline_save_file"].default
#: Seed of the golden rows, of the proof's rows and of the intervals of the metrics.
_RANDOM_STATE = 0


def save_estimator(
    estimator: Any,
    features: pd.DataFrame,
    labels: ArrayLike,
    *,
    name: str,
    version: str,
    folder: Path | str,
    class_names: Sequence[str] | None = None,
    threshold: float = 0.5,
    evaluation: tuple[pd.DataFrame, ArrayLike] | None = None,
    monitoring: Mapping[str, Any] | None = None,
) -> Manifest:
    """Write a fitted scikit-learn classifier as a verified model folder.

    Parameters
    ----------
    estimator
        A classifier, or a pipeline that ends in a classifier. It must be fitted on a DataFrame, and each step must be
        one that can be compiled (docs/compiled-model.md lists them). If the estimator has only numeric columns and
        does not accept missing values, a median imputer is put in front of it.
    features
        The rows that the estimator was fitted on, with the same columns in the same order. A column holds numbers or
        booleans, or strings if a step of the pipeline encodes them.
    labels
        Label of each row, shape (n_rows,). Each label is a value of ``estimator.classes_``.
    name
        Name of the problem that the model solves, such as ``iris``. All versions of the model have this name.
    version
        PEP 440 version of the model.
    folder
        The model folder to write. A model that it already contains is replaced.
    class_names
        Names of the classes in predictions, in the order of ``estimator.classes_``. The default is ``str`` of each
        class.
    threshold
        The second of two classes is predicted if its probability is at least this value. It must lie between 0 and 1.
        The default is 0.5.
    evaluation
        Features and labels of rows that the estimator was not fitted on. The metrics and the distribution of the
        predictions in the manifest are computed from these rows. By default the manifest has neither.
    monitoring
        Limits for monitoring and retraining, with the keys of the section ``monitoring`` of a config. The default of
        each limit is that of the config.

    Returns
    -------
    Manifest
        Manifest of the model folder.

    Raises
    ------
    InputError
        If the estimator is not a fitted classifier, an argument is wrong, or a regular expression of the pipeline needs
        more than a millisecond for a string that its column accepts.
    DataError
        If a label is missing or is not a class of the estimator, or a value does not have the kind of its column, such
        as a string in a numeric column.
    ExportError
        If a step cannot be compiled, or the compiled model does not give the same predictions as the estimator. The
        message names the step or the row.
    ArtifactError
        If the folder cannot be written.

    Notes
    -----
    This function cannot check whether the estimator was really fitted on `features`, or whether it was fitted on
    `evaluation` too. It refuses `evaluation` only if all rows of `evaluation` also occur in `features`.

    Examples
    --------
    >>> import tempfile
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> import classification_model as cm
    >>> features, labels = load_iris(return_X_y=True, as_frame=True)
    >>> estimator = LogisticRegression(max_iter=1000).fit(features, labels)
    >>> names = ["setosa", "versicolor", "virginica"]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     manifest = cm.save_estimator(
    ...         estimator, features, labels, name="iris", version="1.0.0", folder=f"{folder}/iris", class_names=names
    ...     )
    ...     answer = cm.Predictor.load(f"{folder}/iris").predict(features.tail(1))
    >>> answer["predictions"]
    ['virginica']
    """
    _check_words(name, version, threshold)
    check_classifier(estimator, features)
    limits = _limits(monitoring, features)
    classes = names_of_classes(estimator.classes_, class_names)
    numbers = labels_of(labels, estimator.classes_, len(features), "labels", complete=True)
    table = raw_frame(features, "features")
    schema = _schema(estimator, features)
    prepared = prepare_table(table, schema, "features")
    schema = describe_schema(schema, prepared)
    with threadpool_limits(1):
        pipeline = complete_pipeline(estimator, prepared)
        binary = threshold if len(classes) == 2 else None
        outcome, holdout = _judge(
            pipeline,
            evaluation=evaluation,
            table=table,
            numbers=numbers,
            schema=schema,
            classes=estimator.classes_,
            names=classes,
            threshold=binary,
        )
        compilation = compile_and_prove(
            pipeline, prepared, schema, classes, threshold=binary, random_state=_RANDOM_STATE
        )
        if compilation.reason is not None:
            raise ExportError(compilation.reason)
        model = CompiledModel(compilation.files[CORE])
        manifest = describe_model(
            Fitted(pipeline, model, compilation, prepared, schema, classes, binary),
            name=name,
            version=version,
            stem=f"{_STEM}{version}",
            config_hash="",
            data=_fingerprint(table, numbers),
            holdout=holdout,
            estimator=name_of(pipeline[-1]),
            parameters=_parameters(pipeline[-1]),
            metrics={} if outcome is None else score_with_intervals(outcome, _RANDOM_STATE),
            judged=outcome,
            gates={},
            monitoring=limits,
            random_state=_RANDOM_STATE,
            label_values=values_of_classes(estimator.classes_, classes),
        )
        Predictor(model, manifest).check_golden_rows()
        write_model_folder(Path(folder), manifest, {manifest.pipeline: dump_pipeline(pipeline), **compilation.files})
        return Predictor.load(folder).manifest


def _check_words(name: str, version: str, threshold: float) -> None:
    if not name.strip():
        msg = "name: expected a name of the problem, found nothing"
        raise InputError(msg)
    if not re.fullmatch(VERSION_PATTERN, version):
        msg = f"version: expected a PEP 440 version, such as 1.2.0, found {version[:100]!r}"
        raise InputError(msg)
    if not 0 < threshold < 1:
        msg = f"threshold: expected a number between 0 and 1, found {threshold!r}"
        raise InputError(msg)


def _schema(estimator: Any, features: pd.DataFrame) -> InputSchema:
    """Return the fields of an estimator, with limits on the texts in which its first steps search."""
    plan = leading_derivations(estimator.steps) if isinstance(estimator, Pipeline) else ()
    schema = schema_of_frame(features, searched_columns(plan))
    texts = {field.name: field.longest_text for field in schema.fields if field.name in schema.texts}
    slow = slow_patterns(searches(plan, texts, "the pattern of {!r}"))
    if slow:
        raise InputError("\n".join(slow))
    return schema


def _limits(given: Mapping[str, Any] | None, features: pd.DataFrame) -> dict[str, Any]:
    """Return the limits to monitor a model by, with defaults for those left out."""
    given = {} if given is None else given
    if not isinstance(given, Mapping):
        msg = f"monitoring: expected a mapping of keys to limits, found {describe(given)}"
        raise InputError(msg)
    try:
        limits = MonitoringConfig.model_validate(dict(given))
    except ValidationError as error:
        raise InputError("; ".join(faults_in_argument(error, "monitoring", given, MonitoringConfig))) from error
    unknown = [name for name in limits.masked if name not in features.columns]
    if unknown:
        msg = f"monitoring.masked: expected {nearest(unknown[0], list(features.columns))}, found {unknown[0]!r}"
        raise InputError(msg)
    return limits.model_dump(mode="json")


def _judge(
    pipeline: Pipeline,
    *,
    evaluation: tuple[pd.DataFrame, ArrayLike] | None,
    table: pd.DataFrame,
    numbers: NDArray[np.int64],
    schema: InputSchema,
    classes: Sequence[Any],
    names: tuple[str, ...],
    threshold: float | None,
) -> tuple[Outcome | None, Holdout]:
    """Predict the rows that a model is judged on, and say which they are."""
    if evaluation is None:
        rule = "no row is known to be held out: the estimator came fitted, and no rows to judge it on were given"
        return None, Holdout(rule=rule, kind="none", share=0.0, rows=0)
    features = raw_frame(evaluation[0], "the features of evaluation")
    missing = [name for name in table.columns if name not in features.columns]
    if missing:
        msg = f"evaluation: expected the columns of features, found no {missing[0]!r}"
        raise DataError(msg)
    features = features[list(table.columns)]
    truth = labels_of(evaluation[1], classes, len(features), "the labels of evaluation")
    if len(set(truth.tolist())) < 2:
        msg = f"evaluation: expected rows of two classes or more, found {len(features)} row(s) of {len(set(truth))}"
        raise DataError(msg)
    learned = _spelled(table, numbers)
    if _spelled(features, truth) <= learned:
        msg = "evaluation: expected rows that the estimator was not fitted on, found only rows of features: give others"
        raise DataError(msg)
    prepared = prepare_table(features, schema, "evaluation")
    outcome = Outcome(names, truth, np.asarray(pipeline.predict_proba(prepared), dtype=np.float64), threshold)
    rule = f"a validation table given beside the fitted estimator, SHA-256 {_fingerprint(features, truth).sha256}"
    return outcome, Holdout(rule=rule, kind="table", share=1.0, rows=len(truth))


def _spelled(table: pd.DataFrame, numbers: NDArray[np.int64]) -> set[tuple[str, ...]]:
    return set(zip(*(spell_column(table[name]) for name in table.columns), map(str, numbers.tolist()), strict=True))


def _fingerprint(table: pd.DataFrame, numbers: NDArray[np.int64]) -> Fingerprint:
    """Tell a table by its features and, in a last column, its labels."""
    columns = [*table.columns, "label"]
    whole = pd.concat([table, pd.Series(numbers, dtype=object)], axis=1).set_axis(columns, axis=1)
    return Fingerprint(rows=len(table), columns=len(columns), sha256=hash_of_rows(whole))


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return the settings of an estimator that JSON can hold."""
    given = {
        name: getattr(value, "item", lambda value=value: value)() for name, value in estimator.get_params().items()
    }
    return {
        name: value
        for name, value in given.items()
        if value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value))
    }
