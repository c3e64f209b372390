"""The summary and the long description of a wheel, from the manifest of its model."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from string import Template
from typing import Any

from classification_model.runtime.input.moments import spell_moment
from classification_model.runtime.input.schema import SchemaField
from classification_model.runtime.model_folder.manifest import GoldenRow, Manifest
from classification_model.runtime.wheel.markdown import as_text, one_line
from classification_model.runtime.wheel.metadata import LONGEST_SUMMARY
from classification_model.runtime.wheel.naming import module_name

TEMPLATE = Path(__file__).resolve().with_name("template")
MOST_LISTED, LONGEST_LISTED = 12, 60


def summarise(manifest: Manifest) -> str:
    """Summarise in one line what a model predicts."""
    summary = one_line(f"{manifest.name}: predicts one of {_listed(manifest.classes)}")
    return _shortened(summary, LONGEST_SUMMARY)


def describe(manifest: Manifest, name: str, summary: str, wheels: tuple[str, str]) -> str:
    """Write the long description, in Markdown: how to install, call and verify, what goes in, how good it is.

    Parameters
    ----------
    manifest
        Manifest of the model.
    name
        Normalised name of the distribution.
    summary
        One line on what the model predicts.
    wheels
        File names of the wheels of the model and of the runtime.
    """
    wheel, runtime = wheels
    inputs, probabilities = example_row(manifest)
    ignored = as_text(_listed(manifest.input_schema.ignored))
    return Template((TEMPLATE / "README.md").read_text(encoding="utf-8")).substitute(
        name=name,
        module=module_name(name),
        wheel=wheel,
        runtime=runtime,
        description=as_text(summary),
        model=as_text(manifest.name),
        model_version=as_text(manifest.version),
        created=as_text(manifest.created),
        estimator=f"`{manifest.estimator}`",
        table_rows=manifest.data.rows,
        classes=as_text(_listed(manifest.classes)),
        example="\n".join(f"{' ' * 12}{literal(key)}: {literal(value)}," for key, value in inputs.items()),
        probabilities=as_text(
            _listed([f"{_shortened(label, LONGEST_LISTED - 8)} {value:.4f}" for label, value in probabilities.items()])
        ),
        columns="\n".join(_column(field) for field in manifest.input_schema.fields),
        ignored=f"Accepted and not used: {ignored}. " if ignored else "",
        quality=_quality(manifest),
    )


def _quality(manifest: Manifest) -> str:
    """Say how good a model is, and where its reports are."""
    has_reports = any(name.startswith("reports/") for name in manifest.files)
    reports = "\n\n`model/reports/` inside the package holds the model card and the training report." * has_reports
    if not manifest.metrics:
        return f"The model was not evaluated when it was made: {as_text(manifest.holdout.rule)}.{reports}"
    lines = [
        f"On {manifest.holdout.rows} rows that the model was not trained on, with 95% intervals:",
        "",
        "| metric | value | interval |",
        "|---|---|---|",
    ]
    lines += [
        f"| `{metric}` | {value.value:.4f} | {value.low:.4f} to {value.high:.4f} |"
        for metric, value in sorted(manifest.metrics.items())
    ]
    return "\n".join(lines) + reports


def example_row(manifest: Manifest) -> tuple[dict[str, Any], dict[str, float]]:
    """Return a golden row that looks like a row of the table, by field, and the probabilities on record."""
    fields = manifest.input_schema.fields

    def strangeness(row: GoldenRow) -> tuple[int, int, int]:
        values = [row.inputs.get(field.name) for field in fields]
        odd = sum(field.remark(field.reader()(value)) is not None for field, value in zip(fields, values, strict=True))
        return odd, values.count(None), len(str(values))

    row = min(manifest.golden_rows, key=strangeness)
    inputs = {field.name: row.inputs[field.name] for field in fields if field.name in row.inputs}
    return inputs, dict(zip(manifest.classes, row.probabilities, strict=True))


def literal(value: Any) -> str:
    """Write a value in Python, texts in double quotes where they need no escapes."""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) and value.isprintable() else repr(value)


def _column(field: SchemaField) -> str:
    name = as_text(" or ".join([field.name, *field.aliases]))
    return f"| {name} | {field.kind} | {'yes' if field.nullable else 'no'} | {as_text(_seen(field))} |"


def _seen(field: SchemaField) -> str:
    if field.categories is not None:
        count = len(field.categories)
        return _listed(field.categories) if count <= MOST_LISTED else f"{count} values"
    if field.minimum is None or field.maximum is None:
        return ""
    low, high = (
        spell_moment(bound) if field.kind == "datetime" else f"{bound:g}" for bound in (field.minimum, field.maximum)
    )
    return f"{low} to {high}"


def _listed(items: Sequence[str]) -> str:
    more = len(items) - MOST_LISTED
    listed = ", ".join(_shortened(item, LONGEST_LISTED) for item in items[:MOST_LISTED])
    return f"{listed} and {more} more" if more > 0 else listed


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}\N{HORIZONTAL ELLIPSIS}"
