"""What those notice who ask a model, when another one takes its place."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.store.schema_changes import renamed_fields, schema_changes


@pytest.fixture(scope="module")
def manifest(model_folder: Path) -> Manifest:
    return read_manifest(model_folder)


def field(name: str = "age", **changes: Any) -> SchemaField:
    """Return a field that has a bit of everything."""
    plain = {"kind": "numeric", "nullable": True, "missing_values": ("?", "na"), "minimum": 0, "maximum": 80}
    return SchemaField.model_validate(plain | {"name": name} | changes)


def changes(manifest: Manifest, before: InputSchema, after: InputSchema) -> tuple[str, ...]:
    """Return what changes from one schema to another."""
    one, other = (manifest.model_copy(update={"input_schema": schema}) for schema in (before, after))
    return schema_changes(one, other)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([field()], [field(kind="categorical")], ["field age: numeric -> categorical"]),
        ([field()], [field(), field("cabin")], ["field cabin added"]),
        ([field()], [field(), field("cabin", nullable=False)], ["field cabin added, required"]),
        ([field(), field("cabin")], [field()], ["field cabin removed"]),
        ([field()], [field(nullable=False)], ["field age: optional -> required"]),
        ([field()], [field(missing_values=("-", "na"))],
         ["field age: no longer missing: ?", "field age: missing as well: -"]),
        ([field(kind="datetime")], [field(kind="datetime", datetime_format="%d.%m.%Y")],
         ["field age: dates as ISO 8601 -> %d.%m.%Y"]),
        ([field(longest_text=5000)], [field(longest_text=1000)],
         ["field age: texts of at most 5,000 -> 1,000 characters"]),
        ([field("years", aliases=("age",))], [field()], ["field years renamed age"]),
        ([field("years", aliases=("age",))], [field("years")], ["field years: no longer called age"]),
        ([field()], [field("years")], ["field age removed", "field years added"]),
        ([field()], [field("years", aliases=("age",), kind="text")], ["field age: numeric -> text"]),
        ([field(aliases=("old",))], [field("years", aliases=("old",))], ["field age renamed years"]),
        ([field(aliases=("old",))], [field("years", aliases=("age",))], ["field age: no longer called old"]),
        ([field("a\nb")], [field("a\nb", kind="text")], [r"field 'a\nb': numeric -> text"]),
    ],
)  # fmt: skip
def test_what_changes_is_said_a_line_each(
    manifest: Manifest, before: list[SchemaField], after: list[SchemaField], expected: list[str]
) -> None:
    """Fields that come, go or are read otherwise are named, whatever they are called."""
    old, new = (InputSchema(fields=tuple(fields)) for fields in (before, after))
    assert changes(manifest, old, new) == tuple(expected)
    assert changes(manifest, old, old) == changes(manifest, new, new) == ()


def test_columns_that_were_ignored_count_where_they_are_refused_or_read(manifest: Manifest) -> None:
    """Who sends a column that the model does not use is not to be refused all at once."""
    before = InputSchema(fields=(field(),), ignored=("boat", "body"))
    dropped = InputSchema(fields=(field(),), ignored=("body", "more"))
    assert changes(manifest, before, dropped) == ("column boat, which was ignored, is no longer accepted",)
    used = InputSchema(fields=(field(), field("boat")), ignored=("body",))
    assert changes(manifest, before, used) == ("field boat added",)
    assert changes(manifest, used, before) == ("field boat removed",)
    named = InputSchema(fields=(field(aliases=("boat",)),), ignored=("body",))
    assert changes(manifest, before, named) == ("column boat, which was ignored, is a name of field age",)


@pytest.mark.parametrize(
    "more",
    [
        {"minimum": -5, "maximum": 1e9},
        {"categories": ("a", "b")},
        {"missing_values": ("na", "?")},
        {"aliases": ("Age",)},
        {"longest_text": 5000},
    ],
)
def test_what_each_training_learns_anew_is_no_change(manifest: Manifest, more: dict[str, Any]) -> None:
    """Neither is another order of things, nor a further name for a field."""
    before, after = (InputSchema(fields=(item, field("b"))) for item in (field(), field(**more)))
    turned = after.model_copy(update={"fields": after.fields[::-1], "ignored": ("boat",)})
    assert changes(manifest, before, after) == changes(manifest, before, turned) == ()


def test_a_new_name_is_no_change_where_the_old_one_is_accepted_too(manifest: Manifest) -> None:
    """Whoever sends the old name is answered as before; the name may not be that of a column that was ignored."""
    after = InputSchema(fields=(field("years", aliases=("age",)),))
    assert changes(manifest, InputSchema(fields=(field(),)), after) == ()
    ignoring = InputSchema(fields=(field(),), ignored=("years",))
    expected = ("column years, which was ignored, is a name of field years",)
    assert changes(manifest, ignoring, after) == expected


def test_fields_under_another_name_are_told_whatever_is_accepted(manifest: Manifest) -> None:
    """A model that calls a field otherwise reads no frame that was prepared for the former one."""
    old, new = InputSchema(fields=(field(),)), InputSchema(fields=(field("years", aliases=("age",)),))
    before, after = (manifest.model_copy(update={"input_schema": schema}) for schema in (old, new))
    assert renamed_fields(before, after) == ("field age is called years, and by its former name too",)
    assert renamed_fields(after, before) == renamed_fields(before, before) == ()


def test_a_field_that_became_optional_is_no_change(manifest: Manifest) -> None:
    """Whoever sent it still may."""
    before, after = (InputSchema(fields=(field(nullable=nullable),)) for nullable in (False, True))
    assert changes(manifest, before, after) == ()


def test_other_classes_are_a_change_and_so_is_their_order(manifest: Manifest) -> None:
    """Who takes the second probability for that of the second class must know."""
    more = manifest.model_copy(update={"classes": ("died", "survived", "lost\n")})
    assert schema_changes(manifest, more) == (r"classes: died, survived -> died, survived, 'lost\n'",)
    turned = manifest.model_copy(update={"classes": ("survived", "died")})
    assert schema_changes(manifest, turned) == ("classes: died, survived -> survived, died",)


def test_a_value_that_is_a_label_of_another_class_or_of_none_is_a_change(manifest: Manifest) -> None:
    """Who labels by the values of the target must know; further values, and a model without any, change nothing."""
    values = {"0": "died", "1": "survived", "lost": "died"}
    before = manifest.model_copy(update={"label_values": values})
    other = manifest.model_copy(update={"label_values": {"0": "died", "1": "survived", "lost": "survived"}})
    assert schema_changes(before, other) == ("label lost: died -> survived",)
    assert schema_changes(before, manifest) == ("label lost, died before, is no longer accepted",)
    assert schema_changes(manifest, before) == ()
    assert schema_changes(before, manifest.model_copy(update={"label_values": {}})) == ()


NAMES = st.sampled_from(["a", "b", "c", "d"])
FIELDS = st.builds(
    SchemaField,
    name=NAMES,
    aliases=st.lists(NAMES, max_size=1).map(tuple),
    kind=st.sampled_from(["numeric", "categorical", "boolean", "datetime"]),
    nullable=st.booleans(),
    missing_values=st.lists(st.sampled_from(["1", "yes", "na"]), unique=True, max_size=2).map(tuple),
    datetime_format=st.sampled_from([None, "%d.%m.%Y"]),
)


def has_clear_names(schema: InputSchema) -> bool:
    """Tell whether every key belongs to one field, as a config demands."""
    names = [key for item in schema.fields for key in (item.name, *item.aliases)]
    return len({*names, *schema.ignored}) == len(names) + len(schema.ignored)


SCHEMAS = st.builds(
    InputSchema,
    fields=st.lists(FIELDS, min_size=1, max_size=2).map(tuple),
    ignored=st.lists(NAMES, max_size=2).map(tuple),
).filter(has_clear_names)
VALUES = st.sampled_from([None, 1, 2.5, "1", "yes", "no", "na", "2024-02-03", "03.02.2024", "x"])


@st.composite
def pairs(draw: st.DrawFn) -> tuple[InputSchema, InputSchema]:
    """Draw two schemas, the second often like the first."""
    before = draw(SCHEMAS)
    other = draw(SCHEMAS)
    keep = draw(st.booleans())
    updates: list[dict[str, Any]] = [{}, {"nullable": True}, {"nullable": False}, {"aliases": ()}]
    fields = tuple(item.model_copy(update=draw(st.sampled_from(updates))) for item in before.fields)
    if draw(st.booleans()):
        fields = tuple(
            item.model_copy(update={"name": draw(NAMES), "aliases": (item.name, *item.aliases)}) for item in fields
        )
    after = before.model_copy(update={"fields": fields, "ignored": draw(st.sampled_from([before, other])).ignored})
    return (before, after) if keep and has_clear_names(after) else (before, other)


@pytest.mark.slow
@settings(max_examples=400)
@given(pairs(), st.lists(st.dictionaries(NAMES, VALUES), min_size=1, max_size=8))
def test_without_a_change_whatever_was_accepted_still_is_and_means_the_same(
    manifest: Manifest, pair: tuple[InputSchema, InputSchema], rows: list[dict[str, Any]]
) -> None:
    """No request that the former model answered is refused by one that is said to be no change, or read otherwise."""
    before, after = pair
    if changes(manifest, before, after):
        return
    for row in rows:
        read = check_rows(before, [row])
        if not read.errors:
            again = check_rows(after, [row])
            assert again.errors == []
            names = {item.name: after.names.get(item.name) for item in before.fields}
            assert again.columns == {names[name]: values for name, values in read.columns.items()}
