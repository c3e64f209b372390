"""Write an ONNX graph node by node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import NodeProto, TensorProto, checker, helper, numpy_helper, shape_inference

from classification_model.errors import ExportError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from numpy.typing import NDArray

ML = "ai.onnx.ml"
#: onnxruntime 1.20 is the first that runs these; ai.onnx.ml 5 brings trees in double precision.
OPSETS = {"": 21, ML: 5}
IR_VERSION = 10

DOUBLE, INT64, FLOAT, STRING, BOOL = (
    TensorProto.DOUBLE,
    TensorProto.INT64,
    TensorProto.FLOAT,
    TensorProto.STRING,
    TensorProto.BOOL,
)


class Graph:
    """An ONNX graph that grows by calls; tensors are known by their names.

    Parameters
    ----------
    taken
        Names that no tensor made here may have.
    prefix
        What the names of tensors made here begin with.
    """

    def __init__(self, taken: Iterable[str] = (), prefix: str = "") -> None:
        self._taken = set(taken)
        self._prefix = prefix
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
            _rename(node, {tensor: name})
        shape: list[str | int] = ["rows"] if columns is None else ["rows", columns]
        self._outputs.append(helper.make_tensor_value_info(name, kind, shape))

    def constant(self, values: NDArray[Any]) -> str:
        """Return the tensor of constant values; texts are an array of objects."""
        name = self._new_name("constant")
        if values.dtype == object:
            texts = [str(value).encode() for value in values.ravel()]
            self._constants[name] = helper.make_tensor(name, STRING, values.shape, texts)  # type: ignore[arg-type]  # its types forget texts
        else:
            self._constants[name] = numpy_helper.from_array(np.asarray(values, order="C"), name)
        return name

    def add(self, operator: str, *inputs: str | NDArray[Any], domain: str = "", **attributes: Any) -> str:
        """Append a node and return its output; arrays among the inputs become constants."""
        (output,) = self.add_many(operator, *inputs, domain=domain, outputs=1, **attributes)
        return output

    def beside(self, tensors: Sequence[str]) -> str:
        """Put the columns of tensors side by side; one alone stays as it is."""
        return tensors[0] if len(tensors) == 1 else self.add("Concat", *tensors, axis=1)

    def add_many(
        self, operator: str, *inputs: str | NDArray[Any], outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Append a node of several outputs and return them."""
        names = [item if isinstance(item, str) else self.constant(item) for item in inputs]
        made = [self._new_name(operator) for _ in range(outputs)]
        self._nodes.append(helper.make_node(operator, names, made, domain=domain, **attributes))
        return made

    def repeat_while(
        self,
        state: str,
        kind: int,
        goes_on: Callable[[Graph, str], str],
        step: Callable[[Graph, str], str],
    ) -> str:
        """Change a tensor step by step as long as a condition holds, which may be from the start not at all.

        Parameters
        ----------
        state
            The tensor, of shape (n_rows, 1).
        kind
            Type of its values.
        goes_on
            Adds nodes to a graph that tell of the tensor, as a truth value without a shape, whether to go on.
        step
            Adds nodes to a graph that change the tensor.
        """
        inner = Graph(self._taken, prefix=f"{self._new_name('step')}_")
        number, before, given = (inner._new_name(name) for name in ("number", "condition", "state"))
        changed = step(inner, given)
        condition = goes_on(inner, changed)
        body = helper.make_graph(
            inner._nodes,
            "body",
            [
                helper.make_tensor_value_info(number, INT64, []),
                helper.make_tensor_value_info(before, BOOL, []),
                helper.make_tensor_value_info(given, kind, ["rows", 1]),
            ],
            [
                helper.make_tensor_value_info(condition, BOOL, []),
                helper.make_tensor_value_info(changed, kind, ["rows", 1]),
            ],
            initializer=list(inner._constants.values()),
        )
        return self.add("Loop", "", goes_on(self, state), state, body=body)

    def append(self, other: Graph, bound: Mapping[str, str]) -> None:
        """Append the nodes of another graph, which stays as it is.

        Parameters
        ----------
        other
            A graph whose names are none of this one.
        bound
            For tensors that the other graph takes, those of this graph in their place.
        """
        for node in other._nodes:
            copy = NodeProto()
            copy.CopyFrom(node)
            _rename(copy, bound)
            self._nodes.append(copy)
        self._constants |= other._constants
        self._taken |= other._taken

    def to_bytes(self, metadata: Mapping[str, str]) -> bytes:
        """Return the checked model, the same bytes for the same calls.

        Parameters
        ----------
        metadata
            Texts that the model carries.

        Raises
        ------
        ExportError
            If it is no valid model, or too large for the format.
        """
        graph = helper.make_graph(
            self._nodes, "model", self._inputs, self._outputs, initializer=list(self._constants.values())
        )
        opsets = [helper.make_opsetid(domain, version) for domain, version in OPSETS.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        helper.set_model_props(model, dict(sorted(metadata.items())))
        try:
            checker.check_model(model, full_check=True)
            content: bytes = model.SerializeToString(deterministic=True)
        except (checker.ValidationError, shape_inference.InferenceError, ValueError) as error:
            reason = str(error).partition("\n")[0][:300]
            msg = f"its graph is no valid ONNX model ({reason})"
            raise ExportError(msg) from error
        return content

    def _new_name(self, stem: str) -> str:
        count = len(self._taken)
        name = f"{self._prefix}{stem}_{count}"
        while name in self._taken:
            count += 1
            name = f"{self._prefix}{stem}_{count}"
        self._taken.add(name)
        return name


def _rename(node: Any, names: Mapping[str, str]) -> None:
    node.output[:] = [names.get(name, name) for name in node.output]
    node.input[:] = [names.get(name, name) for name in node.input]
