"""How a table lies in its file: what parts its cells, how its texts are encoded, and where it begins."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class FileLayout(BaseModel):
    """How a table lies in its file; what is None is found in the file.

    Attributes
    ----------
    delimiter
        Delimiter of a CSV file, one ASCII character.
    encoding
        Encoding of a CSV file, as Python names it. Unless the file says otherwise, UTF-8.
    skip_rows
        Number of lines above the header of a CSV file, or of rows above that of a workbook: titles and comments. A line
        ``sep=;``, which is always understood, does not count.
    sheet
        Sheet of a workbook; the first one by default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    delimiter: str | None = None
    encoding: str | None = None
    skip_rows: int | None = None
    sheet: str | None = None


#: The layout of a file of which nothing is known.
UNKNOWN = FileLayout()
