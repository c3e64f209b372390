"""Explanations: contributions of the fields, held against the definition of Shapley values and against the model."""

from __future__ import annotations

import csv
import itertools
import math
import subprocess
import sys
import tracemalloc
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from problems import DERIVED, EVERY_KIND, make_config, make_table, train

import classification_model
from classification_model.errors import VerificationError
from classification_model.predict import Predictor, make_prediction
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.processing.pipeline_model import PipelineModel
from classification_model.runtime.inference.explanation import explainer
from classification_model.runtime.inference.explanation.coalitions import (
    MOST_PLAYERS,
    AllCoalitions,
    Design,
    DrawnOrders,
)
from classification_model.runtime.input.columns import Column
from classification_model.runtime.input.schema import InputSchema, SchemaField
from classification_model.runtime.model_folder.manifest import Manifest

pytestmark = pytest.mark.slow


TITANIC = Path(classification_model.__file__).parent / "datasets" / "titanic.csv"
ESTIMATORS: dict[str, dict[str, Any]] = {
    "logistic_regression": {"logistic_regression": {}},
    "random_forest": {"random_forest": {"n_estimators": "20"}},
    "extra_trees": {"extra_trees": {"n_estimators": "20"}},
    "hist_gradient_boosting": {"hist_gradient_boosting": {"max_iter": "20"}},
    "average": {"logistic_regression": {}, "hist_gradient_boosting": {"max_iter": "5"}, "average": {}},
}
KEYS = ["class", "scale", "base_value", "value", "contributions"]

Predict = Callable[[NDArray[np.float64]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Predictor]:
    """Return a function that gives the model of an estimator, a number of classes and features, trained once."""

    @cache
    def model(estimator: str, classes: int, names: str = "") -> Predictor:
        everything = EVERY_KIND | DERIVED
        features = {name: everything[name] for name in names.split()} if names else everything
        folder = tmp_path_factory.mktemp(f"{estimator}_{classes}")
        training = {"candidates": ESTIMATORS[estimator], "estimator": estimator}
        config = make_config(features, folder=folder, classes=classes, training=training)
        return Predictor.load(train(make_table(160, classes), config).folder)

    return model


@pytest.fixture(scope="module")
def passengers() -> list[dict[str, str]]:
    with TITANIC.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def some_rows(predictor: Predictor, count: int = 12) -> list[dict[str, Any]]:
    """Make rows as of the training table, and odd ones: all missing, unseen, far out, the baseline itself."""
    schema = predictor.manifest.input_schema
    names = [field.name for field in schema.fields]
    table = make_table(count, len(predictor.manifest.classes), seed=7, gaps=0.2)[names]
    unseen = {"numeric": 1e30, "boolean": None, "categorical": "unseen", "text": "unseen", "datetime": "9999-12-31"}
    odd = [
        dict.fromkeys(names),
        {field.name: unseen[field.kind] for field in schema.fields},
        {field.name: -1e30 if field.kind == "numeric" else None for field in schema.fields},
        dict(predictor.manifest.baseline),
    ]
    return [*table.to_dict("records"), *odd]  # type: ignore[list-item]  # pandas says that keys need not be texts


def explained(predictor: Predictor, rows: Any) -> list[dict[str, Any]]:
    """Return the explanations of rows without errors."""
    answer: Any = predictor.predict(rows, explain=True)
    assert answer["errors"] is None
    explanations: list[dict[str, Any]] = answer["explanations"]
    return explanations


def contributions(explanations: list[dict[str, Any]]) -> NDArray[np.float64]:
    return np.array([list(item["contributions"].values()) for item in explanations])


def on_scale(shares: dict[str, float], label: str, *, is_linear: bool) -> float:
    """Turn probabilities into what is explained, by the words of the documentation."""
    if not is_linear:
        return shares[label]
    smallest = 2.0**-53 if len(shares) == 2 else sys.float_info.min
    logs = {name: math.log(max(share, smallest)) for name, share in shares.items()}
    if len(shares) == 2:
        (other,) = set(shares) - {label}
        return logs[label] - logs[other]
    return logs[label] - math.fsum(logs.values()) / len(logs)


class Stub:
    """A model in the place of the compiled one: a function of numbers, and the most rows it was asked for at once."""

    def __init__(self, function: Predict, names: tuple[str, ...]) -> None:
        self.function, self.names = function, names
        self.most = 0

    def probabilities(self, columns: Mapping[str, Column], count: int) -> NDArray[np.float64]:
        """Return the probabilities of two classes."""
        self.most = max(self.most, count)
        first = self.function(np.column_stack([columns[name] for name in self.names]))  # type: ignore[misc]
        assert first.shape == (count,)
        return np.column_stack([1 - first, first])

    def probabilities_of_rows(self, rows: Sequence[dict[str, Any]]) -> NDArray[np.float64]:
        """Return the probabilities of a few rows."""
        return self.probabilities({name: np.array([row[name] for row in rows]) for name in self.names}, len(rows))


@pytest.fixture
def stubbed(model_folder: Path) -> Callable[..., Predictor]:
    """Return a function that gives a predictor of numbers ``x0``, ``x1`` ... by a function of them."""
    manifest = Manifest.model_validate_json((model_folder / "manifest.json").read_bytes())

    def make(function: Predict, fields: int, **changes: Any) -> Predictor:
        names = tuple(f"x{number}" for number in range(fields))
        schema = InputSchema(fields=tuple(SchemaField(name=name, kind="numeric", nullable=True) for name in names))
        update = {"input_schema": schema, "baseline": dict.fromkeys(names, 0.0), "estimator": "random_forest"}
        return Predictor(Stub(function, names), manifest.model_copy(update=update | changes))

    return make


def as_rows(values: NDArray[np.float64]) -> list[dict[str, float]]:
    return [{f"x{number}": value for number, value in enumerate(row)} for row in values.tolist()]


# What holds of every explanation


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", ESTIMATORS)
def test_contributions_share_the_difference_from_the_baseline(
    estimator: str, classes: int, trained: Callable[..., Predictor]
) -> None:
    """Of every estimator, base value and contributions sum to what the answer's own probabilities say of the row."""
    predictor = trained(estimator, classes)
    rows = some_rows(predictor)
    answer: Any = predictor.predict(rows, explain=True)
    assert orjson.loads(orjson.dumps(answer)) == answer
    is_linear = estimator == "logistic_regression"
    fields = [field.name for field in predictor.manifest.input_schema.fields]
    base: Any = predictor.predict([predictor.manifest.baseline])["probabilities"][0]
    assert len(answer["explanations"]) == len(rows)
    for why, label, shares in zip(answer["explanations"], answer["predictions"], answer["probabilities"], strict=True):
        assert list(why) == KEYS
        assert why["class"] == (label if classes == 3 else "green")
        assert why["scale"] == ("log_odds" if is_linear else "probability")
        assert list(why["contributions"]) == fields
        total = why["base_value"] + math.fsum(why["contributions"].values())
        assert total == pytest.approx(why["value"], abs=1e-9)
        assert why["value"] == pytest.approx(on_scale(shares, why["class"], is_linear=is_linear), abs=1e-9)
        assert why["base_value"] == pytest.approx(on_scale(base, why["class"], is_linear=is_linear), abs=1e-9)
    assert np.abs(contributions(answer["explanations"])).max() > 0.1


@pytest.mark.parametrize("estimator", ["logistic_regression", "random_forest"])
def test_a_value_that_is_the_baselines_contributes_nothing(estimator: str, trained: Callable[..., Predictor]) -> None:
    """Exactly 0 is what a field contributes in which a row is like the baseline, however the value is written."""
    predictor = trained(estimator, 2)
    baseline = predictor.manifest.baseline
    assert contributions(explained(predictor, [baseline])).tolist() == [[0.0] * len(baseline)]
    for name in baseline:
        row = some_rows(predictor)[0] | {name: baseline[name]}
        assert explained(predictor, [row])[0]["contributions"][name] == 0.0
    spelled = {name: str(value) if isinstance(value, (float, bool)) else value for name, value in baseline.items()}
    assert spelled != baseline
    assert explained(predictor, [spelled]) == explained(predictor, [baseline])


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", ["logistic_regression", "hist_gradient_boosting"])
def test_contributions_are_what_the_definition_says(
    estimator: str, classes: int, trained: Callable[..., Predictor]
) -> None:
    """Each is the mean over all orders of the fields of what its value adds, asked of the model row by row."""
    predictor = trained(estimator, classes, "size price shape note word digits total size_a_price")
    is_linear = estimator == "logistic_regression"
    baseline = predictor.manifest.baseline
    for row in some_rows(predictor, 4):
        (why,) = explained(predictor, [row])

        @cache
        def worth(members: frozenset[str], row: dict[str, Any] = row, label: str = why["class"]) -> float:
            mixed = {name: row[name] if name in members else value for name, value in baseline.items()}
            answer: Any = predictor.predict([mixed])
            return on_scale(answer["probabilities"][0], label, is_linear=is_linear)

        added: dict[str, list[float]] = {name: [] for name in baseline}
        for order in itertools.permutations(baseline):
            for place, name in enumerate(order):
                before = frozenset(order[:place])
                added[name].append(worth(before | {name}) - worth(before))
        expected = {name: math.fsum(gains) / len(gains) for name, gains in added.items()}
        assert why["contributions"] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("classes", [2, 3])
def test_a_linear_model_is_explained_by_its_coefficients(classes: int, tmp_path: Path) -> None:
    """A number that enters a logistic regression alone contributes coefficient times difference over its scale."""
    features = {name: {"kind": "numeric"} for name in ("size", "price", "count")}
    config = make_config(features, folder=tmp_path, classes=classes)
    folder = train(make_table(200, classes, gaps=0.0), config).folder
    pipeline, manifest = load_pipeline(folder)
    estimator = pipeline.named_steps["estimator"]
    scale = dict(zip(features, pipeline.named_steps["scale"].transformer_.scale_, strict=True))
    assert list(estimator.feature_names_in_) == list(features)
    slopes = estimator.coef_ - estimator.coef_.mean(axis=0) if classes == 3 else estimator.coef_
    rows = make_table(40, classes, seed=3, gaps=0.0)[list(features)].to_dict("records")
    for row, why in zip(rows, explained(Predictor.load(folder), rows), strict=True):
        number = manifest.classes.index(why["class"]) if classes == 3 else 0
        expected = {
            name: slopes[number, place] * (float(row[name]) - manifest.baseline[name]) / scale[name]
            for place, name in enumerate(features)
        }
        assert why["contributions"] == pytest.approx(expected, abs=1e-9)


def test_fields_that_the_model_does_not_use_do_not_appear() -> None:
    """Columns that are accepted and ignored are no fields of an explanation."""
    row = {"pclass": 1, "sex": "female", "name": "Allen, Miss. E", "sibsp": 0, "parch": 0, "ticket": "1", "boat": "2"}
    answer: Any = make_prediction(input_data=[row], explain=True)
    assert set(answer["explanations"][0]["contributions"]) == set(row) - {"boat"} | {"age", "fare", "cabin"}


# What explanations are of


def test_fields_that_do_the_same_contribute_the_same(stubbed: Callable[..., Predictor]) -> None:
    """Of two fields that the model treats alike and that differ alike, each contributes as much as the other."""
    predictor = stubbed(lambda x: 1 / (1 + np.exp(-x[:, 0] * x[:, 1] - np.sin(x[:, 0] + x[:, 1]) - x[:, 2])), 3)
    found = contributions(explained(predictor, as_rows(np.array([[1.5, 1.5, -1.0], [-2.0, -2.0, 0.5]]))))
    assert found[:, 0] == pytest.approx(found[:, 1], abs=1e-12)
    assert (np.abs(found[:, 0]) > 0.01).all()


@pytest.mark.parametrize("fields", [5, MOST_PLAYERS + 2, 60])
def test_a_field_that_does_nothing_contributes_nothing(fields: int, stubbed: Callable[..., Predictor]) -> None:
    """A field that the model does not look at contributes 0, exactly, by all coalitions and by drawn orders."""
    predictor = stubbed(lambda x: 1 / (1 + np.exp(-x[:, 1] * x[:, 2] - x[:, 3])), fields)
    values = np.random.default_rng(0).normal(size=(6, fields))
    found = contributions(explained(predictor, as_rows(values)))
    assert (found[:, [0, *range(4, fields)]] == 0).all()
    assert (found[:, 1:4] != 0).all()


def test_a_last_digit_does_not_part_a_row_from_the_baseline_it_is(stubbed: Callable[..., Predictor]) -> None:
    """A row like the baseline has its value, though probabilities may differ a little by how many are computed."""
    predictor = stubbed(lambda x: np.full(len(x), 1 - 2.0**-52 * (len(x) > 1)), 2, estimator="logistic_regression")
    for why in explained(predictor, as_rows(np.zeros((2, 2)))):
        assert why["value"] == why["base_value"]
        assert list(why["contributions"].values()) == [0, 0]


def test_what_fields_only_do_together_is_shared_equally(stubbed: Callable[..., Predictor]) -> None:
    """A gain that needs two fields is split in halves, one that needs three in thirds, as the documentation says."""
    together = stubbed(lambda x: 0.1 + 0.6 * (x[:, 0] > 0) * (x[:, 1] > 0) + 0.3 * (x[:, 2:].min(axis=1) > 0), 5)
    (why,) = explained(together, as_rows(np.ones((1, 5))))
    assert list(why["contributions"].values()) == pytest.approx([0.3, 0.3, 0.1, 0.1, 0.1], abs=1e-12)
    assert (why["base_value"], why["value"]) == pytest.approx((0.1, 1.0))


def test_certain_probabilities_have_finite_log_odds(stubbed: Callable[..., Predictor]) -> None:
    """A linear model that says 0 or 1 is explained within the log-odds that doubles can tell apart from it."""
    predictor = stubbed(lambda x: (x[:, 0] > 0) * 1.0, 2, estimator="logistic_regression")
    why, opposite = explained(predictor, as_rows(np.array([[1.0, 2.0], [-1.0, 2.0]])))
    limit = 53 * math.log(2)
    assert (why["base_value"], why["value"]) == pytest.approx((-limit, limit))
    assert list(why["contributions"].values()) == pytest.approx([2 * limit, 0.0])
    assert opposite["value"] == opposite["base_value"] == pytest.approx(-limit)


# Many fields


games = st.integers(1, 5).flatmap(
    lambda players: st.tuples(st.just(players), st.lists(st.floats(-1, 1), min_size=2**players, max_size=2**players))
)


def play(design: Design, players: int, worth: Callable[[tuple[int, ...]], float]) -> NDArray[np.float64]:
    """Share the gain of a game by a design."""
    members = design.members(np.arange(design.count))
    assert members.shape == (design.count, players)
    assert not members.all(axis=1).any()
    assert members.any(axis=1).all()
    inner = np.array([[worth(tuple(np.flatnonzero(coalition).tolist())) for coalition in members]]).reshape(1, -1)
    empty, full = np.array([worth(())]), np.array([worth(tuple(range(players)))])
    (shares,) = design.share(inner, empty, full)
    assert shares.sum() == pytest.approx(full[0] - empty[0], abs=1e-9)
    return np.asarray(shares)


@given(games)
def test_all_coalitions_give_the_shapley_values_of_any_game(game: tuple[int, list[float]]) -> None:
    """Whatever coalitions are worth, the shares are the means over all orders of the players."""
    players, values = game

    def worth(members: tuple[int, ...]) -> float:
        number: int = sum(2**member for member in members)
        return values[number]

    orders = list(itertools.permutations(range(players)))
    expected = np.zeros(players)
    for order in orders:
        for place, player in enumerate(order):
            gain = worth(tuple(sorted(order[: place + 1]))) - worth(tuple(sorted(order[:place])))
            expected[player] += gain / len(orders)
    assert play(AllCoalitions(players), players, worth) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("players", [2, 3, 13, 40])
def test_drawn_orders_share_what_pairs_do_exactly(players: int) -> None:
    """A game in which players gain alone and in pairs is shared without error: each order has its reverse."""
    draw = np.random.default_rng(players)
    alone, pairs = draw.normal(size=players), np.triu(draw.normal(size=(players, players)), 1)

    def worth(members: tuple[int, ...]) -> float:
        chosen = list(members)
        return float(alone[chosen].sum() + pairs[np.ix_(chosen, chosen)].sum())

    shares = play(DrawnOrders(players), players, worth)
    assert shares == pytest.approx(alone + (pairs + pairs.T).sum(axis=0) / 2, abs=1e-9)


def test_drawn_orders_come_close_to_all_coalitions(
    trained: Callable[..., Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where both can be computed, drawn orders differ from the exact values by hundredths of a probability at most."""
    predictor = trained("hist_gradient_boosting", 2)
    rows = some_rows(predictor)
    exact = contributions(explained(predictor, rows))
    monkeypatch.setattr(explainer, "design", DrawnOrders)
    drawn = contributions(explained(predictor, [row for row in rows if row != predictor.manifest.baseline]))
    difference = np.abs(drawn - exact[: len(drawn)])
    assert 0 < difference.max() < 0.03
    assert np.sqrt((difference**2).mean()) < 0.005


def test_many_fields_are_explained_the_same_each_time(stubbed: Callable[..., Predictor]) -> None:
    """Beyond the number of fields whose coalitions are all evaluated, sums hold, and each draw is the same."""
    fields = 30
    slope = np.random.default_rng(1).normal(size=fields)

    def function(x: NDArray[np.float64]) -> NDArray[np.float64]:
        return 1 / (1 + np.exp(-x @ slope - x[:, 0] * x[:, 1] * x[:, 2]))

    rows = as_rows(np.random.default_rng(2).normal(size=(8, fields)))
    first = explained(stubbed(function, fields), rows)
    for why in first:
        assert why["base_value"] + math.fsum(why["contributions"].values()) == pytest.approx(why["value"], abs=1e-9)
    again = explained(stubbed(function, fields), rows[::-1])[::-1]
    assert contributions(again) == pytest.approx(contributions(first), abs=1e-12)
    assert len({tuple(why["contributions"].values()) for why in first}) == 8


# How they are asked for


def test_explanations_are_given_only_where_they_are_asked_for(passengers: list[dict[str, str]]) -> None:
    """Without explain the answer has no such key; with it, all else of the answer is the same."""
    for rows in (passengers[:3], passengers[:40]):
        plain = make_prediction(input_data=rows)
        answer = make_prediction(input_data=rows, explain=True)
        assert list(answer) == [*plain, "explanations"]
        assert answer["predictions"] == plain["predictions"]
        assert answer["warnings"] == plain["warnings"]
        for shares, expected in zip(answer["probabilities"], plain["probabilities"], strict=True):
            assert shares == pytest.approx(expected, abs=1e-12)


def test_rows_in_error_have_no_explanation(passengers: list[dict[str, str]]) -> None:
    """Explanations stand in the order of the rows, with None where there is no prediction to explain."""
    bad = passengers[0] | {"age": "young"}
    alone: Any = make_prediction(input_data=passengers[:2], explain=True)["explanations"]
    mixed: Any = make_prediction(input_data=[bad, passengers[0], bad, passengers[1]], explain=True)
    assert [why is None for why in mixed["explanations"]] == [True, False, True, False]
    assert contributions(mixed["explanations"][1::2]) == pytest.approx(contributions(alone), abs=1e-12)
    assert make_prediction(input_data=[bad, bad], explain=True)["explanations"] == [None, None]
    assert make_prediction(input_data=[], explain=True)["explanations"] == []


def test_a_row_is_explained_as_it_is_among_others(passengers: list[dict[str, str]]) -> None:
    """Neither who else is asked about nor the form of the table matters."""
    some = passengers[::60]
    together: Any = make_prediction(input_data=some, explain=True)["explanations"]
    frame = make_prediction(input_data=pd.DataFrame(some), explain=True)["explanations"]
    assert frame == together
    for row, expected in zip(some, together, strict=True):
        (why,) = make_prediction(input_data=[row], explain=True)["explanations"]
        assert why is not None
        assert why["contributions"] == pytest.approx(expected["contributions"], abs=1e-9)
        assert (why["value"], why["base_value"]) == pytest.approx((expected["value"], expected["base_value"]))


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("estimator", ["logistic_regression", "random_forest"])
def test_a_pipeline_is_explained_as_its_compiled_model_is(estimator: str, classes: int, tmp_path: Path) -> None:
    """Where a pipeline predicts in the place of a compiled model, the explanations are the same."""
    names = ("size", "shape", "note", "word", "open")
    features = {name: (EVERY_KIND | DERIVED)[name] for name in names}
    config = make_config(features, folder=tmp_path, classes=classes, training={"candidates": ESTIMATORS[estimator]})
    folder = train(make_table(120, classes), config).folder
    pipeline, manifest = load_pipeline(folder)
    fallback = Predictor(PipelineModel(pipeline, manifest.input_schema), manifest)
    compiled = Predictor.load(folder)
    usual = [row for row in some_rows(compiled, 6) if row["size"] is None or abs(row["size"]) < 1e6]
    found = explained(fallback, usual)
    expected = explained(compiled, usual)
    assert contributions(found) == pytest.approx(contributions(expected), abs=1e-9)
    assert [why["class"] for why in found] == [why["class"] for why in expected]


def test_any_number_of_threads_may_ask(model_folder: Path, passengers: list[dict[str, str]]) -> None:
    """Threads that ask a model for its first explanations together each get those of their own rows."""
    parts = [passengers[start : start + 5] for start in range(0, 200, 5)]
    expected = [make_prediction(input_data=part, explain=True) for part in parts]
    predictor = Predictor.load(model_folder)
    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(partial(predictor.predict, explain=True), parts))
    assert found == expected


def test_ten_thousand_rows_are_explained_in_bounded_memory(stubbed: Callable[..., Predictor]) -> None:
    """The model is asked for a bounded number of rows at a time, and memory holds little but the answer."""
    fields = 9
    predictor = stubbed(lambda x: 1 / (1 + np.exp(-x.sum(axis=1))), fields)
    rows = as_rows(np.random.default_rng(0).normal(size=(10_000, fields)))
    tracemalloc.start()
    try:
        explanations = explained(predictor, rows)
        held, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(explanations) == 10_000
    assert predictor._model.most * fields <= explainer.CELLS  # type: ignore[attr-defined]
    assert peak - held < 30 * 2**20


@pytest.mark.parametrize(
    ("baseline", "message"),
    [
        ({"x0": "many", "x1": 1.0}, r"the baseline of the model does not fit its input schema \(x0: expected a number"),
        ({"x0": 1.0, "x1": 1.0, "x2": 1.0}, r"does not fit its input schema \(x2: not a column.*train it again"),
    ],
)
def test_a_baseline_that_does_not_fit_is_told(
    baseline: dict[str, Any], message: str, stubbed: Callable[..., Predictor]
) -> None:
    """A model whose baseline its own schema refuses still predicts, and says what is wrong when asked to explain."""
    predictor = stubbed(lambda x: 1 / (1 + np.exp(-x[:, 0])), 2, baseline=baseline)
    rows = as_rows(np.ones((1, 2)))
    assert predictor.predict(rows)["errors"] is None
    with pytest.raises(VerificationError, match=message):
        predictor.predict(rows, explain=True)


def test_explaining_imports_nothing_of_the_workshop(passengers: list[dict[str, str]]) -> None:
    """A process that explains has imported neither pandas nor scikit-learn."""
    code = (
        "import sys\n"
        "from classification_model.predict import make_prediction\n"
        f"answer = make_prediction(input_data=[{passengers[0]!r}], explain=True)\n"
        "assert answer['explanations'][0]['contributions']['sex'] != 0\n"
        "print(*{name.partition('.')[0] for name in sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert "onnxruntime" in loaded
    assert not loaded & {"pandas", "sklearn", "feature_engine", "joblib", "scipy", "onnx", "pyarrow", "shap"}
