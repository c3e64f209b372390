"""The pydantic model of a row accepts what predictions accept, and says in JSON Schema what that is."""

from __future__ import annotations

from typing import Any

import pytest
from garbage import anything
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from classification_model.predict import packaged_predictor
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.number_format import NumberFormat
from classification_model.runtime.input.row_model import Row, row_model
from classification_model.runtime.input.schema import InputSchema, SchemaField

COMMA = NumberFormat(decimal=",")
SCHEMA = InputSchema(
    fields=(
        SchemaField(name="size", kind="numeric", nullable=True, minimum=0, maximum=10),
        SchemaField(name="home_dest", kind="categorical", nullable=True, aliases=("home.dest",), categories=("a", "b")),
        SchemaField(name="open", kind="boolean", nullable=False),
        SchemaField(name="model_config", kind="text", nullable=True),
        SchemaField(name="_day", kind="datetime", nullable=True, minimum=0, maximum=86400),
        SchemaField(
            name="paid", kind="numeric", nullable=True, written=NumberFormat(decimal=","), missing_values=("9",)
        ),
        SchemaField(name="at", kind="datetime", nullable=True, datetime_format="unix_s"),
    ),
    ignored=("boat", "copy"),
)
MODEL = row_model(SCHEMA, "Passenger")
KEYS = ("size", "home_dest", "home.dest", "open", "model_config", "_day", "paid", "at", "boat", "copy", "other")


def test_a_row_is_read_under_any_of_its_names() -> None:
    """Aliases are accepted, values are read, what is not used is left out."""
    row = MODEL.model_validate(
        {"size": "$1,200", "home.dest": "b", "open": "yes", "boat": object(), "_day": "1970-01-02", "paid": "1,5"}
    )
    read = {
        "size": 1200.0,
        "home_dest": "b",
        "open": 1.0,
        "model_config": None,
        "_day": 86400.0,
        "paid": 1.5,
        "at": None,
    }
    assert row.values() == read


@pytest.mark.slow
@settings(max_examples=300)
@given(st.dictionaries(st.sampled_from(KEYS), anything, max_size=6))
def test_it_accepts_what_predictions_accept(row: dict[str, Any]) -> None:
    """The same rows are refused for the same fields and codes, and what is accepted is read the same."""
    checked = check_rows(SCHEMA, [row])
    try:
        values = MODEL.model_validate(row).values()
    except ValidationError as error:
        names = {place["loc"][0] for place in error.errors()}
        expected = {issue.field for issue in checked.errors}
        assert {SCHEMA.names.get(str(name), str(name)) for name in names} == expected
    else:
        assert checked.errors == []
        assert values == {name: column[0] for name, column in checked.columns.items()}


def test_json_is_validated_without_python_in_between(model_folder: object) -> None:
    """A list of rows in JSON is validated in one go; an error names row and column, and holds no value."""
    row_type = row_model(packaged_predictor().manifest.input_schema)
    rows = TypeAdapter(list[row_type])  # type: ignore[valid-type]  # known when it runs
    good = b'{"pclass": 1, "sex": "female", "name": "Allen, Miss. E", "sibsp": 0, "parch": 0, "ticket": "24160"}'
    (row,) = rows.validate_json(b"[%s]" % good)
    assert isinstance(row, Row)
    assert Row.values(row)["pclass"] == "1"
    with pytest.raises(ValidationError) as caught:
        rows.validate_json(b"[%s, %s]" % (good, good.replace(b'"sibsp": 0', b'"sibsp": "few"')))
    (error,) = caught.value.errors()
    assert (error["loc"], error["type"]) == ((1, "sibsp"), "type")
    assert "few" not in error["msg"]


def test_the_json_schema_says_what_may_be_sent() -> None:
    """Every column stands under its own name, with its kind, the range of training, and whether it is required."""
    described = MODEL.model_json_schema()
    assert described["title"] == "Passenger"
    assert described["required"] == ["open"]
    assert described["additionalProperties"] is False
    properties = described["properties"]
    assert set(properties) == {"size", "home_dest", "open", "model_config", "_day", "paid", "at", "boat", "copy"}
    assert "0 to 10" in properties["size"]["description"]
    assert "a, b" in properties["home_dest"]["description"]
    assert "1970-01-02" in properties["_day"]["description"]
    assert properties["_day"]["format"] == "date-time"


def test_the_json_schema_names_types_that_json_has() -> None:
    """What a column accepts is said in the type names of JSON Schema, and null stands where it may be missing."""
    properties = MODEL.model_json_schema()["properties"]
    types = [kind for field in properties.values() if "type" in field for kind in field["type"]]
    assert properties["size"]["type"] == ["number", "string", "null"]
    assert {*types} <= {"null", "boolean", "number", "integer", "string"}


def test_an_error_has_the_reason_that_a_prediction_gives() -> None:
    """The message is the one of `make_prediction`, word for word."""
    (issue,) = check_rows(SCHEMA, [{"open": "yes", "size": "many"}]).errors
    with pytest.raises(ValidationError) as caught:
        MODEL.model_validate({"open": "yes", "size": "many"})
    (error,) = caught.value.errors()
    assert error["msg"] == issue.message


def test_the_json_schema_of_each_kind_says_what_json_may_hold() -> None:
    """Texts are read as the kind where they can be; their longest length stands there, but for dates."""
    properties = MODEL.model_json_schema()["properties"]
    assert {
        name: (described["type"], described.get("maxLength"))
        for name, described in properties.items()
        if "type" in described
    } == {
        "size": (["number", "string", "null"], 1000),
        "home_dest": (["string", "number", "boolean", "null"], 10_000),
        "open": (["boolean", "string", "number", "null"], None),
        "model_config": (["string", "number", "boolean", "null"], 1000),
        "_day": (["string", "null"], None),
        "paid": (["number", "string", "null"], 1000),
        "at": (["string", "number", "null"], None),
    }
    assert {name: described["description"] for name, described in properties.items()} == {
        "size": "A numeric value. Training saw 0 to 10; a value outside gets a warning. May be missing.",
        "home_dest": "A categorical value. Training saw a, b; another category gets a warning. May be missing.",
        "open": "A boolean value. Training never saw it missing.",
        "model_config": "A text value. May be missing.",
        "_day": "A date. Training saw 1970-01-01T00:00:00+00:00 to 1970-01-02T00:00:00+00:00; "
        "a value outside gets a warning. May be missing.",
        "paid": "A numeric value. A text is read as a number with a decimal comma. May be missing.",
        "at": "A date. Written as seconds since 1970. May be missing.",
        "boat": "Accepted and not used.",
        "copy": "Accepted and not used.",
    }
    many = SchemaField(name="x", kind="categorical", nullable=False, categories=tuple(map(str, range(21))))
    written = SchemaField(name="y", kind="datetime", nullable=False, datetime_format="%d.%m.%Y")
    others = row_model(InputSchema(fields=(many, written))).model_json_schema()["properties"]
    assert others["x"]["description"].startswith("A categorical value. Training saw 21 categories; another")
    assert others["y"]["description"] == "A date. Written as %d.%m.%Y. Training never saw it missing."
    assert "format" not in others["y"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"kind": "numeric", "minimum": 1, "maximum": 2}, "A numeric value. Training saw 1 to 2; a value outside gets"),
        ({"kind": "numeric", "minimum": 1}, "A numeric value. May be missing."),
        ({"kind": "numeric", "maximum": 1}, "A numeric value. May be missing."),
        ({"kind": "boolean", "minimum": 0, "maximum": 1}, "A boolean value. May be missing."),
        ({"kind": "text", "categories": tuple("abcdefghijklmnopqrst")}, "A text value. Training saw a, b, c, d, e, f,"),
        ({"kind": "text", "categories": tuple("abcdefghijklmnopqrstu")}, "A text value. Training saw 21 categories; "),
        ({"kind": "text", "categories": ()}, "A text value. Training saw ; another category gets a warning."),
    ],
)
def test_a_range_is_described_where_both_ends_are_known(more: dict[str, Any], said: str) -> None:
    """That of truth values says nothing; of categories, twenty are named."""
    field = SchemaField(**{"name": "x", "nullable": True, **more})
    described = row_model(InputSchema(fields=(field,))).model_json_schema()
    assert described["title"] == "Row"
    assert described["properties"]["x"]["description"].startswith(said)


def test_a_row_that_was_read_cannot_be_changed() -> None:
    """And has no more members than the schema."""
    row = MODEL.model_validate({"open": True})
    with pytest.raises(ValidationError, match="frozen"):
        row.field_0 = 1  # type: ignore[attr-defined]  # known when it runs
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        Row.model_validate({"size": 1})
