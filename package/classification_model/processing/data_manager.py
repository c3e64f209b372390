"""From a problem's source to rows that a pipeline learns from, and fitted pipelines to bytes and back."""

from __future__ import annotations

import hashlib
import io
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pandas as pd
from sklearn.pipeline import Pipeline

from classification_model.artifact import Fingerprint, Holdout, read_files, read_manifest
from classification_model.config.features import ColumnFeature
from classification_model.errors import DataError
from classification_model.processing import validation
from classification_model.processing.inference import infer_classes, infer_columns
from classification_model.processing.sources import parse_table, read_bytes
from classification_model.processing.splitting import hold_out_by_hash, hold_out_latest
from classification_model.schema import InputSchema, SchemaField, Value
from classification_model.values import UnreadableValue, read_category, read_moment, read_number

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from classification_model.artifact import Manifest
    from classification_model.config.sections import Config

logger = logging.getLogger(__name__)

#: Categories kept in the schema to warn of others; a column with more of them is not warned about.
MOST_CATEGORIES = 10_000
_NO_MARKS: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Rows:
    """Prepared rows.

    Attributes
    ----------
    features
        Frame of the raw features, (n_rows, n_features): float64 for numbers, truth values and moments (seconds
        since 1970), object for categories and texts; missing is NaN or None.
    labels
        Class labels, shape (n_rows,), texts.
    groups, moments, weights
        Group, time and sample weight of each row, shape (n_rows,), or None where the config names no such column.
    """

    features: pd.DataFrame
    labels: NDArray[np.object_]
    groups: NDArray[np.object_] | None = None
    moments: NDArray[np.float64] | None = None
    weights: NDArray[np.float64] | None = None

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, rows: NDArray[Any]) -> Rows:
        """Return some rows, by mask or by number."""
        return Rows(
            self.features[rows].reset_index(drop=True)
            if rows.dtype == bool
            else self.features.iloc[rows].reset_index(drop=True),
            self.labels[rows],
            None if self.groups is None else self.groups[rows],
            None if self.moments is None else self.moments[rows],
            None if self.weights is None else self.weights[rows],
        )


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


class DataLoader:
    """Reads the tables of a problem and prepares their rows.

    Parameters
    ----------
    config
        The problem.
    source
        Table to read instead of ``data.source``.

    Attributes
    ----------
    source
        Path or URL of the table.

    Examples
    --------
    >>> from classification_model.config.core import load_config
    >>> data = DataLoader(load_config()).load()
    >>> len(data.train) + len(data.holdout)
    1309
    """

    def __init__(self, config: Config, source: str | None = None) -> None:
        self._config = config
        self.source = source or _resolve(config.data.source, config.folder)

    def load(self) -> TrainingData:
        """Read, check, prepare and split.

        Raises
        ------
        DataError
            If a table cannot be read or nothing can be learned from it, naming the column and the rule.
        """
        content = read_bytes(self.source)
        table = self._import(content, self.source)
        config = complete_config(self._config, table, self.source)
        rows, schema = self._prepare(config, table, self.source)
        fingerprint = Fingerprint(
            rows=len(table), columns=len(table.columns), sha256=hashlib.sha256(content).hexdigest()
        )
        if config.data.validation_source is None:
            mask, rule = _draw_holdout(config, table, rows)
            train, holdout = rows.take(~mask), rows.take(mask)
        else:
            source = _resolve(config.data.validation_source, config.folder)
            second = self._import(read_bytes(source), source)
            train, holdout = rows, self._prepare(config, second, source)[0]
            rule = Holdout(rule="a validation table of its own", kind="table", share=1.0, rows=len(holdout))
        classes = tuple(config.data.classes.values())
        validation.check_class_sizes(train.labels.tolist(), classes, config.data.target, config.training.folds)
        if len(set(holdout.labels)) < 2:
            msg = (
                f"the hold-out of {len(holdout)} row(s) has fewer than two classes of {config.data.target!r}: "
                "gather more rows, raise training.split.holdout or name a data.validation_source"
            )
            raise DataError(msg)
        for name in train.features.columns:
            validation.check_varies(name, _plain(train.features[name]))
        return TrainingData(config, _describe(schema, train.features), train, holdout, rule, fingerprint)

    def _import(self, content: bytes, source: str) -> pd.DataFrame:
        data = self._config.data
        table = parse_table(content, Path(source).name, delimiter=data.delimiter, encoding=data.encoding)
        validation.check_new_names(self._config, [str(name) for name in table.columns], Path(source).name)
        return table.rename(columns=data.rename)

    def _prepare(self, config: Config, table: pd.DataFrame, source: str) -> tuple[Rows, InputSchema]:
        source = Path(source).name
        validation.check_columns_exist(config, table, source)
        schema = _bare_schema(config, table)
        checked = schema.check_columns({field.name: table[field.name].tolist() for field in schema.fields})
        validation.check_readable(config, checked, table, source)
        data, marks = config.data, frozenset(word.lower() for word in config.data.missing_values)
        values = _read_role(table, data.target, lambda value: read_category(value, marks), "the target")
        validation.check_labels(values, data.classes, data.target)
        if data.index is not None:
            index = _read_role(table, data.index, lambda value: read_category(value, _NO_MARKS), "the index")
            validation.check_unique(data.index, index)
        groups = moments = weights = None
        if data.group is not None:
            names = _read_role(table, data.group, lambda value: read_category(value, marks), "the group")
            alone = (f"\x1e{row}" if name is None else name for row, name in enumerate(names))
            groups = np.array(list(alone), dtype=object)
        if data.time is not None:
            moments = _read_moments(table, config, marks)
        if data.weight is not None:
            weights = _read_numbers(table, data.weight, marks, "the weight")
            if (weights <= 0).any():
                msg = f"column {data.weight!r}, the weight, is not above 0 in row {int(np.argmax(weights <= 0))}"
                raise DataError(msg)
        labels = np.array([data.classes[str(value)] for value in values], dtype=object)
        return Rows(to_frame(checked.columns, schema), labels, groups, moments, weights), schema


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
    """Fill in features and classes that the config leaves out, from the data."""
    data = config.data
    update: dict[str, Any] = {}
    if not data.classes and data.target in table.columns:
        classes = infer_classes(table[data.target], data.missing_values)
        update["data"] = data.model_copy(update={"classes": classes})
    if not config.features:
        taken = {*data.roles, *(name for name in (data.time,) if name is not None)}
        features: dict[str, ColumnFeature] = {}
        for column in infer_columns(table[[name for name in table.columns if name not in taken]], data.missing_values):
            if column.feature is not None:
                features[column.name] = column.feature
            elif not column.identifies:
                msg = f"{source}: column {column.name!r} cannot be learned from: {column.reason}; list it in data.drop"
                raise DataError(msg)
            logger.info(
                "column inferred",
                extra={"column": column.name, "kind": getattr(column.feature, "kind", "none"), "why": column.reason},
            )
        if not features:
            msg = f"{source} has no column to learn from beside {', '.join(sorted(taken))}"
            raise DataError(msg)
        update["features"] = features
    return config.model_copy(update=update)


def _resolve(source: str, folder: Path) -> str:
    return source if "://" in source else str(folder / source)


def _bare_schema(config: Config, table: pd.DataFrame) -> InputSchema:
    """Give the fields of the features, without what only the training rows can tell."""
    old_names = {new: old for old, new in config.data.rename.items()}
    general = tuple(dict.fromkeys(word.lower() for word in config.data.missing_values))
    fields = tuple(
        SchemaField(
            name=name,
            aliases=(old_names[name],) if name in old_names else (),
            kind=feature.kind,
            nullable=True,
            missing_values=tuple(dict.fromkeys((*general, *(word.lower() for word in feature.missing_values)))),
            datetime_format=feature.datetime_format,
        )
        for name, feature in config.features.items()
        if isinstance(feature, ColumnFeature)
    )
    used = {field.name for field in fields}
    ignored = [str(name) for name in table.columns if name not in used]
    return InputSchema(fields=fields, ignored=(*ignored, *(old_names[name] for name in ignored if name in old_names)))


def _describe(schema: InputSchema, features: pd.DataFrame) -> InputSchema:
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


def _draw_holdout(config: Config, table: pd.DataFrame, rows: Rows) -> tuple[NDArray[np.bool_], Holdout]:
    split, data = config.training.split, config.data
    if split.kind == "time" and rows.moments is not None:
        return hold_out_latest(rows.moments, split.holdout)
    if split.kind == "group" and rows.groups is not None:
        return hold_out_by_hash(pd.DataFrame({data.group: rows.groups}), split.holdout, f"the group, {data.group}")
    columns = [data.index] if data.index is not None else [name for name in table.columns if name != data.target]
    texts = pd.DataFrame({name: _texts(table[name]) for name in columns})
    what = f"its index, {data.index}" if data.index is not None else "its values, the target left out"
    return hold_out_by_hash(texts, split.holdout, what)


def _texts(column: pd.Series) -> list[str]:
    return [read_category(value, _NO_MARKS) or "" for value in column.tolist()]


def _plain(column: pd.Series) -> list[Value]:
    return [None if pd.isna(value) else value for value in column.drop_duplicates()]


def _read_role(table: pd.DataFrame, name: str, read: Any, role: str) -> Sequence[Value]:
    values = []
    for row, value in enumerate(table[name].tolist()):
        try:
            values.append(read(value))
        except UnreadableValue as error:
            msg = f"column {name!r}, {role}, row {row}: {error}"
            raise DataError(msg) from error
    return values


def _read_numbers(table: pd.DataFrame, name: str, marks: frozenset[str], role: str) -> NDArray[np.float64]:
    numbers = _read_role(table, name, lambda value: read_number(value, marks), role)
    return _complete(numbers, name, role)


def _read_moments(table: pd.DataFrame, config: Config, marks: frozenset[str]) -> NDArray[np.float64]:
    """Read the time column as a date where it is one, else as a number that grows with time."""
    name = str(config.data.time)
    (inferred,) = infer_columns(table[[name]], tuple(marks))
    if inferred.feature is None or inferred.feature.kind != "datetime":
        return _read_numbers(table, name, marks, "the time")
    pattern = inferred.feature.datetime_format
    return _complete(_read_role(table, name, lambda v: read_moment(v, marks, pattern), "the time"), name, "the time")


def _complete(values: Sequence[Value], name: str, role: str) -> NDArray[np.float64]:
    array = np.array(values, dtype=np.float64)
    if np.isnan(array).any():
        msg = f"column {name!r}, {role}, is missing in row {int(np.argmax(np.isnan(array)))}"
        raise DataError(msg)
    return array


def dump_pipeline(pipeline: Pipeline) -> bytes:
    """Serialise a fitted pipeline with joblib, compressed."""
    buffer = io.BytesIO()
    joblib.dump(pipeline, buffer, compress=("zlib", 6))
    return buffer.getvalue()


def load_pipeline(folder: Path) -> tuple[Pipeline, Manifest]:
    """Load the scikit-learn pipeline of a model folder, after its hashes were held against the manifest.

    Raises
    ------
    ArtifactError
        If the folder holds no model, or one that was changed; nothing is unpickled then.
    """
    manifest = read_manifest(folder)
    contents = read_files(folder, manifest)
    return joblib.load(io.BytesIO(contents[manifest.pipeline])), manifest
