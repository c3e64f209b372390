"""What a drafted config says of an audit of its table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd

from classification_model.audit.audit import audit_rows
from classification_model.audit.wording import in_words
from classification_model.config.core import parse_config
from classification_model.config.features import ColumnFeature, used_features
from classification_model.errors import DataError
from classification_model.processing.fields import bare_schema, to_frame
from classification_model.processing.rows import read_rows
from classification_model.processing.target_bins import learn_edges
from classification_model.runtime.input.checking import check_columns

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from classification_model.config.sections import Config
    from classification_model.processing.kinds.inferred import Inferred
    from classification_model.runtime.model_folder.manifest import AuditFinding

#: Number of values to audit: reading them takes most of the time.
MOST_VALUES = 200_000
_COLUMN_REMARKS = {"suspected_leak", "hardly_varying", "identifier", "similar_categories"}


@dataclass(frozen=True)
class DraftAudit:
    """The findings of an audit, by the place where a draft tells them.

    Attributes
    ----------
    leaks
        Why each column that surely gives the target away does so, by its name.
    remarks
        Sentences about each other column, by its name.
    on_rows
        Sentences about the table.
    """

    leaks: dict[str, str]
    remarks: dict[str, list[str]]
    on_rows: list[str]


def audit_draft(table: pd.DataFrame, sections: str, inferred: Sequence[Inferred], holdout: float) -> DraftAudit:
    """Audit the table that a config is drafted for.

    Parameters
    ----------
    table
        Raw values of the rows that have a target.
    sections
        The drafted sections ``app`` and ``data``.
    inferred
        The columns besides the target.
    holdout
        Drafted share of held-out rows.

    Returns
    -------
    DraftAudit
        What was found. If nothing were left to learn from without the leaks, they are remarks.
    """
    features = {column.name: column.feature for column in inferred if column.feature is not None}
    try:
        findings = _audit(table, parse_config(sections), features, holdout)
    except DataError as error:
        return DraftAudit({}, {}, [f"The rows could not be audited: {error}"])
    leaks = {str(finding.column): finding.message for finding in findings if finding.kind == "leak"}
    kept = {name: feature for name, feature in features.items() if name not in leaks}
    is_remark = _COLUMN_REMARKS
    if not used_features(kept):
        leaks, is_remark = {}, {*_COLUMN_REMARKS, "leak"}
    remarks: dict[str, list[str]] = {}
    for finding in findings:
        if finding.column is not None and finding.kind in is_remark:
            remarks.setdefault(finding.column, []).append(in_words(finding, "It"))
    return DraftAudit(leaks, remarks, [_sentence(finding) for finding in findings if finding.column is None])


def _audit(
    table: pd.DataFrame, config: Config, features: dict[str, ColumnFeature], holdout: float
) -> tuple[AuditFinding, ...]:
    labelled = read_rows(pd.DataFrame(index=table.index), table, config)
    classes = tuple(config.data.classes.values())
    if labelled.target is not None:
        edges = learn_edges(labelled.target, len(classes), config.data.target)
        labelled = labelled.in_bins(edges, classes)
    # a text says as much as a category where it is a leak
    read_as = {name: _audited_as(feature) for name, feature in features.items()}

    def read(names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
        part = config.model_copy(update={"features": {name: read_as[name] for name in names}})
        schema = bare_schema(part, table)
        columns = {name: table[name].iloc[rows].tolist() for name in names}
        return to_frame(check_columns(schema, columns).columns, schema)

    return audit_rows(
        read,
        {name: feature.kind for name, feature in features.items()},
        labelled.labels,
        classes=classes,
        held_out=holdout,
        target=labelled.target,
        most_values=MOST_VALUES,
    )


def _sentence(finding: AuditFinding) -> str:
    words = in_words(finding)
    return words[:1].upper() + words[1:]


def _audited_as(feature: ColumnFeature) -> ColumnFeature:
    if feature.kind != "text":
        return feature
    return ColumnFeature(kind="categorical", missing_values=feature.missing_values)
