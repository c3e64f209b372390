"""Build the images of this repository: ``python deploy/images/build.py --tool docker --tag 1.0.0 [NAME ...]``.

``make build-images`` calls it. It needs the standard library alone, and one of docker, podman and buildah.
"""

from __future__ import annotations

import argparse
import subprocess
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: Each has its Dockerfile in ``deploy/NAME/``.
NAMES = ("api", "training", "eda", "jupyter", "mlflow")
#: The command of each tool that builds.
TOOLS = {"docker": "build", "podman": "build", "buildah": "bud"}


def image(name: str, tag: str) -> str:
    """Return the local name of an image, such as ``classification-model-api:1.0.0``."""
    return f"classification-model-{name}:{tag}"


def run(*command: str | Path) -> str:
    """Run a command that must succeed, and return what it prints; errors go to standard error.

    Raises
    ------
    SystemExit
        If it fails, or its program is not installed.
    """
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    except FileNotFoundError:
        raise SystemExit(
            f"expected the program {command[0]}, found none: install it, or choose another --tool"
        ) from None
    print(done.stdout, end="")
    if done.returncode:
        raise SystemExit(f"{command[0]} {command[1]} failed with exit code {done.returncode}")
    return done.stdout


def build(tool: str, tag: str, names: Sequence[str], options: Sequence[str] = (), root: Path = ROOT) -> None:
    """Build images from the root of the repository.

    Parameters
    ----------
    tool
        A key of `TOOLS`.
    tag
        Tag of each image, such as the version.
    names
        Some of `NAMES`.
    options
        Further options of the tool, such as ``--build-arg=BASE_IMAGE=...``.
    root
        The build context.
    """
    for name in names:
        file = root / "deploy" / name / "Dockerfile"
        print(f"building {image(name, tag)}", flush=True)
        label = f"--label=org.opencontainers.image.version={tag}"
        run(tool, TOOLS[tool], f"--file={file}", f"--tag={image(name, tag)}", label, *options, root)


def parser(description: str, actions: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return a parser of the arguments that both programs here have, and of an action where there are several."""
    made = argparse.ArgumentParser(description=description)
    if actions:
        made.add_argument("action", choices=actions)
    made.add_argument("--tool", choices=TOOLS, required=True)
    made.add_argument("--tag", required=True, help="tag of the images, such as the version")
    made.add_argument("--option", action="append", default=[], help="further option of the tool, as --option=--x=y")
    made.add_argument("names", nargs="*", metavar="NAME", help=f"{', '.join(NAMES)}; all by default")
    return made


def parsed(made: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """Parse the arguments; refuse the name of an image that does not exist."""
    given = made.parse_args(arguments)
    given.names = given.names or list(NAMES)
    if unknown := sorted(set(given.names) - set(NAMES)):
        made.error(f"expected names among {', '.join(NAMES)}, found {', '.join(unknown)}")
    return given


if __name__ == "__main__":
    wanted = parsed(parser("Build the images of this repository."))
    build(wanted.tool, wanted.tag, wanted.names, wanted.option)
