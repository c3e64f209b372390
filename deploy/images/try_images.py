"""Start each image as in production: ``python deploy/images/try_images.py --tool docker --tag 1.0.0 [NAME ...]``.

``make try-images`` calls it: after the build, on the base image that users get, and before anything is pushed.
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Sequence

from build import image, parsed, parser, run

#: What a container may do: nothing but its work.
HARDENED = ("--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges")
#: Images that serve, with the options that they need; their own health check decides.
SERVERS = {"api": ("--volume=/log",), "jupyter": ("--env=JUPYTER_TOKEN=tried",), "mlflow": ("--volume=/mlflow",)}
PRINT = """
from pathlib import Path
from classification_model.reporting.pdf import print_pdf
Path("/tmp/page.html").write_text("<!doctype html>a page")
print_pdf(Path("/tmp/page.html"), Path("/tmp/page.pdf"))
"""
#: Other images, with the command that has to succeed.
COMMANDS = {
    "training": ("python", "-c", "import data_engineering.etl, data_science.main, mlflow"),
    "eda": ("python", "-c", PRINT),
}
#: Seconds for a server to become healthy.
PATIENCE = 120


def try_image(tool: str, tag: str, name: str, options: Sequence[str] = ()) -> None:
    """Start an image, and wait until it works.

    Parameters
    ----------
    tool
        ``docker`` or ``podman``.
    tag
        Tag of the image.
    name
        Name of the image, as in `build.NAMES`.
    options
        Further options of ``run``.

    Raises
    ------
    SystemExit
        If it does not work in time.
    """
    if name in COMMANDS:
        run(tool, "run", "--rm", *HARDENED, *options, image(name, tag), *COMMANDS[name])
    else:
        _try_server(tool, tag, name, options)
    print(f"{image(name, tag)} works", flush=True)


def _try_server(tool: str, tag: str, name: str, options: Sequence[str]) -> None:
    (found,) = json.loads(subprocess.check_output([tool, "image", "inspect", image(name, tag)], text=True))
    check = (found.get("Healthcheck") or found["Config"]["Healthcheck"])["Test"][1:]  # as podman and as docker say it
    container = run(tool, "run", "--detach", *HARDENED, *SERVERS[name], *options, image(name, tag)).strip()
    try:
        end = time.monotonic() + PATIENCE
        while subprocess.run([tool, "exec", container, *check], capture_output=True, check=False).returncode:
            if time.monotonic() > end:
                raise SystemExit(f"expected {image(name, tag)} to become healthy within {PATIENCE} s, found it is not")
            time.sleep(0.5)
    finally:
        subprocess.run([tool, "logs", container], check=False)
        run(tool, "rm", "--force", "--volumes", container)


if __name__ == "__main__":
    wanted = parsed(parser("Start each image as it is run in production."))
    for each in wanted.names:
        try_image(wanted.tool, wanted.tag, each, wanted.option)
