"""Printing a page to PDF by the system's browser."""

from __future__ import annotations

import os
import re
import shutil
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest

from classification_model.errors import DataError, InputError
from classification_model.reporting.pdf import BROWSERS, print_pdf

PAGE = "<!doctype html><title>A page</title><style>p { break-after: page }</style><p>one</p><p>two</p>three"


@pytest.fixture
def page(tmp_path: Path) -> Path:
    path = tmp_path / "a page #1.html"
    path.write_text(PAGE, encoding="utf-8")
    return path


def stand_in(folder: Path, program: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program of shell on the path as the only browser."""
    binaries = folder / "bin"
    binaries.mkdir()
    browser = binaries / "chromium"
    browser.write_text(f"#!/bin/bash\n{program}\n", encoding="utf-8")
    browser.chmod(0o755)
    monkeypatch.setenv("PATH", f"{binaries}:/bin:/usr/bin" if "sleep" in program else str(binaries))


def needs_browser() -> None:
    """Skip the test where there is no browser; in CI there has to be one."""
    if not any(map(shutil.which, BROWSERS)):
        message = f"no browser: none of {', '.join(BROWSERS)} is on PATH"
        pytest.fail(message) if "CI" in os.environ else pytest.skip(message)


@pytest.mark.slow
def test_the_browser_prints_every_page(page: Path) -> None:
    """A page is printed whole, whatever its file is called, and nothing else is left in its folder."""
    needs_browser()
    pdf = page.with_suffix(".pdf")

    print_pdf(page, pdf)

    content = pdf.read_bytes()
    assert content.startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", content)) == 3
    assert sorted(path.name for path in page.parent.iterdir()) == ["a page #1.html", "a page #1.pdf"]


@pytest.mark.slow
def test_a_page_shows_nothing_but_itself(page: Path) -> None:
    """A hostile page reaches no server on this machine, reads no file and runs no script."""
    needs_browser()
    secret = page.parent / "secret.html"
    secret.write_text("<h1>secretsecret</h1>", encoding="utf-8")
    pdf, asked = page.with_suffix(".pdf"), []

    class Server(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_error(404)

    with ThreadingHTTPServer(("127.0.0.1", 0), Server) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        address = f"http://127.0.0.1:{server.server_port}"
        page.write_text(
            f"<script>document.title = 'scripted'; document.write('<img src={address}/script>')</script>"
            f"<!doctype html><title>plain</title><img src='{address}/image'>"
            f"<link rel=stylesheet href='{address}/style'>"
            f"<iframe src='{secret.as_uri()}' width=600 height=300></iframe><object data='{secret.as_uri()}'></object>",
            encoding="utf-8",
        )
        print_pdf(page, pdf)
        server.shutdown()

    assert asked == []
    assert pdf.read_bytes().count(b"/Type /Font") + pdf.read_bytes().count(b"/Type/Font") == 0  # no text was printed


def test_without_a_browser_the_error_names_what_to_install(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If no browser is on the path, the error says which are looked for and what to install."""
    monkeypatch.setenv("PATH", str(page.parent))

    with pytest.raises(InputError, match=r"expected Chromium or Chrome on the PATH, .*: install chromium"):
        print_pdf(page, page.with_suffix(".pdf"))


def test_a_browser_that_fails_is_quoted(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the browser prints nothing, its last words are in the error, and the page is kept."""
    stand_in(page.parent, "echo starting >&2; echo no display >&2; exit 1", monkeypatch)

    with pytest.raises(DataError, match=r"was not printed by chromium: no display; .* is kept"):
        print_pdf(page, page.with_suffix(".pdf"))
    assert page.is_file()


def test_a_browser_that_hangs_is_stopped(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the browser takes too long, it is stopped with what it started."""
    started = page.parent / "started"
    stand_in(page.parent, f"sleep 600 & echo $! > '{started}'; wait", monkeypatch)

    with pytest.raises(DataError, match="it took more than 1 s"):
        print_pdf(page, page.with_suffix(".pdf"), patience=1)

    assert (
        not Path(f"/proc/{started.read_text().strip()}/cmdline").exists()
        or not Path(f"/proc/{started.read_text().strip()}/cmdline").read_bytes()
    )


def test_a_place_that_cannot_be_written_is_an_error(page: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the PDF cannot be put into its place, the error names it."""
    stand_in(
        page.parent,
        'for word in "$@"; do case $word in --print-to-pdf=*) echo x > "${word#*=}";; esac; done',
        monkeypatch,
    )

    with pytest.raises(DataError, match="cannot be written"):
        print_pdf(page, page.parent / "nowhere" / "page.pdf")
