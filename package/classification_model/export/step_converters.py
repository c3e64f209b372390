"""Converters for the transformers of a pipeline."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from feature_engine.encoding import OrdinalEncoder, RareLabelEncoder
from feature_engine.imputation import CategoricalImputer
from feature_engine.selection import DropFeatures
from feature_engine.wrappers import SklearnTransformerWrapper
from sklearn.compose import ColumnTransformer
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import (
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    RobustScaler,
    StandardScaler,
    TargetEncoder,
)

from classification_model.errors import ExportError
from classification_model.export.graph import DOUBLE
from classification_model.processing.indicators import MissingIndicator, OneHot
from classification_model.processing.number_transformer import NumberTransformer

if TYPE_CHECKING:
    from classification_model.export.table import Table, Text

#: How a ColumnTransformer keeps the columns that none of its transformers takes.
_KEPT = "passthrough"

#: Changes the table as a fitted transformer changes its frame.
Converter = Callable[[Any, "Table"], None]


def convert_step(transformer: Any, table: Table) -> None:
    """Apply a fitted transformer to the table of a graph; one of scikit-learn's own changes all columns.

    Raises
    ------
    ExportError
        If there is no converter for it.
    """
    if transformer is None or transformer == "passthrough":
        return
    if type(transformer) in _OF_NUMBERS:
        if table.categories:
            msg = f"column {min(table.categories)!r} reaches {type(transformer).__name__} as text: encode it before"
            raise ExportError(msg)
        _OF_NUMBERS[type(transformer)](transformer, list(table.order), table)
        return
    converter = CONVERTERS.get(type(transformer))
    if converter is None:
        msg = f"no converter for {type(transformer).__name__}"
        raise ExportError(msg)
    converter(transformer, table)


def _drop(transformer: DropFeatures, table: Table) -> None:
    table.drop(set(map(str, transformer.features_to_drop_)))


def _flag_missing(transformer: MissingIndicator, table: Table) -> None:
    if not transformer.variables_:
        return
    places = table.places_of([str(name) for name in transformer.variables_])
    missing = table.graph.add("IsNaN", table.graph.add("Gather", table.tensor, places, axis=1))
    names = transformer.get_feature_names_out()[-len(places) :]
    table.append_numbers(table.graph.add("Cast", missing, to=DOUBLE), [str(name) for name in names])


def _wrapped(transformer: SklearnTransformerWrapper, table: Table) -> None:
    inner = transformer.transformer_
    converter = _OF_NUMBERS.get(type(inner))
    if converter is None:
        msg = f"no converter for {type(inner).__name__}"
        raise ExportError(msg)
    converter(inner, [str(name) for name in transformer.variables_], table)


def _impute(imputer: SimpleImputer, names: list[str], table: Table) -> None:
    if not np.isscalar(imputer.missing_values) or not np.isnan(imputer.missing_values):
        msg = f"no converter for a SimpleImputer of missing_values={imputer.missing_values!r}: expected NaN"
        raise ExportError(msg)
    if np.isnan(np.asarray(imputer.statistics_, dtype=np.float64)).any():
        msg = "SimpleImputer was fitted on a column without values: leave it out"
        raise ExportError(msg)
    flagged = [] if imputer.indicator_ is None else [names[place] for place in imputer.indicator_.features_]
    before = table.tensor
    fill = table.vector(dict(zip(names, imputer.statistics_.tolist(), strict=True)), np.nan)
    missing = table.graph.add("IsNaN", table.tensor)
    table.tensor = table.graph.add("Where", missing, fill, table.tensor)
    table.gaps -= set(names)
    if flagged:
        places = table.places_of(flagged)
        flags = table.graph.add("Gather", table.graph.add("IsNaN", before), places, axis=1)
        table.append_numbers(table.graph.add("Cast", flags, to=DOUBLE), [f"{name}\0is missing" for name in flagged])


def _scale(scaler: StandardScaler, names: list[str], table: Table) -> None:
    if scaler.with_mean:
        mean = table.vector(dict(zip(names, scaler.mean_.tolist(), strict=True)), 0.0)
        table.tensor = table.graph.add("Sub", table.tensor, mean)
    if scaler.with_std:
        scale = table.vector(dict(zip(names, scaler.scale_.tolist(), strict=True)), 1.0)
        table.tensor = table.graph.add("Div", table.tensor, scale)


def _scale_to_range(scaler: MinMaxScaler, names: list[str], table: Table) -> None:
    scale = table.vector(dict(zip(names, scaler.scale_.tolist(), strict=True)), 1.0)
    shift = table.vector(dict(zip(names, scaler.min_.tolist(), strict=True)), 0.0)
    table.tensor = table.graph.add("Add", table.graph.add("Mul", table.tensor, scale), shift)
    if scaler.clip:
        low, high = scaler.feature_range
        _limit(names, float(low), float(high), table)


def _scale_to_largest(scaler: MaxAbsScaler, names: list[str], table: Table) -> None:
    if getattr(scaler, "clip", False):
        msg = "no converter for a MaxAbsScaler that clips"
        raise ExportError(msg)
    scale = table.vector(dict(zip(names, scaler.scale_.tolist(), strict=True)), 1.0)
    table.tensor = table.graph.add("Div", table.tensor, scale)


def _scale_robustly(scaler: RobustScaler, names: list[str], table: Table) -> None:
    if scaler.with_centering:
        centre = table.vector(dict(zip(names, scaler.center_.tolist(), strict=True)), 0.0)
        table.tensor = table.graph.add("Sub", table.tensor, centre)
    if scaler.with_scaling:
        scale = table.vector(dict(zip(names, scaler.scale_.tolist(), strict=True)), 1.0)
        table.tensor = table.graph.add("Div", table.tensor, scale)


def _clip(transformer: FunctionTransformer, names: list[str], table: Table) -> None:
    if transformer.func is not np.clip:
        _refuse_function(transformer)
    limits = transformer.kw_args or {}
    if set(limits) != {"a_min", "a_max"}:
        _refuse_function(transformer)
    _limit(names, limits["a_min"], limits["a_max"], table)


def _refuse_function(transformer: FunctionTransformer) -> NoReturn:
    name, given = getattr(transformer.func, "__name__", "no function"), transformer.kw_args
    msg = (
        f"no converter for a FunctionTransformer of {name} with kw_args={given}: "
        "expected numpy.clip with kw_args of a_min and a_max"
    )
    raise ExportError(msg)


def _limit(names: list[str], low: float, high: float, table: Table) -> None:
    largest = table.vector(dict.fromkeys(names, high), np.inf)
    smallest = table.vector(dict.fromkeys(names, low), -np.inf)
    table.tensor = table.graph.add("Max", table.graph.add("Min", table.tensor, largest), smallest)


def _impute_category(imputer: CategoricalImputer, table: Table) -> None:
    for name, value in imputer.imputer_dict_.items():
        category, fill = table.category(str(name)), str(value)
        category.known.add(fill)

        def impute(text: Text, fill: str = fill) -> str:
            return fill if text is None else text

        category.steps.append(impute)


def _merge_rare(encoder: RareLabelEncoder, table: Table) -> None:
    for name, frequent in encoder.encoder_dict_.items():
        category, rare = table.category(str(name)), str(encoder.replace_with)
        category.known |= {*frequent, rare}

        def merge(text: Text, kept: frozenset[str] = frozenset(frequent), rare: str = rare) -> Text:
            return text if text is None or text in kept else rare

        category.steps.append(merge)


def _one_hot(encoder: OneHot, table: Table) -> None:
    new: list[str] = []
    names = [str(name) for name in encoder.get_feature_names_out()]
    names = names[len(names) - sum(len(encoder.encoder_dict_[name]) for name in encoder.variables_) :]
    for column in encoder.variables_:
        categories = list(encoder.encoder_dict_[column])
        flags = np.eye(len(categories)).tolist()
        mine = names[len(new) : len(new) + len(categories)]
        table.encode(column, mine, dict(zip(categories, flags, strict=True)), otherwise=[0.0] * len(categories))
        new += mine
    table.order = [*(name for name in table.order if name not in encoder.variables_), *new]


def _ordinal(encoder: OrdinalEncoder, table: Table) -> None:
    for column, numbers in encoder.encoder_dict_.items():
        rows = {category: [float(number)] for category, number in numbers.items()}
        table.encode(column, [column], rows, otherwise=[-1.0])


def _columns(transformer: ColumnTransformer, table: Table) -> None:
    """Convert a ColumnTransformer whose one transformer is a TargetEncoder and whose other columns pass through."""
    encoder = transformer.transformers_[0][1]
    if len(transformer.transformers) != 1 or type(encoder) is not TargetEncoder or transformer.remainder != _KEPT:
        parts = ", ".join(
            part if isinstance(part, str) else type(part).__name__ for _, part, _ in transformer.transformers
        )
        msg = (
            f"no converter for a ColumnTransformer of {parts}, remainder={transformer.remainder!r}: "
            f"expected one TargetEncoder, remainder={_KEPT!r}"
        )
        raise ExportError(msg)
    columns = list(transformer.transformers_[0][2])
    classes = len(encoder.classes_) if encoder.target_type_ == "multiclass" else 1
    unseen = np.atleast_1d(np.asarray(encoder.target_mean_, dtype=np.float64)).tolist()
    new: list[str] = []
    for place, column in enumerate(columns):
        rates = np.column_stack(encoder.encodings_[place * classes : (place + 1) * classes]).tolist()
        rows = dict(zip(encoder.categories_[place].tolist(), rates, strict=True))
        names = [column] if classes == 1 else [f"{column}\0{number}" for number in range(classes)]
        table.encode(column, names, rows, otherwise=unseen)
        new += names
    table.order = [*new, *(name for name in table.order if name not in columns)]


#: Of scikit-learn, which take columns of numbers by their places.
_OF_NUMBERS: dict[type, Callable[[Any, list[str], Table], None]] = {
    FunctionTransformer: _clip,
    MaxAbsScaler: _scale_to_largest,
    MinMaxScaler: _scale_to_range,
    RobustScaler: _scale_robustly,
    SimpleImputer: _impute,
    StandardScaler: _scale,
}

CONVERTERS: dict[type, Converter] = {
    CategoricalImputer: _impute_category,
    ColumnTransformer: _columns,
    DropFeatures: _drop,
    MissingIndicator: _flag_missing,
    NumberTransformer: _wrapped,
    OneHot: _one_hot,
    OrdinalEncoder: _ordinal,
    RareLabelEncoder: _merge_rare,
    SklearnTransformerWrapper: _wrapped,
}
