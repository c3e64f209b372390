"""What a model folder says of itself."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

import classification_model
from classification_model.config.core import load_config
from classification_model.processing.data_manager import DataLoader
from classification_model.runtime.model_folder.file_layout import FileLayout
from classification_model.runtime.model_folder.manifest import Manifest, digests, seal
from classification_model.runtime.model_folder.packaged import package_version

SHA256 = re.compile(r"[0-9a-f]{64}")

texts = st.text(max_size=9)
plain_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@pytest.fixture(scope="module")
def written(model_folder: Path) -> bytes:
    return (model_folder / "manifest.json").read_bytes()


@pytest.fixture(scope="module")
def manifest(written: bytes) -> Manifest:
    return Manifest.model_validate_json(written)


def test_a_manifest_read_and_written_is_the_same_bytes(written: bytes, manifest: Manifest) -> None:
    """Nothing of a manifest is lost, added or reordered by reading it."""
    assert manifest.sealed_bytes() == written
    assert seal(orjson.loads(written)) == written


@pytest.mark.slow
@given(st.data())
def test_any_plain_values_survive_the_manifest(manifest: Manifest, data: st.DataObject) -> None:
    """Names in any script and parameters of any depth come back as they were written."""
    update = {
        "name": data.draw(texts),
        "parameters": data.draw(st.dictionaries(texts, plain_values, max_size=3)),
        "monitoring": data.draw(st.dictionaries(texts, plain_values, max_size=3)),
    }
    copy = manifest.model_copy(update=update)
    again = Manifest.model_validate_json(copy.sealed_bytes())
    assert again.model_dump(exclude={"digest"}) == copy.model_dump(exclude={"digest"})
    assert digests(copy.sealed_bytes()) == (again.digest, again.digest)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every value inside a JSON value that holds no others."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    parts = [leaf for key, part in inner for leaf in leaves(part, (*path, key))]
    yield from parts or [path]


def test_the_digest_covers_every_value(written: bytes) -> None:
    """Whatever single value of a manifest is changed, its digest is another."""
    content = orjson.loads(written)
    content["input_schema"]["fields"] = content["input_schema"]["fields"][:3]
    content["golden_rows"] = content["golden_rows"][:2]
    seals = {digests(seal(content))[0]}
    paths = [path for path in leaves(content) if path != ("digest",)]
    for path in paths:
        changed = orjson.loads(orjson.dumps(content))
        place = changed
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = "changed"
        seals.add(digests(seal(changed))[0])
    assert len(seals) == len(paths) + 1


def test_the_digest_depends_on_content_alone(written: bytes) -> None:
    """The order of keys, and a digest that is there already, do not change the digest."""
    content = orjson.loads(written)
    assert seal(dict(reversed(content.items())) | {"digest": "another"}) == written


@pytest.mark.parametrize("name", sorted(name for name, part in Manifest.model_fields.items() if part.is_required()))
def test_every_part_of_a_manifest_is_required(written: bytes, name: str) -> None:
    """A manifest that lacks a part is none."""
    content = orjson.loads(written)
    del content[name]
    with pytest.raises(ValidationError, match="Field required"):
        Manifest.model_validate(content)


def test_a_manifest_that_is_older_than_the_audit_has_no_findings(written: bytes) -> None:
    """A manifest without the key is read, and one with a finding of an unknown kind is not."""
    content = orjson.loads(written)
    del content["audit"]
    assert Manifest.model_validate(content).audit == ()
    with pytest.raises(ValidationError, match="audit"):
        Manifest.model_validate(content | {"audit": [{"kind": "surprise", "message": "x"}]})


def test_a_manifest_of_a_release_that_did_not_know_layouts_has_none(written: bytes) -> None:
    """Without a layout, files are read by what they look like, and predictions have no prefix."""
    content = orjson.loads(written)
    del content["layout"], content["prediction_prefix"]
    manifest = Manifest.model_validate(content)
    assert (manifest.layout, manifest.prediction_prefix) == (FileLayout(), "")


def test_a_manifest_without_a_later_field_is_read_and_stays_so() -> None:
    """The manifest of an earlier release of the same format is read with defaults, and written with the same bytes."""
    written = (Path(__file__).parents[2] / "data/model_of_1.0.0/manifest.json").read_bytes()
    assert not {"label_values", "left_out"} & orjson.loads(written).keys()
    manifest = Manifest.model_validate_json(written)
    assert (manifest.label_values, manifest.left_out.unlabelled) == ({}, 0)
    assert manifest.sealed_bytes() == written


@pytest.mark.parametrize("path", [(), ("data",), ("holdout",), ("input_schema",), ("golden_rows", 0)], ids=str)
def test_a_manifest_has_no_room_for_unknown_keys(written: bytes, path: tuple[Any, ...]) -> None:
    """A key that this package does not know is refused at every level."""
    content = orjson.loads(written)
    place = content
    for key in path:
        place = place[key]
    place["surprise"] = 1
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Manifest.model_validate(content)


def test_a_manifest_cannot_be_changed_in_place(manifest: Manifest) -> None:
    """What was verified stays what was verified."""
    with pytest.raises(ValidationError, match="frozen"):
        manifest.threshold = 0.9  # type: ignore[misc]


def test_the_packaged_manifest_says_what_it_was_trained_from(manifest: Manifest) -> None:
    """Version, time, table and hashes of the packaged model are those of this package."""
    assert manifest.version == package_version()
    assert datetime.fromisoformat(manifest.created).utcoffset() == timedelta(0)
    assert manifest.data == DataLoader(load_config()).load().fingerprint
    assert (manifest.data.rows, manifest.data.columns) == (1309, 14)
    assert all(map(SHA256.fullmatch, [manifest.config_hash, manifest.code_hash, manifest.digest]))
    assert {"python", "scikit-learn", "feature-engine", "pandas", "numpy"} <= set(manifest.libraries)


def test_the_packaged_manifest_describes_the_model_without_loading_it(manifest: Manifest) -> None:
    """Schema, classes, metrics, golden rows and reference distributions fit each other."""
    names = [field.name for field in manifest.input_schema.fields]
    assert manifest.classes == ("died", "survived")
    assert {"survived", "boat", "body", "home.dest", "embarked"} <= set(manifest.input_schema.ignored)
    assert set(manifest.training_distribution) == set(names)
    assert set(manifest.prediction_distribution) == set(manifest.classes)
    assert all(set(row.inputs) == set(names) for row in manifest.golden_rows)
    assert all(sum(row.probabilities) == pytest.approx(1) for row in manifest.golden_rows)
    assert all(metric.low <= metric.value <= metric.high for metric in manifest.metrics.values())
    assert manifest.pipeline in manifest.files


def test_the_packaged_manifest_names_no_place_on_a_machine(written: bytes) -> None:
    """A manifest is published, so that no path of the machine that trained it is in it."""
    for place in {Path(classification_model.__file__).parent, Path.cwd(), Path.home()} - {Path("/")}:
        assert f"{place}/".encode() not in written
