"""Features of a config as fields of the input schema and columns of a frame."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.config.features import ColumnFeature, used_features
from classification_model.config.references import bin_names, check_references
from classification_model.errors import ConfigError, DataError
from classification_model.patterns.searched_texts import longest_texts
from classification_model.processing.class_inference import infer_classes
from classification_model.processing.kinds.infer_columns import infer_table
from classification_model.processing.kinds.inferred import Evidence
from classification_model.runtime.input.moments import spell_moment
from classification_model.runtime.input.schema import InputSchema, SchemaField, Value

if TYPE_CHECKING:
    from classification_model.config.sections import Config

logger = logging.getLogger(__name__)

#: Categories kept in the schema to warn of others; a column with more of them is not warned about.
MOST_CATEGORIES = 10_000


def to_frame(columns: dict[str, list[Value]], schema: InputSchema) -> pd.DataFrame:
    """Put the columns of checked rows into the frame that a pipeline takes; see `Rows.features`."""
    frame = {
        field.name: pd.Series(
            columns[field.name], dtype=object if field.kind in {"categorical", "text"} else np.float64
        )
        for field in schema.fields
    }
    return pd.DataFrame(frame)


def complete_config(config: Config, table: pd.DataFrame, source: str) -> Config:
    """Fill in the features and classes that a config leaves out, inferred from the table.

    Raises
    ------
    DataError
        If a column cannot be a feature, or none enters the model.
    ConfigError
        If the config contradicts what was inferred.
    """
    data = config.data
    update: dict[str, Any] = {}
    if not data.classes and data.target in table.columns:
        if data.target_bins is None:
            classes = infer_classes(table[data.target], data.missing_values)
        else:
            classes = bin_names(data.target_bins)
        update["data"] = data.model_copy(update={"classes": classes})
    if not config.features:
        taken = {*data.roles, *(name for name in (data.group, data.time) if name is not None)}
        features: dict[str, ColumnFeature] = {}
        candidates = table[[name for name in table.columns if name not in taken]]
        evidence = Evidence(data.decimal, data.delimiter)
        inferred = infer_table(candidates, data.missing_values, data.longest_text, evidence)
        if data.decimal is None and inferred.sign.decimal == ",":
            update["data"] = update.get("data", data).model_copy(update={"decimal": ","})
        for column in inferred.columns:
            if column.feature is not None:
                features[column.name] = column.feature
            elif not column.identifies:
                msg = f"{source}: column {column.name!r} cannot be a feature: {column.reason}; list it in data.drop"
                raise DataError(msg)
            logger.info(
                "column inferred",
                extra={"column": column.name, "kind": getattr(column.feature, "kind", "none"), "why": column.reason},
            )
        if not features:
            msg = f"{source}: expected a column to learn from, found none besides {', '.join(sorted(taken))}"
            raise DataError(msg)
        update["features"] = features
    completed = config.model_copy(update=update)
    complaints = check_references(completed) if len(completed.data.labels) > 1 else ()  # one class is told later
    if complaints:
        raise ConfigError(
            "\n".join(f"{source}: the config does not fit the data: {complaint}" for complaint in complaints)
        )
    if not used_features(completed.features):
        texts = ", ".join(map(repr, completed.features))
        msg = (
            f"{source}: expected a feature that enters the model, found texts alone ({texts}): list another column, or "
            "derive a feature from them, under features"
        )
        raise DataError(msg)
    return completed


def bare_schema(config: Config, table: pd.DataFrame) -> InputSchema:
    """Give the fields of the features, without what only the training rows can tell."""
    columns = [str(name) for name in table.columns]
    old_names = {new: old for old, new in config.data.rename.items() if old not in columns}
    longest = longest_texts(config)
    fields = tuple(
        SchemaField(
            name=name,
            aliases=(old_names[name],) if name in old_names else (),
            kind=feature.kind,
            nullable=True,
            missing_values=config.data.marks_in(feature),
            datetime_format=feature.datetime_format,
            written=config.data.written_in(feature),
            marks_by_value=True,
            longest_text=longest[name],
        )
        for name, feature in used_features(config.features).items()
        if isinstance(feature, ColumnFeature)
    )
    used = {field.name for field in fields}
    ignored = [name for name in columns if name not in used]
    return InputSchema(fields=fields, ignored=(*ignored, *(old_names[name] for name in ignored if name in old_names)))


def describe_schema(schema: InputSchema, features: pd.DataFrame) -> InputSchema:
    """Add to each field what the training rows hold: gaps, range, categories."""
    fields = []
    for field in schema.fields:
        column = features[field.name]
        update: dict[str, Any] = {"nullable": bool(column.isna().any())}
        present = column.dropna()
        if field.kind in {"numeric", "datetime"}:
            update |= {"minimum": float(present.min()), "maximum": float(present.max())}
        elif field.kind == "categorical" and present.nunique() <= MOST_CATEGORIES:
            update["categories"] = tuple(sorted(present.unique()))
        fields.append(field.model_copy(update=update))
    return schema.model_copy(update={"fields": tuple(fields)})


def as_input(value: Any, field: SchemaField) -> Any:
    """Turn a prepared value into one that a caller may send: null, a number, a text, a written date."""
    if pd.isna(value):
        return None
    if field.kind != "datetime":
        return value
    return spell_moment(value, field.datetime_format)
