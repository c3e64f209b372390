"""The last release, fetched from an API as GitHub's on loopback."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import Run

WHEEL = b"PK: a wheel"
DIGEST = hashlib.sha256(WHEEL).hexdigest()
NAME = "model-1.1.0-py3-none-any.whl"
Answers = dict[str, tuple[int, bytes]]


class Api:
    """What the API answers, by path, and the headers that it saw."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.answers: Answers = {}
        self.seen: dict[str, str | None] = {}

    def serve(self, *releases: dict[str, Any]) -> None:
        """Answer these releases, on one page."""
        self.answers["/repos/owner/name/releases?per_page=100&page=1"] = (200, json.dumps(releases).encode())

    def release(self, tag: str, *, sums: str | None = f"{DIGEST}  {NAME}\n", **other: Any) -> dict[str, Any]:
        """Make a release with a wheel and its SHA256SUMS."""
        self.answers |= {f"/{tag}/wheel": (200, WHEEL), f"/{tag}/sums": (200, (sums or "").encode())}
        assets = [{"name": NAME, "url": f"{self.url}/{tag}/wheel", "digest": f"sha256:{DIGEST}"}]
        if sums is not None:
            assets.append({"name": "SHA256SUMS", "url": f"{self.url}/{tag}/sums"})
        return {"tag_name": tag, "draft": False, "prerelease": False, "assets": assets} | other


def handler(get: Callable[[], Api]) -> type[BaseHTTPRequestHandler]:
    """Make a handler of the answers of an API."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api = get()
            api.seen[self.path] = self.headers.get("Authorization")
            status, content = api.answers.get(self.path, (404, b"{}"))
            self.send_response(status)
            if status == 302:
                self.send_header("Location", content.decode())
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is that of the method
            """Print nothing."""

    return Handler


@pytest.fixture
def api() -> Iterator[Api]:
    """Start an API without releases."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(lambda: found))
    found = Api(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def fetch(api: Api, run: Run) -> Callable[[], Any]:
    """Return a function that fetches the last release before version 1.2.3."""
    return lambda: run("fetch_last_release.py", GITHUB_API_URL=api.url, GITHUB_REPOSITORY="owner/name", GH_TOKEN="it")  # noqa: S106


def test_the_wheel_of_the_last_release_is_fetched(api: Api, fetch: Callable[[], Any], repository: Path) -> None:
    """The highest version below this one counts, whatever the order; drafts, pre-releases and other tags do not."""
    others = [
        api.release("1.0.9"),
        api.release("1.2.0", draft=True),
        api.release("1.2.1", prerelease=True),
        api.release("1.2.3"),
        api.release("1.3.0"),
        api.release("images-7"),
    ]
    api.serve(*others[:1], api.release("1.1.0"), *others[1:])
    done = fetch()
    assert done.returncode == 0, done.stderr
    folder = repository / "build" / "last-release"
    found = json.loads((folder / "release.json").read_text(encoding="utf-8"))
    assert found == {"tag": "1.1.0", "wheel": NAME, "passed_over": []}
    assert (folder / NAME).read_bytes() == WHEEL


def test_the_first_release_has_nothing_to_be_compared_with(
    api: Api, fetch: Callable[[], Any], repository: Path
) -> None:
    """It is the first only if the repository has no release at all."""
    api.serve()
    done = fetch()
    assert (done.returncode, done.stdout) == (0, "no release yet: there is nothing to compare with\n")
    found = json.loads((repository / "build" / "last-release" / "release.json").read_text(encoding="utf-8"))
    assert found == {"tag": None, "wheel": None, "passed_over": []}


@pytest.mark.parametrize(("tag", "is_early"), [("1.2.4", False), ("v1.0.0", False), ("1.0.0", True)])
def test_releases_of_which_none_can_be_the_last_are_not_taken_for_none(
    tag: str, is_early: bool, api: Api, fetch: Callable[[], Any], run: Run
) -> None:
    """A higher version, a tag of another form and a pre-release stop the release until a person approves."""
    api.serve(api.release(tag, prerelease=is_early))
    assert fetch().returncode == 0
    done = run("compare_models.py")
    assert done.returncode == 1
    assert done.stderr.startswith("1.2.3 cannot be compared with an earlier release: expected one of a version such as")
    assert f"found {tag}: to release it all the same, set the variable UNCOMPARED_VERSION to 1.2.3\n" in done.stderr
    assert run("compare_models.py", UNCOMPARED_VERSION="1.2.3").returncode == 0


def test_releases_that_cannot_be_read_are_not_taken_for_none(fetch: Callable[[], Any]) -> None:
    """A repository of another name, or a token without rights, is an error in one line."""
    done = fetch()
    assert done.returncode == 1
    assert done.stderr.endswith(
        "/repos/owner/name/releases: expected the releases of the repository, found: Not Found\n"
    )


def test_an_answer_that_is_no_list_of_releases_is_an_error_in_one_line(api: Api, fetch: Callable[[], Any]) -> None:
    """Another service at that address is not taken for a repository without releases."""
    for content in (b"<html>", b'{"message": "moved"}'):
        api.answers["/repos/owner/name/releases?per_page=100&page=1"] = (200, content)
        done = fetch()
        assert done.returncode == 1
        assert done.stderr.endswith("expected a list of releases, found something else: check GITHUB_API_URL\n")
        assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("sums", [f"{'0' * 64}  {NAME}\n", f"{DIGEST}  other.whl\n", ""])
def test_a_wheel_that_its_sums_do_not_list_is_refused(
    sums: str, api: Api, fetch: Callable[[], Any], repository: Path
) -> None:
    """The message names the file, and nothing is left to compare with."""
    api.serve(api.release("1.1.0", sums=sums))
    done = fetch()
    assert done.returncode == 1
    assert done.stderr.startswith(f"{NAME} of the release 1.1.0: expected sha256 ")
    assert "by its line in SHA256SUMS" in done.stderr
    assert list((repository / "build" / "last-release").iterdir()) == []


def test_a_wheel_that_is_not_what_was_uploaded_is_refused(api: Api, fetch: Callable[[], Any]) -> None:
    """Bytes that differ from what GitHub stored at the upload are no release."""
    release = api.release("1.1.0")
    release["assets"][0]["digest"] = f"sha256:{'0' * 64}"
    api.serve(release)
    done = fetch()
    assert done.returncode == 1
    assert f"expected sha256 {'0' * 64} by the digest of the asset, found {DIGEST}" in done.stderr


def test_a_release_without_sums_is_refused(api: Api, fetch: Callable[[], Any]) -> None:
    """The message lists what there is."""
    api.serve(api.release("1.1.0", sums=None))
    done = fetch()
    assert done.returncode == 1
    assert f"expected one wheel and SHA256SUMS among its assets, found {NAME}" in done.stderr


def test_the_token_is_not_sent_to_the_storage_that_an_asset_is_redirected_to(
    api: Api, fetch: Callable[[], Any]
) -> None:
    """It is for the API alone."""
    api.serve(api.release("1.1.0"))
    api.answers |= {"/1.1.0/wheel": (302, f"{api.url}/storage".encode()), "/storage": (200, WHEEL)}
    done = fetch()
    assert done.returncode == 0, done.stderr
    assert (api.seen["/1.1.0/wheel"], api.seen["/storage"]) == ("Bearer it", None)


def test_all_pages_of_releases_are_read(api: Api, fetch: Callable[[], Any], repository: Path) -> None:
    """The last version may be on a later page."""
    api.serve(*[api.release(f"0.1.{number}") for number in range(100)])
    api.answers["/repos/owner/name/releases?per_page=100&page=2"] = (200, json.dumps([api.release("1.1.0")]).encode())
    assert fetch().returncode == 0
    assert '"1.1.0"' in (repository / "build" / "last-release" / "release.json").read_text(encoding="utf-8")
