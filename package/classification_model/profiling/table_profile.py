"""What is known of a table once its rows were looked at; the rows themselves are not kept."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Rows of one class, or of all classes but the most frequent ones.

    Attributes
    ----------
    name
        Label of the class, or such as ``12 other classes``.
    rows
        Number of rows.
    """

    name: str
    rows: int


@dataclass(frozen=True)
class Bar:
    """A bin of numbers or dates, a category, or all other categories.

    Attributes
    ----------
    name
        The bin as people write it, such as ``18 to 33``, or the category.
    rows
        Number of rows.
    by_group
        Number of rows of each group of `TableProfile.groups`; empty without classes.
    """

    name: str
    rows: int
    by_group: tuple[int, ...]


@dataclass(frozen=True)
class Distribution:
    """How the values of a column are spread.

    Attributes
    ----------
    bars
        Bins in their order, or categories with the most frequent first and all others last.
    edges
        Of bins, the edges as people write them, one more than there are bars: a bin holds values from its lower edge
        to below its upper edge, the last one its upper edge too. Empty for categories, and for numbers of few values,
        which have a bar each.
    of
        What is spread: ``values``, or ``lengths`` of texts in characters.
    """

    bars: tuple[Bar, ...]
    edges: tuple[str, ...] = ()
    of: str = "values"


@dataclass(frozen=True)
class NumberSummary:
    """Numbers in figures; of dates, in seconds since 1970, and of texts, of their lengths.

    Attributes
    ----------
    least, lower_quartile, median, upper_quartile, most, mean, deviation
        Of the finite values; the deviation is the standard deviation.
    skewness
        Third standardized moment: 0 if symmetric, above 0 with a long tail of large values.
    written
        Least, quartiles, most and mean as people write them, by their names above.
    """

    least: float
    lower_quartile: float
    median: float
    upper_quartile: float
    most: float
    mean: float
    deviation: float
    skewness: float
    written: dict[str, str]


@dataclass(frozen=True)
class ColumnProfile:
    """A column.

    Attributes
    ----------
    name, kind
        Name and kind: ``numeric``, ``categorical``, ``boolean``, ``text`` or ``datetime``.
    rows
        Number of rows.
    missing
        Number of rows without a value.
    missing_by_group
        The same of each group of `TableProfile.groups`; empty without classes.
    infinite
        Number of rows with an infinite number, which all else leaves out.
    distinct
        Number of distinct values.
    numbers
        Figures of numbers and dates, and of the lengths of texts; None without a value, and for other kinds.
    distribution
        How the values are spread; no bars without a value.
    association
        Association of the column with the class, 0 to 1; None without classes. See `bias_corrected_v`.
    gap_association
        Association of whether it is missing with the class, 0 to 1; None without classes.
    """

    name: str
    kind: str
    rows: int
    missing: int
    missing_by_group: tuple[int, ...]
    infinite: int
    distinct: int
    numbers: NumberSummary | None
    distribution: Distribution
    association: float | None = None
    gap_association: float | None = None

    @property
    def missing_share(self) -> float:
        """Share of the rows without a value; 0 without rows."""
        return self.missing / self.rows if self.rows else 0.0

    @property
    def is_constant(self) -> bool:
        """Whether no two rows differ."""
        return self.distinct + (self.missing > 0) + (self.infinite > 0) < 2


@dataclass(frozen=True)
class Associations:
    """Associations of columns with each other.

    Attributes
    ----------
    names
        Names of the columns: all, or those of the strongest association with the class.
    values
        Association of each with each, 0 to 1, a row for each column; see `bias_corrected_v`.
    """

    names: tuple[str, ...] = ()
    values: tuple[tuple[float, ...], ...] = ()

    def pairs(self) -> list[tuple[str, str, float]]:
        """Return each pair of columns with its association, the strongest first."""
        found = [
            (name, self.names[place], value)
            for row, name in enumerate(self.names)
            for place, value in enumerate(self.values[row][:row])
        ]
        return sorted(found, key=lambda pair: -pair[2])


@dataclass(frozen=True)
class TableProfile:
    """A table.

    Attributes
    ----------
    rows
        Number of rows.
    complete_rows
        Number of rows without a gap.
    classes
        All classes with their rows, in order; empty without classes.
    groups
        The classes, or where there are many, the most frequent ones and all others as one group. Columns are counted
        by these.
    columns
        The columns, in their order.
    associations
        Associations of columns with each other.
    """

    rows: int
    complete_rows: int
    classes: tuple[Group, ...]
    groups: tuple[Group, ...]
    columns: tuple[ColumnProfile, ...]
    associations: Associations

    def column(self, name: str) -> ColumnProfile | None:
        """Return the column of a name, or None."""
        return next((column for column in self.columns if column.name == name), None)

    def by_strength(self) -> tuple[ColumnProfile, ...]:
        """Return the columns, the strongest association with the class first; in their order without classes."""
        return tuple(sorted(self.columns, key=lambda column: -(column.association or 0.0)))
