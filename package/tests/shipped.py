"""A log to ship, and what has arrived at a target, in the same form."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import orjson
import pyarrow.parquet as pq
import sqlalchemy as sql

from classification_model.runtime.log.label_log import iter_labels
from classification_model.runtime.log.line_files import Kind, files_of
from classification_model.runtime.log.prediction_log import PredictionLog, iter_predictions
from classification_model.runtime.log.sealed_lines import seal
from classification_model.runtime.system.clock import utc_timestamp
from classification_model.runtime.system.identifiers import uuid7s
from classification_model.shipping.parts import SCHEMAS
from classification_model.tables.databases import read_url

#: A record, as the values of its columns.
Row = tuple[Any, ...]
#: Keys of callers, of every kind.
KEYS: list[str | int | None] = [7, "7", None, "", "a'b\"c\\d\te\nf\u2028\U0001f600", "\\N", 2**70]


def prediction_line(name: str, key: str | int | None = None, timestamp: str | None = None, **features: Any) -> bytes:
    """Return the line of a prediction."""
    record = {
        "prediction_id": name,
        "timestamp": timestamp or utc_timestamp(),
        "model": "Colours",
        "version": "1.2.3",
        "index": str(key) if isinstance(key, int) and key > 2**60 else key,
        "features": {"size": 0.1 + 0.2, "shape": 'a "cube" \u00e9\x00\\', **features},
        "prediction": "red",
        "probabilities": {"red": 1 / 3, "blue": 2 / 3},
    }
    return seal(orjson.dumps(record))


def write_predictions(folder: Path, count: int, *, writer: PredictionLog | None = None, **line: Any) -> list[str]:
    """Log predictions eight at a time, whose keys are of every kind; return their ids."""
    log = writer or PredictionLog(folder)
    names: list[str] = []
    for start in range(0, count, 8):
        new = uuid7s(min(8, count - start))
        keys = [KEYS[(start + number) % len(KEYS)] for number in range(len(new))]
        log.append(b"".join(prediction_line(name, key, **line) for name, key in zip(new, keys, strict=True)))
        names += new
    if writer is None:
        log.close()
    return names


def age(folder: Path, seconds: float = 60) -> None:
    """Make the files of a log look as if nobody wrote to them for a while, so that nobody waits for them to settle."""
    for kind in ("predictions", "labels"):
        for file in files_of(folder, kind):
            moment = file.path.stat().st_mtime - seconds
            os.utime(file.path, (moment, moment))


def in_log(folder: Path, kind: Kind = "predictions") -> list[Row]:
    """Return the records of a log, by the log's own reader, in the order of their ids and times."""
    records = iter_predictions(folder) if kind == "predictions" else iter_labels(folder)
    return sorted(_row(record, kind) for record in records)


def _row(record: dict[str, Any], kind: Kind) -> Row:
    values = {
        **record,
        "timestamp": datetime.fromisoformat(record["timestamp"]),
        "index": None if record.get("index") is None else str(record["index"]),
        "features": orjson.dumps(record.get("features")).decode(),
        "probabilities": orjson.dumps(record.get("probabilities")).decode(),
    }
    return tuple(values[name] for name in SCHEMAS[kind].names)


def in_database(url: str, kind: Kind = "predictions") -> list[Row]:
    """Return the records in the tables of a URL."""
    place, _, table = url.rpartition("#")
    name = table if kind == "predictions" else f"{table}_labels"
    engine = sql.create_engine(read_url(place), poolclass=sql.NullPool)
    with engine.connect() as connection:
        found = sql.Table(name, sql.MetaData(), autoload_with=connection)
        rows = connection.execute(sql.select(*(found.c[column] for column in SCHEMAS[kind].names)))
        return sorted(tuple(_in_utc(value) for value in row) for row in rows)


def _in_utc(value: Any) -> Any:
    if not isinstance(value, datetime):
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def in_folder(url: str, kind: Kind = "predictions") -> list[Row]:
    """Return the records in the Parquet files of a folder; each is in the folder of its day."""
    rows: list[Row] = []
    for system, path in parquet_files(url, kind):
        with system.open(path, "rb") as file:
            table = pq.ParquetFile(file).read()
        assert table.schema.equals(SCHEMAS[kind])
        part = [tuple(_in_utc(value) for value in row.values()) for row in table.to_pylist()]
        assert {f"date={row[1].date()}" for row in part} == {path.split("/")[-2]}
        rows += part
    return sorted(rows)


def parquet_files(url: str, kind: Kind = "predictions") -> Iterator[tuple[Any, str]]:
    """Yield the files of a folder, each with its file system."""
    system, root = fsspec.core.url_to_fs(url)
    system.invalidate_cache()
    for path in system.find(f"{root.rstrip('/')}/{kind}"):
        if path.endswith(".parquet"):  # not what a killed process left
            yield system, str(path)


#: Reads the records that have arrived.
Arrived = Callable[..., list[Row]]
