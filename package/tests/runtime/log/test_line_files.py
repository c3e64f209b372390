"""Sealed lines: what is torn or damaged is found, counted and named, and the rest is read."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from itertools import accumulate
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classification_model.runtime.log.line_files import (
    append_whole,
    files_of,
    iter_records,
    read_blocks,
    read_complete_lines,
    read_lines,
    repair,
)
from classification_model.runtime.log.sealed_lines import LogFaults, seal, unseal

#: How many damaged files are read.
FLIPS = int(os.environ.get("TORN_FLIPS", "200"))
NAME = "predictions-20261121130430000000-7-00c0ffee.000001.jsonl"
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
records = st.dictionaries(st.text(max_size=5), values, min_size=1, max_size=4)


def contents(count: int) -> list[bytes]:
    """Return the contents of some lines."""
    return [orjson.dumps({"number": number, "text": 'a "crc" and a \n break; ' * 15}) for number in range(count)]


def read(path: Path) -> tuple[list[bytes], LogFaults]:
    """Return the contents of a file, and what is wrong with it."""
    faults = LogFaults()
    return list(read_lines(path, faults)), faults


@pytest.mark.slow
@given(records)
def test_a_sealed_object_is_one_line_and_opens_as_it_was(record: dict[str, object]) -> None:
    """Whatever it holds, line breaks and escape codes included."""
    try:
        content = orjson.dumps(record)
    except TypeError:  # lone surrogates, which no request can hold
        return
    line = seal(content)
    assert line.count(b"\n") == 1
    assert unseal(line) == content
    assert orjson.loads(line) == orjson.loads(content) | {"crc": line[-11:-3].decode()}


@pytest.mark.slow
@given(records, st.data())
def test_no_flipped_bit_goes_unnoticed(record: dict[str, object], data: st.DataObject) -> None:
    """A CRC-32 finds every change of a few bits."""
    try:
        line = bytearray(seal(orjson.dumps(record)))
    except TypeError:
        return
    line[data.draw(st.integers(0, len(line) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    assert unseal(bytes(line)) is None


@pytest.mark.parametrize("line", [b"", b"\n", b"{}\n", b'{"a":1}\n', b'"crc":"00000000"}\n', b',"crc":"00000000"}\n'])
def test_what_was_never_sealed_does_not_open(line: bytes) -> None:
    """Neither nothing, nor JSON of somebody else."""
    assert unseal(line) is None


@pytest.mark.faults
def test_row_21_a_last_line_torn_at_any_byte_is_repaired_and_nothing_else_is_touched(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """Its file, its offset and the bytes taken away are told; a line that lacks its end alone is completed."""
    first, second, last = map(seal, contents(3))
    path = tmp_path / NAME
    for length in range(len(last) + 1):
        path.write_bytes(first + second + last[:length])
        found, faults = read(path)
        whole = 2 + (length >= len(last) - 1)
        assert len(found) == whole
        assert faults.torn == (0 < length < len(last) - 1)
        done = repair(path)
        assert repair(path) is None
        if length in {0, len(last)}:
            assert done is None
        else:
            assert done is not None
            assert done == (NAME, len(first + second), 0 if length == len(last) - 1 else length)
        assert path.read_bytes() == (first + second + last if whole == 3 else first + second)
        found, faults = read(path)
        assert found == contents(3)[:whole]
        assert faults == LogFaults()
    record_property("figures", f"torn tails, at each of {len(last)} bytes of a record: all repaired, 0 records lost")


def test_a_torn_line_longer_than_any_block_is_repaired(tmp_path: Path) -> None:
    """The end of the line before is looked for as far back as it takes."""
    path = tmp_path / NAME
    first = seal(b'{"a":1}')
    path.write_bytes(first + b'{"a":"' + b"x" * 300_000)
    assert repair(path) == (NAME, len(first), 300_006)
    path.write_bytes(b"x" * 200_000)
    assert repair(path) == (NAME, 0, 200_000)


@pytest.mark.slow
def test_row_22_a_byte_flipped_anywhere_costs_its_own_record_alone(tmp_path: Path) -> None:
    """It is counted with its place, and every other record is read."""
    sealed = [seal(content) for content in contents(3)]
    whole = b"".join(sealed)
    path = tmp_path / NAME
    for place in range(len(sealed[0]), len(sealed[0]) + len(sealed[1])):
        for flip in (0x01, 0xFF, whole[place] ^ ord("\n")):
            if not flip:
                continue
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            found, faults = read(path)
            assert {contents(3)[0], contents(3)[2]} <= set(found)
            assert set(found) <= set(contents(3))
            assert faults.damaged >= 1
            assert faults.places[0].file == NAME
            assert len(sealed[0]) <= faults.places[0].offset <= place


@pytest.mark.faults
def test_row_22_random_damage_never_invents_a_record(
    tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    """What is read is what was written, in order, however many bytes changed."""
    generator = random.Random(0)  # noqa: S311 - damage is no secret
    whole = b"".join(seal(content) for content in contents(30))
    path = tmp_path / NAME
    for _ in range(FLIPS):
        damaged = bytearray(whole)
        for _ in range(generator.randint(1, 10)):
            damaged[generator.randrange(len(damaged))] = generator.randrange(256)
        path.write_bytes(damaged)
        found, _ = read(path)
        left = iter(contents(30))
        assert all(content in left for content in found)
    record_property("figures", f"{FLIPS} files with random damage: no record read that was not written")


def test_files_are_read_in_the_order_of_their_processes_and_numbers(tmp_path: Path) -> None:
    """The ten millionth file comes after the second, and files of others are left alone."""
    streams = ["20261121130430000000-9-00000000", "20261121130430000001-7-ffffffff"]
    names = [f"predictions-{stream}.{number}.jsonl" for stream in streams for number in ("000001", "000002", "1000000")]
    for name in [*reversed(names), "labels-20261121130430000000-9-00000000.000001.jsonl", "predictions.jsonl", "x"]:
        (tmp_path / name).touch()
    assert [file.path.name for file in files_of(tmp_path, "predictions")] == names
    assert files_of(tmp_path / "nowhere", "predictions") == []


def test_what_is_no_regular_file_is_counted_and_never_waited_for(tmp_path: Path) -> None:
    """A link, a folder and a pipe in the place of a file are named."""
    names = [NAME.replace("000001", f"00000{number}") for number in (1, 2, 3)]
    (tmp_path / names[0]).symlink_to("/etc/hostname")
    (tmp_path / names[1]).mkdir()
    os.mkfifo(tmp_path / names[2])
    faults = LogFaults()
    assert list(iter_records(tmp_path, "predictions", (), faults)) == []
    assert faults.unreadable == 3
    assert [place.file for place in faults.places] == names


def test_whole_lines_of_something_else_are_counted(tmp_path: Path) -> None:
    """A list, an object without the members of a record."""
    (tmp_path / NAME).write_bytes(seal(b'{"a":1}') + seal(b'{"b":2}') + b"[1]\n" + seal(b'{"a":[}'))
    faults = LogFaults()
    assert list(iter_records(tmp_path, "predictions", ("a",), faults)) == [{"a": 1}]
    assert (faults.strange, faults.damaged) == (2, 1)
    assert faults.describe()[0].startswith("1 damaged lines")


def test_lines_that_the_system_takes_in_parts_are_written_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However few bytes it takes at a time, all of them are in the file, in order."""
    write = os.write
    lines = seal(b'{"a":1}') + seal(b'{"b":2}')
    descriptor = os.open(tmp_path / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with monkeypatch.context() as patch:
        patch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:3]))
        append_whole(descriptor, lines, 0, "disk")
    os.close(descriptor)
    assert (tmp_path / NAME).read_bytes() == lines


def test_a_file_is_read_in_blocks_of_the_size_that_is_asked_for(tmp_path: Path) -> None:
    """However long it is, a reader holds a part of it."""
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b"".join(seal(b'{"number":%d}' % number) for number in range(100)))
    blocks = list(read_blocks(path, LogFaults(), size=1000))
    assert len(blocks) > 2
    assert [line for block in blocks for line in block] == list(read_lines(path, LogFaults()))


@pytest.mark.parametrize("size", [1, 20, 2**20])
def test_complete_lines_are_read_between_two_bytes(tmp_path: Path, size: int) -> None:
    """From the first line that begins after the start, to the last one that ends before the end, with their places."""
    lines = [b"one\n", b"twotwo\n", b"three\n", b"four"]
    path = tmp_path / "file"
    path.write_bytes(b"".join(lines))

    def read_part(start: int, end: int) -> list[tuple[int, bytes]]:
        found: list[tuple[int, bytes]] = []
        for offset, some in read_complete_lines(path, start, end, size):
            places = accumulate(map(len, some[:-1]), initial=offset)
            found += zip(places, some, strict=True)
        return found

    starts = [0, 4, 11, 17]
    for start in range(20):
        for end in range(23):
            expected = [
                (begin, line)
                for begin, line in zip(starts, lines, strict=True)
                if start <= begin and begin + len(line) <= end and line.endswith(b"\n")
            ]
            assert read_part(start, end) == expected
