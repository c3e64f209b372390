"""A cell of the training file means the same over HTTP, on every route that takes rows, and in the log."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pytest
from classification_model.config.core import parse_config
from classification_model.runtime.log.prediction_log import iter_predictions
from classification_model.train_pipeline import run_training
from conftest import Server, serving

pytestmark = pytest.mark.slow

ROWS = 240
CONFIG = """
app:
  name: one reading
data:
  source: table.csv
  delimiter: ";"
  decimal: ","
  target: y
features:
  price:
    kind: numeric
    missing_values:
      - "-999"
  hour:
    kind: numeric
    number_format: clock
  at:
    kind: datetime
    datetime_format: unix_s
  phone:
    kind: categorical
    not_missing:
      - none
training:
  estimator: logistic_regression
"""
CELLS = {"price": "1.234,5", "hour": "14:30", "at": "1553520000", "phone": "none"}
VALUES = {"price": 1234.5, "hour": 52200, "at": 1553520000, "phone": "none"}
GAPS = VALUES | {"price": None}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Serve a model of a table of texts."""
    folder = tmp_path_factory.mktemp("one_reading")
    draw = np.random.default_rng(0)
    price = draw.integers(1, 2000, ROWS)
    table = pd.DataFrame(
        {
            "price": [f"{n // 2},{n % 2 * 5}" if n % 9 else "-999,00" for n in price.tolist()],
            "hour": [f"{n}:30" for n in draw.integers(0, 24, ROWS)],
            "at": draw.integers(1_500_000_000, 1_600_000_000, ROWS),
            "phone": draw.choice(["none", "yes"], ROWS),
            "y": np.where(price + draw.normal(0, 200, ROWS) > 1000, "yes", "no"),
        }
    )
    table.to_csv(folder / "table.csv", sep=";", index=False)
    report = run_training(parse_config(CONFIG, folder=folder), output=folder / "models")
    with serving(folder) as start:
        yield start(MODEL_FOLDER=str(report.folder), LOG_FOLDER=str(folder / "log"))


def by_predict(server: Server, row: dict[str, Any]) -> dict[str, float]:
    """Predict on the route of rows."""
    answer = server.post(json={"inputs": [row]})
    assert answer.status_code == 200, answer.text
    (probabilities,) = answer.json()["probabilities"]
    return dict(probabilities)


def by_invocations(server: Server, row: dict[str, Any]) -> dict[str, float]:
    """Predict as MLflow's clients do, in JSON."""
    answer = server.post("/invocations", json={"dataframe_records": [row]})
    return _shares(answer)


def by_csv(server: Server, row: dict[str, Any]) -> dict[str, float]:
    """Predict as MLflow's clients do, in CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(row))
    writer.writeheader()
    writer.writerow(row)
    answer = server.post("/invocations", content=text.getvalue(), headers={"content-type": "text/csv"})
    return _shares(answer)


def _shares(answer: Any) -> dict[str, float]:
    assert answer.status_code == 200, answer.text
    (probabilities,) = answer.json()["probabilities"]
    return dict(probabilities)


@pytest.mark.parametrize("route", [by_predict, by_invocations])
@pytest.mark.parametrize(
    ("given", "meant"),
    [
        (CELLS, VALUES),
        (CELLS | {"price": "-999"}, GAPS),
        (VALUES | {"price": -999}, GAPS),
        (VALUES | {"price": -999.0}, GAPS),
        (VALUES | {"price": "NA"}, GAPS),
        (VALUES | {"hour": "2:30 PM"}, VALUES),
    ],
)
def test_a_cell_is_the_value_that_it_spells(
    server: Server, route: Any, given: dict[str, Any], meant: dict[str, Any]
) -> None:
    """The probabilities are those of plain numbers, and a mark is a gap."""
    assert route(server, given) == by_predict(server, meant)


@pytest.mark.parametrize(("price", "meant"), [("1.234,5", VALUES), ("1234,50", VALUES), ("-999,0", GAPS), ("", GAPS)])
def test_cells_of_csv_are_spelled_as_in_the_training_file(server: Server, price: str, meant: dict[str, Any]) -> None:
    """A row of that file is answered as it stands."""
    assert by_csv(server, CELLS | {"price": price}) == by_predict(server, meant)


def test_a_number_of_the_other_decimal_sign_is_refused(server: Server) -> None:
    """The message says how numbers are written in this model."""
    answer = server.post(json={"inputs": [VALUES | {"price": "1234.5"}]})
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["where"] == "inputs[0].price"
    assert error["message"] == "expected a number with a decimal comma, found text"


def test_the_log_keeps_what_was_sent_and_reads_it_alike(server: Server) -> None:
    """A row that is predicted again from the log gets its probabilities."""
    expected = by_predict(server, CELLS)
    logged = [record for record in iter_predictions(server.log_folder) if record["features"]["price"] == "1.234,5"]
    assert logged
    assert by_predict(server, logged[-1]["features"]) == expected
