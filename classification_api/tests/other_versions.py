"""Models that predict otherwise than the packaged one, made from it in milliseconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from classification_model.predict import Predictor
from classification_model.runtime.inference.compiled import PROBABILITIES, CompiledModel
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.model_folder.artifact import read_model, write_model_folder
from classification_model.runtime.model_folder.manifest import GoldenRow, Manifest
from classification_model.runtime.model_folder.packaged import packaged_model
from onnx import helper, numpy_helper


def make_version(parent: Path, version: str, weight: float) -> Path:
    """Make a model folder whose probabilities are those of the packaged model, drawn towards even ones.

    Parameters
    ----------
    parent
        Where.
    version
        Its version, which names the folder.
    weight
        1 leaves the probabilities as they are, 0 makes them even.
    """
    model = read_model(packaged_model())
    manifest = model.manifest
    assert manifest.compiled is not None
    core = _draw(model.contents[manifest.compiled], weight, len(manifest.classes))
    contents = {name: content for name, content in model.contents.items() if name != manifest.portable}
    changes = {"version": version, "portable": None, "portable_parity": None, "not_portable": "it is a test's"}
    changed = manifest.model_copy(update=changes | {"golden_rows": _golden_rows(core, manifest)})
    write_model_folder(parent / version, changed, contents | {manifest.compiled: core})
    return parent / version


def _draw(content: bytes, weight: float, classes: int) -> bytes:
    """Scale the probabilities of a compiled model and add to them, at the end of its graph."""
    core = onnx.load_from_string(content)
    (last,) = (node for node in core.graph.node if PROBABILITIES in node.output)
    last.output[list(last.output).index(PROBABILITIES)] = "as_trained"
    for name, value in (("weight", weight), ("rest", (1 - weight) / classes)):
        core.graph.initializer.append(numpy_helper.from_array(np.array([value]), name))
    core.graph.node.append(helper.make_node("Mul", ["as_trained", "weight"], ["weighted"]))
    core.graph.node.append(helper.make_node("Add", ["weighted", "rest"], [PROBABILITIES]))
    return bytes(core.SerializeToString())


def _golden_rows(core: bytes, manifest: Manifest) -> tuple[GoldenRow, ...]:
    inputs = [row.inputs for row in manifest.golden_rows]
    checked = check_rows(manifest.input_schema, inputs)
    probabilities = Predictor(CompiledModel(core), manifest).probabilities(checked)
    rows = zip(inputs, probabilities.tolist(), strict=True)
    return tuple(GoldenRow(inputs=row, probabilities=tuple(shares)) for row, shares in rows)
