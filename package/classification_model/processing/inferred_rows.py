"""Columns of a table whose kinds no config says, prepared as those that it names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.config.data_section import DataConfig
from classification_model.config.features import ColumnFeature
from classification_model.config.sections import AppConfig, Config
from classification_model.processing.fields import bare_schema, to_frame
from classification_model.processing.kinds.infer_columns import infer_table
from classification_model.processing.kinds.inferred import Evidence
from classification_model.runtime.input.checking import check_columns

if TYPE_CHECKING:
    import pandas as pd

    from classification_model.processing.drafted_table import DraftedTable

#: Stands for a target where there is none.
_NO_TARGET = "\N{NULL}"


@dataclass(frozen=True)
class InferredRows:
    """Prepared columns whose kinds were inferred.

    Attributes
    ----------
    features
        Frame of the columns, as `Rows.features`.
    kinds
        Kind of each column; ``text`` too where every row has another value.
    """

    features: pd.DataFrame
    kinds: dict[str, str]


def infer_table_without_target(read: DraftedTable) -> InferredRows:
    """Infer the kinds of all columns of a table of which nothing is known, and prepare them."""
    config = Config(app=AppConfig(name=read.name), data=DataConfig(source=read.name, target=_NO_TARGET))
    return infer_rows(read.frame.rename(columns=str), config)


def infer_rows(table: pd.DataFrame, config: Config) -> InferredRows:
    """Infer the kinds of all columns of a table, and prepare them.

    Parameters
    ----------
    table
        Raw values, without the columns that need no looking at.
    config
        Says which words mean "missing", and how numbers are written; its features are not looked at.
    """
    data = config.data
    found = infer_table(table, data.missing_values, data.longest_text, Evidence(data.decimal, data.delimiter))
    if data.decimal is None and found.sign.decimal == ",":
        data = data.model_copy(update={"decimal": ","})
    features = {column.name: column.feature or ColumnFeature(kind="text") for column in found.columns}
    kinds = {name: str(feature.kind) for name, feature in features.items()}
    # the schema leaves out texts, from which nothing is derived; categories are read alike
    read_as = {
        name: ColumnFeature(kind="categorical", missing_values=feature.missing_values) if kind == "text" else feature
        for (name, feature), kind in zip(features.items(), kinds.values(), strict=True)
    }
    schema = bare_schema(config.model_copy(update={"data": data, "features": read_as}), table)
    columns = {name: table[name].tolist() for name in read_as}
    prepared = to_frame(check_columns(schema, columns).columns, schema)
    return InferredRows(prepared, kinds)
