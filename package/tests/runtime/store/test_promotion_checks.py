"""What may take the place of the version that serves: the same problem, and other input where that is said."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import orjson
import pytest
from commands import Command, everything_below
from operated import CONFIG, make_problem
from resealed import reseal

from classification_model.config.core import load_config
from classification_model.errors import StoreError
from classification_model.runtime.log.decision_log import read_decisions
from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.store.current import CURRENT, write_current
from classification_model.runtime.store.promotion_checks import Promotion
from classification_model.runtime.store.store import ModelStore
from classification_model.runtime.system.locks import lock
from classification_model.train_pipeline import run_training

pytestmark = pytest.mark.slow


#: Versions of the problem: the first, one like it, and those that take other input or give other classes.
CHANGES: dict[str, dict[str, str]] = {
    "1.0.0": {},
    "1.1.0": {"app:": "app:\n  description: The same again"},
    "2.0.0": {"  distance: numeric\n": "  distance: categorical\n"},
    "3.0.0": {"  carrier: categorical\n": ""},
    "4.0.0": {"1: late": "1: too late"},
}
TO_CATEGORICAL = ("field distance: numeric -> categorical",)
TO_NUMERIC = (
    "field distance: categorical -> numeric",
    "field distance: texts of at most 10,000 -> 1,000 characters",
)
LABELS = ("classes: in time, late -> in time, too late",)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train the versions of the problem, and one of another problem, each a folder named for it."""
    folder = tmp_path_factory.mktemp("made")
    make_problem(folder)
    for version, changes in CHANGES.items():
        config = CONFIG
        for old, new in changes.items():
            config = config.replace(old, new)
        train(folder, version, config)
    train(folder, "5.0.0", CONFIG.replace("name: Parcels", "name: Tickets"))
    return folder


def train(folder: Path, version: str, config: str) -> None:
    """Train a version from a config."""
    (folder / "config.yml").write_text(config, encoding="utf-8")
    report = run_training(load_config(folder / "config.yml"), output=folder, version=version, jobs=1)
    report.folder.rename(folder / version)


@pytest.fixture
def store(made: Path, tmp_path: Path) -> ModelStore:
    """Make a store in which 1.0.0 serves, with the others of its problem beside it."""
    store = ModelStore(tmp_path / "store")
    for version in CHANGES:
        store.add(made / version)
    store.promote("1.0.0")
    return store


def smuggle(store: ModelStore, model: Path) -> str:
    """Put a model into a store that would not take it, as earlier releases did."""
    shutil.copytree(model, store.folder / "versions" / model.name)
    return model.name


def damage(store: ModelStore, version: str) -> None:
    """Change the manifest of a version, so that it cannot be read."""
    (store.path(version) / MANIFEST).write_bytes(b"{}")


# Another problem


def test_a_model_of_another_problem_is_not_taken_in(store: ModelStore, made: Path, command: Command) -> None:
    """The command names both problems and what to do, and leaves nothing of the model in the store."""
    before = everything_below(store.folder)
    with pytest.raises(
        StoreError,
        match=r"^expected a model of 'Parcels' for this store, found version 5\.0\.0 of 'Tickets': use another store",
    ):
        store.add(made / "5.0.0")
    for options in ([], ["--schema-change"]):
        done = command("promote", made / "5.0.0", "--store", store.folder, *options)
        assert done.code == 2
        assert done.err.startswith(
            "error: expected a model of 'Parcels' for this store, found version 5.0.0 of 'Tickets'"
        )
        assert done.err.count("\n") == 1
    assert everything_below(store.folder) == before


def test_a_model_folder_that_changes_what_clients_send_is_not_copied_in(
    made: Path, tmp_path: Path, command: Command
) -> None:
    """What is refused leaves its version free for a model that is corrected."""
    store = ModelStore(tmp_path / "store")
    store.promote(store.add(made / "1.0.0"))
    before = everything_below(store.folder)
    done = command("promote", made / "2.0.0", "--store", store.folder)
    assert done.code == 2
    assert "field distance: numeric -> categorical" in done.err
    assert everything_below(store.folder) == before
    assert command("promote", made / "2.0.0", "--store", store.folder, "--schema-change").code == 0
    assert store.current() == "2.0.0"


@pytest.mark.parametrize("schema_change", [False, True])
def test_a_model_of_another_problem_never_serves(store: ModelStore, made: Path, schema_change: bool) -> None:
    """One that is in the store already is not promoted either, whatever may change."""
    before = (store.folder / CURRENT).read_bytes()
    version = smuggle(store, made / "5.0.0")
    with pytest.raises(
        StoreError, match=r"expected a model of 'Parcels' for this store, found version 5\.0\.0 of 'Tickets'"
    ):
        store.promote(version, schema_change=schema_change)
    assert (store.folder / CURRENT).read_bytes() == before


def test_an_empty_store_takes_any_problem(made: Path, tmp_path: Path) -> None:
    """The first version says which problem a store is for, whether or not it serves."""
    store = ModelStore(tmp_path / "store")
    assert store.add(made / "5.0.0") == "5.0.0"
    with pytest.raises(
        StoreError,
        match=r"^expected a model of 'Tickets' for this store, found version 1\.0\.0 of 'Parcels': use another",
    ):
        store.add(made / "1.0.0")
    assert store.add(made / "5.0.0") == "5.0.0"
    assert store.promote("5.0.0") == Promotion("5.0.0", None)


@pytest.mark.parametrize("pointer", [None, b"{", b""])
def test_where_nothing_says_what_serves_the_versions_say_what_a_store_is_for(
    store: ModelStore, made: Path, command: Command, pointer: bytes | None
) -> None:
    """A pointer that is gone or damaged lets no other problem in, neither by its folder nor by its name."""
    (store.folder / CURRENT).unlink()
    if pointer is not None:
        (store.folder / CURRENT).write_bytes(pointer)
    damage(store, "3.0.0")
    before = everything_below(store.folder / "versions")
    refused = "error: expected a model of 'Parcels' for this store, found version 5.0.0 of 'Tickets'"
    for options in ([], ["--schema-change"]):
        done = command("promote", made / "5.0.0", "--store", store.folder, *options)
        assert (done.code, done.err.startswith(refused)) == (2, True)
    assert everything_below(store.folder / "versions") == before
    smuggle(store, made / "5.0.0")
    done = command("promote", "5.0.0", "--store", store.folder, "--schema-change")
    assert (done.code, done.err.startswith(refused)) == (2, True)
    assert store.promote("2.0.0").version == "2.0.0"


def test_what_served_and_cannot_be_read_lets_no_other_problem_in(store: ModelStore, made: Path) -> None:
    """Where each version that served is damaged, those that never did still say what the store is for."""
    damage(store, "1.0.0")
    with pytest.raises(StoreError, match="expected a model of 'Parcels' for this store"):
        store.add(made / "5.0.0")


def test_a_version_is_not_mended_with_another_problem_where_nothing_serves(made: Path, tmp_path: Path) -> None:
    """The manifest of a version whose files are damaged says what the store is for; a damaged manifest says nothing."""
    store = ModelStore(tmp_path / "store")
    store.add(made / "1.0.0")
    (store.path("1.0.0") / "core.onnx").unlink()
    other = shutil.copytree(made / "5.0.0", tmp_path / "other")
    reseal(other, version="1.0.0")
    with pytest.raises(StoreError, match=r"expected a model of 'Parcels' for this store, found .* 'Tickets'"):
        store.add(other)
    damage(store, "1.0.0")
    assert store.add(other) == "1.0.0"


def test_a_store_of_two_problems_where_nothing_says_what_serves_can_be_repaired(store: ModelStore, made: Path) -> None:
    """Where the versions are of several problems, each of these may be what the store is for."""
    for version in ("5.0.0", "5.1.0"):
        folder = shutil.copytree(made / "5.0.0", store.folder / "versions" / version)
        reseal(folder, version=version)
    (store.folder / CURRENT).write_bytes(b"{")
    assert store.promote("5.0.0").version == "5.0.0"


# Other input, other classes


def test_the_same_input_and_classes_need_no_word(store: ModelStore) -> None:
    """A version that was trained anew, with other ranges and categories, simply serves."""
    assert store.promote("1.1.0") == Promotion("1.1.0", "1.0.0")
    assert store.promote("1.1.0") == Promotion("1.1.0", "1.1.0")


@pytest.mark.parametrize(
    ("version", "changes"),
    [("2.0.0", TO_CATEGORICAL), ("4.0.0", LABELS), ("3.0.0", ("field carrier removed",))],
)
def test_other_input_or_classes_serve_only_where_that_is_said(
    store: ModelStore, version: str, changes: tuple[str, ...]
) -> None:
    """The error names what changes and the option; with it the version serves."""
    before = (store.folder / CURRENT).read_bytes()
    with pytest.raises(
        StoreError,
        match=rf"^version {version} has other input columns or classes than 1\.0\.0 \({'; '.join(changes)}\): "
        "if its clients know that, promote it with --schema-change$",
    ):
        store.promote(version)
    assert (store.folder / CURRENT).read_bytes() == before
    assert store.promote(version, schema_change=True) == Promotion(version, "1.0.0", changes)
    assert store.current() == version


def test_a_change_is_told_and_on_record_line_by_line(store: ModelStore, command: Command, tmp_path: Path) -> None:
    """Whoever reads the output or the record learns what clients have to know; a rollback tells the way back."""
    options = ["--store", store.folder, "--log", tmp_path / "log"]
    done = command("promote", "2.0.0", *options)
    assert done.code == 2
    assert "(field distance: numeric -> categorical): if its clients know that, promote it with --schema-" in done.err
    assert command("promote", "2.0.0", "--schema-change", *options).out.splitlines() == [
        "version 2.0.0 is current",
        "field distance: numeric -> categorical",
    ]
    assert command("rollback", *options).out.splitlines() == [
        "version 1.0.0 is current again, instead of 2.0.0",
        *TO_NUMERIC,
    ]
    entries = [(entry["kind"], entry["content"]) for entry in read_decisions(tmp_path / "log")]
    there = {"model": "Parcels", "version": "2.0.0", "previous": "1.0.0"}
    back = {"model": "Parcels", "version": "1.0.0", "previous": "2.0.0"}
    assert entries == [
        ("promotion", there | {"changes": ["field distance: numeric -> categorical"]}),
        ("rollback", back | {"changes": list(TO_NUMERIC)}),
    ]


def test_many_changes_make_a_short_error(store: ModelStore, made: Path) -> None:
    """The line of an error names the first changes, and how many there are besides."""
    folder = shutil.copytree(made / "1.1.0", store.folder / "versions" / "6.0.0")
    manifest = orjson.loads((folder / MANIFEST).read_bytes())
    more = dict.fromkeys(f"extra_{number}" for number in range(9))
    schema, baseline = manifest["input_schema"], manifest["baseline"] | more
    schema["fields"] += [schema["fields"][0] | {"name": name, "nullable": True} for name in more]
    rows = [row | {"inputs": row["inputs"] | more} for row in manifest["golden_rows"]]
    reseal(folder, version="6.0.0", input_schema=schema, golden_rows=rows, baseline=baseline)
    with pytest.raises(StoreError, match=r"\(field extra_0 added; .*; field extra_4 added; and 4 more\)"):
        store.promote("6.0.0")


def test_the_checks_are_made_while_nobody_else_writes(store: ModelStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for another writer is held against what that one lets serve, not against what served before."""
    held, waiting = Event(), Event()

    def lock_and_tell(descriptor: int) -> bool:
        if held.is_set():
            waiting.set()
        return lock(descriptor)

    def promote_other() -> None:
        with store._writing():
            held.set()
            assert waiting.wait(60)
            write_current(store.folder, "2.0.0", ("1.0.0",))

    monkeypatch.setattr("classification_model.runtime.store.store.lock", lock_and_tell)
    with ThreadPoolExecutor(2) as threads:
        other = threads.submit(promote_other)
        assert held.wait(60)
        mine = threads.submit(ModelStore(store.folder).promote, "1.1.0")
        other.result()
        with pytest.raises(StoreError, match=r"than 2\.0\.0 \(field distance: categorical -> numeric; "):
            mine.result()
    assert store.current() == "2.0.0"


# Repairs


def test_a_damaged_pointer_is_repaired_and_nothing_is_compared(store: ModelStore, command: Command) -> None:
    """Nobody knows what served: any version of the problem serves, and the output says it was compared with none."""
    (store.folder / CURRENT).write_bytes(b"{")
    assert command("promote", "2.0.0", "--store", store.folder).out.splitlines() == [
        "version 2.0.0 is current",
        "note: CURRENT was damaged, so that the version before is unknown: input columns and classes not compared",
    ]


def test_where_what_serves_is_damaged_the_version_before_it_is_compared(
    store: ModelStore, made: Path, command: Command
) -> None:
    """The latest that can be read counts; a store is repaired without a word, and still serves one problem only."""
    store.promote("2.0.0", schema_change=True)
    store.promote("4.0.0", schema_change=True)
    damage(store, "4.0.0")
    with pytest.raises(StoreError, match=r"than 2\.0\.0 \(field distance: categorical -> numeric; "):
        store.promote("1.1.0")
    with pytest.raises(StoreError, match="expected a model of 'Parcels' for this store"):
        store.add(made / "5.0.0")
    version = smuggle(store, made / "5.0.0")
    with pytest.raises(StoreError, match="expected a model of 'Parcels' for this store"):
        store.promote(version, schema_change=True)
    assert command("promote", "2.0.0", "--store", store.folder).code == 2  # it is not held against itself
    damage(store, "2.0.0")
    assert command("promote", "1.1.0", "--store", store.folder).out.splitlines() == [
        "version 1.1.0 is current",
        "note: version 4.0.0, current until now, cannot be read: compared with 1.0.0 before it",
    ]


def test_where_nothing_that_served_can_be_read_any_version_serves(store: ModelStore, made: Path) -> None:
    """A store whose only version is damaged can be repaired, and says that nothing was compared."""
    damage(store, "1.0.0")
    note = (
        "neither version 1.0.0, current until now, nor one before it can be read: "
        "input columns and classes not compared"
    )
    assert store.promote("2.0.0") == Promotion("2.0.0", "1.0.0", (), (note,))
    assert store.add(made / "1.0.0") == "1.0.0"  # which mends it
    assert store.rollback() == Promotion("1.0.0", "2.0.0", TO_NUMERIC)


def test_the_damaged_version_that_serves_is_not_mended_with_another_problem(
    store: ModelStore, made: Path, tmp_path: Path
) -> None:
    """Its files may be damaged; what it is of still counts."""
    (store.path("1.0.0") / "core.onnx").unlink()
    other = shutil.copytree(made / "5.0.0", tmp_path / "other")
    reseal(other, version="1.0.0")
    with pytest.raises(
        StoreError, match=r"expected a model of 'Parcels' for this store, found version 1\.0\.0 of 'Tickets'"
    ):
        store.add(other)


def test_a_rollback_goes_back_to_whatever_served(store: ModelStore, made: Path, command: Command) -> None:
    """A store that was given another problem gets its own back, and what differs is told, as far as it can be."""
    version = smuggle(store, made / "5.0.0")
    write_current(store.folder, version, ("4.0.0", "2.0.0", "1.0.0"))
    assert command("rollback", "--store", store.folder).out.splitlines() == [
        "version 1.0.0 is current again, instead of 5.0.0",
        "problem: Tickets -> Parcels",
    ]
    damage(store, "1.0.0")
    assert command("rollback", "--store", store.folder).out.splitlines() == [
        "version 2.0.0 is current again, instead of 1.0.0",
        "note: version 1.0.0, current until now, cannot be read: input columns and classes not compared",
    ]
    assert store.rollback() == Promotion("4.0.0", "2.0.0", (*TO_NUMERIC, *LABELS))
