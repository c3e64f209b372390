"""Findings in words, with what to do about them."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from classification_model.runtime.model_folder.manifest import AuditFinding

#: Findings of one kind that are printed; the report has all.
MOST_OF_A_KIND = 5

_WORDS = {
    "leak": "gives the target away: {}; list it under data.leakage unless it is known when a prediction is made",
    "suspected_leak": "may give the target away: {}; list it under data.leakage if it is known only after the outcome",
    "hardly_varying": "hardly varies: {}",
    "identifier": "{}; list it under data.drop, or give it kind: categorical if its values come again",
    "similar_categories": "has categories that differ in case or blanks only: {}",
    "repeated_rows": "{}",
    "conflicting_labels": "{}: no model can be right about all of them",
    "rare_class": "{}",
}


def in_words(finding: AuditFinding, column: str | None = None) -> str:
    """Say a finding in one sentence, without a full stop.

    Parameters
    ----------
    finding
        The finding.
    column
        What to call its column; its name by default.
    """
    words = _WORDS[finding.kind].format(finding.message)
    return words if finding.column is None else f"{column or f'column {finding.column!r}'} {words}"


def warnings_of(findings: Iterable[AuditFinding], page: str = "reports/report.html") -> list[str]:
    """Say the findings line by line, and of a kind that is frequent the first ones and how many more `page` has."""
    counts: Counter[str] = Counter()
    lines = []
    for finding in findings:
        counts[finding.kind] += 1
        if counts[finding.kind] <= MOST_OF_A_KIND:
            lines.append(f"warning: {in_words(finding)}")
    more = sum(max(0, count - MOST_OF_A_KIND) for count in counts.values())
    return [*lines, f"warning: {more} more of these in {page}"] if more else lines
