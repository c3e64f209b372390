"""Read labels from any table: a column of keys and one of labels, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from classification_model.errors import DataError
from classification_model.runtime.model_folder.file_layout import UNKNOWN, FileLayout
from classification_model.tables.locations import locate, short_name
from classification_model.tables.python_values import UnreadableArray, python_values
from classification_model.tables.reading.open_source import opened_source

#: The keys of some rows, and their labels.
Part = tuple[list[Any], list[Any]]


@dataclass(frozen=True)
class LabelSource:
    """A table that has a column of keys and one of labels.

    Attributes
    ----------
    source
        A path, ``-``, or a URL of a file, of a table or query of a database, or of a registered service; see
        `tables.locations.locate`.
    key, label
        Names of the columns.
    layout
        How a CSV file or a workbook is written; what this leaves open is found in the file.
    """

    source: str = field(repr=False)  # it may hold a password
    key: str
    label: str
    layout: FileLayout = UNKNOWN

    @property
    def name(self) -> str:
        """Name of the source in the log, without its folder and without secrets."""
        location = locate(self.source)
        if location.kind == "database":
            return location.table or "query"
        return short_name(self.source)

    def parts(self) -> Iterator[Part]:
        """Yield the keys and labels of some rows at a time, in order.

        Raises
        ------
        DataError
            If the source cannot be read, or lacks a column.
        InputError
            If nothing opens it.
        MissingExtraError
            If what opens it is not installed.
        """
        try:
            with opened_source(self.source, self.layout, columns=(self.key, self.label)) as opened:
                for piece in opened.table.pieces():
                    columns = piece.load().columns
                    yield python_values(columns[self.key]), python_values(columns[self.label])
                opened.check_unchanged()
        except UnreadableArray as error:
            msg = f"{self.name}: a column {error}"
            raise DataError(msg) from error
