"""What a processed Parquet file says of itself: how it was made, and which columns the raw table had."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import orjson
import pandas as pd
import pyarrow as pa
from pydantic import BaseModel, ConfigDict, ValidationError

from classification_model.errors import DataError
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.runtime.model_folder.manifest import NONE_LEFT_OUT, LeftOut

if TYPE_CHECKING:
    from classification_model.config.sections import Config

#: Key of a Parquet file's metadata.
KEY = "classification_model.processed"


class Processed(BaseModel):
    """The description of a processed table, in the metadata of its file.

    Attributes
    ----------
    reading
        Hash of the sections of the config by which the values were read; see `reading_hash`.
    columns
        Columns of the raw table after ``data.rename``, in order.
    stored
        Columns of the file, each with its type.
    derived
        Those of them that are derived features, which training derives again.
    left_out
        Rows that the config left out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    reading: str
    columns: tuple[str, ...]
    stored: dict[str, str]
    derived: tuple[str, ...] = ()
    left_out: LeftOut = NONE_LEFT_OUT

    def as_metadata(self) -> dict[str, str]:
        """Return the metadata of the file."""
        return {KEY: self.model_dump_json()}


def reading_hash(config: Config) -> str:
    """Return the SHA-256 of what a config says about reading values: not of how a model is trained from them."""
    of_files = {"source", "validation_source", *FileLayout.model_fields}
    data = config.data.model_dump(mode="json", exclude=of_files)
    features = {name: item.model_dump(mode="json", by_alias=True) for name, item in config.features.items()}
    return hashlib.sha256(orjson.dumps([data, features])).hexdigest()


def read_description(metadata: Mapping[bytes, bytes], name: str) -> Processed | None:
    """Return what the metadata of a Parquet file says of its processing; None if it is any other file.

    Raises
    ------
    DataError
        If the description is damaged, or of another release.
    """
    found = metadata.get(KEY.encode())
    if found is None:
        return None
    try:
        return Processed.model_validate_json(found)
    except ValidationError:
        msg = f"{name} was processed by another release of this package: process the data again"
        raise DataError(msg) from None


def check_processed(processed: Processed, types: Mapping[str, pa.DataType], config: Config, name: str) -> None:
    """Refuse a processed file that does not fit the config, or was changed since it was written.

    Raises
    ------
    DataError
        Naming the column that differs.
    """
    if processed.reading != reading_hash(config):
        msg = (
            f"{name} was processed by a config with other data or features: expected the same sections data and "
            "features: process the data again"
        )
        raise DataError(msg)
    found = {column: str(kind) for column, kind in types.items()}
    for column in dict.fromkeys([*processed.stored, *found]):
        expected, kind = processed.stored.get(column), found.get(column)
        if expected != kind:
            msg = (
                f"{name}: column {column!r} was changed since the data was processed: expected "
                f"{expected or 'no such column'}, found {kind or 'none'}: process the data again"
            )
            raise DataError(msg)


def as_raw(frame: pd.DataFrame, processed: Processed) -> pd.DataFrame:
    """Return a table as it was before: without derived columns, and with unused ones, whose values are missing."""
    columns = {
        column: frame[column] if column in frame else pd.Series([None] * len(frame), dtype=object)
        for column in processed.columns
    }
    return pd.DataFrame(columns, index=frame.index)
