"""Podman and buildah, as root, where no image can be pulled and containers get no network of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from story import RehearsalError, expect

ROOT = Path(__file__).resolve().parents[2]
STAND_INS = Path(__file__).with_name("stand_ins")
#: What a container is run with.
GLOBAL_OPTIONS = ("--runtime", "runc")
RUN_OPTIONS = ("--network=host", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000")
BUILD_OPTIONS = ("--isolation=chroot", "--network=host", "--format=docker", "--layers")
#: Where Debian's packages and the certificates of this machine are; the base image is this Debian.
_DEBIAN, _PACKAGES = "bookworm", "python3,python3-venv,python3-pip,ca-certificates"
BASE = "localhost/rehearsed-base:bookworm"
_CERTIFICATES = "/etc/ssl/certs"


def run(*command: str | Path, check: bool = True, variables: Mapping[str, str] | None = None) -> str:
    """Run a program and return what it prints on standard output.

    Raises
    ------
    RehearsalError
        If it fails and that is an error, or it is not there; with the end of what it said.
    """
    try:
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=os.environ | dict(variables or {}),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except FileNotFoundError:
        msg = f"expected the program {command[0]}, found none: install it"
        raise RehearsalError(msg) from None
    if check and done.returncode:
        said = "\n".join([*done.stdout.splitlines()[-20:], *done.stderr.splitlines()[-40:]])
        msg = f"{' '.join(map(str, command))} ended with exit code {done.returncode}:\n{said}"
        raise RehearsalError(msg)
    return done.stdout


def podman(*arguments: str, check: bool = True) -> str:
    """Run podman."""
    return run("podman", *GLOBAL_OPTIONS, *arguments, check=check)


def run_container(*arguments: str, check: bool = True) -> str:
    """Run a container that is removed when it ends; return what it prints."""
    return podman("run", "--rm", *RUN_OPTIONS, *arguments, check=check)


def inspect(kind: str, name: str) -> dict[str, Any]:
    """Return what podman knows of a container or an image."""
    found = json.loads(podman(kind, "inspect", name))
    return dict(found[0])


def has_image(name: str) -> bool:
    """Return whether an image is there."""
    done = subprocess.run(["podman", "image", "exists", name], check=False)
    return done.returncode == 0


def ensure_base() -> str:
    """Return the base image; make it from Debian's packages if it is not there.

    ``BASE_IMAGE`` names another one that is there.
    """
    if given := os.environ.get("BASE_IMAGE"):
        expect(has_image(given), f"the image {given} of BASE_IMAGE on this machine", "none")
        return given
    if not has_image(BASE):
        folder = Path(tempfile.mkdtemp(prefix="base-"))
        try:
            run("debootstrap", "--variant=minbase", f"--include={_PACKAGES}", _DEBIAN, folder / "root")
            shutil.rmtree(folder / "root/var/cache/apt")
            run("tar", "--create", "--file", folder / "base.tar", "--directory", folder / "root", ".")
            podman("import", str(folder / "base.tar"), BASE)
        finally:
            shutil.rmtree(folder)
    return BASE


def certificates() -> str:
    """Return the build option that shows this machine's certificates to the clients of package indexes."""
    return f"--volume={_CERTIFICATES}:{_CERTIFICATES}:ro"


def build_stand_in(name: str, base: str) -> str:
    """Build a stand-in for an image that cannot be pulled; return its name."""
    image = f"localhost/stand-in-{name}:latest"
    # Without the certificates of this machine, since a package of PostgreSQL's writes its own beside them.
    run("buildah", "bud", *BUILD_OPTIONS, f"--build-arg=BASE_IMAGE={base}", f"--tag={image}", STAND_INS / name)
    return image
