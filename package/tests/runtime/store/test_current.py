"""The document that names the current version, and the names of versions, each at its limit and beside it."""

from __future__ import annotations

import re
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from classification_model.errors import StoreError
from classification_model.runtime.store.current import (
    CURRENT,
    MOST_PREVIOUS,
    Current,
    check_version,
    is_version,
    read_current,
    replace_current,
    write_current,
)
from classification_model.runtime.store.promotion_checks import Promotion, join_changes
from classification_model.runtime.store.store import ModelStore

LONGEST = "1." + "0" * 126
DOCUMENT = {"format_version": 1, "version": "1.1", "promoted": "2026-11-21T13:04:30Z", "previous": ["1.0"]}


@pytest.mark.parametrize("name", ["1", "1.0.0", "1.0rc1", "1.0+20261121t130430z.a1b2c3d", LONGEST])
def test_a_version_may_have_128_characters(name: str) -> None:
    """And is one of PEP 440."""
    assert is_version(name)
    check_version(name, "version")


@pytest.mark.parametrize("name", [LONGEST + "0", "", ".", "..", "1/2", " 1", "1\n", "v"])
def test_what_is_no_version_is_named(name: str) -> None:
    """With the place where it was found, cut at 128 characters."""
    assert not is_version(name)
    expected = re.escape(f"somewhere: expected a PEP 440 version such as 1.2.0, found {name[:128]!r}")
    with pytest.raises(StoreError, match=rf"\A{expected}\Z"):
        check_version(name, "somewhere")


def test_the_document_is_read_as_it_is_written(tmp_path: Path) -> None:
    """With the time of the promotion in UTC, to the second; indented, for people."""
    assert read_current(tmp_path) is None
    write_current(tmp_path, "1.2", ("1.0", "1.1"))
    found = read_current(tmp_path)
    assert found is not None
    assert (found.format_version, found.version, found.previous) == (1, "1.2", ("1.0", "1.1"))
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found.promoted)
    assert timedelta(0) <= datetime.now(UTC) - datetime.fromisoformat(found.promoted) < timedelta(minutes=5)
    content = (tmp_path / CURRENT).read_bytes()
    assert content.startswith(b'{\n  "format_version": 1,\n  "version": "1.2",\n')
    assert content.endswith(b"]\n}\n")
    replace_current(tmp_path, Current.model_validate(DOCUMENT))
    assert orjson.loads((tmp_path / CURRENT).read_bytes()) == DOCUMENT


@pytest.mark.parametrize(("size", "is_read"), [(2**20, True), (2**20 + 1, False)])
def test_a_document_may_be_a_mebibyte_large(size: int, is_read: bool, tmp_path: Path) -> None:
    """It is not read beyond."""
    content = orjson.dumps(DOCUMENT)
    (tmp_path / CURRENT).write_bytes(content + b" " * (size - len(content)))
    if is_read:
        found = read_current(tmp_path)
        assert found is not None
        assert found.version == "1.1"
    else:
        with pytest.raises(StoreError, match=r"^CURRENT of the store is damaged \(.*\): promote a version$"):
            read_current(tmp_path)


def test_a_hundred_versions_are_remembered(tmp_path: Path) -> None:
    """A document with one more is damaged."""
    for count in (MOST_PREVIOUS, MOST_PREVIOUS + 1):
        (tmp_path / CURRENT).write_bytes(orjson.dumps(DOCUMENT | {"previous": ["1.0"] * count}))
        if count == 100:
            found = read_current(tmp_path)
            assert found is not None
            assert len(found.previous) == 100
        else:
            with pytest.raises(StoreError, match=r"^CURRENT of the store is damaged: promote a version$"):
                read_current(tmp_path)


@pytest.mark.parametrize("change", [{"format_version": 2}, {"more": 1}, {"version": None}, {"previous": "1.0"}])
def test_a_document_of_another_form_is_damaged(change: dict[str, object], tmp_path: Path) -> None:
    """Neither a later format nor a member that nobody knows is guessed at."""
    (tmp_path / CURRENT).write_bytes(orjson.dumps(DOCUMENT | change))
    with pytest.raises(StoreError, match=r"^CURRENT of the store is damaged: promote a version$"):
        read_current(tmp_path)


@pytest.mark.parametrize("change", [{"version": "../1"}, {"previous": ["1.0", "../1"]}])
def test_a_document_with_a_name_that_is_no_version_is_refused(change: dict[str, object], tmp_path: Path) -> None:
    """Whichever of them it is: a folder would be looked up by it."""
    (tmp_path / CURRENT).write_bytes(orjson.dumps(DOCUMENT | change))
    with pytest.raises(StoreError, match=r"^CURRENT: expected a PEP 440 version such as 1\.2\.0, found '\.\./1'$"):
        read_current(tmp_path)


def test_a_document_cannot_be_changed() -> None:
    """What was read stays what it was; versions that came after a removed one are kept."""
    document = Current(version="1.3", promoted="", previous=("1.0", "1.1", "1.2"))
    with pytest.raises(ValidationError, match="frozen"):
        document.version = "2"  # type: ignore[misc]  # which is what is tested
    assert Current(version="1.0", promoted="").previous == ()
    assert document.without([]) == document
    assert document.without(["1.0"]).previous == ("1.1", "1.2")
    assert document.without(["1.0", "1.1"]).previous == ("1.2",)
    assert document.without(["1.2"]).previous == ()
    assert document.without(["1.3"]) == document


def test_a_store_that_cannot_be_made_says_why(model_folder: Path, tmp_path: Path) -> None:
    """In the words of the system."""
    (tmp_path / "store").write_text("a file")
    expected = re.escape(f"the store {tmp_path / 'store'} cannot be written: Not a directory")
    with pytest.raises(StoreError, match=f"^{expected}$"):
        ModelStore(tmp_path / "store").add(model_folder)


def test_a_version_takes_the_place_of_the_one_that_is_named(model_folder: Path, tmp_path: Path) -> None:
    """Where another one is current, or none, nothing happens."""
    store = ModelStore(tmp_path / "store")
    version = store.add(model_folder)
    assert store.promote(version, instead_of="0.9") is None
    assert store.current() is None
    assert store.promote(version).version == version
    assert store.promote(version, instead_of="0.9") is None
    again = store.promote(version, instead_of=version)
    assert again is not None
    assert again.version == version
    assert store.current() == version


@pytest.mark.parametrize("count", [0, 1, 5, 6, 12])
def test_five_changes_are_joined_to_a_line(count: int) -> None:
    """The others are counted."""
    changes = [f"change {number}" for number in range(count)]
    more = f"; and {count - 5} more" if count > 5 else ""
    assert join_changes(changes) == "; ".join(changes[:5]) + more
    assert Promotion("1.1", None) == ("1.1", None, (), ())


def test_a_store_that_is_not_there_is_told_with_its_remedy(tmp_path: Path) -> None:
    """In the words of the system."""
    expected = (
        f"no model store in {tmp_path}: its folder versions cannot be read: No such file or directory; make one with "
        "`classification-model promote MODEL_FOLDER --store STORE`, or with `classification-model retrain`"
    )
    with pytest.raises(StoreError, match=f"^{re.escape(expected)}$"):
        ModelStore(tmp_path).versions()


def test_versions_are_described_with_their_faults(model_folder: Path, tmp_path: Path) -> None:
    """A link, a changed file, a folder of another name, and a current version that is missing, in their order."""
    store = ModelStore(tmp_path / "store")
    version = store.add(model_folder)
    versions = tmp_path / "store" / "versions"
    for name in ("9.1", "9.2"):
        shutil.copytree(versions / version, versions / name)
    (versions / "9.1" / "core.onnx").write_bytes(b"")
    (versions / "9.3").symlink_to(versions / version)
    (versions / "no version").mkdir()
    write_current(store.folder, "9.4", (version,))
    found = store.describe_all()
    assert [(each.version, each.is_current) for each in found] == [
        (version, False), ("9.1", False), ("9.2", False), ("9.3", False), ("9.4", True),
    ]  # fmt: skip
    assert (found[0].manifest, found[0].fault) == (store.read_manifest(version), None)
    assert found[1].manifest == found[0].manifest
    assert all(fault in str(each.fault) for each, fault in zip(found[1:], FAULTS, strict=True))
    assert (found[3].manifest, found[4].manifest) == (None, None)
    with pytest.raises(StoreError, match=rf"^the folder of version 9\.2 holds version {re.escape(version)}: remove it"):
        store.read_manifest("9.2")
    with pytest.raises(StoreError, match=r"^there is no version 9\.3 in the store: run `classification-model list`"):
        store.path("9.3")


FAULTS = ("core.onnx", "the folder of version 9.2 holds", "no version 9.3 in the store", "no version 9.4 in the store")
