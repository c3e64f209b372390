"""The section ``data`` of a config file: the table, its target, and the columns that are no features."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from classification_model.config.features import ColumnFeature, Marks, Name, Names, Section
from classification_model.runtime.input.number_format import Decimal, NumberFormat, Thousands
from classification_model.runtime.input.schema import DEFAULT_MISSING_VALUES, LongestText
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.tables.formats import check_encoding

#: A character that separates the cells of a CSV file.
DELIMITER = r"^[\t -!#-~]$"


class DataConfig(Section):
    """The table, and the columns that are not features.

    Attributes
    ----------
    source
        CSV, Parquet or JSON file: a path relative to the config file, or a URL that fsspec opens.
    validation_source
        A second table to evaluate the model on. By default a hold-out is drawn from `source`.
    target
        Column to predict.
    classes
        Label of each value of the target, in order. Values with the same label are one class, whose place is that of
        the first of them. The second of two classes is the positive one. By default the classes are the values of the
        target. With `target_bins`, label of each bin by its number, 1 for the lowest.
    other_classes
        What to do with rows whose target is a value that `classes` does not list: ``refuse`` the table, or ``drop``
        and count the rows.
    unlabelled
        What to do with rows without a target: ``refuse`` the table, or ``drop`` and count the rows.
    target_bins
        Number of bins, 2 to 20, of about the same size, into which a numeric target is divided. Each bin is a class.
        The edges are quantiles of the training rows.
    index
        Column with a unique value in each row.
    group
        Column of groups: with ``training.split.kind: group`` the rows of a group are not split.
    time
        Column of dates or numbers: with ``training.split.kind: time`` the latest rows are held out.
    weight
        Column of sample weights, numbers above 0.
    rename
        New name of a column, by its old one. All other keys use the new names.
    drop
        Columns not to use.
    leakage
        Columns not to use because they are known only after the outcome.
    missing_values
        Words that mean "missing" in any column, in any case. An empty text always does. One that spells a number or a
        date stands for its value, however a row spells it.
    decimal
        Decimal sign of numbers that are texts: ``.`` or ``,``. By default ``.``; for features that the config leaves
        out, it is decided by the table.
    thousands
        What separates groups of three digits: ``,``, ``.``, ``blank``, ``'`` or ``none``. By default whichever of comma
        and point is not the decimal sign, a blank or an apostrophe.
    delimiter
        Delimiter of a CSV file, one ASCII character.
    encoding
        Encoding of a CSV file, as Python names it.
    skip_rows
        Number of lines above the header of a CSV file, or of rows above that of a workbook. A first line ``sep=;``,
        which names the delimiter, does not count.
    sheet
        Sheet of a workbook. The default is the first one.
    longest_text
        Maximum number of characters of a text that is searched for patterns or words, and of a number given as text.
        Other texts may have 10,000 characters.
    """

    source: Name
    validation_source: Name | None = None
    target: Name
    classes: dict[Name, Name] = Field(default_factory=dict)
    other_classes: Literal["refuse", "drop"] = "refuse"
    unlabelled: Literal["refuse", "drop"] = "refuse"
    target_bins: int | None = Field(None, ge=2, le=20)
    index: Name | None = None
    group: Name | None = None
    time: Name | None = None
    weight: Name | None = None
    rename: dict[Name, Name] = Field(default_factory=dict)
    drop: Names = ()
    leakage: Names = ()
    missing_values: Marks = DEFAULT_MISSING_VALUES
    decimal: Decimal | None = None
    thousands: Thousands | None = None
    delimiter: str = Field(",", pattern=DELIMITER, description="one ASCII character, no quote and no line break")
    encoding: Annotated[str, AfterValidator(check_encoding)] = "utf-8"
    skip_rows: int = Field(0, ge=0, le=1000)
    sheet: Name | None = None
    longest_text: LongestText = LONGEST_PARSED_TEXT

    @property
    def layout(self) -> FileLayout:
        """How the files of the table are written."""
        return FileLayout(delimiter=self.delimiter, encoding=self.encoding, skip_rows=self.skip_rows, sheet=self.sheet)

    @property
    def labels(self) -> tuple[str, ...]:
        """Labels of the classes, in order; the second of two is the positive one."""
        return tuple(dict.fromkeys(self.classes.values()))

    @property
    def roles(self) -> tuple[str, ...]:
        """Target, index, weight, and the columns not to use."""
        named = (self.target, self.index, self.weight, *self.drop, *self.leakage)
        return tuple(name for name in named if name is not None)

    @property
    def written(self) -> NumberFormat:
        """How numbers are written in columns that say nothing else."""
        return NumberFormat(decimal=self.decimal or ".", thousands=self.thousands)

    def written_in(self, feature: ColumnFeature) -> NumberFormat:
        """Return how the numbers of a feature are written."""
        thousands = self.thousands if feature.decimal is None else None
        return NumberFormat(
            decimal=feature.decimal or self.decimal or ".",
            thousands=feature.thousands or thousands,
            unit=feature.unit,
            censored=feature.censored,
            spelling=feature.number_format,
        )

    def marks_in(self, feature: ColumnFeature) -> tuple[str, ...]:
        """Return the words that mean "missing" in a feature, in lower case."""
        values = {word.lower() for word in feature.not_missing}
        words = (word.lower() for word in (*self.missing_values, *feature.missing_values))
        return tuple(dict.fromkeys(word for word in words if word not in values))
