"""Search the layers of images, also for files that a later layer removed."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

from engine import inspect
from story import expect

#: What no layer above the base image may have, by its path from the root of the layer.
UNWANTED = re.compile(
    r"(^|/)tests?/"
    r"|(^|/)\.(env|git|dockerignore|pytest_cache|mypy_cache|ruff_cache|cache|npm)(/|$)"
    r"|^var/(cache/apt|lib/apt/lists)/|^root/|\.(pem|key)$"
)
#: Certificates of authorities, which are no secret, come with packages.
_PUBLIC = re.compile(r"/(certifi|botocore|grpc|pip/_vendor/certifi)/.*\.pem$|^etc/ssl/certs/|^usr/share/")


def layers_of(image: str) -> list[Path]:
    """Return the folders of an image's layers, as the overlay driver keeps them, the lowest first."""
    driver = inspect("image", image)["GraphDriver"]
    expect(driver["Name"] == "overlay", "images that are kept by the overlay driver", driver["Name"])
    upper_first = [driver["Data"]["UpperDir"], *driver["Data"].get("LowerDir", "").split(":")]
    return [Path(folder) for folder in reversed(upper_first) if folder]


def unwanted_in(layers: list[Path]) -> list[str]:
    """Return the files in layers that match `UNWANTED`."""
    return sorted(
        str(layer / path)
        for layer in layers
        for path in _paths_in(layer)
        if UNWANTED.search(path) and not _PUBLIC.search(path)
    )


def _paths_in(layer: Path) -> Iterator[str]:
    """Yield the regular files of a layer; the marks of removed files are devices."""
    start = len(str(layer)) + 1
    for folder, _, files in os.walk(layer):
        for name in files:
            path = f"{folder}/{name}"
            if stat.S_ISREG(os.lstat(path).st_mode):
                yield path[start:]


def files_with(text: str, layers: list[Path]) -> list[str]:
    """Return the files in layers that hold a text."""
    command = ["grep", "--recursive", "--fixed-strings", "--text", "--files-with-matches", "--devices=skip", "-e", text]
    done = subprocess.run([*command, "--", *layers], capture_output=True, text=True, check=False)
    expect(done.returncode in {0, 1}, "that grep reads every layer", done.stderr)
    return done.stdout.splitlines()


def size_above(image: str, base: str) -> float:
    """Return the megabytes that an image adds to its base image."""
    return float(inspect("image", image)["Size"] - inspect("image", base)["Size"]) / 1e6
