"""A fitted pipeline as one ONNX model: the plan of its derivations, its categories, the graph of what it learned."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from classification_model.compiled import FEATURES, PROBABILITIES, write_metadata
from classification_model.errors import ExportError
from classification_model.export.derivations import describe_derivation, gives_text, is_derivation
from classification_model.export.estimators import convert_estimator
from classification_model.export.graph import DOUBLE, Graph
from classification_model.export.steps import convert_step
from classification_model.export.table import Table

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sklearn.pipeline import Pipeline

    from classification_model.derivations import Derivation
    from classification_model.schema import InputSchema


def compile_pipeline(pipeline: Pipeline, schema: InputSchema, *, show_features: bool = False) -> bytes:
    """Compile a fitted pipeline.

    Parameters
    ----------
    pipeline
        As `build_pipeline` builds it, fitted.
    schema
        The raw columns that it takes, in order.
    show_features
        Give what reaches the estimator as another output, ``features``.

    Returns
    -------
    bytes
        An ONNX model. Its inputs are ``numbers``, doubles of shape (n_rows, n_numbers) with NaN for missing ones,
        and ``codes``, integers of shape (n_rows, n_categories): 0 for a missing category, 1 for an unseen one, 2 for
        the first known one, and so on. Either is left out where it would have no columns. Its output is
        ``probabilities``, doubles of shape (n_rows, n_classes). Which columns these are, which categories are known
        and what is derived from the raw columns before stands in its metadata.

    Raises
    ------
    ExportError
        If a step has no converter, naming the step.
    """
    texts = {field.name for field in schema.fields if field.kind in {"categorical", "text"}}
    order = [field.name for field in schema.fields]
    plan: list[Derivation] = []
    graph = Graph()
    *steps, (_, estimator) = pipeline.steps
    while steps and is_derivation(steps[0][1]):
        derivation = describe_derivation(steps.pop(0)[1])
        plan.append(derivation)
        order += derivation.outputs
        if gives_text(derivation):
            texts |= set(derivation.outputs)
    table = Table(graph, order, texts)
    for name, step in steps:
        with _names_the_step(name):
            convert_step(step, table)
    with _names_the_step("estimator"):
        features = table.finish()
        probabilities = convert_estimator(estimator, graph, features)
    graph.output(PROBABILITIES, probabilities, DOUBLE, len(estimator.classes_))
    if show_features:
        in_order = graph.add("Gather", features.tensor, features.places, axis=1)
        graph.output(FEATURES, in_order, DOUBLE, len(features.places))
    categories = {encoding.column: encoding.categories for encoding in table.encodings}
    return graph.to_bytes(write_metadata(plan, table.inputs, categories))


@contextmanager
def _names_the_step(name: str) -> Iterator[None]:
    try:
        yield
    except ExportError as error:
        msg = f"the pipeline's step {name!r} cannot be compiled: {error}"
        raise ExportError(msg) from error
