"""How good the packaged model is on passengers it did not learn from, by scikit-learn's own metrics."""

import csv
import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn import metrics

import classification_model
from classification_model.config.core import load_config
from classification_model.predict import Predictor, make_prediction
from classification_model.processing.data_manager import DataLoader
from classification_model.processing.fields import to_frame
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.runtime.input.checking import check_rows
from classification_model.runtime.model_folder.manifest import Holdout, Manifest

TITANIC = Path(classification_model.__file__).parent / "datasets" / "titanic.csv"
#: What the model must reach on the hold-out whatever is changed; the recorded intervals lie above.
AT_LEAST = {"roc_auc": 0.83, "average_precision": 0.79, "accuracy": 0.78, "f1": 0.65}
AT_MOST = {"log_loss": 0.47, "brier": 0.15}

Row = dict[str, str]


def is_held_out(row: Row, rule: Holdout) -> bool:
    """Apply the rule in the manifest with nothing of the package: the hash of a row's values in the rule's columns."""
    values = [row[name].strip() for name in sorted(rule.key)]
    whole = [value[:-2] if value.endswith(".0") and value[:-2].isdigit() else value for value in values]
    digest = hashlib.sha256("\x1f".join(whole).encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64 < rule.share


@pytest.fixture(scope="module")
def manifest(model_folder: Path) -> Manifest:
    return Predictor.load(model_folder).manifest


@pytest.fixture(scope="module")
def passengers() -> list[Row]:
    with TITANIC.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def held_out(passengers: list[Row], manifest: Manifest) -> list[Row]:
    return [row for row in passengers if is_held_out(row, manifest.holdout)]


@pytest.fixture(scope="module")
def learned(passengers: list[Row], manifest: Manifest) -> list[Row]:
    return [row for row in passengers if not is_held_out(row, manifest.holdout)]


@pytest.fixture(scope="module")
def truth(held_out: list[Row]) -> NDArray[np.int64]:
    return np.array([int(row["survived"]) for row in held_out])


@pytest.fixture(scope="module")
def answered(held_out: list[Row]) -> NDArray[np.float64]:
    """Give the probability of survival of each passenger held out, through `make_prediction`."""
    answer: Any = make_prediction(input_data=held_out)
    assert answer["errors"] is None
    return np.array([shares["survived"] for shares in answer["probabilities"]])


def by_scikit_learn(truth: NDArray[np.int64], survival: NDArray[np.float64], threshold: float) -> dict[str, float]:
    predicted = survival >= threshold
    return {
        "roc_auc": metrics.roc_auc_score(truth, survival),
        "average_precision": metrics.average_precision_score(truth, survival),
        "log_loss": metrics.log_loss(truth, survival),
        "brier": metrics.brier_score_loss(truth, survival),
        "accuracy": metrics.accuracy_score(truth, predicted),
        "f1": metrics.f1_score(truth, predicted),
    }


def test_the_rule_in_the_manifest_is_the_one_tested_here(manifest: Manifest, held_out: list[Row]) -> None:
    """The hold-out is drawn by the hash of the features' values, about a fifth, as the manifest tells in words."""
    rule = manifest.holdout
    assert (rule.kind, rule.share, rule.rows) == ("hash", 0.2, len(held_out))
    assert set(rule.key) == {field.name for field in manifest.input_schema.fields}
    assert "the first 8 bytes of the SHA-256 of the values of its features, over 2**64, are below 0.2" in rule.rule
    assert "joined by U+001F in the order of their names" in rule.rule
    assert manifest.data == DataLoader(load_config()).load().fingerprint


def test_no_passenger_is_on_both_sides(manifest: Manifest, learned: list[Row], held_out: list[Row]) -> None:
    """No row that is held out stands among the others a second time, by all that the model reads of it."""
    names = [field.name for field in manifest.input_schema.fields]
    sides = [{tuple(row[name] for name in names) for row in rows} for rows in (learned, held_out)]
    assert not sides[0] & sides[1]
    assert 0.15 < len(held_out) / (len(learned) + len(held_out)) < 0.25


def test_the_model_knows_no_ticket_of_the_hold_out_alone(learned: list[Row], held_out: list[Row]) -> None:
    """Tickets that only passengers held out had are unseen to the model, and all others are known to it."""
    tickets = {row["ticket"].strip() for row in learned}
    alone = [place for place, row in enumerate(held_out) if row["ticket"].strip() not in tickets]
    answer = make_prediction(input_data=held_out)
    assert [issue["row"] for issue in answer["warnings"] if issue["code"] == "unseen_category"] == alone
    assert len(alone) > 50
    assert make_prediction(input_data=learned)["warnings"] == []


def test_the_training_distribution_is_that_of_the_other_rows(manifest: Manifest, learned: list[Row]) -> None:
    """Gaps, means and shares in the manifest are those of exactly the rows that are not held out."""
    for name in ("age", "fare", "sibsp", "parch"):
        values = [float(row[name]) for row in learned if row[name]]
        recorded = manifest.training_distribution[name]
        assert recorded["missing"] == pytest.approx(1 - len(values) / len(learned))
        assert recorded["mean"] == pytest.approx(math.fsum(values) / len(values))
    men = sum(row["sex"] == "male" for row in learned) / len(learned)
    assert manifest.training_distribution["sex"]["shares"]["male"] == pytest.approx(men)


def test_the_training_held_out_the_same_rows(held_out: list[Row]) -> None:
    """The rows that training sets aside are, in order, those that the rule names."""
    holdout = DataLoader(load_config()).load().holdout
    assert holdout.features["name"].tolist() == [row["name"].strip() for row in held_out]
    assert holdout.labels.tolist() == [("died", "survived")[int(row["survived"])] for row in held_out]


def test_the_recorded_metrics_are_those_of_scikit_learn(
    manifest: Manifest, truth: NDArray[np.int64], answered: NDArray[np.float64]
) -> None:
    """Each metric in the manifest is what scikit-learn computes from `make_prediction`'s answers for the hold-out."""
    assert manifest.threshold is not None
    computed = by_scikit_learn(truth, answered, manifest.threshold)
    assert {name: metric.value for name, metric in manifest.metrics.items()} == pytest.approx(computed, abs=1e-9)


def test_the_model_is_good_on_passengers_it_did_not_see(
    manifest: Manifest, truth: NDArray[np.int64], answered: NDArray[np.float64]
) -> None:
    """On the hold-out every metric reaches its floor, and so does the pessimistic end of its recorded interval."""
    assert manifest.threshold is not None
    computed = by_scikit_learn(truth, answered, manifest.threshold)
    for name, floor in AT_LEAST.items():
        assert computed[name] >= manifest.metrics[name].low >= floor, name
    for name, ceiling in AT_MOST.items():
        assert computed[name] <= manifest.metrics[name].high <= ceiling, name


def test_the_loaded_pipeline_predicts_what_the_package_predicts(
    model_folder: Path, truth: NDArray[np.int64], held_out: list[Row], answered: NDArray[np.float64]
) -> None:
    """The pickled pipeline, given the prepared frame, predicts what the compiled model answers."""
    pipeline, manifest = load_pipeline(model_folder)
    frame = to_frame(check_rows(manifest.input_schema, held_out).columns, manifest.input_schema)
    probabilities = pipeline.predict_proba(frame)
    assert probabilities.shape == (len(held_out), 2)
    assert probabilities[:, 1] == pytest.approx(answered, abs=1e-12)
    assert metrics.roc_auc_score(truth, probabilities[:, 1]) >= AT_LEAST["roc_auc"]


def test_the_model_is_better_than_simple_rules(
    held_out: list[Row], truth: NDArray[np.int64], answered: NDArray[np.float64]
) -> None:
    """Predicting is worth more than "women survive", and its probabilities more than the share of survivors."""
    labels = make_prediction(input_data=held_out)["predictions"]
    women = metrics.accuracy_score(truth, [row["sex"] == "female" for row in held_out])
    assert metrics.accuracy_score(truth, [label == "survived" for label in labels]) > women + 0.02
    assert metrics.log_loss(truth, answered) < metrics.log_loss(truth, np.full(len(truth), truth.mean())) - 0.2


def test_the_probabilities_are_calibrated(truth: NDArray[np.int64], answered: NDArray[np.float64]) -> None:
    """As many passengers survive as the probabilities add up to, in the lower and in the upper half, within chance."""
    for half in (answered < 0.5, answered >= 0.5):
        deviation = math.sqrt((answered[half] * (1 - answered[half])).sum())
        assert abs(truth[half].sum() - answered[half].sum()) < 3 * deviation


def test_the_prediction_follows_the_threshold(manifest: Manifest, held_out: list[Row]) -> None:
    """A passenger is predicted to survive from the recorded probability on, and else to die."""
    answer: Any = make_prediction(input_data=held_out)
    assert manifest.threshold is not None
    expected = [
        "survived" if shares["survived"] >= manifest.threshold else "died" for shares in answer["probabilities"]
    ]
    assert answer["predictions"] == expected
    assert set(expected) == {"died", "survived"}
