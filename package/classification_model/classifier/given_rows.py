"""Rows as scikit-learn gives them, as a table and a config that training reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_feature_names, _num_features, column_or_1d, validate_data

from classification_model.config.core import parse_config
from classification_model.config.features import ColumnFeature
from classification_model.errors import InputError
from classification_model.processing.class_inference import infer_classes
from classification_model.processing.draft import draft_config
from classification_model.processing.labelled_tables import labelled_table
from classification_model.processing.raw_tables import GIVEN_TABLE, raw_names

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from classification_model.config.sections import Config

#: Name of the target of rows whose labels are given beside them.
TARGET = "target"
_MINIMAL = f"app:\n  name: classifier\ndata:\n  source: the given table\n  target: {TARGET}\n"


def frame_of_rows(estimator: Any, rows: Any, *, reset: bool) -> pd.DataFrame:
    """Return rows as a frame, and record or check the columns as scikit-learn does.

    Parameters
    ----------
    estimator
        The classifier.
    rows
        A frame, whose columns are known by their names, or an array, shape (n_rows, n_columns), whose columns are
        called x0, x1 and so on.
    reset
        Whether the classifier is being fitted.

    Raises
    ------
    InputError, DataError
        If rows are no frame, and the columns are known by their names; or a frame has a name twice, or several levels
        of names.
    ValueError, TypeError
        If an array has another shape than in the fit, is sparse, or holds infinite numbers.
    """
    is_by_name = not reset and getattr(estimator, "is_by_name_", True)
    if is_by_name and not isinstance(rows, pd.DataFrame):
        msg = f"expected a pandas DataFrame, as the model knows its columns by name, found {type(rows).__name__}"
        raise InputError(msg)
    if isinstance(rows, pd.DataFrame):
        if rows.columns.nlevels > 1:
            msg = f"expected one name for each column, found {rows.columns.nlevels} levels of names: join them"
            raise InputError(msg)
        raw_names(rows, GIVEN_TABLE)
        if reset:
            _check_feature_names(estimator, rows, reset=True)
            estimator.n_features_in_ = _num_features(rows)
        return rows
    array = validate_data(
        estimator, rows, reset=reset, dtype=None, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1
    )
    return pd.DataFrame(array, columns=[f"x{place}" for place in range(array.shape[1])])


def checked_target(estimator: Any, rows: Any, labels: Any, config: Config | None) -> NDArray[Any]:
    """Return labels as an array, shape (n_rows,), checked as scikit-learn does where no config says more.

    Raises
    ------
    ValueError
        If there are none, they have two dimensions, or they are numbers of a continuous range without bins.
    """
    if labels is None:
        msg = f"{type(estimator).__name__} requires y to be passed, but the target y is None"
        raise ValueError(msg)
    if not isinstance(rows, pd.DataFrame):
        _, labels = validate_data(
            estimator, rows, labels, reset=True, dtype=None, ensure_all_finite="allow-nan"
        )  # also holds their lengths against each other
    target = np.asarray(pd.Series(column_or_1d(labels, warn=True)).infer_objects())
    is_checked_later = bool(pd.isna(target).any())
    if not is_checked_later and (config is None or config.data.target_bins is None):
        check_classification_targets(target)
    return target


def table_and_config(
    frame: pd.DataFrame, labels: ArrayLike, config: Config | None, *, is_array: bool, folder: Path
) -> tuple[pd.DataFrame, Config]:
    """Return rows with their target, and the config to read them by.

    Parameters
    ----------
    frame, labels
        Rows and labels.
    config
        The config; None to make one.
    is_array
        Whether the rows were given as an array: then every column is a feature; the columns of a frame are inferred
        as `draft_config` does.
    folder
        Folder of a config that is made.
    """
    if config is not None:
        return labelled_table(config.data, frame, labels), config
    plain = parse_config(_MINIMAL, folder=folder)
    table = labelled_table(plain.data, frame, labels)
    if not is_array:
        return table, parse_config(draft_config(table, TARGET, folder), folder=folder)
    data = plain.data.model_copy(update={"classes": infer_classes(table[TARGET])})
    features = {str(name): _feature_of(frame[name]) for name in frame.columns}
    return table, plain.model_copy(update={"data": data, "features": features}).at(folder)


def _feature_of(column: pd.Series) -> ColumnFeature:
    if column.dtype == object and any(isinstance(value, str) for value in column.tolist()):
        return ColumnFeature(kind="categorical")
    return ColumnFeature(kind="numeric")
