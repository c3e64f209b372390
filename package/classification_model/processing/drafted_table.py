"""Read the table that a config is drafted for, and draft what the config says of its file."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from classification_model.batch.added_columns import needed_prefix
from classification_model.errors import DataError, InputError
from classification_model.processing.draft_texts import comments, scalar
from classification_model.processing.raw_tables import GIVEN_TABLE, frame_of, raw_frame
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.formats import STANDARD_STREAM, format_of
from classification_model.tables.locations import locate
from classification_model.tables.reading.guessed_encoding import guess_encoding
from classification_model.tables.reading.open_file import in_memory, read_file
from classification_model.tables.reading.open_source import opened_source
from classification_model.tables.reading.open_table import open_table, remarks_of


@dataclass(frozen=True)
class DraftedTable:
    """A table that a config is drafted for.

    Attributes
    ----------
    name
        What it is called in messages.
    frame
        Raw values.
    layout
        How its file is written.
    is_guessed
        Whether the encoding is a guess.
    remarks
        What was done about oddities of the file.
    """

    name: str
    frame: pd.DataFrame
    layout: FileLayout
    is_guessed: bool
    remarks: tuple[str, ...]


def read_to_draft(source: str | pd.DataFrame, layout: FileLayout = UNKNOWN) -> DraftedTable:
    """Read a table of which little is known.

    Parameters
    ----------
    source
        CSV, Parquet or JSON file, a workbook, a URL of one, a table or query of a database, or a frame.
    layout
        How a file is written; what this leaves open is found in it.

    Raises
    ------
    DataError
        If it cannot be read, or has no rows.
    InputError
        If the source holds a password.
    """
    if isinstance(source, pd.DataFrame):
        given = raw_frame(source, GIVEN_TABLE)
        return _with_rows(DraftedTable(GIVEN_TABLE, given, UNKNOWN, is_guessed=False, remarks=()))
    if source == STANDARD_STREAM:
        msg = "expected a file or URL, which the config names as data.source, found standard input"
        raise DataError(msg)
    location = locate(source)
    if location.has_password:
        msg = "expected a URL without a password, as the config keeps it: set it in the environment, such as PGPASSWORD"
        raise InputError(msg)
    name = location.name
    if location.kind in {"database", "service"}:
        with opened_source(source) as opened:
            found = DraftedTable(name, frame_of(opened.table), UNKNOWN, is_guessed=False, remarks=())
    else:
        found = _read_file(source, name, layout)
    return _with_rows(found)


def _with_rows(read: DraftedTable) -> DraftedTable:
    if read.frame.empty:
        msg = f"{read.name} has no rows: expected at least one"
        raise DataError(msg)
    return read


def _read_file(source: str, name: str, layout: FileLayout) -> DraftedTable:
    kind, content = format_of(name), read_file(source)
    is_guessed = layout.encoding is None and kind in {"csv", "tsv"}
    if is_guessed:
        layout = layout.model_copy(update={"encoding": guess_encoding(content, name)})
    table = open_table(in_memory(content, name), layout)
    frame = frame_of(table)
    found: FileLayout = getattr(table, "layout", UNKNOWN)
    if kind == "tsv":  # which its suffix says
        found = found.model_copy(update={"delimiter": None})
    return DraftedTable(name, frame, found, is_guessed, tuple(remarks_of(table)))


def draft_prefix(columns: list[str]) -> list[str]:
    """Draft the prefix of predictions where the table has columns that are called like these."""
    prefix = needed_prefix(columns)
    if not prefix:
        return []
    return [
        "  # Prefix of the columns that `predict` adds: the table has columns that are called like these.",
        f"  prediction_prefix: {scalar(prefix)}",
    ]


def draft_layout(drafted: DraftedTable) -> list[str]:
    """Draft how the file is written, and say what was done about its oddities."""
    layout, lines = drafted.layout, []
    if layout.delimiter not in {None, ","}:
        lines.append(f"  delimiter: {scalar(layout.delimiter or '')}")
    if layout.encoding not in {None, "utf-8"}:
        lines += ["  # The file is not UTF-8; this encoding is a guess:"] if drafted.is_guessed else []
        lines.append(f"  encoding: {scalar(layout.encoding or '')}")
    if layout.skip_rows:
        lines += ["  # Titles or comments above the header:", f"  skip_rows: {layout.skip_rows}"]
    if layout.sheet is not None:
        lines.append(f"  sheet: {scalar(layout.sheet)}")
    remarks = (comments(f"In the file, {remark}.", "  ") for remark in drafted.remarks)
    return [*lines, *(line for remark in remarks for line in remark)]
