"""Compile the portable model: raw columns in, labels and probabilities out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from classification_model.export.failures import naming
from classification_model.export.graph import DOUBLE, INT64, STRING, Graph
from classification_model.export.portable import numbers, texts
from classification_model.export.portable.matching import Checks
from classification_model.export.portable.outline import draw_outline
from classification_model.processing.indicators import free_names
from classification_model.runtime.inference.compiled import CODES, FIRST_KNOWN, MISSING, NUMBERS, PROBABILITIES, UNSEEN
from classification_model.runtime.portable import LABEL, PortableInput, write_metadata

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Set as AbstractSet

    from classification_model.export.convert_pipeline import Converted
    from classification_model.export.portable.outline import Outline
    from classification_model.runtime.inference.derivations import Derivation
    from classification_model.runtime.input.schema import InputSchema


@dataclass(frozen=True)
class Portable:
    """A portable model.

    Attributes
    ----------
    content
        Its bytes.
    derived_inputs
        Derived columns that it takes as inputs, each with why it does not derive it.
    """

    content: bytes
    derived_inputs: dict[str, str]


def compile_portable(
    converted: Converted,
    schema: InputSchema,
    classes: Sequence[str],
    threshold: float | None,
    refused: AbstractSet[str] = frozenset(),
) -> Portable:
    """Compile a converted pipeline for runtimes that know nothing of this package.

    Parameters
    ----------
    converted
        The converted pipeline.
    schema
        Its raw columns.
    classes
        Labels in the order of the probabilities.
    threshold
        Probability from which the second of two classes is predicted; None for the most probable class.
    refused
        Kinds of derivations that are not to be translated.

    Returns
    -------
    Portable
        An ONNX model. It has an input of shape (n_rows, 1) for each raw column that it needs, called as the column:
        texts for categories and texts, an empty one where it is missing; doubles for numbers, truth values (0 and 1)
        and dates (seconds since 1970-01-01 UTC), NaN where one is missing. Values are as the schema reads them: texts
        stripped, whole numbers among categories without a fraction. What cannot be derived exactly by ONNX is an
        input too. Outputs are ``label``, texts of shape (n_rows,), and ``probabilities``, doubles of shape
        (n_rows, n_classes). What each input is stands in its metadata.

    Raises
    ------
    ExportError
        If it is no valid model.
    """
    with naming("the portable model"):
        return _compile(converted, draw_outline(schema, converted, refused), classes, threshold)


def _compile(converted: Converted, outline: Outline, classes: Sequence[str], threshold: float | None) -> Portable:
    wanted = [name or "column" for name in outline.inputs]
    names = dict(zip(outline.inputs, free_names(wanted, [LABEL, PROBABILITIES]), strict=True))
    graph = Graph(taken=[*names.values(), LABEL, PROBABILITIES], prefix="raw_")
    tensors = {
        column: graph.input(name, STRING if outline.abilities[column].is_text else DOUBLE, 1)
        for column, name in names.items()
    }
    for item in outline.derived:
        tensors |= zip(item.outputs, _derive(graph, item, tensors, outline), strict=True)
    bound = {}
    if converted.numbers:
        bound[NUMBERS] = graph.beside([tensors[name] for name in converted.numbers])
    if converted.categories:
        codes = (MISSING, UNSEEN, FIRST_KNOWN)
        bound[CODES] = graph.beside(
            [texts.encode(graph, tensors[name], known, codes) for name, known in converted.categories.items()]
        )
    graph.append(converted.graph, bound)
    label = _decide(graph, converted.probabilities, classes, threshold)
    graph.output(LABEL, label, STRING, None)
    graph.output(PROBABILITIES, converted.probabilities, DOUBLE, converted.classes)
    by_column = {name: item for item in converted.plan for name in item.outputs}
    inputs = [
        PortableInput(
            name=name,
            column=column,
            kind="text" if outline.abilities[column].is_text else "number",
            derivation=by_column.get(column),
            reason=outline.reasons.get(column),
        )
        for column, name in names.items()
    ]
    metadata = write_metadata(inputs, _before(converted.plan, outline.reasons), classes, threshold)
    return Portable(graph.to_bytes(metadata), outline.reasons)


def _derive(graph: Graph, item: Derivation, tensors: dict[str, str], outline: Outline) -> list[str]:
    sources = [tensors[name] for name in item.sources]
    name = item.outputs[0]
    match item.derive:
        case "pattern":
            plan = outline.matching[name]
            every = plan.every_text if isinstance(plan, Checks) else None
            return [texts.find(graph, sources[0], plan, every or outline.known[name] or ())]
        case "contains":
            return [texts.contains(graph, sources[0], item.words)]
        case "combine":
            return [texts.combine(graph, [_spell(graph, source, name, tensors, outline) for source in item.sources])]
        case "sum":
            return [numbers.add(graph, sources, item.plus)]
        case "ratio":
            return [numbers.divide(graph, *sources)]
        case "log":
            return [numbers.log_one_plus(graph, *sources)]
        case "date_parts":
            return numbers.parts_of_moment(graph, sources[0], item.parts)


def _spell(graph: Graph, source: str, combination: str, tensors: dict[str, str], outline: Outline) -> str:
    """Return a source of a combination as texts."""
    ability = outline.abilities[source]
    if ability.is_text:
        return tensors[source]
    known = outline.known[combination]
    values = ability.values or texts.numbers_in(texts.pieces_of(known or ()))
    return texts.spell_numbers(graph, tensors[source], values)


def _decide(graph: Graph, probabilities: str, classes: Sequence[str], threshold: float | None) -> str:
    """Return the label of each row, as `classes.decide` has it."""
    if threshold is not None and len(classes) == 2:
        positive = graph.add("Gather", probabilities, np.array(1), axis=1)
        number = graph.add("Cast", graph.add("GreaterOrEqual", positive, np.array(threshold)), to=INT64)
    else:
        number = graph.add("ArgMax", probabilities, axis=1, keepdims=0)
    return graph.add("Gather", texts.texts(*classes), number)


def _before(plan: Sequence[Derivation], wanted: Iterable[str]) -> list[Derivation]:
    """Return, in order, what must be derived to have some derived columns."""
    needed = set(wanted)
    found: list[Derivation] = []
    for item in reversed(plan):
        if needed & set(item.outputs):
            needed |= set(item.sources)
            found.insert(0, item)
    return found
