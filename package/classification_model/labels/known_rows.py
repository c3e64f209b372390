"""The keys, features and groups of the rows in the tables of a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from classification_model.processing import validation
from classification_model.processing.fields import bare_schema, complete_config, to_frame
from classification_model.processing.splitting import share_of
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.values import spell_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.processing.data_manager import Tables
    from classification_model.runtime.input.schema import InputSchema
    from classification_model.runtime.model_folder.manifest import Manifest


@dataclass(frozen=True)
class KnownRows:
    """What the tables of a problem hold.

    Attributes
    ----------
    config
        The problem, with the features and classes that its file leaves out.
    schema
        How the features are read.
    columns
        Columns of the table to learn from.
    features
        The features of its rows and of those of the validation table, as they are read.
    keys
        Values of the index in both, as texts.
    groups, validation_groups
        Groups in the table to learn from, and in the validation table, as texts.
    """

    config: Config
    schema: InputSchema
    columns: frozenset[str]
    features: pd.DataFrame
    keys: frozenset[str]
    groups: frozenset[str]
    validation_groups: frozenset[str]

    def equal_share(self, names: Sequence[str]) -> float:
        """Return the share of the rows that have an equal one, by the values of some features."""
        _, places, counts = np.unique(hash_rows(self.features[names]), return_inverse=True, return_counts=True)
        return float(np.mean(counts[places] > 1))

    def holds(self, features: pd.DataFrame) -> NDArray[np.bool_]:
        """Tell which rows have the values of a row of a table; columns are some of the features."""
        return np.isin(hash_rows(features), hash_rows(self.features[list(features.columns)]))

    def spell_group(self, value: Any) -> str | None:
        """Spell a group as training does; None for a missing one."""
        return spell_key(value, frozenset(word.lower() for word in self.config.data.missing_values))

    def is_held_out(self, group: str, manifest: Manifest) -> bool:
        """Tell whether, by the hash of its name, no model learns from a group: neither a new one nor the manifest's."""
        data, holdout = self.config.data, manifest.holdout
        if data.validation_source is not None or holdout.kind != "hash" or holdout.key != (data.group,):
            return False
        return share_of(group) < min(holdout.share, self.config.training.split.holdout)


def known_rows(config: Config, tables: Tables) -> KnownRows:
    """Tell what the tables of a problem hold.

    Parameters
    ----------
    config
        The problem.
    tables
        The table to learn from and the validation table, as they were read.

    Raises
    ------
    DataError
        If a column that the config names is not there.
    """
    table = tables.table.frame
    validation.check_columns_exist(config, table, "the table to learn from")
    config = complete_config(config, table, "the table to learn from")
    frames = [table]
    if tables.validation is not None:
        validation.check_columns_exist(config, tables.validation.frame, "the validation table")
        frames.append(tables.validation.frame)
    schema = bare_schema(config, table)
    marks = frozenset(word.lower() for word in config.data.missing_values)
    names = [field.name for field in schema.fields]
    # What cannot be read is missing here: training refuses it.
    read = [check_columns(schema, {name: one[name].tolist() for name in names}) for one in frames]
    return KnownRows(
        config=config,
        schema=schema,
        columns=frozenset(map(str, table.columns)),
        features=pd.concat([to_frame(rows.columns, schema) for rows in read], ignore_index=True),
        keys=_texts(frames, config.data.index),
        groups=_texts([table], config.data.group, marks),
        validation_groups=_texts(frames[1:], config.data.group, marks),
    )


def _texts(tables: Sequence[pd.DataFrame], column: str | None, marks: frozenset[str] = frozenset()) -> frozenset[str]:
    if column is None:
        return frozenset()
    values = (value for table in tables for value in table[column].tolist())
    return frozenset(text for value in values if (text := spell_key(value, marks)) is not None)


def hash_rows(features: pd.DataFrame) -> NDArray[np.uint64]:
    """Return a hash of the values of each row, as they are read; all rows are equal where there are no columns."""
    if features.columns.empty:
        return np.zeros(len(features), dtype=np.uint64)
    return np.asarray(pd.util.hash_pandas_object(features, index=False), dtype=np.uint64)
