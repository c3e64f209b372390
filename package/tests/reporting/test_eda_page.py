"""The page of an exploratory analysis: one file, whatever the table holds."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from pages import Page
from playwright.sync_api import Browser, expect
from problems import DERIVED, EVERY_KIND, make_config, make_table

from classification_model.evaluation.judged import LearningCurve, LearningPoint
from classification_model.reporting.eda_page import MOST_PLOTS, conclusions_of, render_eda
from classification_model.training.exploration import Exploration
from classification_model.training.explore import explore_columns, explore_problem
from classification_model.training.progress import Silent

pytestmark = pytest.mark.slow

HOSTILE = '<script>alert(1)</script> & "quotes" {{ 7 * 7 }} $x_1$'


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> Exploration:
    """Explore a table of every kind, with two candidates, and columns that are not learned from."""
    folder = tmp_path_factory.mktemp("table")
    table = make_table(300)
    table["after"] = ["yes" if colour == table["colour"].iloc[0] else None for colour in table["colour"]]
    table.to_csv(folder / "table.csv", index=False)
    candidates = {"logistic_regression": {}, "random_forest": {"n_estimators": "9"}, "average": {}}
    config = make_config(
        EVERY_KIND | DERIVED,
        folder=folder,
        app={"name": HOSTILE},
        data={"leakage": ("after",)},
        training={"candidates": candidates},
    )
    return explore_problem(config, Silent(), jobs=1)


@pytest.fixture(scope="module")
def page(explored: Exploration) -> Page:
    return Page(render_eda(explored))


def test_it_asks_nothing_from_elsewhere(explored: Exploration, page: Page) -> None:
    """The page is one file: no link, image, style or script leads out of it, and no script is in it."""
    assert all(target.startswith(("#", "data:image/png;base64,")) for target in page.targets())
    assert not {"script", "link", "iframe"} & {tag for tag, _ in page.elements}
    text = render_eda(explored)
    assert "@import" not in text
    assert "url(http" not in text
    assert len(text) < 2_000_000


def test_the_contents_lead_to_sections(page: Page) -> None:
    """Each link inside the page leads to an element that is there."""
    ids = [given["id"] for _, given in page.elements if given.get("id")]
    links = [target[1:] for target in page.targets() if target.startswith("#")]

    assert len(set(ids)) == len(ids), "an id is there twice"
    assert set(links) <= set(ids)
    assert {"conclusions", "columns", "missing", "distributions", "associations", "audit", "models"} <= set(links)


def test_it_says_what_was_found(explored: Exploration, page: Page) -> None:
    """The page has the figures, conclusions, features with their origin, and candidates with all metrics."""
    assert explored.selection is not None
    for one in conclusions_of(explored):
        assert one.finding in page.text
    for name in (*EVERY_KIND, *DERIVED, "after"):
        assert name in page.text
    best = explored.selection.winner
    assert all(f"{value:.4f}" in page.text for value in best.scores.values())
    assert "known only after the outcome: data.leakage" in page.text
    assert f"{explored.created[:10]} {explored.created[11:16]} UTC" in page.text
    assert "4 trials of 3 candidates" in page.text or "3 trials of 3 candidates" in page.text


def test_names_are_escaped(explored: Exploration, page: Page) -> None:
    """Markup in a name is text."""
    assert HOSTILE.replace("  ", " ") in page.text
    assert "<script>alert" not in render_eda(explored)


def test_the_same_exploration_gives_the_same_bytes(explored: Exploration) -> None:
    """A page holds nothing that changes from one rendering to the next."""
    assert render_eda(explored) == render_eda(explored)


def test_a_table_without_a_target_has_no_models(explored: Exploration) -> None:
    """Without a target, nothing is said of classes, features and models."""
    assert explored.data is not None
    found = explore_columns(str(explored.data.config.folder / "table.csv"), Silent())

    page = Page(render_eda(found))

    assert not {"models", "features", "unused"} & {given.get("id") for _, given in page.elements}
    assert "Association of the gaps" not in page.text
    assert "Distributions" in page.text


@pytest.mark.parametrize("rows", [1, 2])
def test_hardly_any_rows_are_no_fault(rows: int, tmp_path: Path) -> None:
    """A table of a row or two has a page, whatever it holds."""
    table = pd.DataFrame({"a": [1.0, 2.0][:rows], "<b>": ["x", None][:rows], "empty": [None] * rows})
    table.to_csv(tmp_path / "t.csv", index=False)

    page = Page(render_eda(explore_columns(str(tmp_path / "t.csv"), Silent())))

    assert "<b>" in page.text


def test_a_wide_table_is_drawn_in_part(tmp_path: Path) -> None:
    """Of hundreds of columns, those of the strongest association are drawn, and all are in the table."""
    random = np.random.default_rng(0)
    table = pd.DataFrame(random.normal(size=(200, 150)), columns=[f"x{number}" for number in range(150)])
    table["y"] = np.where(table["x7"] > 0, "yes", "no")
    table.to_csv(tmp_path / "table.csv", index=False)
    features = {f"x{number}": "numeric" for number in range(150)}
    config = make_config(
        features, folder=tmp_path, data={"target": "y", "index": None, "classes": {"no": "no", "yes": "yes"}}
    )

    text = render_eda(explore_problem(config, Silent(), compare_models=False))

    page = Page(text)
    drawn = [given["id"] for tag, given in page.elements if tag == "figure" and given.get("id")]
    assert len(drawn) == MOST_PLOTS
    assert len(text) < 2_000_000
    assert "x149" in page.text


def test_it_fits_a_phone_and_paper(explored: Exploration, browser: Browser, tmp_path: Path) -> None:
    """On a phone nothing sticks out, the contents lead to sections, and paper is light, whole and without contents."""
    file = tmp_path / "eda.html"
    file.write_text(render_eda(explored), encoding="utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(file.as_uri())

    assert page.evaluate("document.documentElement.scrollWidth") == 390
    background = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(background) == "rgb(21, 27, 34)"
    page.get_by_role("link", name="Models tried").first.click()
    expect(page.get_by_role("heading", name="Models tried")).to_be_in_viewport()
    page.emulate_media(media="print")
    expect(page.get_by_role("navigation")).to_be_hidden()
    assert page.evaluate(background) == "rgba(0, 0, 0, 0)"
    assert [url for url in asked if not url.startswith("data:")] == [file.as_uri()]
    page.close()


def test_more_rows_than_a_sample_are_not_promised(explored: Exploration) -> None:
    """A learning curve of a sample speaks of the sample; without one, nothing is said."""
    points = (LearningPoint(0.5, 1000, (0.6, 0.7), 0.3), LearningPoint(1.0, 2000, (0.5, 0.6), 0.4))
    curved = replace(explored, learning_curve=LearningCurve("log_loss", points), compared_rows=100)
    (said,) = [one.finding for one in conclusions_of(curved) if one.topic == "More rows"]
    assert said.startswith(f"In a sample of 100 of {explored.profile.rows} rows: from 1,000 rows to 2,000")
    assert "More rows" not in {one.topic for one in conclusions_of(replace(explored, learning_curve=None))}
