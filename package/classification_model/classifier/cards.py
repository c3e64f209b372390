"""What a notebook shows of a classifier, as HTML."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classification_model.audit.wording import in_words
from classification_model.evaluation.metrics import METRICS
from classification_model.reporting.html_pages import render_page
from classification_model.reporting.model_in_words import METRIC_NAMES, classes_in_words

if TYPE_CHECKING:
    from classification_model.runtime.input.schema import SchemaField
    from classification_model.runtime.model_folder.manifest import Manifest

#: Categories that are listed.
_MOST_LISTED = 6


def card_of(manifest: Manifest) -> str:
    """Show a model: what it predicts, how well, from which columns, and how to use it."""
    return render_page(
        "classifier.html.j2",
        manifest=manifest,
        names=METRIC_NAMES,
        higher=METRICS,
        classes=classes_in_words(manifest),
        audit=[in_words(finding) for finding in manifest.audit],
        fields=[(field, _seen(field)) for field in manifest.input_schema.fields],
    )


def unfitted_card(call: str) -> str:
    """Show a classifier that is not fitted.

    Parameters
    ----------
    call
        The call that makes such a classifier.
    """
    return render_page("unfitted.html.j2", call=call)


def _seen(field: SchemaField) -> str:
    """Say which values training saw."""
    if field.categories is not None:
        shown = ", ".join(field.categories[:_MOST_LISTED])
        more = len(field.categories) - _MOST_LISTED
        return f"{shown} and {more} more" if more > 0 else shown
    if field.minimum is None or field.maximum is None:
        return "texts" if field.kind == "text" else ""
    return f"{field.spell(field.minimum)} to {field.spell(field.maximum)}"
