"""Print a page to PDF by a browser of the system."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path

from classification_model.errors import DataError, InputError
from classification_model.runtime.system.durable import replace_file
from classification_model.tables.writing.replacing import told

#: Names of the browser on the path, the first that is found is taken.
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
#: A page may have styles and pictures of its own. It runs no script, sends no form and asks no server for anything.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
#: Seconds that printing may take.
PATIENCE = 60.0


def find_browser() -> str:
    """Return the path of Chromium or Chrome.

    Raises
    ------
    InputError
        If neither is on the path.
    """
    for name in BROWSERS:
        if (path := shutil.which(name)) is not None:
            return path
    msg = f"--pdf: expected Chromium or Chrome on the PATH, found none of {', '.join(BROWSERS)}: install chromium"
    raise InputError(msg)


def print_pdf(page: Path, pdf: Path, *, patience: float = PATIENCE) -> None:
    """Print a page of one file to PDF, beside its place first.

    The browser has a profile of its own for the time, and no network. It runs no script of the page, and shows no file
    or address that the page names.

    Parameters
    ----------
    page
        The HTML file.
    pdf
        The file to write.
    patience
        Seconds after which the browser is stopped.

    Raises
    ------
    InputError
        If no browser is on the path.
    DataError
        If the browser does not print it in time, or the file cannot be written. The page is kept.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="print-", ignore_cleanup_errors=True) as folder:
        printed, copy = Path(folder) / "page.pdf", Path(folder) / "page.html"
        copy.write_bytes(_held_to_itself(page.read_bytes()))
        command = [
            browser,
            "--headless",
            *(["--no-sandbox"] if _is_root() else []),  # which root cannot run in
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-extensions",
            "--disable-background-networking",
            "--disable-component-update",
            "--no-first-run",
            "--proxy-server=127.0.0.1:9",  # where nothing listens
            "--proxy-bypass-list=<-loopback>",  # which is asked for this machine too
            f"--user-data-dir={folder}/profile",
            "--no-pdf-header-footer",
            f"--print-to-pdf={printed}",
            copy.as_uri(),
        ]
        words = _run(command, patience)
        if not printed.is_file():
            msg = f"{pdf} was not printed by {Path(browser).name}: {words or 'it said nothing'}; {page} is kept"
            raise DataError(msg)
        with told(str(pdf)):
            replace_file(pdf, printed.read_bytes())


def _held_to_itself(content: bytes) -> bytes:
    """Put the policy before all that a page holds."""
    doctype = re.match(rb"\s*<!doctype[^>]*>", content, re.IGNORECASE)
    start = doctype.end() if doctype else 0
    policy = f'<meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    return content[:start] + policy.encode() + content[start:]


def _run(command: list[str], patience: float) -> str:
    """Run a browser, and return the last line that it said; stop it with all that it started when time is up."""
    with subprocess.Popen(  # noqa: S603 - the browser of the system, without a shell
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, start_new_session=True
    ) as process:
        try:
            _, said = process.communicate(timeout=patience)
        except BaseException as error:  # an interrupt too: what it started is in a session of its own
            with suppress(ProcessLookupError):
                os.killpg(process.pid, 9)
            process.communicate()
            if isinstance(error, subprocess.TimeoutExpired):
                return f"it took more than {patience:g} s"
            raise
    lines = said.decode(errors="replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _is_root() -> bool:
    return hasattr(os, "geteuid") and os.geteuid() == 0
