"""GitHub's releases on loopback: what the API answers of them, and the program ``gh`` that makes one.

A stand-in for the one service of a release that cannot be run here. As on GitHub, an asset is answered by a redirection
to a storage that refuses a request with a token, and has the digest that its bytes had when it was uploaded.
"""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

REPOSITORY = "maintainers/classification-model"
_RELEASE = "release.json"


class GitHub:
    """The releases in a folder: one folder each, named for its tag.

    Parameters
    ----------
    store
        The folder.
    url
        Where the API answers.
    """

    def __init__(self, store: Path, url: str) -> None:
        self.store = store
        self.url = url
        self.token = secrets.token_hex(20)

    @property
    def tags(self) -> list[str]:
        """Tags of the releases."""
        return sorted(path.parent.name for path in self.store.glob(f"*/{_RELEASE}"))

    def asset(self, tag: str, pattern: str) -> Path:
        """Return the only asset of a release whose name fits a pattern."""
        (path,) = (self.store / tag).glob(pattern)
        return path

    def digest(self, tag: str, name: str) -> str:
        """Return the SHA-256 that an asset had when it was uploaded."""
        return str(json.loads((self.store / tag / _RELEASE).read_text(encoding="utf-8"))[name])

    def release(self, tag: str, assets: list[Path]) -> None:
        """Make a release without the program ``gh``."""
        (self.store / tag).mkdir()
        digests = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in assets}
        for path in assets:
            shutil.copy(path, self.store / tag)
        (self.store / tag / _RELEASE).write_text(json.dumps(digests), encoding="utf-8")

    def releases(self) -> list[dict[str, Any]]:
        """Return what the API says of the releases."""
        found = []
        for tag in self.tags:
            digests = json.loads((self.store / tag / _RELEASE).read_text(encoding="utf-8"))
            assets = [
                {"name": name, "url": f"{self.url}/assets/{tag}/{name}", "digest": f"sha256:{digest}"}
                for name, digest in digests.items()
            ]
            found.append({"tag_name": tag, "draft": False, "prerelease": False, "assets": assets})
        return found


@contextmanager
def running_github(store: Path) -> Iterator[GitHub]:
    """Answer as the API of GitHub on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            authorization = self.headers.get("Authorization")
            if parts.path.startswith("/storage/"):
                file = store / parts.path.removeprefix("/storage/")
                self.answer(400, b"no token is expected here") if authorization else self.answer(200, file.read_bytes())
            elif authorization != f"Bearer {github.token}":
                self.answer(401, b'{"message": "Bad credentials"}')
            elif parts.path.startswith("/assets/"):
                self.answer(302, b"", f"{url}{parts.path.replace('/assets/', '/storage/', 1)}")
            elif parts.path == f"/repos/{REPOSITORY}/releases":
                is_first = parse_qs(parts.query).get("page", ["1"]) == ["1"]
                self.answer(200, json.dumps(github.releases() if is_first else []).encode())
            else:
                self.answer(404, b'{"message": "Not Found"}')

        def answer(self, status: int, content: bytes, location: str = "") -> None:
            self.send_response(status)
            if location:
                self.send_header("Location", location)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the method
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    store.mkdir()
    github = GitHub(store, url)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield github
    finally:
        server.shutdown()
        server.server_close()


_GH = '''#!{python}
"""Do what `gh release create` and `gh api` do of it, with folders in the place of GitHub."""
import argparse, hashlib, json, os, pathlib, shutil, subprocess, sys

if (os.environ.get("GH_TOKEN"), os.environ.get("GH_REPO")) != ({token!r}, {repository!r}):
    sys.exit("HTTP 401: Bad credentials")
if sys.argv[1] == "api":
    prefix = "repos/" + {repository!r} + "/commits/tags/"
    if not sys.argv[2].startswith(prefix) or sys.argv[3:] != ["--jq", ".sha"]:
        sys.exit("HTTP 404: Not Found")
    commit = sys.argv[2].removeprefix(prefix) + "^{{commit}}"
    sys.exit(subprocess.run(["git", "-C", {checkout!r}, "rev-parse", "--verify", commit]).returncode)
parser = argparse.ArgumentParser(prog="gh", allow_abbrev=False)
parser.add_argument("noun", choices=["release"])
parser.add_argument("verb", choices=["create"])
parser.add_argument("tag")
parser.add_argument("--verify-tag", action="store_true", required=True)
parser.add_argument("--title", required=True)
parser.add_argument("--notes-file", type=pathlib.Path, required=True)
parser.add_argument("assets", nargs="+", type=pathlib.Path)
given = parser.parse_intermixed_args()
release = pathlib.Path({store!r}, given.tag)
if release.exists():
    sys.exit("HTTP 422: a release with the same tag name already exists: " + given.tag)
digests = {{}}
staging = release.with_name("staging")
staging.mkdir()
(staging / "notes").write_text(given.notes_file.read_text(encoding="utf-8"), encoding="utf-8")
for asset in given.assets:
    shutil.copy(asset, staging)
    digests[asset.name] = hashlib.sha256(asset.read_bytes()).hexdigest()
(staging / {listing!r}).write_text(json.dumps(digests), encoding="utf-8")
staging.rename(release)
'''


def write_gh(folder: Path, github: GitHub, checkout: Path) -> None:
    """Put a program ``gh`` into a folder, which makes releases in the store and knows the tags of a checkout."""
    folder.mkdir(exist_ok=True)
    text = _GH.format(
        python=sys.executable,
        token=github.token,
        repository=REPOSITORY,
        checkout=str(checkout),
        store=str(github.store),
        listing=_RELEASE,
    )
    (folder / "gh").write_text(text, encoding="utf-8")
    (folder / "gh").chmod(0o755)
