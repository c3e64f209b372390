"""The page of the report: its data half, its size on wide tables, and what a browser makes of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser
from problems import EVERY_KIND, make_config, make_table, train

from classification_model.training.training_report import TrainingReport

pytestmark = pytest.mark.slow
LARGEST = 2_000_000


def page_of(report: TrainingReport) -> str:
    """Return the page of a report."""
    return (report.folder / "reports/report.html").read_text(encoding="utf-8")


def section_of(page: str, name: str) -> str:
    """Return the words of a section, blanks made one."""
    body = page.partition(f'<h2 id="{name}">')[2].partition("<h2 ")[0]
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"<svg.*?</svg>", "", body, flags=re.DOTALL)).split())


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> TrainingReport:
    """Train on every kind of feature."""
    return train(make_table(400), make_config(EVERY_KIND, folder=tmp_path_factory.mktemp("report")))


def test_the_page_says_when_it_was_made_and_what_is_in_it(report: TrainingReport) -> None:
    """The date is that of the manifest, and every section is in the contents."""
    page, created = page_of(report), report.manifest.created
    assert f"{created[:10]} at {created[11:16]} UTC" in page
    sections = re.findall(r'<h2 id="([a-z]+)">', page)
    assert len(sections) == 16
    assert re.findall(r'<li><a href="#([a-z]+)">', page) == sections


def test_the_classes_are_counted_on_both_sides(report: TrainingReport) -> None:
    """Each class has its rows and share among the rows to train on and the held-out ones."""
    words = section_of(page_of(report), "classes")
    train_labels, held_out = report.data.train.labels, report.data.holdout.labels
    for label in report.data.classes:
        first, second = (train_labels == label).sum(), (held_out == label).sum()
        shares = f"{first / len(train_labels):.1%} {second} {second / len(held_out):.1%}"
        assert f"{label} {first} {shares}" in words


def test_the_data_half_has_every_column(report: TrainingReport) -> None:
    """Each column has its kind, gaps and values, dates as dates; the share of complete rows is that of the rows."""
    page = page_of(report)
    words, features = section_of(page, "columns"), report.data.train.features
    for field in report.data.schema.fields:
        share = features[field.name].isna().mean()
        assert f"{field.name} {field.kind} {share:.1%} {features[field.name].nunique()} " in words
    assert re.search(r"day datetime [\d.]+% \d+ 2024-\d\d-\d\d to 2025-\d\d-\d\d , median", words)
    assert f"{features.notna().all(axis=1).mean():.1%} of these rows have no gap" in section_of(page, "data")


def test_slices_and_bins_are_written_as_people_do(report: TrainingReport) -> None:
    """Dates are dates and truth values yes and no; the largest log loss comes first."""
    words = section_of(page_of(report), "slices")
    assert re.search(r"day 20\d\d-\d\d-\d\d to 20\d\d-\d\d-\d\d \d+", words)
    assert re.search(r"open (yes|no) \d+", words)
    assert "e+09" not in words
    excess = [float(number) for number in re.findall(r"[+-]0\.\d{3}(?= [01]\.\d{3} [01]\.\d{3})", words)]
    assert len(excess) == len(report.judged.slices)
    assert excess == sorted(excess, reverse=True)


def test_a_page_of_many_features_and_classes_is_small(tmp_path: Path) -> None:
    """Of 300 features and 20 classes the page has less than 2 MB."""
    draw = np.random.default_rng(0)
    number = np.arange(1200) % 20
    columns = {
        f"a column of a long name, number {place}": (draw.normal(size=1200) + (number == place % 20)).round(3)
        if place % 3
        else draw.choice([f"category {code}" for code in range(30)], 1200)
        for place in range(300)
    }
    table = pd.DataFrame(columns | {"key": range(1200), "colour": [f"class of the number {code}" for code in number]})
    features = {name: "numeric" if table[name].dtype == np.float64 else "categorical" for name in columns}
    page = page_of(train(table, make_config(features, folder=tmp_path, data={"classes": {}})))
    assert len(page.encode()) < LARGEST
    assert "11 other classes" in page
    assert page.count("<figure") == 1 + 4 + 4 + 1 + 6


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_the_page_and_asks_for_no_more(
    report: TrainingReport, browser: Browser, width: int, scheme: Literal["light", "dark"]
) -> None:
    """On a phone and a screen nothing is wider than it, nothing is requested, and text has the colours of the mode."""
    address = (report.folder / "reports/report.html").as_uri()
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: asked.append(message.text))
    page.goto(address)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    ink = page.evaluate("getComputedStyle(document.querySelector('svg text')).fill")
    page.close()
    assert [url for url in asked if not url.startswith("data:")] == [address]
    lightness = sum(map(int, re.findall(r"\d+", ink)[:3]))
    assert lightness > 600 if scheme == "dark" else lightness < 200
