"""Fetch the wheel of the last release from GitHub, and check its hash.

``make fetch-last-release`` calls it. The wheel is an asset of the release, never a package of an index: on PyPI, the
name of the distribution may belong to somebody else. Two hashes must be those of the bytes: the digest that GitHub
computed when the asset was uploaded, and the line for it in the release's ``SHA256SUMS``. They find a damaged file or a
replaced one, but not somebody who may write releases and replaces both.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from http.client import HTTPException
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

from repository import LAST_RELEASE, OUTPUT, SUMS, parsed, read_version

#: The file in LAST_RELEASE that says what was found there.
FOUND = "release.json"
_PAGE = 100
_SECONDS = 60


def main() -> None:
    """Put the last release into `LAST_RELEASE`: its wheel, and ``release.json``, whose tag is null if there is none.

    Then ``passed_over`` lists the releases that cannot be the last one, so that the first release alone passes without
    a comparison.

    Raises
    ------
    SystemExit
        If the releases cannot be read, or the wheel is not the one that was released.
    """
    shutil.rmtree(LAST_RELEASE, ignore_errors=True)
    shutil.rmtree(OUTPUT, ignore_errors=True)  # of an earlier run
    LAST_RELEASE.mkdir(parents=True)
    releases = read_releases()
    release = last_release(releases, read_version())
    passed_over = [str(one["tag_name"]) for one in releases] if release is None else []
    found: dict[str, str | list[str] | None] = {"tag": None, "wheel": None, "passed_over": passed_over}
    if passed_over:
        print(f"no release to compare with among {len(passed_over)}: the comparison asks for a person's approval")
    elif release is None:
        print("no release yet: there is nothing to compare with")
    else:
        name, content = fetch_wheel(release)
        (LAST_RELEASE / name).write_bytes(content)
        found |= {"tag": release["tag_name"], "wheel": name}
        print(f"{name} of the release {release['tag_name']}: sha256 {hashlib.sha256(content).hexdigest()}, as released")
    (LAST_RELEASE / FOUND).write_text(json.dumps(found), encoding="utf-8")


def read_releases() -> list[dict[str, Any]]:
    """Return what the API of GitHub says of each release of the repository in ``GITHUB_REPOSITORY``."""
    api = os.environ.get("GITHUB_API_URL", "https://api.github.com")
    name = os.environ.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", name):
        raise SystemExit(f"GITHUB_REPOSITORY: expected owner/name of the repository with the releases, found {name!r}")
    releases: list[dict[str, Any]] = []
    while len(releases) % _PAGE == 0:
        page = len(releases) // _PAGE + 1
        content = fetch(f"{api}/repos/{name}/releases?per_page={_PAGE}&page={page}", "application/vnd.github+json")
        try:
            more = json.loads(content)
        except ValueError:
            more = None
        if not isinstance(more, list):
            raise SystemExit(f"{api}: expected a list of releases, found something else: check GITHUB_API_URL")
        if not more:
            break
        releases += more
    return releases


def last_release(releases: list[dict[str, Any]], version: tuple[int, int, int]) -> dict[str, Any] | None:
    """Return the release of the highest version below `version`; drafts and pre-releases do not count."""
    versions = {}
    for release in releases:
        number = parsed(release["tag_name"])
        if number is not None and number < version and not release["draft"] and not release["prerelease"]:
            versions[number] = release
    return versions[max(versions)] if versions else None


def fetch_wheel(release: dict[str, Any]) -> tuple[str, bytes]:
    """Return name and content of the only wheel of a release.

    Raises
    ------
    SystemExit
        If there is no such wheel, or one of its hashes is not that of the content.
    """
    tag, assets = release["tag_name"], {asset["name"]: asset for asset in release["assets"]}
    wheels = [name for name in assets if re.fullmatch(r"[\w.+-]+\.whl", name)]
    if len(wheels) != 1 or SUMS.name not in assets:
        raise SystemExit(
            f"the release {tag}: expected one wheel and {SUMS.name} among its assets, found "
            f"{', '.join(sorted(assets)) or 'none'}: add what is missing, or delete the release"
        )
    name = wheels[0]
    content = fetch(assets[name]["url"], "application/octet-stream")
    sums = fetch(assets[SUMS.name]["url"], "application/octet-stream").decode("utf-8", "replace")
    claimed = {file: digest for digest, file in re.findall(r"^([0-9a-f]{64})  (\S+)$", sums, re.MULTILINE)}
    actual = hashlib.sha256(content).hexdigest()
    for where, digest in (
        (f"its line in {SUMS.name}", claimed.get(name)),
        ("the digest of the asset", str(assets[name].get("digest")).removeprefix("sha256:")),
    ):
        if digest != actual:
            raise SystemExit(
                f"{name} of the release {tag}: expected sha256 {digest} by {where}, found {actual}: the asset is "
                "not what was released; find out who changed it before you release anything"
            )
    return name, content


def fetch(url: str, media_type: str) -> bytes:
    """Return what a URL of the API answers, as the user of ``GH_TOKEN`` if it is set.

    Raises
    ------
    SystemExit
        If it does not answer.
    """
    request = Request(url, headers={"Accept": media_type, "X-GitHub-Api-Version": "2022-11-28"})  # noqa: S310 - https, or what the environment names
    if token := os.environ.get("GH_TOKEN"):
        # Unredirected: an asset lies on another host, which must not see the token.
        request.add_unredirected_header("Authorization", f"Bearer {token}")
    try:
        with urlopen(request, timeout=_SECONDS) as reply:  # noqa: S310 - as above
            content: bytes = reply.read()
    except (URLError, HTTPException, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise SystemExit(
            f"{url.partition('?')[0]}: expected the releases of the repository, found: {reason}"
        ) from error
    return content


if __name__ == "__main__":
    main()
