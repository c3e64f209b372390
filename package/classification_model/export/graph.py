"""Writing an ONNX graph node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

ML = "ai.onnx.ml"
#: onnxruntime 1.20 is the first that runs these; ai.onnx.ml 5 brings trees in double precision.
OPSETS = {"": 21, ML: 5}
IR_VERSION = 10

DOUBLE, INT64, FLOAT, STRING = TensorProto.DOUBLE, TensorProto.INT64, TensorProto.FLOAT, TensorProto.STRING


class Graph:
    """An ONNX graph that grows by calls; tensors are known by their names."""

    def __init__(self) -> None:
        self._nodes: list[Any] = []
        self._constants: dict[str, Any] = {}
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, kind: int, columns: int) -> str:
        """Declare an input of shape (n_rows, columns)."""
        self._inputs.append(helper.make_tensor_value_info(name, kind, ["rows", columns]))
        return name

    def output(self, name: str, tensor: str, kind: int, columns: int | None) -> None:
        """Declare the result of a node an output, of shape (n_rows, columns) or, without columns, (n_rows,)."""
        for node in self._nodes:
            node.output[:] = [name if output == tensor else output for output in node.output]
            node.input[:] = [name if given == tensor else given for given in node.input]
        shape: list[str | int] = ["rows"] if columns is None else ["rows", columns]
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, values: NDArray[Any]) -> str:
        """Return the tensor of constant values; texts are an array of objects."""
        name = f"constant_{len(self._constants)}"
        if values.dtype == object:
            texts = [str(value).encode() for value in values.ravel()]
            self._constants[name] = helper.make_tensor(name, STRING, values.shape, texts)  # type: ignore[arg-type]  # its types forget texts
        else:
            self._constants[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def add(self, operator: str, *inputs: str | NDArray[Any], domain: str = "", **attributes: Any) -> str:
        """Append a node and return its output; arrays among the inputs become constants."""
        (output,) = self.add_many(operator, *inputs, domain=domain, outputs=1, **attributes)
        return output

    def add_many(
        self, operator: str, *inputs: str | NDArray[Any], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Append a node of several outputs and return them."""
        names = [item if isinstance(item, str) else self.constant(item) for item in inputs]
        made = [f"{operator}_{len(self._nodes)}_{number}" for number in range(outputs)]
        self._nodes.append(helper.make_node(operator, names, made, domain=domain, **attributes))
        return made

    def to_bytes(self, metadata: Mapping[str, str]) -> bytes:
        """Return the checked model, the same bytes for the same calls.

        Parameters
        ----------
        metadata
            Texts that the model carries.
        """
        graph = helper.make_graph(
            self._nodes, "model", self._inputs, self._outputs, initializer=list(self._constants.values())
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        helper.set_model_props(model, dict(sorted(metadata.items())))
        checker.check_model(model, full_check=True)
        content: bytes = model.SerializeToString(deterministic=True)
        return content
