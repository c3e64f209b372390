"""The pipeline from raw data to a table to train on: read, rename, check, cast, derive, write.

Each step is a function of a frame. `process_data` runs them in order; `run_training` reads what it wrote.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd
import pyarrow as pa
from sklearn.pipeline import Pipeline

from classification_model.errors import InputError
from classification_model.processing import validation
from classification_model.processing.features.derivation_steps import build_derivations
from classification_model.processing.fields import bare_schema, complete_config, to_frame
from classification_model.processing.left_out_rows import MISSING_TARGET, NO_CLASS, label_reader, leave_out, reasons_of
from classification_model.processing.processed_tables import Processed, reading_hash
from classification_model.processing.raw_tables import GIVEN_TABLE, raw_frame, read_raw
from classification_model.processing.rows import Rows, read_rows
from classification_model.processing.run_records import RunRecord
from classification_model.runtime.input.checking import check_columns
from classification_model.runtime.input.values import NO_MARKS, UnreadableValue, read_category, read_number, spell_key
from classification_model.tables.arrays import text_array
from classification_model.tables.locations import locate, resolved, short_name
from classification_model.tables.source import Batch
from classification_model.tables.writing.outputs import opened_output

if TYPE_CHECKING:
    from classification_model.config.sections import Config
    from classification_model.runtime.input.schema import InputSchema

#: A path, a URL, a frame, or a function that returns a frame.
DataSource: TypeAlias = "str | pd.DataFrame | Callable[[], pd.DataFrame]"
#: A path, a URL, or a function that takes the processed table.
DataSink: TypeAlias = "str | Callable[[pa.Table], None]"
_BATCH = 2**16


@dataclass(frozen=True)
class ProcessedData:
    """A processed table.

    Attributes
    ----------
    table
        The rows: features with the types of their kinds, derived features, and the target, index, group, time and
        weight. Its metadata describes it; see `processed_tables.Processed`.
    dropped
        Number of rows that were dropped, by reason.
    sha256
        Fingerprint of the rows, as in the manifest of a model that is trained on them.
    """

    table: pa.Table
    dropped: dict[str, int] = field(default_factory=dict)
    sha256: str = ""


def process_data(
    source: DataSource | None, sink: DataSink, config: Config, *, drop_bad_rows: bool = False
) -> RunRecord:
    """Make a table to train on from raw data: check and cast the values as the config says, and derive the features.

    Parameters
    ----------
    source
        The raw data: a path, a URL (see `read_table`), a frame, or a function that returns a frame. None means
        ``data.source`` of the config.
    sink
        Where to write the processed rows: a path or a URL that `write_table` accepts, or a function that takes a
        `pyarrow.Table`. To train on the rows, choose a Parquet file.
    config
        The config, as `load_config` returns it.
    drop_bad_rows
        Whether to drop and count bad rows. A row is bad if a value does not have the kind of its column, the target is
        missing or unknown, or the index is missing or repeated. By default, the first bad row is an error.

    Returns
    -------
    RunRecord
        The numbers of rows read, written and dropped, the reasons for dropping, the fingerprint of the rows, and the
        duration in seconds.

    Raises
    ------
    DataError
        If the data cannot be read or written, or has a bad row. Nothing is written then.
    ConfigError
        If the config does not fit the data.

    Examples
    --------
    >>> import tempfile
    >>> import classification_model as cm
    >>> config = cm.load_config()
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     record = cm.process_data(None, f"{folder}/titanic.parquet", config)
    ...     names = list(cm.read_table(f"{folder}/titanic.parquet"))
    >>> record.rows_in, record.rows_out, names[:3]
    (1309, 1309, ['survived', 'pclass', 'name'])
    """
    started, began = datetime.now(UTC), time.monotonic()
    raw, name = _read(source, config)
    raw = renamed(raw, config, name)
    data = process_frame(raw, config, name, drop_bad_rows=drop_bad_rows)
    _write(data.table, sink)
    return RunRecord(
        run="process",
        problem=config.app.name,
        started=started,
        seconds=time.monotonic() - began,
        source=name,
        sink="a function" if callable(sink) else locate(sink).name,
        rows_in=len(raw),
        rows_out=data.table.num_rows,
        dropped=data.dropped,
        fingerprint=data.sha256,
        config_hash=config.hash,
    )


def process_frame(raw: pd.DataFrame, config: Config, name: str, *, drop_bad_rows: bool = False) -> ProcessedData:
    """Check, cast and derive the rows of a renamed frame; see `process_data`."""
    validation.check_columns_exist(config, raw, name)
    raw, left_out = leave_out(raw, config.data, name)
    dropped = Counter(reasons_of(left_out, config.data.target))
    if drop_bad_rows:
        raw, bad = without_bad_rows(raw, config, name)
        dropped.update(bad)
        validation.check_columns_exist(config, raw, name)
    completed = complete_config(config, raw, name)
    rows, schema = checked_rows(raw, completed, name)
    derived = derived_features(rows.features, completed)
    table = as_table(rows, raw, derived, schema, completed)
    described = Processed(
        reading=reading_hash(config),
        columns=tuple(map(str, raw.columns)),
        stored={field_.name: str(field_.type) for field_ in table.schema},
        derived=tuple(map(str, derived.columns)),
        left_out=left_out,
    )
    return ProcessedData(table.replace_schema_metadata(described.as_metadata()), dict(dropped), rows.sha256)


def renamed(raw: pd.DataFrame, config: Config, name: str) -> pd.DataFrame:
    """Rename the columns by ``data.rename``.

    Raises
    ------
    DataError
        If a column to rename does not exist, or a new name is taken.
    """
    validation.check_new_names(config, [str(column) for column in raw.columns], name)
    return raw.rename(columns=config.data.rename)


def without_bad_rows(raw: pd.DataFrame, config: Config, name: str) -> tuple[pd.DataFrame, dict[str, int]]:
    """Drop the rows that break a rule; return the others, and the number of rows for each reason.

    A row is counted for the first rule that it breaks: of the target, the features, the weight, the time, the index.
    """
    data = config.data
    marks = frozenset(word.lower() for word in data.missing_values)
    fault_of_target = _faults_of_target(config, marks)
    reasons: list[str | None] = [fault_of_target(value) for value in raw[data.target].tolist()]
    is_good = [reason is None for reason in reasons]
    completed = complete_config(config, raw[is_good].reset_index(drop=True), name) if any(is_good) else config
    schema = bare_schema(completed, raw)
    checked = check_columns(schema, {each.name: raw[each.name].tolist() for each in schema.fields})
    for issue in checked.errors:
        if issue.row is not None:
            reasons[issue.row] = reasons[issue.row] or f"{issue.field}: {issue.message}"
    if data.weight is not None:
        faults = (_fault_of_weight(value, config, marks) for value in raw[data.weight].tolist())
        reasons = [reason or fault for reason, fault in zip(reasons, faults, strict=True)]
    if data.time is not None:
        is_missing = (spell_key(value, marks) is None for value in raw[data.time].tolist())
        reasons = [
            reason or (f"{data.time}: the time is missing" if gap else None)
            for reason, gap in zip(reasons, is_missing, strict=True)
        ]
    if data.index is not None:
        seen: set[str] = set()
        for row, value in enumerate(raw[data.index].tolist()):
            key = spell_key(value)
            if reasons[row] is None and (key is None or key in seen):
                reasons[row] = f"{data.index}: the index is {'missing' if key is None else 'repeated'}"
            if reasons[row] is None and key is not None:  # of a row that stays
                seen.add(key)
    kept = raw[[reason is None for reason in reasons]].reset_index(drop=True)
    return kept, dict(Counter(reason for reason in reasons if reason is not None))


def _fault_of_weight(value: Any, config: Config, marks: frozenset[str]) -> str | None:
    weight = str(config.data.weight)
    fault = _fault_of_number(weight, "weight", value, config, marks)
    if fault is not None:
        return fault
    number = read_number(value, marks, config.data.longest_text, config.data.written)
    return None if number is not None and number > 0 else f"{weight}: the weight is not above 0"


def _fault_of_number(name: str, role: str, value: Any, config: Config, marks: frozenset[str]) -> str | None:
    try:
        number = read_number(value, marks, config.data.longest_text, config.data.written)
    except UnreadableValue as error:
        return f"{name}: {error}"
    return f"{name}: the {role} is missing" if number is None else None


def _faults_of_target(config: Config, marks: frozenset[str]) -> Callable[[Any], str | None]:
    """Return a function that says what is wrong with a value of the target."""
    data = config.data
    reader = label_reader(data)

    def of_class(value: Any) -> str | None:
        try:
            found = reader.read(value) if data.classes else read_category(value, marks)
        except UnreadableValue:
            return NO_CLASS.format(data.target)
        return MISSING_TARGET.format(data.target) if found is None else None

    def of_number(value: Any) -> str | None:
        return _fault_of_number(data.target, "target", value, config, marks)

    return of_class if data.target_bins is None else of_number


def checked_rows(raw: pd.DataFrame, config: Config, name: str) -> tuple[Rows, InputSchema]:
    """Read the values of a table by the kinds of its columns.

    Raises
    ------
    DataError
        If a value is not of its kind, or a target or index breaks a rule.
    """
    schema = bare_schema(config, raw)
    checked = check_columns(schema, {each.name: raw[each.name].tolist() for each in schema.fields})
    validation.check_readable(schema, checked, raw, name)
    return read_rows(to_frame(checked.columns, schema), raw, config), schema


def derived_features(features: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Compute the derived features and the parts of dates."""
    steps = build_derivations(config)
    if not steps:
        return features[[]]
    derived: pd.DataFrame = Pipeline(steps).fit_transform(features)
    return derived[[name for name in derived.columns if name not in features.columns]]


def as_table(rows: Rows, raw: pd.DataFrame, derived: pd.DataFrame, schema: InputSchema, config: Config) -> pa.Table:
    """Put the target, the other columns with a role, the features and the derived features into an Arrow table.

    Numbers are doubles, truth values booleans, categories and texts strings, and dates timestamps in UTC.
    """
    data = config.data
    kinds = {each.name: each.kind for each in schema.fields}
    target = _spelled(raw[data.target]) if rows.target is None else pa.array(rows.target)
    columns: dict[str, pa.Array] = {data.target: target}
    for name in (data.index, data.group, data.time):
        if name is not None and name not in kinds:
            columns[name] = _spelled(raw[name])
    if data.weight is not None and rows.weights is not None:
        columns[data.weight] = pa.array(rows.weights)
    for name in rows.features.columns:
        columns[name] = _typed(rows.features[name], kinds[name])
    for name in derived.columns:
        kind = "numeric" if pd.api.types.is_numeric_dtype(derived[name]) else "text"
        columns[str(name)] = _typed(derived[name], kind)
    return pa.table(columns)


def _spelled(column: pd.Series) -> pa.Array:
    """Spell the values of a column that is no feature, as training reads them."""
    return text_array([spell_key(value, NO_MARKS) for value in column.tolist()]).cast(pa.string())


def _typed(column: pd.Series, kind: str) -> pa.Array:
    if kind in {"categorical", "text"}:
        return text_array([None if pd.isna(value) else str(value) for value in column.tolist()]).cast(pa.string())
    values = column.to_numpy(dtype=np.float64)
    is_missing = np.isnan(values)
    if kind == "boolean":
        return pa.array(np.where(is_missing, 0, values).astype(bool), mask=is_missing)
    if kind == "datetime":
        micros = np.rint(np.where(is_missing, 0, values) * 1e6).astype(np.int64)
        return pa.array(micros, mask=is_missing).cast(pa.timestamp("us", "UTC"))
    return pa.array(values, mask=is_missing)


def _read(source: DataSource | None, config: Config) -> tuple[pd.DataFrame, str]:
    if source is None:
        source = resolved(config.data.source, config.folder)
    if isinstance(source, str):
        return read_raw(source, config.data.layout), short_name(source)
    frame = source() if callable(source) else source
    if not isinstance(frame, pd.DataFrame):
        found = type(frame).__name__
        msg = f"source: expected a path, a URL, a frame or a function that returns a frame, found {found}"
        raise InputError(msg)
    return raw_frame(frame, GIVEN_TABLE), GIVEN_TABLE


def _write(table: pa.Table, sink: DataSink) -> None:
    if callable(sink):
        sink(table)
        return
    types = {each.name: each.type for each in table.schema}
    metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
    with opened_output(sink, types, metadata=metadata) as output:
        for batch in table.to_batches(_BATCH):
            part = dict(zip(types, batch.columns, strict=True))
            output.write(output.render(Batch(part, batch.num_rows)))
        output.finish()
