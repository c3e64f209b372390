"""One sealed line: its bytes, what is saved of a damaged one, and what is told of that."""

from __future__ import annotations

import pytest

from classification_model.runtime.log.sealed_lines import LineFault, LogFaults, salvage, seal, unseal

ONE, TWO, THREE = b'{"a":1}', b'{"b":2}', b'{"c":3}'


def test_the_seal_is_the_crc_32_of_what_stands_before_it() -> None:
    """Other programs can check a line by the same rule."""
    assert seal(ONE) == b'{"a":1,"crc":"a702fc6e"}\n'
    assert unseal(b'{"a":1,"crc":"a702fc6e"}\n') == ONE


def salvaged(line: bytes) -> tuple[list[bytes], LogFaults]:
    """Salvage what stands at byte 10 of a file."""
    faults = LogFaults()
    return salvage(line, "log", 10, faults), faults


def test_a_whole_line_without_its_end_is_whole() -> None:
    """Only its line break was not written any more."""
    assert salvaged(seal(ONE)[:-1]) == ([ONE], LogFaults())


@pytest.mark.parametrize("left", [1, 10, len(seal(TWO)) - 2])
def test_a_torn_line_is_counted_where_it_begins(left: int) -> None:
    """What was begun of it is lost; what stands whole before it on the same line is saved."""
    torn = seal(TWO)[:left]
    alone = LogFaults(torn=1, places=[LineFault("log", 10, "a line without an end")])
    assert salvaged(torn) == ([], alone)
    begin = 10 + len(seal(ONE))
    behind = LogFaults(torn=1, places=[LineFault("log", begin, "a line without an end")])
    assert salvaged(seal(ONE)[:-1] + b"x" + torn) == ([ONE], behind)


@pytest.mark.parametrize("garbage", [b"\n", b"garbage\n", b'{"crc":"00000000"}\n', seal(TWO).replace(b"2", b"3", 1)])
def test_a_damaged_line_is_counted_where_it_begins(garbage: bytes) -> None:
    """It has its end, and so it was not torn."""
    alone = LogFaults(damaged=1, places=[LineFault("log", 10, "a damaged line")])
    assert salvaged(garbage) == ([], alone)


def test_lines_whose_ends_were_damaged_are_read() -> None:
    """The lines are whole, and the first damaged end is told."""
    merged = seal(ONE)[:-1] + b"x" + seal(TWO)[:-1] + b"y" + seal(THREE)
    place = LineFault("log", 10 + len(seal(ONE)) - 1, "a damaged line break; the line itself is intact")
    assert salvaged(merged) == ([ONE, TWO, THREE], LogFaults(damaged=1, places=[place]))


def test_a_damaged_line_between_whole_ones_costs_itself_alone() -> None:
    """A seal that does not fit what stands before it ends nothing."""
    damaged = seal(TWO)[:-1].replace(b"2", b"3", 1)
    place = LineFault("log", 10 + len(seal(ONE)), "a damaged line")
    assert salvaged(seal(ONE)[:-1] + b"x" + damaged + b"\n") == ([ONE], LogFaults(damaged=1, places=[place]))


def test_the_first_hundred_places_are_kept_and_five_are_told() -> None:
    """However long a damaged log is, what is told of it is short."""
    faults = LogFaults()
    for number in range(101):
        faults.place("log", number, "reason")
    assert [place.offset for place in faults.places] == list(range(100))
    assert faults.describe() == [f"log, byte {number}: reason" for number in range(5)]


def test_each_kind_of_fault_has_its_line() -> None:
    """Its number comes first; of what did not happen nothing is told."""
    assert LogFaults().describe() == []
    assert LogFaults(1, 2, 3, 4, 5, 6).describe() == [
        "1 lines without an end, which are being written or were left by a killed process: left out",
        "2 damaged lines: left out",
        "3 files that cannot be read: left out",
        "4 lines that are not records of this log: left out",
        "5 repeated records: the first of each counts",
        "6 records older than the one before them: the clock was set back",
    ]
