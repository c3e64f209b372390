"""The reports of a training: one HTML file, and a model card, whatever classes and features are called."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from pages import Page
from problems import DERIVED, EVERY_KIND, load, make_config, make_table, train

from classification_model.evaluation.metrics import METRICS, score
from classification_model.predict import Predictor
from classification_model.processing.fitted_pipelines import load_pipeline
from classification_model.reporting.feature_notes import FeatureNote, feature_notes
from classification_model.reporting.model_card import render_card
from classification_model.reporting.model_in_words import METRIC_NAMES
from classification_model.reporting.report_page import render_html
from classification_model.training.profile_training_data import profile_training_data
from classification_model.training.training_report import TrainingReport

pytestmark = pytest.mark.slow


def reports_of(report: TrainingReport) -> tuple[Page, str]:
    """Read the page and the card in a model folder."""
    page = (report.folder / "reports/report.html").read_text(encoding="utf-8")
    return Page(page), (report.folder / "reports/model_card.md").read_text(encoding="utf-8")


def notes_of(report: TrainingReport) -> list[FeatureNote]:
    """Describe the features of a report."""
    return feature_notes(report.data.config.features, report.data.train.features)


@pytest.fixture(scope="module", params=[2, 3], ids=["binary", "three classes"])
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """Train on every kind of feature, with two candidates."""
    training: dict[str, Any] = {
        "candidates": {"logistic_regression": {}, "random_forest": {"n_estimators": "9"}, "average": {}}
    }
    config = make_config(
        EVERY_KIND | DERIVED,
        folder=tmp_path_factory.mktemp("report"),
        classes=request.param,
        app={"description": "Which colour a thing has."},
        training=training,
        gates={"roc_auc": 0.05, "log_loss": 9},
    )
    return train(make_table(300, request.param), config)


def test_the_page_needs_no_other_file(report: TrainingReport) -> None:
    """Nothing in the page points out of it: no script, no style sheet, no link, no address, images inside."""
    page, _ = reports_of(report)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {"script", "link", "iframe", "object", "base", "form", "img"}
    pointing = {"src", "href", "xlink:href"}
    addresses = [str(value) for _, given in page.elements for key, value in given.items() if key in pointing]
    assert all(address.startswith(("#", "data:image/png;base64,")) for address in addresses)
    ids = {given["id"] for _, given in page.elements if "id" in given}
    assert {address[1:] for address in addresses if address.startswith("#")} <= ids
    source = (report.folder / "reports/report.html").read_text()
    assert "http" not in re.sub(r'xmlns(:xlink)?="[^"]*"', "", source)
    assert "url(" not in source.replace("url(#", "")
    assert "@import" not in source


def test_the_page_has_the_plots_of_the_model(report: TrainingReport) -> None:
    """Every plot of a model of so many classes is in the page, each with a caption, and no two ids are the same."""
    page, _ = reports_of(report)
    captions = [attributes["aria-label"] for tag, attributes in page.elements if tag == "figure"]
    table = ["Missing values", "Associations of the columns with each other"]
    binary = ["Metrics by threshold", "Mean cost by threshold", "Gain"] if len(report.data.classes) == 2 else []
    shared = ["ROC curve", "Precision and recall", "Calibration", "Confusion"]
    dependences = [one.feature for one in report.judged.dependences]
    assert captions[:2] == table
    assert captions[6:] == [*shared, *binary, "Learning curve", *dependences]
    assert captions[2:6] == [name for name, _, _ in report.judged.importances if name in captions[2:6]]
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(set(ids)) == len(ids)


def test_no_number_of_the_reports_is_nan(report: TrainingReport) -> None:
    """Neither report says nan, inf or None where a number belongs."""
    page, card = reports_of(report)
    for text in (page.text, card):
        assert re.findall(r"\b(?:[Nn]a[Nn]|inf|None|undefined)\b", text) == []


def test_every_metric_stands_with_its_interval_gate_and_training_rows(report: TrainingReport) -> None:
    """Both reports list each metric with its interval; the page has gates with a mark, and metrics on training rows."""
    page, card = reports_of(report)
    gates = {"roc_auc": "at least 0.05 ✓ passed", "log_loss": "at most 9 ✓ passed"}
    out_of_fold, in_sample = score(report.selection.out_of_fold()), score(report.in_sample)
    assert len(report.in_sample.truth) == len(report.data.train)
    for name in METRICS:
        metric = report.manifest.metrics[name]
        value, low, high = (f"{number:.4f}" for number in (metric.value, metric.low, metric.high))
        beside = f"{gates.get(name, 'none')} {out_of_fold[name]:.4f} {in_sample[name]:.4f}"
        assert f"{METRIC_NAMES[name]} {value} {low} {high} {beside}" in page.text
        assert re.search(rf"{METRIC_NAMES[name]} *\| *{value} *\| *{low} to {high}", card)
    assert in_sample["log_loss"] < out_of_fold["log_loss"]


def test_every_candidate_and_feature_stands_in_the_page(report: TrainingReport) -> None:
    """The page lists each trial with its scores, each raw feature's importance, and each feature's handling."""
    page, card = reports_of(report)
    for trial in report.selection.trials:
        scores = " ".join(f"{trial.scores[name]:.4f}" for name in METRICS)
        assert f"{scores} {trial.fit_seconds:.2f} {trial.predict_microseconds:.1f}" in page.text
    for name, mean, deviation in report.judged.importances:
        assert f"{name} {mean:.4f} \N{PLUS-MINUS SIGN} {deviation:.4f}" in page.text
    for note in notes_of(report):
        assert f"{note.name} {note.kind} {note.missing} {note.handling}" in page.text
        assert note.handling in card
    assert report.data.config.app.description in page.text
    assert report.manifest.data.sha256 in page.text
    assert report.manifest.data.sha256 in card


def test_the_page_says_what_happens_where_a_feature_is_missing(report: TrainingReport) -> None:
    """Each kind of feature is explained: what stands in for a gap, and for a category never seen."""
    handling = {note.name: note.handling for note in notes_of(report)}
    assert handling["size"] == "the training median, with an indicator if values were missing in training"
    assert handling["price"] == "the training mean, with an indicator if values were missing in training"
    assert handling["count"] == "-1, with an indicator if values were missing in training"
    own = "the category 'missing' if values were missing in training, else like an unseen category; an unseen category"
    assert handling["shape"] == f"{own} counts as 'rare'"
    assert handling["code"] == f"{own} gets the rate of all rows"
    assert handling["note"] == "passed on to word, digits, urgent, derived from it"
    assert {note.name: note.missing for note in notes_of(report)}["total"] == "derived"


def test_a_cut_search_is_said_aloud(report: TrainingReport) -> None:
    """The page warns when the budget of seconds ended the search, and only then."""
    pipeline, profile = load_pipeline(report.folder)[0], profile_training_data(report.data)
    cut = replace(report, selection=replace(report.selection, planned=99))
    assert f"ended after {len(report.selection.trials)} of 99 trials" in Page(render_html(cut, pipeline, profile)).text
    whole = replace(report, selection=replace(report.selection, planned=len(report.selection.trials)))
    assert "another run may choose another setting" not in Page(render_html(whole, pipeline, profile)).text


def test_rendering_twice_gives_the_same_bytes(report: TrainingReport) -> None:
    """A report rendered again, also under other settings of matplotlib, is the same to the byte."""
    pipeline, profile = load_pipeline(report.folder)[0], profile_training_data(report.data)
    with mpl.rc_context({"axes.facecolor": "black", "font.size": 30, "savefig.dpi": 30, "text.parse_math": True}):
        page, card = render_html(report, pipeline, profile), render_card(report, pipeline)
    assert page.encode() == (report.folder / "reports/report.html").read_bytes()
    assert card.encode() == (report.folder / "reports/model_card.md").read_bytes()


ODD_NAMES = [
    "<script>alert(1)</script>",
    "</td></table><h1>&amp;",
    "$\\bad{1}$",
    "$x$",
    "_hidden",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "a|b\\|c`d`*e*",
    "# title",
    "/",
    "a/b/",
    "%s %d",
    "x" * 300,
    "two\nlines",
    "\u65e5\u672c\u8a9e",
    "\N{ROCKET}",
    "\u202eright to left",
    "nan",
]


@pytest.mark.parametrize("odd", ODD_NAMES, ids=lambda name: ascii(name)[:20])
def test_odd_names_are_shown_as_they_are(tmp_path: Path, odd: str) -> None:
    """A problem, a class, a feature and a category may be called anything: nothing warns, breaks out or is lost."""
    table = make_table(150, gaps=0).rename(columns={"shape": odd})
    table["colour"] = table["colour"].replace({"red": odd})
    table["code"] = odd
    table.loc[::3, "code"] = "plain"
    features: dict[str, Any] = {odd: "categorical", "size": "numeric", "code": "categorical"}
    data = {"classes": {odd: odd, "green": "green"}, "source": "table.json", "leakage": ["note"]}
    config = make_config(features, folder=tmp_path, data=data, app={"name": odd, "description": f"About {odd}."})
    page, card = reports_of(train(table, config))
    assert page.text.count(" ".join(odd.split())) >= 5
    assert not {tag for tag, _ in page.elements} & {"script", "h3"}
    assert [tag for tag, _ in page.elements].count("h1") == 1
    assert "<script" not in card
    titles = [line for line in card.splitlines() if line.startswith("#")]
    assert len(titles) == 11
    rows = [line for line in card.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {4}


def test_many_classes_with_long_names_are_drawn(tmp_path: Path) -> None:
    """A page of twelve classes has its plots, whose legends cut the names."""
    table = make_table(600, gaps=0)
    names = [f"class number {number} of a dozen, whose name is long" for number in range(12)]
    table["colour"] = [names[row % 12] for row in range(600)]
    config = make_config({"size": "numeric", "price": "numeric"}, folder=tmp_path, data={"classes": {}})
    page, _ = reports_of(train(table, config))
    assert "class number 11… is long" in page.text


def test_the_model_card_is_the_manifests(report: TrainingReport) -> None:
    """The card names problem, version, classes and estimator."""
    _, card = reports_of(report)
    manifest = Predictor.load(report.folder).manifest
    assert card.startswith(f"# {manifest.name}, version {manifest.version}\n")
    assert ", ".join(manifest.classes) in card
    assert f"`{manifest.estimator}`" in card


def test_loading_a_table_makes_no_report(tmp_path: Path) -> None:
    """A report is written by training alone."""
    load(make_table(), make_config(folder=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
