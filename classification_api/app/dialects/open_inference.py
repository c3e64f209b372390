"""`POST /v2/models/{name}/infer`: the Open Inference Protocol, version 2, with tensors in JSON or binary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from app.dialects import Answered, Asked, Written
from app.dialects.json_reading import check, parse
from app.dialects.limits import Limits
from app.dialects.one_line import one_line
from app.dialects.open_inference_metadata import OUTPUTS, model_slug
from app.dialects.tables import check_count, check_names, refuse_query, rows_of_columns, shown
from app.dialects.tensors import DATATYPES, Tensor, binary
from app.problem_details import Problem

HEADER_LENGTH = b"inference-header-content-length"
_OCTETS = b"application/octet-stream"
_MEMBERS = {"id", "parameters", "inputs", "outputs"}
_TENSOR_MEMBERS = {"name", "shape", "datatype", "data", "parameters"}
LONGEST_ID = 256
_REMEDY = "send each input as its own tensor of shape [rows]; GET /v2/models/{name} lists the inputs"
#: Refused parameters, which would change the meaning of a request, with remedies; all others are hints to ignore.
_NOT_SERVED = {
    "classification": "request the output probabilities instead",
    "sequence_id": "leave it out: each row is predicted independently",
    "shared_memory_region": "send the data in the request",
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The requested answer: the request's ID, and for each output whether it is binary."""

    id: str | None
    outputs: dict[str, bool]


class OpenInference:
    """The dialect of `/v2/models/{name}/infer`: each input tensor is a column.

    Clients of the protocol send no content type. Those of NVIDIA Triton send and expect binary tensors by default.
    """

    media_types = frozenset({b"", b"application/json", _OCTETS})

    def read(
        self,
        body: bytes,
        limits: Limits,
        query: bytes,
        media_type: bytes,  # noqa: ARG002
        header_length: bytes | None = None,
    ) -> Asked:
        """Read tensors; see `Dialect.read`."""
        refuse_query(query)
        head, raw = _split(body, header_length)
        document = parse(head, limits)
        inputs = _inputs(document)
        count = _count(inputs)
        check_count(count, limits)
        check(document, head, limits.depth)
        wanted = _wanted(document)
        tensors = _tensors(inputs, raw)
        check_names([tensor.name for tensor in tensors], "inputs")
        rows = rows_of_columns({tensor.name: tensor.values() for tensor in tensors})
        return Asked(rows, places="rows", remembered=wanted)

    def write(self, asked: Asked, answered: Answered) -> Written:
        """Write the requested outputs; see `Dialect.write`."""
        wanted: _Wanted = asked.remembered
        content: dict[str, Any] = {"model_name": model_slug(answered.name), "model_version": answered.version}
        if wanted.id is not None:
            content["id"] = wanted.id
        if answered.warnings:
            content["parameters"] = {"warnings": len(answered.warnings)}
        content["outputs"] = outputs = []
        raw = []
        for name, is_binary in wanted.outputs.items():
            shape, values = _output(name, answered)
            output: dict[str, Any] = {"name": name, "shape": shape, "datatype": OUTPUTS[name]}
            if is_binary:
                raw.append(binary(OUTPUTS[name], values))
                output["parameters"] = {"binary_data_size": len(raw[-1])}
            else:
                output["data"] = values
            outputs.append(output)
        head = orjson.dumps(content)
        if not raw:
            return Written(head)
        return Written(head + b"".join(raw), _OCTETS, ((HEADER_LENGTH, b"%d" % len(head)),))

    def explain(self, problem: Problem) -> dict[str, Any]:
        """Return the error as one line, which is all that these clients show."""
        return {"error": one_line(problem)}


def _split(body: bytes, header_length: bytes | None) -> tuple[bytes, bytes | None]:
    """Return the JSON of a body, and the binary data after it, which is None without the header."""
    if header_length is None:
        return body, None
    given = header_length.strip()
    length = int(given) if given.isdigit() and len(given) < 10 else -1
    if not 0 <= length <= len(body):
        detail = "expected Inference-Header-Content-Length as the length of the JSON at the start of the body"
        raise Problem("invalid_request", detail)
    return body[:length], body[length:]


def _inputs(document: Any) -> list[dict[str, Any]]:
    if type(document) is not dict or type(document.get("inputs")) is not list or not document["inputs"]:
        raise Problem("invalid_request", 'expected an object with "inputs", an array of tensors', remedy=_REMEDY)
    if not document.keys() <= _MEMBERS:
        unknown = shown(min(document.keys() - _MEMBERS))
        raise Problem("invalid_request", f'expected only "id", "parameters", "inputs" and "outputs", found {unknown}')
    inputs: list[dict[str, Any]] = document["inputs"]
    for number, tensor in enumerate(inputs):
        if type(tensor) is not dict or not {"name", "shape", "datatype"} <= tensor.keys() <= _TENSOR_MEMBERS:
            members = "name, shape, datatype, data and optionally parameters"
            detail = f"expected inputs[{number}] as an object of {members}"
            raise Problem("invalid_request", detail, remedy=_REMEDY)
    return inputs


def _count(inputs: list[dict[str, Any]]) -> int:
    """Return the number of rows, which must be the same in all shapes."""
    count: int | None = None
    for number, tensor in enumerate(inputs):
        shape = tensor["shape"]
        if type(shape) is not list or len(shape) not in {1, 2} or any(type(size) is not int for size in shape):
            raise Problem("invalid_request", f"expected inputs[{number}].shape as [rows] or [rows, 1]", remedy=_REMEDY)
        if len(shape) == 2 and shape[1] != 1:
            detail = f"expected inputs[{number}] as one column, of shape [rows] or [rows, 1], found another width"
            raise Problem("invalid_request", detail, remedy=_REMEDY)
        if count is not None and shape[0] != count:
            detail = f"expected as many rows in inputs[{number}] as in inputs[0], found another number"
            raise Problem("invalid_request", detail)
        count = shape[0]
    if count is None or not 0 <= count < 2**63:
        raise Problem("invalid_request", "expected shapes of whole numbers from 0 to 2^63 - 1, found another")
    return count


def _tensors(inputs: list[dict[str, Any]], raw: bytes | None) -> list[Tensor]:
    """Return the tensors of a request with their data, from the JSON or the binary data after it."""
    tensors = []
    place = 0
    for number, given in enumerate(inputs):
        where = f"inputs[{number}]"
        parameters = _parameters(given, where)
        name, datatype, data = given["name"], given["datatype"], given.get("data")
        if type(datatype) is not str or datatype not in DATATYPES:
            raise Problem("invalid_request", f"expected {where}.datatype as one of {', '.join(DATATYPES)}")
        size = parameters.get("binary_data_size")
        if size is not None:
            if raw is None:
                detail = f"expected the header Inference-Header-Content-Length for binary {where}, found none"
                raise Problem("invalid_request", detail, remedy="send it, or send JSON data with binary_data=False")
            if type(size) is not int or not 0 <= size <= len(raw) - place or "data" in given:
                detail = f"expected the data of {where} only after the JSON, in binary_data_size bytes"
                raise Problem("invalid_request", detail)
            data = raw[place : place + size]
            place += size
        elif type(data) is not list:
            raise Problem("invalid_request", f"expected {where}.data as an array", remedy=_REMEDY)
        tensors.append(Tensor(name, given["shape"][0], datatype, data))
    if raw is not None and place != len(raw):
        raise Problem("invalid_request", f"expected {place} bytes after the JSON, found {len(raw)}")
    return tensors


def _wanted(document: dict[str, Any]) -> _Wanted:
    """Return the requested answer."""
    given_id = document.get("id")
    if given_id is not None and (type(given_id) is not str or len(given_id) > LONGEST_ID):
        raise Problem("invalid_request", f"expected id as a text of at most {LONGEST_ID} characters")
    by_default = _flag(_parameters(document, "the request"), "binary_data_output", default=False)
    requested = document.get("outputs")
    if not requested and (requested is None or type(requested) is list):
        return _Wanted(given_id, dict.fromkeys(OUTPUTS, by_default))
    if type(requested) is not list:
        raise Problem("invalid_request", "expected outputs as an array")
    outputs: dict[str, bool] = {}
    for number, output in enumerate(requested):
        where = f"outputs[{number}]"
        if type(output) is not dict or "name" not in output or not output.keys() <= {"name", "parameters"}:
            raise Problem("invalid_request", f"expected {where} as an object of name and optionally parameters")
        name = output["name"]
        if type(name) is not str or name not in OUTPUTS or name in outputs:
            raise Problem("invalid_request", f"expected {where}.name as one of {', '.join(OUTPUTS)}, each at most once")
        outputs[name] = _flag(_parameters(output, where), "binary_data", default=by_default)
    return _Wanted(given_id, outputs)


def _parameters(given: dict[str, Any], where: str) -> dict[str, Any]:
    parameters = given.get("parameters")
    if parameters is None:
        return {}
    if type(parameters) is not dict:
        raise Problem("invalid_request", f"expected the parameters of {where} as an object")
    for name in parameters.keys() & _NOT_SERVED.keys():
        if parameters[name] not in (0, ""):  # which Triton's clients send for "none"
            detail = f"expected only supported parameters, found {name} in {where}"
            raise Problem("invalid_parameter", detail, remedy=_NOT_SERVED[name])
    return parameters


def _flag(parameters: dict[str, Any], name: str, *, default: bool) -> bool:
    value = parameters.get(name, default)
    if type(value) is not bool:
        raise Problem("invalid_parameter", f"expected {name} as true or false")
    return value


def _output(name: str, answered: Answered) -> tuple[list[int], list[Any]]:
    """Return the shape and the values of an output, in row-major order."""
    if name == "probabilities":
        shares = answered.probabilities
        return [len(shares), len(shares[0])], [share for row in shares for share in row.values()]
    if name == "classes":
        classes = list(answered.probabilities[0])
        return [len(classes)], classes
    values = answered.predictions if name == "predictions" else answered.prediction_ids
    return [len(values)], values
