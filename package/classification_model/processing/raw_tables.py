"""Raw tables as frames: read from files or given by callers, extended by rows, and hashed."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd

from classification_model.errors import DataError
from classification_model.runtime.input.checking import column_name
from classification_model.runtime.input.values import spell_key
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.reading.open_file import in_memory
from classification_model.tables.reading.open_source import opened_source
from classification_model.tables.reading.open_table import open_table, read_rows, remarks_of

if TYPE_CHECKING:
    from classification_model.config.sections import Config
    from classification_model.tables.source import Source

logger = logging.getLogger(__name__)

#: What a table that is given as a frame is called in messages.
GIVEN_TABLE = "the given table"


def parse_table(content: bytes, source: str, layout: FileLayout = UNKNOWN) -> pd.DataFrame:
    """Parse the bytes of a file into a frame of raw values.

    Parameters
    ----------
    content
        Bytes of the file, decompressed.
    source
        Name of the file; its suffix gives the format.
    layout
        How a CSV file or a workbook is written; what this leaves open is found in the file.

    Returns
    -------
    pandas.DataFrame
        Columns of dtype object. CSV cells are texts, "" where empty; Parquet and JSON values keep their types.

    Raises
    ------
    DataError
        If the file is empty or malformed.
    """
    return frame_of(open_table(in_memory(content, source), layout))


def frame_of(table: Source) -> pd.DataFrame:
    """Read all rows of a table into a frame of raw values; see `parse_table`."""
    rows = read_rows(table)
    for remark in remarks_of(table):
        logger.warning("%s: %s", Path(table.name).name, remark)
    columns = {name: pd.Series(values, dtype=object) for name, values in rows.columns.items()}
    return pd.DataFrame(columns, index=range(rows.count))


def read_raw(source: str, layout: FileLayout = UNKNOWN) -> pd.DataFrame:
    """Read a table into a frame of raw values, wherever it is; see `parse_table` and `opened_source`."""
    with opened_source(source, layout) as opened:
        frame = frame_of(opened.table)
        opened.check_unchanged()
    return frame


def raw_frame(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """Return a copy of a frame as files are read: columns of dtype object with texts for names, rows from 0.

    Raises
    ------
    DataError
        If two columns have one name.
    """
    names = raw_names(frame, what)
    columns = {
        name: pd.Series(frame.iloc[:, place].tolist(), dtype=object, index=range(len(frame)))
        for place, name in enumerate(names)
    }
    return pd.DataFrame(columns, index=range(len(frame)))


def raw_names(frame: pd.DataFrame, what: str) -> list[str]:
    """Return the names of a frame's columns as texts.

    Raises
    ------
    DataError
        If two columns have one name.
    """
    names = [column_name(name) for name in frame.columns]
    repeated = next((name for name, count in Counter(names).items() if count > 1), None)
    if repeated is not None:
        msg = f"{what}: expected each column name once, found {repeated!r} twice"
        raise DataError(msg)
    return names


def append_rows(table: pd.DataFrame, extra: pd.DataFrame, config: Config) -> pd.DataFrame:
    """Append rows to a table; a column that they lack is missing in them.

    Parameters
    ----------
    table
        Raw values, columns named as after the rename.
    extra
        The same of other rows; the target holds raw values too.
    config
        Which columns there must be.

    Raises
    ------
    DataError
        If there are columns that the table does not have, or the target or the index is not among them.
    """
    extra = raw_frame(extra, "the table of extra rows")
    columns = [str(name) for name in table.columns]
    unknown = next((name for name in extra.columns if name not in columns), None)
    if unknown is not None:
        msg = f"the extra rows: expected columns of the table, found {unknown!r}: leave it out"
        raise DataError(msg)
    for role, name in (("target", config.data.target), ("index", config.data.index)):
        if name is not None and name not in extra.columns:
            msg = f"the extra rows: expected the column {name!r}, the {role}, found none: add it"
            raise DataError(msg)
    return pd.concat([table.set_axis(columns, axis=1), extra.reindex(columns=columns)], ignore_index=True)


def fits_given_table(config: Config, table: pd.DataFrame) -> tuple[Config, pd.DataFrame]:
    """Adapt a config and a given table to each other.

    Columns are renamed by the config where needed. Columns to drop, and the index, are removed from the config if the
    table lacks them.
    """
    data = config.data
    table = raw_frame(table, GIVEN_TABLE)
    table = table.rename(columns={old: new for old, new in data.rename.items() if new not in table.columns})
    present = set(table.columns)
    update: dict[str, Any] = {
        role: tuple(n for n in getattr(data, role) if n in present) for role in ("drop", "leakage")
    }
    if data.index not in present:
        update["index"] = None
    return config.model_copy(update={"data": data.model_copy(update=update)}).at(config.folder), table


def hash_of_rows(table: pd.DataFrame) -> str:
    """Return the SHA-256 of a table's columns and rows, a line of JSON texts each."""
    digest = hashlib.sha256()
    digest.update(orjson.dumps([str(name) for name in table.columns]) + b"\n")
    for row in zip(*(spell_column(table[name]) for name in table.columns), strict=True):
        digest.update(orjson.dumps([text.encode(errors="replace").decode() for text in row]) + b"\n")
    return digest.hexdigest()


def spell_column(column: pd.Series) -> list[str]:
    """Spell the values of a column; those of columns that are no features are of any kind."""
    return [spell_key(value) or "" for value in column.tolist()]
