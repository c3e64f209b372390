"""Save, load and push images that `build` made: ``python deploy/images/publish.py push --tool docker --tag 1.0.0``.

``make save-images``, ``make load-images`` and ``make push-images`` call it. The workflow that publishes builds and
scans in one job, and pushes in another one, which alone may write to a registry. Archives are in ``build/images/``, and
so is the file with the name and digest of each image that was pushed.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from build import ROOT, image, parsed, parser, run

#: What is made here; git ignores it.
OUTPUT = ROOT / "build" / "images"
DIGESTS = "digests.txt"


def save(tool: str, tag: str, names: Sequence[str], folder: Path = OUTPUT) -> None:
    """Write each image into an archive that `load` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        archive = folder / f"{name}.tar"
        archive.unlink(missing_ok=True)
        if tool == "buildah":
            run(tool, "push", image(name, tag), f"docker-archive:{archive}:{image(name, tag)}")
        else:
            run(tool, "save", f"--output={archive}", image(name, tag))


def load(tool: str, names: Sequence[str], folder: Path = OUTPUT) -> None:
    """Read the images from their archives.

    Raises
    ------
    SystemExit
        If there is no archive.
    """
    for name in names:
        archive = folder / f"{name}.tar"
        if not archive.is_file():
            raise SystemExit(f"expected the image {name} in {archive}, found none: make save-images IMAGES={name}")
        if tool == "buildah":
            run(tool, "pull", f"docker-archive:{archive}")
        else:
            run(tool, "load", f"--input={archive}")


def push(
    tool: str, tag: str, names: Sequence[str], prefix: str, *, options: Sequence[str] = (), folder: Path = OUTPUT
) -> list[str]:
    """Push images, and record name and digest of each.

    Parameters
    ----------
    tool, tag, names
        As in `build`.
    prefix
        What comes before the name of each image: a registry and an owner, such as ``registry.example.com/owner``.
    options
        Further options of the tool's command ``push``.
    folder
        Where the file with the digests goes.

    Returns
    -------
    list of str
        For each image, ``PREFIX/NAME:TAG@sha256:DIGEST``.
    """
    prefix = prefix.lower().strip("/")  # a registry refuses capitals, which owners on GitHub may have
    if "/" not in prefix:
        raise SystemExit(f"expected a registry and an owner, such as registry.example.com/owner, found {prefix!r}")
    pushed = []
    for name in names:
        remote = f"{prefix}/{image(name, tag)}"
        digest = pushed_digest(tool, image(name, tag), remote, options)
        pushed.append(f"{remote}@{digest}")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / DIGESTS).write_text("".join(f"{line}\n" for line in pushed), encoding="utf-8")
    return pushed


def pushed_digest(tool: str, local: str, remote: str, options: Sequence[str]) -> str:
    """Push one image under its name in the registry; return the digest of its manifest there."""
    if tool != "docker":
        with TemporaryDirectory() as folder:
            file = Path(folder) / "digest"
            run(tool, "push", f"--digestfile={file}", *options, local, f"docker://{remote}")
            return file.read_text(encoding="utf-8").strip()
    run(tool, "tag", local, remote)
    found = re.findall(r"digest: (sha256:[0-9a-f]{64})", run(tool, "push", *options, remote))
    if len(found) != 1:
        raise SystemExit(f"expected one digest of {remote} from docker push, found {len(found)}")
    return str(found[0])


def summary(pushed: Sequence[str]) -> str:
    """Return a table of the images that were pushed, in Markdown."""
    rows = [each.partition("@") for each in pushed]
    lines = [f"| `{name}` | `{digest}` |" for name, _, digest in rows]
    return "\n".join(["| image | digest |", "|---|---|", *lines, ""])


if __name__ == "__main__":
    made = parser("Save, load or push images.", ("save", "load", "push"))
    made.add_argument("--prefix", default="", help="registry and owner to push to, such as registry.example.com/owner")
    wanted = parsed(made)
    if wanted.action == "save":
        save(wanted.tool, wanted.tag, wanted.names)
    elif wanted.action == "load":
        load(wanted.tool, wanted.names)
    else:
        text = summary(push(wanted.tool, wanted.tag, wanted.names, wanted.prefix, options=wanted.option))
        print(text)
        if file := os.environ.get("GITHUB_STEP_SUMMARY"):
            with Path(file).open("a", encoding="utf-8") as page:
                page.write(text)
