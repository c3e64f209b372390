"""The baseline: a row that is typical of the training rows."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from problems import DERIVED, EVERY_KIND, load, make_config, make_table

from classification_model.config.core import load_config
from classification_model.processing.data_manager import DataLoader
from classification_model.runtime.inference.derivations import Derivation
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.training.baseline import typical_inputs

MANY = [f"T{number}" for number in range(50)]


def typical(kind: str, values: list[Any], *plan: Derivation, **settings: Any) -> Any:
    """Return the typical value of a column of a kind."""
    field = SchemaField.model_validate({"name": "x", "kind": kind, "nullable": True} | settings)
    dtype = object if kind in {"categorical", "text"} else np.float64
    frame = pd.DataFrame({"x": pd.Series(values, dtype=dtype)})
    found = typical_inputs(frame, InputSchema(fields=(field,)), plan)
    assert list(found) == ["x"]
    return found["x"]


@given(st.lists(st.floats(-1e30, 1e30) | st.none(), min_size=1))
def test_a_number_is_the_median_of_those_that_are_present(values: list[float | None]) -> None:
    """Half of the present numbers lie on each side; where most are missing, so is the typical one."""
    found = typical("numeric", values)
    present = sorted(value for value in values if value is not None)
    if len(present) < len(values) / 2:
        assert found is None
    else:
        assert sum(value <= found for value in present) >= len(present) / 2
        assert sum(value >= found for value in present) >= len(present) / 2


def test_a_date_is_written_as_its_column_writes_dates() -> None:
    """The median moment is a date in the format of the field, ISO 8601 where it has none."""
    days = [0.0, 86_400.0, 5 * 86_400.0, None]
    assert typical("datetime", days) == "1970-01-02T00:00:00+00:00"
    assert typical("datetime", days, datetime_format="%d/%m/%Y") == "02/01/1970"
    assert typical("datetime", [0.0, None, None]) is None


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("boolean", [1.0, 0.0, 1.0], True),
        ("boolean", [1.0, 0.0, None], False),  # as many of each: the first in order
        ("boolean", [1.0, None, None], None),
        ("categorical", ["b", "a", "b", None], "b"),
        ("categorical", ["b", "a"], "a"),
        ("categorical", ["b", None, None], None),
        ("categorical", MANY, None),
        ("categorical", [*MANY, "T7", "T7"], "T7"),
        ("text", ["now", "later", "now"], "now"),
        ("text", MANY, None),
        ("text", [*MANY[:5], *[None] * 50], None),
    ],
)
def test_another_value_is_the_most_frequent(kind: str, values: list[Any], expected: Any) -> None:
    """What most rows have is typical; what fewer than one in twenty have is not."""
    assert typical(kind, values) is expected or typical(kind, values) == expected


def test_a_text_of_many_is_one_that_gives_what_most_give() -> None:
    """Of texts that all differ, one is typical that gives what most of them give; rare derived values do not count."""
    names = [f"N{number:02}, {title}. X" for number, title in enumerate(["Mrs"] * 12 + ["Mr"] * 20 + ["Dr"] * 1)]
    title = Derivation(derive="pattern", sources=("x",), outputs=("title",), pattern=r", (\w+)\.")
    surname = Derivation(derive="pattern", sources=("x",), outputs=("surname",), pattern=r"^(\w+),")
    number = Derivation(derive="pattern", sources=("x",), outputs=("number",), pattern=r"\d+", as_number=True)
    beside = Derivation(derive="combine", sources=("x", "x"), outputs=("twice",))
    assert typical("text", names, title) == "N12, Mr. X"
    assert typical("text", names, surname, title, number, beside) == "N12, Mr. X"
    assert typical("text", names, surname, number) is None
    assert typical("text", names, beside) is None
    has = Derivation(derive="contains", sources=("x",), outputs=("has",), words=("N31",))
    assert typical("text", [*names, None], has, title) == "N12, Mr. X"


def test_a_baseline_of_every_kind_fits_its_schema(tmp_path: Path) -> None:
    """It gives each field in order, and reading it meets no error, whatever the config's kinds and date formats."""
    data = load(make_table(200), make_config(EVERY_KIND | DERIVED, folder=tmp_path))
    baseline = typical_inputs(data.train.features, data.schema, [])
    assert list(baseline) == [field.name for field in data.schema.fields]
    checked = check_rows(data.schema, [baseline])
    assert (checked.errors, checked.warnings) == ([], [])
    assert isinstance(baseline["open"], bool)
    assert math.isclose(baseline["size"], np.nanmedian(data.train.features["size"]))


def test_the_typical_passenger_is_a_man_of_third_class(model_folder: Path) -> None:
    """The packaged baseline is what counting says, and its name is a man's like most names of the training rows."""
    baseline = read_manifest(model_folder).baseline
    train = DataLoader(load_config()).load().train.features
    assert {name: baseline[name] for name in ("pclass", "sex", "sibsp", "parch", "ticket", "cabin")} == {
        "pclass": "3",
        "sex": "male",
        "sibsp": 0.0,
        "parch": 0.0,
        "ticket": None,
        "cabin": None,
    }
    assert (baseline["age"], baseline["fare"]) == (train["age"].median(), train["fare"].median())
    assert ", Mr. " in baseline["name"]
    assert baseline["name"] in set(train["name"])
