"""The record of decisions: whole lines, in turn, on the disk, and no more of them than fit."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.errors import LogUnavailableError
from classification_model.runtime.log.decision_log import (
    FILE,
    FORMER_FILE,
    append_decision,
    last_decision,
    last_retraining,
    read_decisions,
)
from classification_model.runtime.log.sealed_lines import LogFaults, seal

NOW = datetime(2026, 11, 21, 13, 4, 30, 123456, tzinfo=UTC)
WRITER = """
import sys
from pathlib import Path
from classification_model.runtime.log.decision_log import append_decision
for number in range(int(sys.argv[3])):
    append_decision(Path(sys.argv[1]), "retrain-check", {"writer": sys.argv[2], "number": number},
                    file_size=int(sys.argv[4]))
"""
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.slow
@given(content=st.dictionaries(st.text(), JSON_VALUES, max_size=4))
def test_what_was_appended_is_read(content: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> None:
    """Whatever JSON a decision holds, control characters and line breaks among it, it comes back as one entry."""
    folder = tmp_path_factory.mktemp("log")
    entry = append_decision(folder, "promotion", content, now=NOW)
    assert entry == {"kind": "promotion", "timestamp": "2026-11-21T13:04:30.123Z", "content": content}
    assert read_decisions(folder) == [entry]


def test_the_folder_is_made_and_times_are_utc(tmp_path: Path) -> None:
    """A log folder that is not there yet is made, and a time of another zone is written in UTC."""
    folder = tmp_path / "new" / "log"
    append_decision(folder, "comparison", {"verdict": "hold"}, now=NOW.astimezone(timezone(timedelta(hours=9))))
    (entry,) = read_decisions(folder)
    assert entry["timestamp"] == "2026-11-21T13:04:30.123Z"


def test_a_number_that_is_none_is_null(tmp_path: Path) -> None:
    """NaN, which JSON does not know, is on record as null."""
    append_decision(tmp_path, "comparison", {"roc_auc": float("nan")})
    assert read_decisions(tmp_path)[0]["content"] == {"roc_auc": None}


def test_nothing_is_read_where_nothing_was_decided(tmp_path: Path) -> None:
    """A folder without a record, and one that is not there, hold no decisions."""
    assert read_decisions(tmp_path) == []
    assert read_decisions(tmp_path / "nowhere") == []


def test_the_last_retraining_of_a_model_is_found(tmp_path: Path) -> None:
    """Of the retrainings of one model the newest counts; other models and other decisions do not."""
    assert last_retraining(tmp_path, "Titanic") is None
    for hours, model in ((1, "Titanic"), (3, "Titanic"), (2, "Titanic"), (9, "churn")):
        append_decision(tmp_path, "retraining", {"model": model}, now=NOW + timedelta(hours=hours))
    append_decision(tmp_path, "retrain-check", {"model": "Titanic"}, now=NOW + timedelta(hours=20))
    found = last_retraining(tmp_path, "Titanic")
    assert found is not None
    assert abs(found - NOW - timedelta(hours=3)) < timedelta(seconds=1)


def test_the_last_decision_on_a_model_is_found(tmp_path: Path) -> None:
    """Of any kind, the newest counts; those on other models, damaged lines and other lines do not."""
    assert last_decision(tmp_path, "Titanic") is None
    for kind, model in (("retraining", "Titanic"), ("promotion", "Titanic"), ("rollback", "churn")):
        append_decision(tmp_path, kind, {"model": model})  # type: ignore[arg-type]
    with (tmp_path / FILE).open("ab") as file:
        file.write(b"damaged\n")
        for line in ({"kind": "rollback"}, {"kind": "rollback", "timestamp": "", "content": 1}, [1]):
            file.write(seal(orjson.dumps(line)) if isinstance(line, dict) else orjson.dumps(line) + b"\n")
    found = last_decision(tmp_path, "Titanic")
    assert found is not None
    assert (found["kind"], found["content"]) == ("promotion", {"model": "Titanic"})
    assert last_decision(tmp_path, "nothing") is None


def test_the_last_decision_is_sought_in_the_newest_two_mib(tmp_path: Path) -> None:
    """What stands before them is too old to be shown, and a line that begins before them is none."""
    append_decision(tmp_path, "promotion", {"model": "Titanic"})
    entry = append_decision(tmp_path, "promotion", {"model": "churn", "text": ""})
    size = (tmp_path / FILE).stat().st_size
    assert last_decision(tmp_path, "Titanic") is not None
    append_decision(tmp_path, "promotion", {"model": "churn", "text": "x" * (2 * 2**20 - len(orjson.dumps(entry)))})
    assert size < 2**20
    assert last_decision(tmp_path, "Titanic") is None


def test_a_record_that_is_a_folder_has_no_last_decision(tmp_path: Path) -> None:
    """It is an error, and not nothing."""
    (tmp_path / FILE).mkdir()
    with pytest.raises(LogUnavailableError, match=f"{FILE} cannot be read: "):
        last_decision(tmp_path, "Titanic")


def test_a_kind_that_is_none_is_refused(tmp_path: Path) -> None:
    """Only the known kinds go on record."""
    with pytest.raises(ValueError, match=r"expected a kind of decision \(retrain-check, .*\), found 'guess'"):
        append_decision(tmp_path, "guess", {})  # type: ignore[arg-type]
    assert not (tmp_path / FILE).exists()


def test_a_line_torn_at_any_byte_is_repaired_and_counted(tmp_path: Path) -> None:
    """Wherever its writer was killed, the torn line alone goes, and the next entry says how many bytes that were."""
    kept = append_decision(tmp_path, "promotion", {"version": "1"}, now=NOW)
    first = (tmp_path / FILE).read_bytes()
    lost = append_decision(tmp_path, "rollback", {"to": "0"}, now=NOW)
    line = (tmp_path / FILE).read_bytes()[len(first) :]
    for length in range(1, len(line)):
        (tmp_path / FILE).write_bytes(first + line[:length])
        faults = LogFaults()
        is_whole = length == len(line) - 1  # but for its end
        assert read_decisions(tmp_path, faults) == ([kept, lost] if is_whole else [kept])
        assert faults.torn == (not is_whole)
        entry = append_decision(tmp_path, "promotion", {"version": "2"}, now=NOW)
        assert entry["repaired"] == (0 if is_whole else length)
        assert read_decisions(tmp_path) == ([kept, lost, entry] if is_whole else [kept, entry])
    assert "repaired" not in append_decision(tmp_path, "promotion", {"version": "3"}, now=NOW)


def test_a_damaged_entry_is_counted_and_the_others_are_read(tmp_path: Path) -> None:
    """One flipped bit in the middle costs one entry, which is counted with its place."""
    entries = [append_decision(tmp_path, "promotion", {"version": str(number)}) for number in range(3)]
    content = bytearray((tmp_path / FILE).read_bytes())
    begin = content.index(b"\n") + 1
    content[begin + 12] ^= 1
    (tmp_path / FILE).write_bytes(content)
    faults = LogFaults()
    assert read_decisions(tmp_path, faults) == [entries[0], entries[2]]
    assert (faults.damaged, faults.places[0].file, faults.places[0].offset) == (1, FILE, begin)


@pytest.mark.slow
@pytest.mark.parametrize("file_size", [10**9, 4000])
def test_processes_that_append_at_once_take_turns(tmp_path: Path, file_size: int) -> None:
    """Of three processes that append together no line is lost, doubled or mixed, not while files are changed either."""
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, tmp_path, str(number), "60", str(file_size)])
        for number in range(3)
    ]
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    faults = LogFaults()
    found = [entry["content"] for entry in read_decisions(tmp_path, faults)]
    assert faults == LogFaults()
    numbers = {writer: [item["number"] for item in found if item["writer"] == writer] for writer in ("0", "1", "2")}
    if file_size == 10**9:
        assert numbers == {writer: list(range(60)) for writer in ("0", "1", "2")}
    else:  # the newest are kept, in order and without a gap
        assert sum(map(len, numbers.values())) > 30
        assert all(kept == list(range(60))[60 - len(kept) :] for kept in numbers.values())


@pytest.mark.slow
def test_what_a_killed_writer_was_told_is_on_record(tmp_path: Path) -> None:
    """Whenever a writer is killed, each entry that it was told of is read, in order, and the next writer goes on."""
    told = 0
    for kill in range(8):
        program = WRITER.replace("file_size=int(sys.argv[4]))", "file_size=10**9); print(number, flush=True)")
        arguments = [sys.executable, "-c", program, str(tmp_path), str(kill), "100000"]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            numbers = [int(writer.stdout.readline()) for _ in range(3 + kill)]
            writer.kill()
            numbers += [int(line) for line in writer.stdout if line.endswith("\n")]
        found = [entry["content"] for entry in read_decisions(tmp_path)]
        mine = [item["number"] for item in found if item["writer"] == str(kill)]
        assert mine[: len(numbers)] == numbers
        assert len(mine) <= len(numbers) + 1
        told += len(numbers)
    assert len(read_decisions(tmp_path)) >= told


def test_the_log_is_bounded_and_keeps_the_newest(tmp_path: Path) -> None:
    """A full file makes room by its name, its predecessor goes, and what is left are the newest entries in order."""
    for number in range(100):
        append_decision(tmp_path, "retrain-check", {"number": number}, file_size=1000)
    numbers = [entry["content"]["number"] for entry in read_decisions(tmp_path)]
    assert numbers == list(range(100))[-len(numbers) :]
    sizes = [(tmp_path / name).stat().st_size for name in (FILE, FORMER_FILE)]
    assert max(sizes) <= 1000 < sum(sizes) + 200
    assert sorted(path.name for path in tmp_path.iterdir()) == [FORMER_FILE, FILE]


def test_an_entry_larger_than_a_file_is_kept(tmp_path: Path) -> None:
    """A comparison that is larger than the bound is on record all the same, alone in its file."""
    append_decision(tmp_path, "comparison", {"text": "x" * 5000}, file_size=1000)
    append_decision(tmp_path, "promotion", {"version": "2"}, file_size=1000)
    assert [entry["kind"] for entry in read_decisions(tmp_path)] == ["comparison", "promotion"]


def test_the_record_is_read_while_its_file_is_changed(tmp_path: Path) -> None:
    """Between the renaming of a full file and the beginning of the next one, all that was decided is still read."""
    append_decision(tmp_path, "promotion", {"version": "1"})
    (tmp_path / FILE).rename(tmp_path / FORMER_FILE)
    assert [entry["content"] for entry in read_decisions(tmp_path)] == [{"version": "1"}]


def test_a_line_of_another_kind_is_counted(tmp_path: Path) -> None:
    """A whole line that holds no decision is counted as strange, not returned."""
    append_decision(tmp_path, "promotion", {})
    with (tmp_path / FILE).open("ab") as file:
        file.write(seal(orjson.dumps({"prediction_id": "x"})))
    faults = LogFaults()
    assert len(read_decisions(tmp_path, faults)) == 1
    assert faults.strange == 1


@pytest.mark.parametrize("obstacle", ["folder", "link", "pipe"])
def test_what_cannot_go_on_record_is_an_error(tmp_path: Path, obstacle: str) -> None:
    """Something else in the file's place is neither followed nor waited for: the decision fails in one line."""
    path, elsewhere = tmp_path / FILE, tmp_path / "elsewhere"
    if obstacle == "folder":
        path.mkdir()
    elif obstacle == "link":
        path.symlink_to(elsewhere)
    else:
        os.mkfifo(path)
    expected = re.escape(f"the decision cannot be logged in {FILE}: ")
    with pytest.raises(LogUnavailableError, match=rf"\A{expected}[^\n]+\Z"):
        append_decision(tmp_path, "promotion", {})
    assert not elsewhere.exists()


def test_a_full_disk_leaves_no_half_entry(tmp_path: Path) -> None:
    """A decision for which the disk has no room fails, and what was on record before stays whole."""
    append_decision(tmp_path, "promotion", {"version": "1"})
    before = (tmp_path / FILE).read_bytes()
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from classification_model.runtime.log.decision_log import append_decision\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({len(before) + 40}, {len(before) + 40}))\n"
        "append_decision(Path(sys.argv[1]), 'promotion', {'version': 'x' * 100})\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path], capture_output=True, text=True, check=False)
    assert "LogUnavailableError: the decision cannot be logged" in done.stderr
    assert (tmp_path / FILE).read_bytes() == before


def test_a_writer_waits_while_another_one_writes(tmp_path: Path) -> None:
    """And writes then: the lock is that of the file."""
    append_decision(tmp_path, "promotion", {})
    with (tmp_path / FILE).open("rb") as other, ThreadPoolExecutor() as threads:
        fcntl.flock(other, fcntl.LOCK_EX)
        waiting = threads.submit(append_decision, tmp_path, "rollback", {})
        with pytest.raises(TimeoutError):
            waiting.result(timeout=0.3)
        fcntl.flock(other, fcntl.LOCK_UN)
        waiting.result(timeout=60)
    assert [entry["kind"] for entry in read_decisions(tmp_path)] == ["promotion", "rollback"]
