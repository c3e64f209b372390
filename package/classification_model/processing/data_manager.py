"""From a problem's source to rows that a pipeline learns from, and fitted pipelines to bytes and back."""

from __future__ import annotations

import hashlib
import io
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import joblib
import numpy as np
import pandas as pd
from sklearn.exceptions import InconsistentVersionWarning
from sklearn.pipeline import Pipeline

from classification_model.errors import DataError, VerificationError
from classification_model.processing import validation
from classification_model.processing.fields import bare_schema, complete_config, describe_schema, to_frame
from classification_model.processing.raw_tables import (
    append_rows,
    fits_given_table,
    hash_of_rows,
    parse_table,
    spell_column,
)
from classification_model.processing.rows import Rows, read_rows
from classification_model.processing.splitting import hold_out_by_hash, hold_out_latest
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.schema import InputSchema
from classification_model.runtime.model_folder.artifact import read_files, read_manifest
from classification_model.runtime.model_folder.libraries import MADE_WITH, differing_libraries
from classification_model.runtime.model_folder.manifest import Fingerprint, Holdout
from classification_model.tables.reading.open_file import read_file

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.runtime.model_folder.manifest import Manifest


@dataclass(frozen=True)
class TrainingData:
    """Everything that training needs to know of a table.

    Attributes
    ----------
    config
        The config, with the features and classes that were left out filled in from the data.
    schema
        What a row must look like, with ranges and categories of the training rows.
    train, holdout
        Rows to learn from, and rows that no model learns from.
    holdout_rule
        How the hold-out was drawn.
    fingerprint
        Which table it was.
    """

    config: Config
    schema: InputSchema
    train: Rows
    holdout: Rows
    holdout_rule: Holdout
    fingerprint: Fingerprint

    @property
    def classes(self) -> tuple[str, ...]:
        """Labels in order; of two, the second is the positive one."""
        return tuple(self.config.data.classes.values())


@dataclass(frozen=True)
class RawTable:
    """A table as it was read.

    Attributes
    ----------
    name
        Path or URL, or how errors call a frame.
    frame
        Raw values; columns are named as after the rename.
    sha256
        Hash of the bytes that were parsed; of a frame that somebody gave, of its rows.
    """

    name: str
    frame: pd.DataFrame
    sha256: str


@dataclass(frozen=True)
class Tables:
    """The tables of a problem, each read once: what is hashed is what is learned from.

    Attributes
    ----------
    table
        The table to learn from.
    validation
        The one to measure the model on; None where there is none.
    """

    table: RawTable
    validation: RawTable | None

    @property
    def hashes(self) -> tuple[str, ...]:
        """SHA-256 of each."""
        return tuple(each.sha256 for each in (self.table, self.validation) if each is not None)


class DataLoader:
    """Reads the tables of a problem and prepares their rows.

    Parameters
    ----------
    config
        The problem.
    source
        Table to learn from instead of ``data.source``: a path, a URL, a frame of raw values, or what `read` returned
        before. Columns of a frame have their new names or those before the rename; those of ``data.drop`` and
        ``data.leakage`` need not be there, and without the index a row of it is held out by the values of its features.
    extra
        Raw rows that are put below the table before the hold-out is drawn. Columns are named as after the rename, the
        target holds raw values of the table, and what is not there is missing. They are held out by the same rule as
        the table's own: by the hash of their index, group or values, by their time, or none of them where there is a
        validation table. Features and classes that the config leaves out are found in the table alone.

    Attributes
    ----------
    source, validation_source
        Path or URL of the table, or how errors call a frame, and of the one to measure the model on, or None.

    Examples
    --------
    >>> from classification_model.config.core import load_config
    >>> data = DataLoader(load_config()).load()
    >>> len(data.train) + len(data.holdout)
    1309
    """

    def __init__(
        self, config: Config, source: str | pd.DataFrame | Tables | None = None, *, extra: pd.DataFrame | None = None
    ) -> None:
        self._config = config
        self._given: pd.DataFrame | None = None
        self._tables: Tables | None = None
        self._extra = None if extra is None or extra.empty else extra
        if isinstance(source, Tables):
            self._tables, self.source = source, source.table.name
        elif isinstance(source, pd.DataFrame):
            self._config, self._given = fits_given_table(config, source)
            self.source = "the given table"
        else:
            self.source = source or _resolve(config.data.source, config.folder)
        second = config.data.validation_source
        self.validation_source = None if second is None else _resolve(second, config.folder)

    def load(self) -> TrainingData:
        """Read, check, prepare and split.

        Raises
        ------
        DataError
            If a table cannot be read or nothing can be learned from it, naming the column and the rule.
        """
        tables = self.read()
        table, sha256 = tables.table.frame, tables.table.sha256
        validation.check_columns_exist(self._config, table, Path(self.source).name)
        config = complete_config(self._config, table, Path(self.source).name)
        if self._extra is not None:
            table = append_rows(table, self._extra, config)
            sha256 = hash_of_rows(table[-len(self._extra) :], bytes.fromhex(sha256))
        rows, schema = self._prepare(config, table, self.source)
        validation.check_features_vary(rows.features)
        fingerprint = Fingerprint(rows=len(table), columns=len(table.columns), sha256=sha256)
        second = tables.validation
        if second is None:
            mask, rule = _draw_holdout(config, table, rows)
            train, holdout = rows.take(~mask), rows.take(mask)
        else:
            validation.check_tables_differ(config, table, second.frame)
            train, holdout = rows, self._prepare(config, second.frame, second.name)[0]
            rule = Holdout(rule=table_rule(second.sha256), kind="table", share=1.0, rows=len(holdout))
        classes = tuple(config.data.classes.values())
        validation.check_class_sizes(train.labels.tolist(), classes, config.data.target, config.training.folds)
        if len(set(holdout.labels)) < 2:
            msg = (
                f"the hold-out of {len(holdout)} row(s) has fewer than two classes of {config.data.target!r}: "
                "gather more rows, raise training.split.holdout or name a data.validation_source"
            )
            raise DataError(msg)
        validation.check_features_vary(train.features)
        return TrainingData(config, describe_schema(schema, train.features), train, holdout, rule, fingerprint)

    def read(self) -> Tables:
        """Read the tables of the problem.

        Raises
        ------
        DataError
            If one cannot be read.
        """
        if self._tables is not None:
            return self._tables
        given, second = self._given, self.validation_source
        table = self._read_file(self.source) if given is None else RawTable(self.source, given, hash_of_rows(given))
        return Tables(table, None if second is None else self._read_file(second))

    def _read_file(self, source: str) -> RawTable:
        data, name = self._config.data, Path(source).name
        content = read_file(source)
        table = parse_table(content, name, delimiter=data.delimiter, encoding=data.encoding)
        validation.check_new_names(self._config, [str(column) for column in table.columns], name)
        return RawTable(source, table.rename(columns=data.rename), hashlib.sha256(content).hexdigest())

    def _prepare(self, config: Config, table: pd.DataFrame, source: str) -> tuple[Rows, InputSchema]:
        source = Path(source).name
        validation.check_columns_exist(config, table, source)
        schema = bare_schema(config, table)
        checked = check_columns(schema, {field.name: table[field.name].tolist() for field in schema.fields})
        validation.check_readable(schema, checked, table, source)
        return read_rows(to_frame(checked.columns, schema), table, config), schema


def table_rule(sha256: str) -> str:
    """Say in words that the hold-out is a table of its own, and which."""
    return f"a validation table of its own, SHA-256 {sha256}"


def _resolve(source: str, folder: Path) -> str:
    return source if "://" in source else str(folder / source)


def _draw_holdout(config: Config, table: pd.DataFrame, rows: Rows) -> tuple[NDArray[np.bool_], Holdout]:
    split, data = config.training.split, config.data
    if split.kind == "time" and rows.moments is not None:
        return hold_out_latest(rows.moments, split.holdout)
    if split.kind == "group" and rows.groups is not None:
        return hold_out_by_hash(pd.DataFrame({data.group: rows.groups}), split.holdout, f"the group, {data.group}")
    columns = [data.index] if data.index is not None else list(rows.features.columns)
    texts = pd.DataFrame({name: spell_column(table[name]) for name in columns})
    what = f"its index, {data.index}" if data.index is not None else "the values of its features"
    return hold_out_by_hash(texts, split.holdout, what)


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """Serialise a fitted pipeline with joblib, compressed."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 6))
    return buffer.getvalue()


def load_pipeline(folder: Path | str) -> tuple[Pipeline, Manifest]:
    """Load the scikit-learn pipeline of a model folder, after its hashes were held against the manifest.

    Raises
    ------
    ArtifactError
        If the folder holds no model, or one that was changed, where nothing is unpickled; or if the libraries that
        are installed cannot unpickle it.

    Examples
    --------
    >>> import classification_model as cm
    >>> pipeline, manifest = cm.load_pipeline(cm.packaged_model())
    >>> manifest.estimator, pipeline.classes_.tolist()
    ('logistic_regression', [0, 1])
    """
    manifest = read_manifest(folder)
    content = read_files(Path(folder), manifest)[manifest.pipeline]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", InconsistentVersionWarning)  # the golden rows decide
            return joblib.load(io.BytesIO(content)), manifest
    except Exception as error:  # unpickling runs code of libraries, which may be others here
        differing = "; ".join(differing_libraries(manifest.libraries, MADE_WITH))
        remedy = f"install what it was made with ({differing})" if differing else "train it again"
        msg = f"{manifest.pipeline} cannot be loaded ({type(error).__name__}): {remedy}"
        raise VerificationError(msg) from error
