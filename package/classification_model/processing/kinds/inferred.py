"""What is inferred of a column, and what is known of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from classification_model.config.features import ColumnFeature
from classification_model.runtime.input.number_format import Decimal

#: Up to so many categories become a column each.
ONE_HOT_LIMIT = 20
#: Words among numbers or dates are marks of missing values while they are this few: kinds, and share of the values.
MOST_MARKS, MARK_SHARE = 5, 0.1
#: So few kinds may be this share, among more numbers than categories would be.
FEW_MARKS, FEW_MARKS_SHARE = 2, 0.5


@dataclass(frozen=True)
class Inferred:
    """The inferred kind of a column.

    Attributes
    ----------
    name
        Name of the column.
    feature
        Config of the column as a feature; None if it cannot be one.
    reason
        Reason for the kind, or why the column cannot be a feature.
    identifies
        Whether the column looks like an index: a different value in every row.
    remarks
        What its owner should check, a sentence each.
    """

    name: str
    feature: ColumnFeature | None
    reason: str
    identifies: bool = False
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True)
class Evidence:
    """What is known of a table besides its values.

    Attributes
    ----------
    decimal
        Decimal sign of its texts, as the config says; None to decide it by the values.
    delimiter
        Delimiter of its file; a semicolon supports a decimal comma.
    """

    decimal: Decimal | None = None
    delimiter: str | None = None


@dataclass
class Guess:
    """A kind that fits a column.

    Attributes
    ----------
    kind
        Kind of the feature; None if the column cannot be one, though it is of a known sort.
    reason
        Why it fits, or why the column cannot be a feature.
    options
        Further keys of the feature.
    remarks
        What its owner should check, a sentence each.
    read
        What each distinct value reads as, of those that do not read as themselves.
    """

    kind: str | None
    reason: str
    options: dict[str, Any] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    read: Mapping[str, Any] = field(default_factory=dict)

    @property
    def feature(self) -> ColumnFeature | None:
        """The feature as a config has it."""
        return None if self.kind is None else ColumnFeature.model_validate({"kind": self.kind, **self.options})
