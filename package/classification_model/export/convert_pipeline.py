"""Convert a fitted pipeline to a plan of derived features, known categories, and an ONNX graph."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from classification_model.export.derivations import gives_text, leading_derivations
from classification_model.export.estimator_converters import convert_estimator
from classification_model.export.failures import naming
from classification_model.export.graph import DOUBLE, INT64, Graph
from classification_model.export.step_converters import convert_step
from classification_model.export.table import Table
from classification_model.runtime.inference.compiled import CODES, FEATURES, NUMBERS, PROBABILITIES, write_metadata

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from classification_model.export.table import Features
    from classification_model.runtime.inference.derivations import Derivation
    from classification_model.runtime.input.schema import InputSchema


@dataclass(frozen=True)
class Converted:
    """A pipeline, converted; what its graph takes is still to be bound.

    Attributes
    ----------
    plan
        What is derived from the raw columns, in order.
    numbers
        Columns of the tensor ``numbers``, doubles with NaN for missing ones; none without such columns.
    categories
        Columns of the tensor ``codes``, with the known categories of each: 0 stands for a missing category, 1 for an
        unseen one, 2 for the first known one, and so on.
    graph
        Nodes from these tensors to the probabilities; it declares neither inputs nor outputs.
    features
        What reaches the estimator.
    probabilities, classes
        The tensor of the probabilities, and how many there are in a row.
    """

    plan: tuple[Derivation, ...]
    numbers: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    graph: Graph
    features: Features
    probabilities: str
    classes: int


def convert_pipeline(pipeline: Pipeline, schema: InputSchema) -> Converted:
    """Convert a fitted pipeline.

    Parameters
    ----------
    pipeline
        As `build_pipeline` builds it, fitted.
    schema
        The raw columns that it takes, in order.

    Raises
    ------
    ExportError
        If a step has no converter, naming the step.
    """
    texts = set(schema.texts)
    order = [field.name for field in schema.fields]
    *steps, (_, estimator) = pipeline.steps
    plan = leading_derivations(steps)
    for derivation in plan:
        order += derivation.outputs
        if gives_text(derivation):
            texts |= set(derivation.outputs)
    graph = Graph(taken=[*order, NUMBERS, CODES, PROBABILITIES, FEATURES])
    table = Table(graph, order, texts)
    for name, step in steps[len(plan) :]:
        with naming(f"the pipeline's step {name!r}"):
            convert_step(step, table)
    with naming("the pipeline's step 'estimator'"):
        features = table.finish()
        probabilities = convert_estimator(estimator, graph, features)
    return Converted(
        plan=plan,
        numbers=tuple(table.inputs),
        categories={encoding.column: encoding.categories for encoding in table.encodings},
        graph=graph,
        features=features,
        probabilities=probabilities,
        classes=len(estimator.classes_),
    )


def compile_core(converted: Converted, *, show_features: bool = False) -> bytes:
    """Return the model that the runtime runs, which codes texts itself.

    Parameters
    ----------
    converted
        The converted pipeline.
    show_features
        Give what reaches the estimator as another output, ``features``.

    Returns
    -------
    bytes
        An ONNX model. Its inputs are ``numbers``, doubles of shape (n_rows, n_numbers) with NaN for missing ones,
        and ``codes``, integers of shape (n_rows, n_categories). Either is left out where it would have no columns.
        Its output is ``probabilities``, doubles of shape (n_rows, n_classes). Which columns these are, which
        categories are known and what is derived from the raw columns before stands in its metadata.
    """
    graph = Graph()
    if converted.numbers:
        graph.input(NUMBERS, DOUBLE, len(converted.numbers))
    if converted.categories:
        graph.input(CODES, INT64, len(converted.categories))
    graph.append(converted.graph, {})
    graph.output(PROBABILITIES, converted.probabilities, DOUBLE, converted.classes)
    if show_features:
        features = converted.features
        in_order = graph.add("Gather", features.tensor, features.places, axis=1)
        graph.output(FEATURES, in_order, DOUBLE, len(features.places))
    return graph.to_bytes(write_metadata(converted.plan, converted.numbers, converted.categories))
