"""The report of monitoring as files and on the screen, from a real log."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from commands import Command
from logged import make_frame

from classification_model.monitoring.monitor import MonitoringReport, monitor
from classification_model.monitoring.page import render_monitoring, write_monitoring
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.model_folder.artifact import read_manifest
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.store import ModelStore

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def manifest() -> Manifest:
    """Give the manifest of the packaged model."""
    return read_manifest(packaged_model())


def write_log(folder: Path, manifest: Manifest, frame: pd.DataFrame) -> Path:
    """Log the predictions of a frame, and their labels, as the API does."""
    folder.mkdir()
    log = PredictionLog(folder)
    log.open()
    names = [name for name in frame.columns if name.startswith("features.")]
    log.append(
        PredictionRecords(manifest).encode(
            frame["prediction_id"].tolist(),
            [
                {name.removeprefix("features."): value for name, value in zip(names, row, strict=True)}
                for row in frame[names].itertuples(index=False)
            ],
            None,
            frame["prediction"].tolist(),
            [
                dict(zip(manifest.classes, shares, strict=True))
                for shares in frame[[f"probabilities.{label}" for label in manifest.classes]].to_numpy().tolist()
            ],
        )
    )
    log.close()
    labels = LabelLog(folder)
    labels.open()
    known = frame[frame["label"].notna()]
    labels.add(zip(known["prediction_id"], known["label"], strict=True), source="feedback")
    labels.close()
    return folder


class _Page(HTMLParser):
    """Gathers what a page refers to, and which elements are open."""

    def __init__(self) -> None:
        super().__init__()
        self.references: list[str] = []
        self.ids: list[str] = []
        self.tags: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Remember what an element refers to."""
        self.tags.append(tag)
        for name, value in attributes:
            if name in {"src", "href", "xlink:href", "action", "data"}:
                self.references.append(value or "")
            if name == "id":
                self.ids.append(value or "")


def parse(page: str) -> _Page:
    """Parse a page."""
    parser = _Page()
    parser.feed(page)
    parser.close()
    return parser


def test_the_page_needs_nothing_from_elsewhere(manifest: Manifest) -> None:
    """The page refers to nothing but its own parts, each of which is there once."""
    report = monitor(make_frame(manifest, 1200, labelled=0.5, sex=["male"] * 1200), manifest, window="1h")
    page = render_monitoring(report, manifest)
    parsed = parse(page)
    assert parsed.tags.count("svg") == 3
    assert {"script", "link", "iframe", "img"}.isdisjoint(parsed.tags)
    assert all(reference.startswith("#") for reference in parsed.references)
    assert {reference[1:] for reference in parsed.references} <= set(parsed.ids)
    assert len(parsed.ids) == len(set(parsed.ids))
    assert set(re.findall(r"url\(([^)]*)\)", page)) <= {f"#{name}" for name in parsed.ids}
    assert "@import" not in page


def test_the_page_shows_every_part_of_the_report(manifest: Manifest) -> None:
    """Accuracy, drift, remarks and windows stand in the page; each table has a caption."""
    report = monitor(make_frame(manifest, 400, sex=["other"] * 400), manifest, window="100")
    page = render_monitoring(report, manifest)
    assert report.accuracy is not None
    assert f"{report.accuracy.value:.3f}" in page
    for one in (*report.drift, *report.prediction_drift):
        assert f'<th scope="row">{one.feature}</th>' in page
    assert page.count("<caption>") == page.count("<table>")
    assert "100.0%" in page


def test_what_stands_in_a_log_is_escaped(manifest: Manifest) -> None:
    """Names of versions and features that hold HTML are shown, not obeyed."""
    evil = "<script>alert('x')</script>"
    frame = make_frame(manifest, 200)
    frame.loc[:9, "version"] = evil
    page = render_monitoring(monitor(frame, manifest, notes=[evil]), manifest)
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


@pytest.mark.parametrize("rows", [0, 1])
def test_a_page_can_be_made_of_next_to_nothing(manifest: Manifest, rows: int) -> None:
    """A log without rows, or with one, has a page."""
    page = render_monitoring(monitor(make_frame(manifest, 1).iloc[:rows], manifest), manifest)
    assert f"{rows} predictions" in page


def test_files_are_replaced_whole(manifest: Manifest, tmp_path: Path) -> None:
    """A second report takes the first one's place, and nothing else is left in the folder."""
    for rows in (50, 60):
        report = monitor(make_frame(manifest, rows), manifest)
        paths = write_monitoring(report, manifest, tmp_path)
    assert MonitoringReport.model_validate_json(paths[0].read_bytes()) == report
    assert sorted(path.name for path in tmp_path.iterdir()) == ["monitoring.html", "monitoring.json"]


def test_monitor_reads_the_log_and_writes_beside_it(command: Command, manifest: Manifest, tmp_path: Path) -> None:
    """The command prints a table with the notes, and writes both files into the log's folder."""
    frame = make_frame(manifest, 150, sex=["female"] * 150)
    log = write_log(tmp_path / "log", manifest, frame)
    done = command("monitor", "--log", log, "--window", "60")
    assert (done.code, done.err) == (0, "")
    assert "Titanic survival, version 1.0.0: 150 predictions, 150 of them labelled" in done.out
    assert re.search(r"sex +150 .* yes", done.out)
    assert "note: fields that no request has, all of whose values are missing: age, fare, cabin" in done.out
    report = MonitoringReport.model_validate_json((log / "monitoring.json").read_bytes())
    assert report.labels == 150
    assert [window.predictions for window in report.windows] == [60, 60, 30]
    assert (log / "monitoring.html").read_text(encoding="utf-8").startswith("<!doctype html>")


def test_monitor_prints_json(command: Command, manifest: Manifest, tmp_path: Path) -> None:
    """With --json the report alone is printed; --output says where the files go."""
    log = write_log(tmp_path / "log", manifest, make_frame(manifest, 20))
    done = command("monitor", "--log", log, "--json", "--output", "new/reports", "--recent", "5")
    assert done.code == 0
    assert MonitoringReport.model_validate_json(done.out).predictions == 5
    assert (tmp_path / "new" / "reports" / "monitoring.json").read_text(encoding="utf-8") == done.out
    assert not (log / "monitoring.json").exists()


def test_damage_of_the_log_is_a_note(command: Command, manifest: Manifest, tmp_path: Path) -> None:
    """A damaged line and a label of an unknown prediction are named, and the rest is measured."""
    log = write_log(tmp_path / "log", manifest, make_frame(manifest, 30))
    (file,) = log.glob("predictions-*")
    content = bytearray(file.read_bytes())
    content[200] ^= 1
    file.write_bytes(content)
    done = command("monitor", "--log", log)
    assert done.code == 0
    assert "29 predictions" in done.out
    assert "note: 1 damaged lines" in done.out
    assert "note: 1 labels of predictions that are not in the log" in done.out


def test_an_empty_log_is_an_empty_report(command: Command, tmp_path: Path) -> None:
    """The log of an API that nobody has asked yet gives a report that says so, with exit code 0."""
    log = PredictionLog(tmp_path / "log")
    log.open()
    done = command("monitor", "--log", "log")
    assert done.code == 0, done.err
    assert "note: the log has no predictions of this model" in done.out
    log.close()


@pytest.mark.parametrize("others", [False, True])
def test_what_is_no_log_of_the_model_gets_no_report(
    command: Command, manifest: Manifest, tmp_path: Path, others: bool
) -> None:
    """Neither a folder of something else, nor a log of another problem, beside which another report may stand."""
    message = "expected a log folder with predictions, found none in log: correct --log, or set --output"
    if not others:
        (tmp_path / "log").mkdir()
    else:
        write_log(tmp_path / "log", manifest.model_copy(update={"name": "Parcels"}), make_frame(manifest, 20))
        message = "expected predictions of 'Titanic survival' in log, found those of 'Parcels': set --model or --store"
    before = sorted((tmp_path / "log").iterdir())
    done = command("monitor", "--log", "log")
    assert (done.code, done.out) == (2, "")
    assert message in done.err
    assert sorted((tmp_path / "log").iterdir()) == before
    assert command("monitor", "--log", "log", "--output", "out").code == 0


def test_the_current_version_of_a_store_is_measured(command: Command, manifest: Manifest, tmp_path: Path) -> None:
    """With --store the version that serves is measured; a store in which none does is an error."""
    log = write_log(tmp_path / "log", manifest, make_frame(manifest, 20))
    store = ModelStore(tmp_path / "store")
    store.add(packaged_model())
    done = command("monitor", "--log", log, "--store", store.folder)
    assert done.code == 2
    assert "has no current version: promote one, or set --model" in done.err
    store.promote(manifest.version)
    assert "20 predictions" in command("monitor", "--log", log, "--store", store.folder).out


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--log", "nowhere"], "nowhere"),
        (["--log", "log", "--window", "soon"], "expected a window such as 500"),
        (["--log", "log", "--recent", "0"], "expected a window such as 500"),
        (["--log", "log", "--model", "nowhere"], "nowhere"),
        (["--log", "log", "--output", "taken"], "taken cannot be made"),
    ],
)
def test_faults_of_monitor_are_a_line(command: Command, tmp_path: Path, options: list[Any], complaint: str) -> None:
    """A folder that is not there, a window that is none, and a file in the way end with exit code 2 and one line."""
    (tmp_path / "log").mkdir()
    (tmp_path / "taken").touch()
    done = command("monitor", *options)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: .*{complaint}.*\n", done.err)
