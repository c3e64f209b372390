"""Refuse an sdist or a wheel that holds anything but what is committed, the verified model and the metadata.

``make release-build`` calls it with the folder of both. A file that lies in the tree and is not committed, such as one
with a password, is never published, wherever it lies.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from repository import ROOT, git

#: The metadata that the build makes, by name: any other file in these folders may be somebody's.
_METADATA = re.compile(
    r"PKG-INFO"
    r"|[^/]+\.egg-info/(PKG-INFO|SOURCES\.txt|(requires|entry_points|top_level|dependency_links)\.txt)"
    r"|[^/]+\.dist-info/(METADATA|WHEEL|RECORD|(entry_points|top_level)\.txt|licenses/LICENSE)"
)
#: What setuptools writes into an sdist if there is no such file in the tree; it adds these lines to one that is there.
_SETUP_CFG = "[egg_info]\ntag_build = \ntag_date = 0\n\n"
_MODEL = re.compile(r"(?P<folder>classification_model/trained_models/[^/]+)/(?P<name>.+)")
LARGEST_WHEEL = 5_000_000


def main(dist: Path) -> None:
    """Check every file of every archive in a folder.

    Parameters
    ----------
    dist
        Folder with one sdist and one wheel.

    Raises
    ------
    SystemExit
        If a file is not committed or differs from what is, or the wheel is larger than 5 MB.
    """
    committed = {
        name.removeprefix("package/"): blob
        for blob, name in re.findall(
            r"^\d+ blob ([0-9a-f]+)\t(.+)$", git("ls-tree", "-r", "HEAD", "package/"), re.MULTILINE
        )
    }
    for path in sorted(dist.iterdir()):
        count = 0
        for name, content in contents(path):
            check_file(path.name, name, content, committed)
            count += 1
        size = path.stat().st_size
        if path.suffix == ".whl" and size > LARGEST_WHEEL:
            raise SystemExit(f"{path.name}: expected at most {LARGEST_WHEEL} bytes, found {size}: ship a smaller model")
        print(f"{path.name}: {count} files, all committed, of the model or metadata; {size} bytes")


def contents(path: Path) -> Iterator[tuple[str, bytes]]:
    """Yield name and content of each file of an archive; an sdist's without its folder."""
    if path.suffix == ".whl":
        with zipfile.ZipFile(path) as wheel:
            for name in wheel.namelist():
                yield name, wheel.read(name)
        return
    with tarfile.open(path) as sdist:
        for member in sdist.getmembers():
            name = member.name.partition("/")[2]
            if member.isdir():
                continue
            file = sdist.extractfile(member) if member.isfile() else None
            if file is None:
                raise SystemExit(f"{path.name}: {name}: expected a file, found a link or a device: remove it")
            yield name, file.read()


def check_file(archive: str, name: str, content: bytes, committed: dict[str, str]) -> None:
    """Refuse a file that is neither metadata, nor of the model, nor the same as committed."""
    where = f"{archive}: {name}"
    model = _MODEL.fullmatch(name)
    if model is not None:
        manifest = (ROOT / "package" / model["folder"] / "manifest.json").read_bytes()
        listed = json.loads(manifest)["files"].get(model["name"], {}).get("sha256")
        expected = hashlib.sha256(manifest).hexdigest() if model["name"] == "manifest.json" else listed
        if hashlib.sha256(content).hexdigest() != expected:
            raise SystemExit(f"{where}: expected a file that the model's manifest lists, found another one: remove it")
        return
    blob = committed.get(name)
    if name == "setup.cfg":
        if content.decode("utf-8", "replace") != _SETUP_CFG:
            raise SystemExit(f"{where}: expected what setuptools writes and nothing else, found more: remove the file")
        return
    if blob is None and _METADATA.fullmatch(name):
        return
    if blob is None:
        raise SystemExit(f"{where}: expected a committed file, found one that git does not track: remove or commit it")
    if blob != hashlib.sha1(b"blob %d\0%b" % (len(content), content), usedforsecurity=False).hexdigest():
        raise SystemExit(f"{where}: expected what is committed, found other content: commit it")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
