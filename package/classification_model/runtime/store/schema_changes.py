"""Changes of input columns and classes that clients notice when another model becomes current."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from classification_model.runtime.input.schema import InputSchema, SchemaField
    from classification_model.runtime.model_folder.manifest import Manifest


def schema_changes(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """Say where a model takes other input than another one, or gives other classes; nothing where it does not.

    That is whatever changes which requests are accepted or what is read from them: fields that were added or removed,
    or renamed and no longer accepted under the old name, their kinds, texts that mean missing and formats of dates,
    shorter limits on texts, fields that became required, and names that are accepted no longer. It is not what each
    training learns anew, such as ranges and known categories, nor what only lets more requests pass: a field that
    became optional, another name for it, a further column that is ignored.

    Parameters
    ----------
    before
        Manifest of the model that is replaced.
    after
        Manifest of the one that takes its place.

    Returns
    -------
    tuple of str
        A line for each change, such as ``field age: numeric -> categorical``.
    """
    lines = [*_field_changes(before.input_schema, after.input_schema)]
    if before.classes != after.classes:
        lines.append(f"classes: {_join(before.classes)} -> {_join(after.classes)}")
    elif before.target_edges != after.target_edges:
        lines.append(f"edges of the classes: {_numbers(before.target_edges)} -> {_numbers(after.target_edges)}")
    elif after.label_values:
        lines += _label_changes(before.label_values, after.label_values)
    return tuple(lines)


def renamed_fields(before: Manifest, after: Manifest) -> tuple[str, ...]:
    """Say which fields have another name in a model than in another one, whose name for it is accepted all the same.

    No request notices that. But a table that was prepared for the one model, or what was logged by it, has other
    columns than the other one calls for.
    """
    old, new = before.input_schema, after.input_schema
    return tuple(
        f"field {_shown(name)} is called {_shown(other.name)}, and by its former name too"
        for name, other in _successors(old, new).items()
        if name != other.name and name in other.aliases
    )


def _label_changes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    """Say which values of the target are labels of other classes, or no labels any more."""
    for value, label in before.items():
        if value not in after:
            yield f"label {_shown(value)}, {_shown(label)} before, is no longer accepted"
        elif after[value] != label:
            yield f"label {_shown(value)}: {_shown(label)} -> {_shown(after[value])}"


def _field_changes(before: InputSchema, after: InputSchema) -> Iterator[str]:
    successors = _successors(before, after)
    for field in before.fields:
        successor = successors.get(field.name)
        if successor is None:
            yield f"field {_shown(field.name)} removed"
        else:
            yield from _changes_of(field, successor)
    followed = {successor.name for successor in successors.values()}
    for field in after.fields:
        if field.name not in followed:
            yield f"field {_shown(field.name)} added{'' if field.nullable else ', required'}"
    for name in before.ignored:
        if name not in after.names:
            yield f"column {_shown(name)}, which was ignored, is no longer accepted"
        elif (other := after.names[name]) is not None and (other != name or name in followed):
            yield f"column {_shown(name)}, which was ignored, is a name of field {_shown(other)}"


def _successors(before: InputSchema, after: InputSchema) -> dict[str, SchemaField]:
    """Return for each field the one that took its place: of its name, or renamed, of a name that both have."""
    old, new = ({field.name: field for field in schema.fields} for schema in (before, after))
    found = {name: new[name] for name in old if name in new}
    for name in old.keys() - new.keys():
        for other in new.keys() - old.keys():
            if _names(old[name]) & _names(new[other]):
                found[name] = new[other]
    return found


def _changes_of(before: SchemaField, after: SchemaField) -> Iterator[str]:
    name = f"field {_shown(before.name)}"
    if before.name not in _names(after):
        yield f"{name} renamed {_shown(after.name)}"
    gone = _names(before) - _names(after) - {before.name}
    if gone:
        yield f"{name}: no longer called {_join(sorted(gone))}"
    if before.kind != after.kind:
        yield f"{name}: {before.kind} -> {after.kind}"
    if before.nullable and not after.nullable:
        yield f"{name}: optional -> required"
    marks, others = set(before.missing_values), set(after.missing_values)
    if marks - others:
        yield f"{name}: no longer missing: {_join(sorted(marks - others))}"
    if others - marks:
        yield f"{name}: missing as well: {_join(sorted(others - marks))}"
    if before.written != after.written:
        yield f"{name}: numbers as text are written otherwise ({after.written.description})"
    if after.longest_text < before.longest_text:
        yield f"{name}: texts of at most {before.longest_text:,} -> {after.longest_text:,} characters"
    if before.datetime_format != after.datetime_format:
        yield f"{name}: dates as {_format(before)} -> {_format(after)}"


def _names(field: SchemaField) -> set[str]:
    return {field.name, *field.aliases}


def _format(field: SchemaField) -> str:
    return _shown(field.datetime_format or "ISO 8601")


def _join(names: Iterable[str]) -> str:
    return ", ".join(map(_shown, names))


def _numbers(edges: Iterable[float]) -> str:
    return ", ".join(map(str, edges)) or "none"


def _shown(name: str) -> str:
    """Return a name as it stands in a line: one with line breaks or the like in it is quoted."""
    return name if name.isprintable() and name else repr(name)
