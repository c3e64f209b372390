"""Render a monitoring report as a page, and write its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from classification_model.config.sections import MonitoringConfig
from classification_model.monitoring.plots import draw_plots
from classification_model.reporting.html_pages import render_page
from classification_model.runtime.system.durable import replace_file
from classification_model.tables.writing.replacing import told

if TYPE_CHECKING:
    from classification_model.monitoring.report import MonitoringReport
    from classification_model.runtime.model_folder.manifest import Manifest

JSON_NAME, HTML_NAME = "monitoring.json", "monitoring.html"


def render_monitoring(report: MonitoringReport, manifest: Manifest) -> str:
    """Render a report as a page of one file, which needs nothing from elsewhere.

    Parameters
    ----------
    report
        What was measured.
    manifest
        Manifest of the model that it was measured of.
    """
    limits = MonitoringConfig.model_validate(manifest.monitoring)
    return render_page(
        "monitoring.html.j2",
        report=report,
        limits=limits,
        classes=manifest.classes,
        plots=draw_plots(report, limits.accuracy_floor),
    )


def write_monitoring(report: MonitoringReport, manifest: Manifest, folder: Path) -> tuple[Path, Path]:
    """Write ``monitoring.json`` and ``monitoring.html``, each beside its place first, and return where they are.

    Raises
    ------
    DataError
        If the system refuses.
    """
    paths = folder / JSON_NAME, folder / HTML_NAME
    for path, content in zip(paths, (report.to_json(), render_monitoring(report, manifest).encode()), strict=True):
        with told(str(path)):
            replace_file(path, content)
    return paths
