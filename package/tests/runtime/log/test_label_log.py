"""Labels on record: one sealed line each, with when it came and from where."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from classification_model.runtime.log.label_log import LabelLog, iter_labels
from classification_model.runtime.log.line_files import files_of
from classification_model.runtime.log.sealed_lines import LogFaults


def test_labels_are_read_as_they_were_added(tmp_path: Path) -> None:
    """In order, each with the time of its call and its source; a call without labels leaves nothing."""
    log = LabelLog(tmp_path)
    before = datetime.now(UTC)
    log.add([("one", "yes"), ("two", "no")], "feedback")
    log.add([], "feedback")
    log.add(iter([("one", "no")]), "labels.csv")
    after = datetime.now(UTC)
    log.close()
    faults = LogFaults()
    found = list(iter_labels(tmp_path, faults))
    assert [(each["prediction_id"], each["label"], each["source"]) for each in found] == [
        ("one", "yes", "feedback"),
        ("two", "no", "feedback"),
        ("one", "no", "labels.csv"),
    ]
    times = [datetime.fromisoformat(each["timestamp"]) for each in found]
    assert times == sorted(times)
    assert before.replace(microsecond=before.microsecond // 1000 * 1000) <= times[0] <= times[-1] <= after
    assert found == list(iter_labels(tmp_path))
    assert faults == LogFaults()
    assert len(files_of(tmp_path, "labels")) == 1


def test_a_call_without_labels_makes_no_file(tmp_path: Path) -> None:
    """Nothing is put on record of nothing."""
    LabelLog(tmp_path / "log").add([], "feedback")
    assert not (tmp_path / "log").exists()


def test_labels_that_cannot_be_read_are_counted(tmp_path: Path) -> None:
    """A whole line without the members of a label is strange, and a damaged one is counted too."""
    log = LabelLog(tmp_path)
    log.add([("one", "yes")], "feedback")
    log.append(b"damaged\n")
    log.close()
    faults = LogFaults()
    assert len(list(iter_labels(tmp_path, faults))) == 1
    assert (faults.damaged, faults.strange) == (1, 0)
