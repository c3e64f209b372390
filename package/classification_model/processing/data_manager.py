"""Load the training data of a config."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from classification_model.errors import DataError
from classification_model.processing import validation
from classification_model.processing.data_pipeline import checked_rows
from classification_model.processing.fields import complete_config, describe_schema
from classification_model.processing.left_out_rows import leave_out
from classification_model.processing.processed_tables import as_raw, check_processed, read_description
from classification_model.processing.raw_tables import (
    GIVEN_TABLE,
    append_rows,
    fits_given_table,
    frame_of,
    spell_column,
)
from classification_model.processing.rows import Rows
from classification_model.processing.splitting import hold_out_by_hash, hold_out_latest
from classification_model.processing.target_bins import learn_edges
from classification_model.runtime.input.schema import InputSchema
from classification_model.runtime.model_folder.manifest import NONE_LEFT_OUT, Fingerprint, Holdout, LeftOut
from classification_model.tables.formats import SettingError
from classification_model.tables.locations import resolved, short_name
from classification_model.tables.reading.open_source import opened_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from classification_model.config.sections import Config

#: The rule of a hold-out without rows.
NOTHING_HELD_OUT = Holdout(rule="no row is held out: the model is judged on other rows", kind="none", share=0.0, rows=0)


@dataclass(frozen=True)
class TrainingData:
    """The data of a training, read, checked and split.

    Attributes
    ----------
    config
        The config; features and classes that it leaves out are filled in from the data.
    schema
        The input schema, with ranges and categories of the training rows.
    train, holdout
        Rows to train on, and rows to evaluate on.
    holdout_rule
        How the hold-out was drawn.
    fingerprint
        Size and hash of the table.
    target_edges
        Edges of the bins of the target, ascending; empty without ``data.target_bins``.
    left_out
        Number of rows of the tables that the config leaves out.
    """

    config: Config
    schema: InputSchema
    train: Rows
    holdout: Rows
    holdout_rule: Holdout
    fingerprint: Fingerprint
    target_edges: tuple[float, ...] = ()
    left_out: LeftOut = NONE_LEFT_OUT

    @property
    def classes(self) -> tuple[str, ...]:
        """Class labels in order; the second of two is the positive one."""
        return self.config.data.labels


@dataclass(frozen=True)
class RawTable:
    """A table as it was read.

    Attributes
    ----------
    name
        What it is called in messages: the name of a file without its folder, no secrets of a URL.
    frame
        Raw values; columns are named as after the rename, and the index are the numbers of the rows.
    sha256
        Hash of the values that a model depends on; see `Rows.sha256`.
    left_out
        Number of further rows, which the config leaves out.
    """

    name: str
    frame: pd.DataFrame
    sha256: str
    left_out: LeftOut = NONE_LEFT_OUT


@dataclass(frozen=True)
class Tables:
    """The tables of a config, each read once, so that the hash is of the very rows that are used.

    Attributes
    ----------
    table
        The table to train on.
    validation
        The table to evaluate on, if the config names one.
    """

    table: RawTable
    validation: RawTable | None

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of each."""
        return tuple(each.sha256 for each in (self.table, self.validation) if each is not None)

    @property
    def left_out(self) -> LeftOut:
        """Number of rows of both that the config leaves out."""
        return self.table.left_out + (NONE_LEFT_OUT if self.validation is None else self.validation.left_out)


class DataLoader:
    """Reads the tables of a config, checks them and splits off the hold-out.

    Parameters
    ----------
    config
        The config.
    source
        Table to train on instead of ``data.source``: a path, a URL (of a raw or a processed table), a frame of raw
        values, a function that returns one, or the result of `read`.
        Columns of a frame have their names before or after ``data.rename``. It may lack the columns of ``data.drop``
        and ``data.leakage``, and the index; without the index, rows are held out by the hash of their features.
    extra
        Raw rows to append to the table before the hold-out is drawn. Columns have their names after ``data.rename``,
        and the target holds raw values of the table. Columns that are left out are missing values. The rows are held
        out by the same rule as those of the table; with a validation table, none is. Features and classes that the
        config leaves out are inferred from the table alone.
    target_edges
        Edges of the bins of the target, with ``data.target_bins``: those of a model that the new one is to replace. By
        default they are learned from the training rows.

    Attributes
    ----------
    source
        Path or URL of the table, which may hold a password; for a frame, its name in messages.
    validation_source
        Path or URL of the table to evaluate on; None without one.

    Examples
    --------
    >>> from classification_model.config.core import load_config
    >>> data = DataLoader(load_config()).load()
    >>> len(data.train) + len(data.holdout)
    1309
    """

    def __init__(
        self,
        config: Config,
        source: str | pd.DataFrame | Callable[[], pd.DataFrame] | Tables | None = None,
        *,
        extra: pd.DataFrame | None = None,
        target_edges: tuple[float, ...] = (),
    ) -> None:
        self._config = config
        self._target_edges = target_edges
        if callable(source):
            source = source()
        self._given: pd.DataFrame | None = None
        self._tables: Tables | None = None
        self._prepared: tuple[Config, Rows, InputSchema] | None = None
        self._extra = None if extra is None or extra.empty else extra
        if isinstance(source, Tables):
            self._tables, self.source = source, source.table.name
        elif isinstance(source, pd.DataFrame):
            self._config, self._given = fits_given_table(config, source)
            self.source = GIVEN_TABLE
        else:
            self.source = source or resolved(config.data.source, config.folder)
        self._name = self.source if self._given is not None or self._tables is not None else short_name(self.source)
        second = config.data.validation_source
        self.validation_source = None if second is None else resolved(second, config.folder)

    def load(self) -> TrainingData:
        """Read, check and split the data.

        Returns
        -------
        TrainingData
            Rows to train on and rows to evaluate on, with their schema.

        Raises
        ------
        DataError
            If a table cannot be read, or breaks a rule; the message names the column and the rule.
        """
        tables = self.read()
        table, left_out = tables.table.frame, tables.left_out
        config, rows, schema = self._prepared or self._prepare_main(table)
        if self._extra is not None:
            table, more = self._leave_out(append_rows(table, self._extra, config), self._name)
            left_out = left_out + more
            rows, schema = self._prepare(config, table, self._name)
        validation.check_features_vary(rows.features)
        fingerprint = Fingerprint(rows=len(table), columns=len(table.columns), sha256=rows.sha256)
        second = tables.validation
        if second is None:
            mask, rule = _draw_holdout(config, rows)
            train, holdout = rows.take(~mask), rows.take(mask)
        else:
            validation.check_tables_differ(config, table, second.frame)
            train, holdout = rows, self._prepare(config, second.frame, second.name)[0]
            rule = Holdout(rule=table_rule(second.sha256), kind="table", share=1.0, rows=len(holdout))
        classes, edges = config.data.labels, self._target_edges
        if train.target is not None:
            edges = edges or learn_edges(train.target, len(classes), config.data.target)
            train, holdout = train.in_bins(edges, classes), holdout.in_bins(edges, classes)
        validation.check_class_sizes(
            train.labels.tolist(), classes, config.data.target, config.training.folds, self._target_edges
        )
        if len(set(holdout.labels)) < 2:
            msg = (
                f"expected two classes of {config.data.target!r} or more in the hold-out, found fewer in its "
                f"{len(holdout)} row(s): add rows, raise training.split.holdout or set data.validation_source"
            )
            raise DataError(msg)
        validation.check_features_vary(train.features)
        schema = describe_schema(schema, train.features)
        return TrainingData(config, schema, train, holdout, rule, fingerprint, edges, left_out)

    def load_whole(self) -> TrainingData:
        """Read and check the data, and hold no row out, for a caller that judges models on rows of its own.

        Unlike in `load`, a class may have a single row and a feature may be the same in every row, as in a fold.

        Raises
        ------
        DataError
            See `load`.
        """
        tables = self.read()
        config, rows, schema = self._prepared or self._prepare_main(tables.table.frame)
        frame = tables.table.frame
        fingerprint = Fingerprint(rows=len(frame), columns=len(frame.columns), sha256=rows.sha256)
        classes, edges = config.data.labels, self._target_edges
        if rows.target is not None:
            edges = edges or learn_edges(rows.target, len(classes), config.data.target)
            rows = rows.in_bins(edges, classes)
        validation.check_features_filled(rows.features)
        schema = describe_schema(schema, rows.features)
        none = rows.take(np.empty(0, dtype=np.int64))
        return TrainingData(config, schema, rows, none, NOTHING_HELD_OUT, fingerprint, edges, tables.left_out)

    def read(self) -> Tables:
        """Read the tables.

        Raises
        ------
        DataError
            If a table cannot be read, lacks a column, or has a value that is not of the kind of its column.
        """
        if self._tables is not None:
            return self._tables
        second = self.validation_source
        given = self._given
        table, left_out = self._read_file(self.source) if given is None else self._leave_out(given, self._name)
        self._prepared = config, rows, _ = self._prepare_main(table)
        main = RawTable(self._name, table, rows.sha256, left_out)
        if second is None:
            return Tables(main, None)
        name = short_name(second)
        other, left_out = self._read_file(second)
        return Tables(main, RawTable(name, other, self._prepare(config, other, name)[0].sha256, left_out))

    def _leave_out(
        self, table: pd.DataFrame, name: str, before: LeftOut = NONE_LEFT_OUT
    ) -> tuple[pd.DataFrame, LeftOut]:
        """Leave out the rows that the config leaves out, and add their number to those left out before."""
        validation.check_columns_exist(self._config, table, name)
        table, left_out = leave_out(table, self._config.data, name)
        return table, before + left_out

    def _prepare_main(self, table: pd.DataFrame) -> tuple[Config, Rows, InputSchema]:
        name = self._name
        validation.check_columns_exist(self._config, table, name)
        config = complete_config(self._config, table, name)
        return config, *self._prepare(config, table, name)

    def _read_file(self, source: str) -> tuple[pd.DataFrame, LeftOut]:
        """Return the rows of a file, and how many are left out."""
        data, name = self._config.data, short_name(source)
        try:
            with opened_source(source, data.layout) as opened:
                processed = read_description(getattr(opened.table, "metadata", {}), name)
                if processed is not None:
                    check_processed(processed, opened.table.types, self._config, name)
                table = frame_of(opened.table)
                opened.check_unchanged()
        except SettingError as error:
            raise SettingError(error.fault, error.setting, error.value, in_config=True) from error
        if processed is not None:
            return self._leave_out(as_raw(table, processed), name, processed.left_out)
        validation.check_new_names(self._config, [str(column) for column in table.columns], name)
        return self._leave_out(table.rename(columns=data.rename), name)

    def _prepare(self, config: Config, table: pd.DataFrame, source: str) -> tuple[Rows, InputSchema]:
        validation.check_columns_exist(config, table, source)
        return checked_rows(table, config, source)


def table_rule(sha256: str) -> str:
    """Return the rule of a hold-out that is a table of its own."""
    return f"a validation table of its own, SHA-256 {sha256}"


def _draw_holdout(config: Config, rows: Rows) -> tuple[NDArray[np.bool_], Holdout]:
    split, data = config.training.split, config.data
    if split.kind == "time" and rows.moments is not None:
        return hold_out_latest(rows.moments, split.holdout)
    if split.kind == "group" and rows.groups is not None:
        return hold_out_by_hash(pd.DataFrame({data.group: rows.groups}), split.holdout, f"the group, {data.group}")
    columns = {data.index: rows.keys} if data.index is not None else dict(rows.features.items())
    texts = pd.DataFrame({name: spell_column(pd.Series(column, dtype=object)) for name, column in columns.items()})
    what = f"its index, {data.index}" if data.index is not None else "the values of its features"
    return hold_out_by_hash(texts, split.holdout, what)
