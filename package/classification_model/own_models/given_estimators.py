"""Check a given estimator and the frame that it was fitted on, and prepare both."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.exceptions import NotFittedError
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.utils.validation import check_is_fitted

from classification_model.errors import DataError, InputError
from classification_model.processing.fields import to_frame
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT, LONGEST_TEXT

if TYPE_CHECKING:
    from collections.abc import Collection

    from classification_model.runtime.input.schema import Kind


def check_classifier(estimator: Any, features: Any) -> None:
    """Refuse an estimator that is not a classifier fitted on this frame."""
    kind = type(estimator).__name__
    try:
        check_is_fitted(estimator)
    except NotFittedError as error:
        msg = f"expected a fitted estimator, found an unfitted {kind}: call its fit first"
        raise InputError(msg) from error
    except TypeError as error:
        msg = f"expected a fitted scikit-learn classifier, found {kind}"
        raise InputError(msg) from error
    if not hasattr(estimator, "predict_proba") or getattr(getattr(estimator, "classes_", None), "ndim", 0) != 1:
        msg = f"expected a classifier of one target with predict_proba, found {kind}"
        raise InputError(msg)
    names = getattr(estimator, "feature_names_in_", None)
    if not isinstance(features, pd.DataFrame) or names is None:
        msg = (
            f"expected a {kind} fitted on a pandas DataFrame, and that frame as features, found "
            f"{'other features' if names is not None else 'one fitted without names of columns'}"
        )
        raise InputError(msg)
    if list(names) != list(features.columns):
        msg = f"features: expected the columns {list(names)} that {kind} was fitted on, found {list(features.columns)}"
        raise InputError(msg)


def schema_of_frame(features: pd.DataFrame, searched: Collection[str]) -> InputSchema:
    """Return a field for each column, without what only its values can tell.

    Parameters
    ----------
    features
        The columns.
    searched
        Those in whose texts patterns or words are sought.
    """
    fields = []
    for name in map(str, features.columns):
        column = features[name]
        if pd.api.types.is_bool_dtype(column):
            kind: Kind = "boolean"
        elif pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_complex_dtype(column):
            kind = "numeric"
        elif pd.api.types.is_object_dtype(column) or isinstance(column.dtype, (pd.StringDtype, pd.CategoricalDtype)):
            kind = "categorical"
        else:
            msg = f"features: column {name!r}: expected numbers, truth values or texts, found {column.dtype}"
            raise DataError(msg)
        if column.isna().all():
            msg = f"features: column {name!r} is missing in every row: fit the estimator without it"
            raise DataError(msg)
        longest = LONGEST_PARSED_TEXT if kind == "numeric" or name in searched else LONGEST_TEXT
        fields.append(SchemaField(name=name, kind=kind, nullable=True, longest_text=longest))
    return InputSchema(fields=tuple(fields))


def prepare_table(table: pd.DataFrame, schema: InputSchema, what: str) -> pd.DataFrame:
    """Return a raw table as the frame that the pipeline takes."""
    checked = check_columns(schema, {name: table[name].tolist() for name in table.columns}, len(table))
    if checked.errors:
        first = checked.errors[0]
        where = "" if first.row is None else f", row {first.row} (counted from 0)"
        msg = f"{what}: column {first.field!r}{where}: {first.message}"
        raise DataError(msg)
    return to_frame(checked.columns, schema)


def complete_pipeline(estimator: Any, prepared: pd.DataFrame) -> Pipeline:
    """Return a pipeline that predicts like an estimator, and rows with missing numbers as well."""
    pipeline = estimator if isinstance(estimator, Pipeline) else Pipeline([("estimator", estimator)])
    try:
        pipeline.predict_proba(prepared)
    except Exception as error:  # whatever a stranger's estimator raises
        reason = str(error).partition("\n")[0]
        msg = (
            f"features: expected the rows that {type(estimator).__name__} was fitted on, found rows that it cannot "
            f"predict: {reason}"
        )
        raise InputError(msg) from error
    numbers = prepared.select_dtypes("number").columns
    gaps = prepared[:1].copy()
    gaps[numbers] = np.nan
    try:
        pipeline.predict_proba(gaps)
    except ValueError:
        if len(numbers) < len(prepared.columns):  # a step of the pipeline has to do it, column by column
            return pipeline
        imputer = SimpleImputer(strategy="median").set_output(transform="pandas").fit(prepared)
        return Pipeline([("impute_missing", imputer), *pipeline.steps])
    return pipeline
