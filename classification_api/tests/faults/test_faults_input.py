"""Rows 1 to 6 and 9 to 11 of docs/faults.md: bodies that are no sound request."""

from __future__ import annotations

import csv
import gzip
import io
import json
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

import httpx
import pytest
from classification_model.runtime.mle.model import KEYS, LONGEST_KEY
from conftest import ROW, Server
from raw_http import GOOD, check_problem, essence, unharmed

GOOD_TEXT = GOOD.decode()
#: What took a pattern of the packaged model most of a second.
COMMAS = "," * 10_000
MODEL = "/v2/models/titanic-survival"
DEEP = {depth: "[" * depth + "]" * depth for depth in (14, 33, 1000, 250_000)}


@pytest.fixture(autouse=True)
def _same_afterwards(server: Server) -> Iterator[None]:
    with unharmed(server):
        yield


def body_with(field: str, value: str) -> bytes:
    """Return the good body with a value of one field written as it is."""
    row = json.dumps(ROW | {field: "@"}).replace('"@"', value)
    return f'{{"inputs": [{row}]}}'.encode()


def refused(server: Server, body: bytes, status: int = 422, code: str | None = None) -> dict[str, Any]:
    """Post a body and hold its refusal against what is owed."""
    answer = server.post(content=body, headers={"content-type": "application/json"})
    return check_problem(answer, status, code or answer.json()["code"])


def accepted(server: Server, body: bytes) -> dict[str, Any]:
    """Post a body that is none of the faults."""
    answer = server.post(content=body, headers={"content-type": "application/json"})
    assert answer.status_code == 200, answer.text
    content: dict[str, Any] = answer.json()
    return content


@pytest.mark.parametrize("field", ["age", "fare", "sibsp", "name"])
@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "-1e400"])
def test_row_1_numbers_that_json_does_not_know_are_refused(server: Server, field: str, value: str) -> None:
    """No field takes NaN, infinity, or a number too large to be one."""
    refused(server, body_with(field, value))


@pytest.mark.parametrize("value", ['"NaN"', '"nan"', '"NA"', '"?"', '"-"', '" null "', '""'])
@pytest.mark.parametrize("field", ["age", "cabin"])
def test_row_1_marks_of_missing_values_mean_missing_as_in_training(server: Server, field: str, value: str) -> None:
    """A mark that a table of training may hold is answered as null is."""
    answer, expected = accepted(server, body_with(field, value)), accepted(server, body_with(field, "null"))
    assert answer["probabilities"] == expected["probabilities"]
    assert answer["warnings"] == expected["warnings"]


@pytest.mark.parametrize("value", ['"Infinity"', '"-inf"', '"1e400"', '"+Infinity"', '"inf"'])
def test_row_1_texts_of_infinity_are_refused_where_a_number_is_expected(server: Server, value: str) -> None:
    """No text stands for a number without bounds."""
    found = refused(server, body_with("age", value), code="invalid_rows")
    assert [place["where"] for place in found["errors"]] == ["inputs[0].age"]


@pytest.mark.parametrize("field", ["name", "sex", "cabin", "age"])
@pytest.mark.parametrize("value", [r'"\ud800"', r'"a\udfffb"', r'"\udc00\ud800"', r'"\ud83d"'])
def test_row_2_a_lone_surrogate_is_refused(server: Server, field: str, value: str) -> None:
    """Text that UTF-8 cannot carry never reaches the model or a reply."""
    refused(server, body_with(field, value))


@pytest.mark.parametrize("body", [r'{"inputs":[{"\ud800":1}]}', r'{"\ud800":1}', r'{"inputs":[{}],"index":["\ud800"]}'])
def test_row_2_a_lone_surrogate_is_refused_as_a_key(server: Server, body: str) -> None:
    """Keys are held to what values are held to."""
    refused(server, body.encode())


def test_row_2_a_whole_surrogate_pair_is_text(server: Server) -> None:
    """An escape of two surrogates that belong together is a character."""
    accepted(server, body_with("name", r'"\ud83d\ude00"'))


@pytest.mark.parametrize("field", ["age", "sibsp", "pclass", "name"])
@pytest.mark.parametrize(
    "digits",
    [2**70, "4" * 4000, "4" * 4300, "4" * 4301, "4" * 5000, "-" + "4" * 5000],
    ids=lambda given: len(str(given)),
)
def test_row_3_integers_beyond_all_measure_are_refused(server: Server, field: str, digits: str | int) -> None:
    """A whole number is exact or refused, however long."""
    refused(server, body_with(field, str(digits)))


@pytest.mark.parametrize("number", [2**63, -(2**63) - 1, 2**64])
def test_row_3_integers_beyond_64_bits_are_no_numbers(server: Server, number: int) -> None:
    """A number that a double would round is refused."""
    refused(server, body_with("age", str(number)), code="invalid_rows")


@pytest.mark.parametrize("key", ["k" * LONGEST_KEY, "", KEYS[0], KEYS[-1]], ids=repr)
def test_row_3_the_widest_keys_of_the_package_are_keys(server: Server, key: str | int) -> None:
    """What the package takes as a row's key is taken, to the last character and digit."""
    accepted(server, json.dumps({"inputs": [ROW], "index": [key]}).encode())


@pytest.mark.parametrize("key", ["k" * (LONGEST_KEY + 1), KEYS[0] - 1, KEYS[-1] + 1, 1.5, True, []], ids=repr)
def test_row_3_wider_keys_are_refused(server: Server, key: Any) -> None:
    """What is longer, wider or neither a text nor a whole number is no key."""
    refused(server, json.dumps({"inputs": [ROW], "index": [key]}).encode())


@pytest.mark.parametrize("field", ["age", "sibsp", "parch", "fare"])
@pytest.mark.parametrize("value", ["true", "false", "[1]", '{"a": 1}', '"old"'])
def test_row_4_what_is_no_number_is_refused_as_one(server: Server, field: str, value: str) -> None:
    """A truth value, an array, an object or a word is no number."""
    found = refused(server, body_with(field, value), code="invalid_rows")
    assert found["errors"][0]["where"] == f"inputs[0].{field}"


@pytest.mark.parametrize(
    "body",
    [
        '{"inputs":[{"age":1,"age":2}]}',
        r'{"inputs":[{"age":1,"\u0061ge":2}]}',
        '{"inputs":[{"age":1}],"inputs":[{"age":2}]}',
        '{"inputs":[{"age":1,"name":":","age":2}]}',
        '{"inputs":[{"age":1,"name":"\\"","age":2}]}',
        r'{"inputs":[{"age":1,"name":"\\","age":2}]}',
        '{"inputs":[{"age":1}],"index":[{"a":1,"a":1}]}',
    ],
)
def test_row_4_a_key_twice_in_one_object_is_refused(server: Server, body: str) -> None:
    """Which of the two values counts would be a guess; a colon in a text deceives nobody."""
    assert "twice" in refused(server, body.encode(), code="duplicate_key")["detail"]


def test_row_4_the_same_key_in_two_objects_is_sound(server: Server) -> None:
    """Colons and quotes in texts are no keys, and two rows have the same ones."""
    row = ROW | {"name": 'a: "b": \\', "cabin": "::"}
    answer = accepted(server, json.dumps({"inputs": [row, row], "index": ["a:", 7]}).encode())
    assert len(answer["predictions"]) == 2


def test_row_4_an_unknown_field_is_refused_by_its_name(server: Server) -> None:
    """A column that training did not know is told by where it stands."""
    found = refused(server, json.dumps({"inputs": [ROW, ROW | {"agee": 2}]}).encode(), code="invalid_rows")
    assert [place["where"] for place in found["errors"]] == ["inputs[1].agee"]


@pytest.mark.parametrize(
    "body",
    ['{"inputs":[]}', "{}", '{"inputs":null}', '{"inputs":{}}', '{"inputs":"x"}', '{"inputs":[null]}',
     '{"inputs":[[]]}', '{"inputs":[1]}', "[]", "null", "1", '"x"', '{"rows":[{}]}', '{"inputs":[{}],"more":1}',
     '{"inputs":[{}],"index":1}',
     '{"inputs":[{}],"index":[]}', '{"inputs":[{}],"index":[null]}', '{"inputs":[{}],"index":[1.5]}',
     '{"inputs":[{}],"index":[true]}', '{"inputs":[{}],"index":[' + "4" * 4000 + "]}"],
)  # fmt: skip
def test_row_4_a_request_of_another_shape_is_refused(server: Server, body: str) -> None:
    """The contract is an array of at least one object, and as many keys for the log."""
    refused(server, body.encode(), code="invalid_request")


def test_row_4_a_required_field_is_missed_by_name(server: Server) -> None:
    """A row without a field that training always saw is refused, and the field named."""
    row = {name: value for name, value in ROW.items() if name != "sex"}
    assert refused(server, json.dumps({"inputs": [row]}).encode())["errors"][0]["where"] == "inputs[0].sex"


@pytest.mark.parametrize(
    "body",
    [
        body_with("name", r'"a\u0000b"'),
        body_with("sex", r'"\u0000"'),
        body_with("name", r'"\\\u0000"'),
        body_with("name", '"a\0b"'),
        rb'{"inputs":[{"a\u0000":1}]}',
        rb'{"\u0000":1}',
        rb'{"inputs":[{}],"index":["\u0000"]}',
        b"\0" + GOOD,
        GOOD + b"\0",
    ],
)
def test_row_5_nul_is_refused_wherever_it_stands(server: Server, body: bytes) -> None:
    """NUL, which ends texts in other programs and which databases refuse, never gets in."""
    refused(server, body, code="invalid_json")


@pytest.mark.parametrize("value", [r'"a\\u0000b"', r'"\\\\u0000"', r'"\u0001"'])
def test_row_5_what_only_looks_like_nul_is_text(server: Server, value: str) -> None:
    """A backslash that is itself escaped begins no escape."""
    accepted(server, body_with("name", value))


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":[' + b"{}," * 99_999 + b"{}]}",
        b'{"inputs":[' + b"[]," * 99_999 + b"[]]}",
        b'{"inputs":[{}],"index":[' + b"1," * 99_999 + b"1]}",
    ],
    ids=["objects", "arrays", "index"],
)
def test_row_6_a_hundred_thousand_rows_are_refused_unparsed(server: Server, body: bytes) -> None:
    """A small body with far too many rows costs neither a long reply nor a long time: its commas are counted."""
    refused(server, body, 413, "too_many_values")


@pytest.mark.faults
def test_row_6_a_hundred_thousand_rows_are_refused_soon(
    server: Server, record_property: Callable[[str, object], None]
) -> None:
    """Of some refusals the quickest is told."""
    seconds = []
    for _ in range(5):
        began = perf_counter()
        refused(server, b'{"inputs":[' + b"{}," * 99_999 + b"{}]}", 413, "too_many_values")
        seconds.append(perf_counter() - began)
    record_property("figures", f"100,000 rows at once: refused within {1000 * min(seconds):.1f} ms")


@pytest.mark.parametrize(
    "body",
    [
        b'{"inputs":[' + b"{}," * 4_999 + b"{}]}",
        b'{"inputs":[' + b'{"x":1},' * 4_999 + b"{}]}",
        b'{"inputs":[{' + b",".join(b'"%x":1' % number for number in range(70_000)) + b"}]}",
        b'{"inputs":[{' + b",".join(b'"%x":1' % number for number in range(70_000)) + b',"1":2}]}',
    ],
    ids=["5,000 empty rows", "5,000 bad rows", "70,000 bad fields", "a key twice among 70,000"],
)
def test_row_6_many_faults_in_few_rows_are_refused_in_a_short_reply(server: Server, body: bytes) -> None:
    """As many rows as are allowed, or one with as many fields as its body can hold, are told in a few places."""
    refused(server, body)


def tensors_of(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the tensors of the Open Inference Protocol."""
    datatypes = {str: "BYTES", int: "INT64", float: "FP64", type(None): "BYTES"}
    return {
        "inputs": [
            {"name": name, "shape": [1], "datatype": datatypes[type(value)], "data": [value]}
            for name, value in row.items()
        ]
    }


def binary_tensors_of(row: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    """Return a row as tensors whose texts stand in bytes behind the JSON, and the headers that say so."""
    document = tensors_of(row)
    raw = b""
    for tensor in document["inputs"]:
        if tensor["datatype"] == "BYTES" and tensor["data"] != [None]:
            (text,) = tensor.pop("data")
            tensor["parameters"] = {"binary_data_size": len(text) + 4}
            raw += len(text).to_bytes(4, "little") + text.encode()
    head = json.dumps(document).encode()
    headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(head))}
    return head + raw, headers


def csv_of(row: dict[str, Any]) -> bytes:
    """Return a row as CSV."""
    lines = io.StringIO()
    writer = csv.writer(lines)
    writer.writerows([row, ["" if value is None else value for value in row.values()]])
    return lines.getvalue().encode()


#: For each way to send a row its route, how its body is made, and where a value of it is said to stand.
Way = tuple[str, Callable[[dict[str, Any]], Any], str]
WAYS: dict[str, Way] = {
    "rows": ("/predict", lambda row: {"inputs": [row]}, "inputs[0]"),
    "rows to explain": ("/predict?explain=true", lambda row: {"inputs": [row]}, "inputs[0]"),
    "rows in a large body": ("/predict", lambda row: {"inputs": [row] + [ROW] * 300}, "inputs[0]"),
    "tensors": (f"{MODEL}/infer", tensors_of, "rows[0]"),
    "tensors of a version": (f"{MODEL}/versions/@/infer", tensors_of, "rows[0]"),
    "tensors in bytes": (f"{MODEL}/infer", binary_tensors_of, "rows[0]"),
    "records": ("/invocations", lambda row: {"dataframe_records": [row]}, "dataframe_records[0]"),
    "a frame": (
        "/invocations",
        lambda row: {"dataframe_split": {"columns": [*row], "data": [[*row.values()]]}},
        "dataframe_split.data[0]",
    ),
    "instances": ("/invocations", lambda row: {"instances": [row]}, "instances[0]"),
    "columns": ("/invocations", lambda row: {"inputs": {name: [value] for name, value in row.items()}}, "rows[0]"),
    "csv": ("/invocations", csv_of, "rows[0]"),
}


def send(server: Server, way: str, row: dict[str, Any]) -> httpx.Response:
    """Send a row one of the ways."""
    path, make, _ = WAYS[way]
    path = path.replace("@", essence(server)[2])
    made = make(row)
    if isinstance(made, bytes):
        return server.post(path, content=made, headers={"content-type": "text/csv"})
    if isinstance(made, tuple):
        content, headers = made
        return server.post(path, content=content, headers=headers)
    return server.post(path, json=made)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("field", "text"),
    [("name", COMMAS), ("name", "x" * 1001), ("cabin", COMMAS), ("sex", COMMAS), ("age", "1" * 1001)],
    ids=lambda value: value[:8],
)
def test_a_text_that_a_pattern_would_read_for_long_is_refused(server: Server, way: str, field: str, text: str) -> None:
    """A text that is searched, and a number written as text, has at most 1,000 characters, whichever way it comes."""
    found = check_problem(send(server, way, ROW | {field: text}), 422, "invalid_rows")
    assert found["errors"] == [
        {
            "where": f"{WAYS[way][2]}.{field}",
            "code": "too_large",
            "message": "expected at most 1000 characters, found more",
        }
    ]
    assert send(server, way, ROW).status_code == 200


@pytest.mark.parametrize("way", WAYS)
def test_the_longest_texts_are_predicted(server: Server, way: str) -> None:
    """The limits are themselves allowed: 1,000 characters where a text is searched, 10,000 elsewhere."""
    row = ROW | {"name": "," * 1000, "age": "0" * 999 + "7", "ticket": "x" * 10_000}
    assert send(server, way, row).status_code == 200
    assert send(server, way, ROW | {"ticket": "x" * 10_001}).status_code == 422


@pytest.mark.parametrize("depth", sorted(DEEP))
@pytest.mark.parametrize(
    "place", ['{"inputs":[{"age":@}]}', '{"inputs":@}', '{"more":@}', "@", '{"inputs":[{}],"index":@}']
)
def test_row_9_deep_nesting_is_refused(server: Server, depth: int, place: str) -> None:
    """However deep, and wherever, it is an answer and no crash."""
    refused(server, place.replace("@", DEEP[depth]).encode())


@pytest.mark.parametrize("depth", [1000, 250_000])
@pytest.mark.parametrize("opening", ["[", '{"a":', '{"inputs":[{"age":', "[{"])
def test_row_9_deep_nesting_without_an_end_is_refused(server: Server, depth: int, opening: str) -> None:
    """Brackets that are only opened are refused like those that are closed."""
    refused(server, (opening * (depth // len(opening))).encode())


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "GZIP", "gzip, gzip", "x-gzip", "*"])
def test_row_10_a_compressed_body_is_refused(server: Server, encoding: str) -> None:
    """Nothing is unpacked, so that nothing can unfold."""
    headers = {"content-encoding": encoding, "content-type": "application/json"}
    check_problem(server.post(content=gzip.compress(GOOD), headers=headers), 415, "unsupported_encoding")


def test_row_10_identity_is_no_compression(server: Server) -> None:
    """The one coding that does nothing is accepted."""
    headers = {"content-encoding": "identity", "content-type": "application/json"}
    assert server.post(content=GOOD, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        GOOD.replace(b"Palsson", b"Pals\xff"),
        GOOD.replace(b"Palsson", b"Pals\xc3"),
        GOOD.replace(b"Palsson", b"\xed\xa0\x80"),
        GOOD.replace(b"Palsson", b"\xc0\x80"),
        GOOD.replace(b"Palsson", b"P\xe5lsson"),
        GOOD_TEXT.encode("utf-16"),
        GOOD_TEXT.encode("utf-16-le"),
        GOOD_TEXT.encode("utf-32"),
        b"\xef\xbb\xbf" + GOOD,
        GOOD + b"x",
        GOOD + GOOD,
        GOOD + b"]",
        GOOD[:-1],
        GOOD[:-1] + b",}",
        b"",
        b" ",
        b"'",
        b"inputs=1",
        b"<inputs/>",
        GOOD.replace(b'"', b"'"),
        b"/* */" + GOOD,
        GOOD.replace(b"21.075", b"021.075"),
        GOOD.replace(b"21.075", b"21."),
        GOOD.replace(b"21.075", b"+21.075"),
        GOOD.replace(b"21.075", b"0x15"),
    ],
)
def test_row_11_what_is_not_one_json_document_in_utf_8_is_refused(server: Server, body: bytes) -> None:
    """The text is JSON to the letter, in UTF-8, and nothing besides."""
    refused(server, body, code="invalid_json")


@pytest.mark.parametrize(
    "given",
    [None, "", "text/plain", "application/xml", "text/json", "application/x-www-form-urlencoded", "json",
     "multipart/form-data; boundary=x", "application/json; charset=utf-16", "application/json; charset=latin-1",
     "application/json, text/html", "application/jsonx", "application/octet-stream", "application/json; x=y"],
)  # fmt: skip
def test_row_11_a_wrong_content_type_is_refused(server: Server, given: str | None) -> None:
    """What is said to be something else is not read as JSON."""
    headers = {} if given is None else {"content-type": given}
    found = check_problem(server.post(content=GOOD, headers=headers), 415, "unsupported_media_type")
    assert "application/json" in found["remedy"]


@pytest.mark.parametrize(
    "given", ["application/json; charset=utf-8", 'Application/JSON ; Charset="UTF-8"', "application/json;charset=UTF-8"]
)
def test_row_11_the_right_content_type_may_be_written_in_all_its_ways(server: Server, given: str) -> None:
    """Case, spaces and the charset make no difference."""
    assert server.post(content=GOOD, headers={"content-type": given}).status_code == 200


@pytest.mark.parametrize(
    "query", ["explain=1", "explain", "explain=true&explain=true", "x=1", "explain=%ff", "a&" * 50]
)
def test_unknown_parameters_are_refused(server: Server, query: str) -> None:
    """A parameter that is misspelt is not passed over."""
    check_problem(server.post(f"/predict?{query}"), 422, "invalid_parameter")


def test_a_reply_names_20_faults_and_counts_the_rest(server: Server) -> None:
    """Of many faults the first ones are told, by row and field, and how many more there are."""
    found = refused(server, json.dumps({"inputs": [ROW | {"age": "old"}] * 30}).encode())
    assert [place["where"] for place in found["errors"]] == [f"inputs[{number}].age" for number in range(20)]
    assert found["more_errors"] == 10


def test_a_reply_stays_below_4_kib_where_names_are_long(server: Server) -> None:
    """Of names that are long, fewer are told."""
    row = ROW | {f"{number}" + "\N{GRINNING FACE}" * 300: 1 for number in range(30)}
    found = refused(server, json.dumps({"inputs": [row]}, ensure_ascii=False).encode())
    assert 0 < len(found["errors"]) < 20


def test_a_reply_never_repeats_a_value(server: Server) -> None:
    """Neither the value at fault nor its neighbours come back."""
    row = ROW | {"age": "SECRET-1", "name": "SECRET-2", "fare": "SECRET-3"}
    for body in (json.dumps({"inputs": [row]}), json.dumps({"inputs": [row]})[:-1], json.dumps({"inputs": "SECRET-4"})):
        answer = server.post(content=body.encode(), headers={"content-type": "application/json"})
        assert answer.status_code == 422
        assert "SECRET" not in answer.text
