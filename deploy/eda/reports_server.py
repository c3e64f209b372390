"""Serve the reports of the current version of a model store: as pages, and as PDF by Chromium."""

from __future__ import annotations

import asyncio
import html
import os
import tempfile
from contextlib import suppress
from pathlib import Path, PurePosixPath

import uvicorn
from app.model_reports import MEDIA_TYPES, Report, reports_of
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import Route

from classification_model.errors import ClassificationModelError
from classification_model.reporting.pdf import POLICY, print_pdf
from classification_model.runtime.model_folder.manifest import Manifest
from classification_model.runtime.store.reader import StoreReader

HEADERS = {"cache-control": "no-cache", "x-content-type-options": "nosniff", "referrer-policy": "no-referrer"}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>
<style>:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.6 system-ui, sans-serif; margin: 3rem auto; max-width: 40rem; padding: 0 1rem }}</style>
<h1>{title}</h1><p>Version {version}, trained on {rows:,} rows, {created}</p><ul>{links}</ul></html>
"""


class ReportsServer:
    """Answers with the reports of the version that is current when it is asked.

    Parameters
    ----------
    store
        The model store.
    folder
        Folder in which pages are printed.
    """

    def __init__(self, store: StoreReader, folder: Path) -> None:
        self._store = store
        self._folder = folder
        self._pages: dict[str, bytes] = {}
        self._printed_version = ""
        self._printing = asyncio.Lock()  # a browser takes 200 MB: one at a time

    def routes(self) -> list[Route]:
        """Return what is answered."""
        return [
            Route("/", self.list_reports),
            Route("/health", self.health),
            Route("/{name}", self.send_report),
        ]

    async def health(self, _: Request) -> Response:
        """Answer with 200 if there are reports to show."""
        return PlainTextResponse(self._current().version)

    async def list_reports(self, _: Request) -> Response:
        """Answer with a page of links."""
        manifest = self._current()
        links = "".join(f"<li>{_links_to(report)}</li>" for report in reports_of(manifest).values())
        page = PAGE.format(
            title=html.escape(manifest.name),
            version=html.escape(manifest.version),
            created=html.escape(manifest.created),
            rows=manifest.data.rows,
            links=links,
        )
        return HTMLResponse(page, headers={**HEADERS, "content-security-policy": POLICY})

    async def send_report(self, request: Request) -> Response:
        """Answer with a report, or with a page of the reports printed to PDF."""
        name = request.path_params["name"]
        manifest = self._current()
        reports = reports_of(manifest)
        if name.endswith(".pdf") and name not in reports and (page := reports.get(f"{name.removesuffix('.pdf')}.html")):
            return Response(await self._pdf(manifest, page), media_type=MEDIA_TYPES[".pdf"], headers=HEADERS)
        if (report := reports.get(name)) is None:
            raise HTTPException(404, f"expected one of {', '.join(reports)}, found another name")
        content = await asyncio.to_thread(self._read, manifest, report)
        headers = {**HEADERS, "content-security-policy": f"{POLICY}; sandbox"}
        return Response(content, media_type=report.media_type, headers=headers)

    async def _pdf(self, manifest: Manifest, page: Report) -> bytes:
        """Print a page, unless that was done before; only those of one version are kept."""
        async with self._printing:
            if self._printed_version != manifest.version:
                self._pages.clear()
                self._printed_version = manifest.version
            if page.name not in self._pages:
                copy = self._folder / page.name
                copy.write_bytes(await asyncio.to_thread(self._read, manifest, page))
                pdf = copy.with_suffix(".pdf")
                await asyncio.to_thread(print_pdf, copy, pdf)
                self._pages[page.name] = pdf.read_bytes()
                _reap()
            return self._pages[page.name]

    def _current(self) -> Manifest:
        version = self._store.current()
        if version is None:
            raise HTTPException(503, f"no version is current in {self._store.folder}: train a model, and promote it")
        return self._store.read_manifest(version)

    def _read(self, manifest: Manifest, report: Report) -> bytes:
        with report.open(self._store.path(manifest.version)) as file:
            return b"".join(report.blocks(file))


def _reap() -> None:
    """Take note of the ends of processes that the browser left behind: in a container they are children of this one."""
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _links_to(report: Report) -> str:
    path = PurePosixPath(report.name)
    links = [f'<a href="{html.escape(report.name)}">{html.escape(report.title)}</a>']
    if path.suffix == ".html":
        links.append(f'<a href="{html.escape(str(path.with_suffix(".pdf")))}">PDF</a>')
    return ", ".join(links)


async def explain(_: Request, error: Exception) -> Response:
    """Answer with the reason, where the store or the browser has one."""
    return PlainTextResponse(f"{error}\n", 503, headers={"retry-after": "10"})


def make_app(store: Path, folder: Path) -> Starlette:
    """Return the application.

    Parameters
    ----------
    store
        The model store; it need not exist yet.
    folder
        Folder in which pages are printed.
    """
    server = ReportsServer(StoreReader(store), folder)
    return Starlette(routes=server.routes(), exception_handlers={ClassificationModelError: explain})


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="printed-") as folder:
        served = make_app(Path(os.environ["MODEL_STORE"]), Path(folder))
        uvicorn.run(served, host=os.environ["HOST"], port=int(os.environ["PORT"]), server_header=False)
