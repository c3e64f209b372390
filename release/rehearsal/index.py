"""A package index on loopback: pypiserver, which takes uploads with a token alone."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from passlib.apache import HtpasswdFile
from report import RehearsalError

_SECONDS = 30


class Index:
    """An index, and how it is used as a release uses PyPI."""

    def __init__(self, folder: Path, url: str, token: str) -> None:
        self.folder = folder
        self.url = url
        self.token = token

    @property
    def files(self) -> list[str]:
        """Names of the files that were uploaded."""
        return sorted(path.name for path in self.folder.iterdir())

    def upload(self, paths: list[Path], *, token: str | None = None) -> subprocess.CompletedProcess[str]:
        """Upload files by twine."""
        variables = {"TWINE_USERNAME": "__token__", "TWINE_PASSWORD": token or self.token}
        command = [sys.executable, "-m", "twine", "upload", "--non-interactive", "--disable-progress-bar", "--verbose"]
        command += ["--repository-url", f"{self.url}/", *map(str, paths)]
        return subprocess.run(
            command,
            env=os.environ | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def download(self, requirement: str, sha256: str, folder: Path) -> subprocess.CompletedProcess[str]:
        """Download one file of an exact version by pip, from this index alone, and check its hash."""
        folder.mkdir(exist_ok=True)
        requirements = folder / "requirements.txt"
        requirements.write_text(f"{requirement} --hash=sha256:{sha256}\n", encoding="utf-8")
        variables = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
        command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "download", "--no-deps"]
        command += ["--only-binary=:all:", "--no-cache-dir", "--require-hashes", "--requirement", str(requirements)]
        command += ["--index-url", f"{self.url}/simple/", "--dest", str(folder)]
        return subprocess.run(
            command,
            env=variables | {"PIP_CONFIG_FILE": os.devnull},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )


@contextmanager
def running_index(folder: Path) -> Iterator[Index]:
    """Start an index with one user, who has a token."""
    packages, users = folder / "packages", folder / "users"
    packages.mkdir(parents=True)
    token = f"pypi-{secrets.token_hex(20)}"
    accounts = HtpasswdFile(str(users), new=True)
    accounts.set_password("__token__", token)
    accounts.save()
    url = f"http://127.0.0.1:{(port := free_port())}"
    command = [sys.executable, "-m", "pypiserver", "run", "--interface", "127.0.0.1", "--port", str(port)]
    command += ["--disable-fallback", "--authenticate", "update", "--passwords", str(users), str(packages)]
    with (folder / "log").open("wb") as log, subprocess.Popen(command, stdout=log, stderr=log) as server:
        try:
            wait_for(f"{url}/simple/", server)
            yield Index(packages, url, token)
        finally:
            server.terminate()


def free_port() -> int:
    """Return a port of loopback on which nothing listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def wait_for(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers 200.

    Raises
    ------
    RehearsalError
        If it ends, or does not answer in time.
    """
    last = time.monotonic() + _SECONDS
    while time.monotonic() < last and server.poll() is None:
        try:
            with urlopen(url, timeout=_SECONDS) as reply:  # noqa: S310 - loopback
                if reply.status == 200:
                    return
        except (URLError, OSError):
            time.sleep(0.1)
    msg = f"{url}: expected an answer within {_SECONDS} s, found none"
    raise RehearsalError(msg)
