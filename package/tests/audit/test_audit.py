"""The audit of a table as a whole: what is sampled, what is confirmed, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray

from classification_model.audit.audit import LEAST_ROWS, audit_rows
from classification_model.audit.wording import in_words, warnings_of
from classification_model.runtime.model_folder.manifest import AuditFinding

KINDS = {"size": "numeric", "reason": "categorical", "copy": "categorical"}


def make_frame(rows: int = 40_000, rare: int = 200) -> tuple[pd.DataFrame, NDArray[np.object_]]:
    """Make rows of a rare class, with a reason for these alone and a copy of the class."""
    random = np.random.default_rng(0)
    labels = np.where(np.arange(rows) % (rows // rare) == 0, "yes", "no").astype(object)
    is_yes = labels == "yes"
    frame = pd.DataFrame(
        {
            "size": random.normal(size=rows),
            "reason": pd.Series(["moved" if yes else None for yes in is_yes], dtype=object),
            "copy": pd.Series(["Y" if yes else "N" for yes in is_yes], dtype=object),
        }
    )
    return frame, labels


def audit(
    frame: pd.DataFrame, labels: NDArray[np.object_], most_values: int = 9_000
) -> list[tuple[str, str | None, str]]:
    """Audit a frame."""

    def read(names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
        assert (np.diff(rows) > 0).all(), "rows are read in order"
        return frame[list(names)].iloc[rows].reset_index(drop=True)

    kinds = {name: KINDS.get(name, "numeric") for name in frame.columns}
    found = audit_rows(read, kinds, labels, classes=("no", "yes"), held_out=0.2, most_values=most_values)
    return [(finding.kind, finding.column, finding.message) for finding in found]


def test_a_leak_of_a_rare_class_is_found_in_a_sample_and_told_with_figures_of_all_rows() -> None:
    """A class of 0.5% is in the sample with all its rows, and what is sure was held against the whole table."""
    frame, labels = make_frame()
    assert audit(frame, labels) == [
        ("leak", "reason", "filled in all 200 rows of class 'yes', and in no other row"),
        ("leak", "copy", "one-to-one with the target"),
    ]


def test_what_is_sure_in_the_sample_but_not_in_all_rows_is_suspected() -> None:
    """One exception outside the sample takes the certainty, and the finding says that rows were sampled."""
    frame, labels = make_frame()
    seen: list[int] = []

    def read(names: Sequence[str], rows: NDArray[np.intp]) -> pd.DataFrame:
        seen.extend(rows)
        return frame[list(names)].iloc[rows].reset_index(drop=True)

    audit_rows(read, {"reason": "categorical"}, labels, classes=("no", "yes"), held_out=0.2, most_values=3_000)
    left_out = sorted({*range(len(frame))} - {*seen[:3_000]})
    frame.loc[left_out[0], "reason"] = "an exception"
    (found,) = audit(frame[["reason"]], labels, most_values=3_000)
    assert found == (
        "suspected_leak",
        "reason",
        "filled in all 200 rows of class 'yes', and in no other row (of 3,000 of 40,000 rows, sampled)",
    )


def test_a_sample_is_the_same_each_time() -> None:
    """The same table gives the same findings, to the last digit."""
    frame, labels = make_frame()
    frame["size"] += 6 * (labels == "yes")
    frame["id"] = np.arange(len(frame))[::-1]
    assert audit(frame, labels) == audit(frame, labels)
    assert [found[1] for found in audit(frame, labels)] == ["reason", "copy", "size", "id"]


def test_a_small_table_is_audited_whole_however_wide_it_is() -> None:
    """Below the least number of rows no row is left out."""
    frame, labels = make_frame(LEAST_ROWS, 100)
    assert all("sampled" not in message for _, _, message in audit(frame, labels, most_values=1))


def test_a_table_of_a_single_row_or_one_class_is_audited_without_an_error() -> None:
    """The least tables have nothing to find."""
    frame = pd.DataFrame({"size": [1.0]})
    assert [kind for kind, _, _ in audit(frame, np.array(["yes"], dtype=object))] == ["hardly_varying", "rare_class"]
    frame = pd.DataFrame({"size": np.arange(60) / 7, "empty": np.full(60, np.nan)})
    found = audit(frame, np.full(60, "yes", dtype=object))
    assert found[0] == ("hardly_varying", "empty", "missing in every row")


@pytest.mark.parametrize(
    ("finding", "expected"),
    [
        (AuditFinding(kind="leak", column="x", message="m"), "column 'x' gives the target away: m; list it under "),
        (AuditFinding(kind="suspected_leak", column="x", message="m"), "column 'x' may give the target away: m; list "),
        (AuditFinding(kind="hardly_varying", column="x", message="m"), "column 'x' hardly varies: m"),
        (AuditFinding(kind="repeated_rows", message="m"), "m"),
    ],
)
def test_a_finding_is_a_sentence(finding: AuditFinding, expected: str) -> None:
    """It begins with the column, and a leak ends with what to do."""
    assert in_words(finding).startswith(expected)


def test_findings_that_repeat_are_counted_instead_of_printed() -> None:
    """Of thirty leaks five are printed, and a line says how many more there are."""
    leaks = [AuditFinding(kind="leak", column=f"c{number}", message="m") for number in range(30)]
    other = AuditFinding(kind="rare_class", message="few rows")
    lines = warnings_of([*leaks, other])
    assert len(lines) == 7
    assert lines[5:] == ["warning: few rows", "warning: 25 more of these in reports/report.html"]
    assert warnings_of([]) == []
