"""The page /docs in a real browser, which reaches no machine but the server's."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from conftest import KEY, PATIENCE, Server
from playwright.sync_api import Browser, ConsoleMessage, Page, Route, expect, sync_playwright

pytestmark = pytest.mark.slow


#: Not the name of this machine, so that the page takes the server for one on the internet.
HOST = "api.test"

_MILLISECONDS = 1000 * PATIENCE
expect.set_options(timeout=_MILLISECONDS)
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Give the system's Chromium."""
    found = next((path for path in map(shutil.which, _NAMES) if path), None)
    if found is None:
        message = f"no browser: none of {', '.join(_NAMES)} is on PATH"
        if "CI" in os.environ:
            pytest.fail(message)
        pytest.skip(message)
    options = ["--no-sandbox", "--no-proxy-server", f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=options, timeout=_MILLISECONDS)
        yield browser
        browser.close()


class Visit:
    """A page that was opened, and what came of it.

    Attributes
    ----------
    hosts
        Hosts that were asked for something; none but the server answers.
    complaints
        What the browser complained of: errors of scripts, files that are missing, policies that were broken.
    """

    def __init__(self, browser: Browser, server: Server) -> None:
        self.hosts: set[str | None] = set()
        self.complaints: list[str] = []
        self.page: Page = browser.new_page()
        context = self.page.context  # hears the pages, too, that this one opens
        context.set_default_timeout(_MILLISECONDS)
        context.route("**/*", self._pass_on)
        context.on("console", self._note)
        context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page.goto(f"http://{HOST}:{server.port}/docs")

    def _pass_on(self, route: Route) -> None:
        host = urlsplit(route.request.url).hostname
        self.hosts.add(host)
        if host == HOST:
            route.continue_()
        else:
            route.abort()

    def _note(self, message: ConsoleMessage) -> None:
        """Keep what the browser complains of."""
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def execute(self, name: str) -> str:
        """Open an operation, send its example; return the status that the page shows."""
        operation = self.page.locator(f"[id='operations-{name}']")
        operation.locator(".opblock-summary").click()
        operation.get_by_role("button", name="Try it out").click()
        operation.get_by_role("button", name="Execute").click()
        status = operation.locator(".live-responses-table .response .response-col_status")
        expect(status).to_be_visible()
        return status.inner_text().split()[0]


def test_the_page_shows_and_tries_every_operation_offline(browser: Browser, server: Server) -> None:
    """All operations are shown, /predict answers its example, and no other host is asked for anything."""
    document = server.client.get("/openapi.json").json()
    visit = Visit(browser, server)
    operations = visit.page.locator(".opblock")
    expect(operations).to_have_count(sum(map(len, document["paths"].values())))
    assert visit.execute("predictions-predict") == "200"
    shown = visit.page.locator("[id='operations-predictions-predict'] .live-responses-table .highlight-code code").first
    example = document["paths"]["/predict"]["post"]["responses"]["200"]["content"]["application/json"]["examples"]
    assert json.loads(shown.inner_text())["predictions"] == example["golden"]["value"]["predictions"]
    assert visit.hosts == {HOST}
    assert visit.complaints == []
    visit.page.close()


def test_a_key_can_be_given_on_the_page(browser: Browser, locked: Server) -> None:
    """Where keys are asked for, the page takes one, and sends it."""
    visit = Visit(browser, locked)
    page = visit.page
    page.get_by_role("button", name="Authorize").first.click()
    page.get_by_label("Value:").first.fill(KEY)
    page.get_by_role("button", name="Apply credentials").first.click()
    page.get_by_role("button", name="Close").last.click()
    assert visit.execute("model-model") == "200"
    assert visit.hosts == {HOST}
    page.close()


@pytest.mark.parametrize(
    ("title", "name"), [("Training report", "report.html"), ("Exploratory data analysis", "eda.html")]
)
def test_the_page_leads_to_the_reports(browser: Browser, server: Server, title: str, name: str) -> None:
    """A click shows a report of the served model with its styles and pictures, and breaks no policy."""
    visit = Visit(browser, server)
    with visit.page.context.expect_page() as opened:
        visit.page.get_by_role("link", name=title).click()
    shown = opened.value
    shown.wait_for_load_state()
    expect(shown.locator("h1").first).to_be_visible()
    assert urlsplit(shown.url).path == f"/model/reports/{name}"
    assert shown.locator("svg, img").first.evaluate("picture => picture.getBoundingClientRect().height") > 100
    assert shown.evaluate("getComputedStyle(document.body).fontFamily") != "Times"
    assert visit.hosts == {HOST}
    assert visit.complaints == []
    shown.close()
    visit.page.close()


def test_the_page_is_held_to_this_server(server: Server) -> None:
    """The browser is told to load nothing from elsewhere, to run no other script, and to show the page in no frame."""
    answer = server.client.get("/docs")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self' 'sha256-" in policy
    assert "unsafe-eval" not in policy
    assert "https://" not in answer.text


@pytest.mark.parametrize("path", ["/docs/files/none.js", "/docs/files/../../core.py", "/docs/files/%2e%2e/core.py"])
def test_there_are_no_other_files(server: Server, path: str) -> None:
    """A file that the page does not need is a problem like any other."""
    with server.connect() as connection:
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: connection.recv(65536), b""))
    assert reply.startswith(b"HTTP/1.1 404 ")
    assert b'"code":"not_found"' in reply
