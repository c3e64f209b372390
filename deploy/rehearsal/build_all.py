"""Every image, built from a copy of the repository in which secrets lie about, and searched for them."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from engine import BUILD_OPTIONS, ROOT, RUN_OPTIONS, build_stand_in, certificates, ensure_base, run
from layers import files_with, layers_of, size_above, unwanted_in
from story import Story, expect

IMAGES = ("training", "api", "eda", "jupyter", "mlflow")  # in this order, since later ones share layers of earlier ones
TAG = "rehearsed"
#: Most megabytes that the image of the API may add to its base image.
API_MEGABYTES = 250
SECRET = "planted-secret-5f0c2d"  # noqa: S105 - it opens nothing
#: Where people keep secrets in a clone.
PLANTED = (
    ".env",
    ".git/config",
    "deploy/.env",
    "package/.env",
    "package/prod.env",
    "package/classification_model/.env",
    "package/server.key",
    "classification_api/.env",
    "classification_api/app/tls.pem",
    "examples/companydata/.env",
    "examples/companydata/data_science/.env",
    "notebooks/.env",
)


def build_all(story: Story) -> dict[str, str]:
    """Build the images and the stand-ins.

    Returns
    -------
    dict of str to str
        Variables for compose that name them.
    """
    with story.step("The base image, from Debian's packages"):
        base = ensure_base()
    with story.step("Stand-ins for the images of PostgreSQL and nginx, from Debian's packages"):
        stand_ins = {name: build_stand_in(name, base) for name in ("database", "proxy")}
    folder = Path(tempfile.mkdtemp(prefix="clone-"))
    try:
        _copy_with_secrets(folder)
        for name in IMAGES:
            with story.step(f"The image {name}"):
                _build(name, base, folder)
            story.note(f"{size_above(_image(name), base):.0f} MB above the base image")
    finally:
        shutil.rmtree(folder)
    size = size_above(_image("api"), base)
    expect(size < API_MEGABYTES, f"less than {API_MEGABYTES} MB of the API above its base image", f"{size:.0f} MB")
    with story.step("Each image starts as in production, without a network"):
        _try()
    with story.step("No layer of any image has a secret, a test or a cache"):
        _search(base)
    return {
        "VERSION": TAG,
        "DATABASE_IMAGE": stand_ins["database"],
        "PROXY_IMAGE": stand_ins["proxy"],
        "IMAGE_PREFIX": "localhost",
    }


def _image(name: str) -> str:
    return f"localhost/classification-model-{name}:{TAG}"


def _copy_with_secrets(folder: Path) -> None:
    """Copy what git has or would take, and plant a secret wherever there might be one."""
    for name in run("git", "ls-files", "--cached", "--others", "--exclude-standard", "-z").split("\0"):
        source = ROOT / name
        if name and source.is_file():
            target = folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
    for name in PLANTED:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"PASSWORD={SECRET}\n", encoding="utf-8")


def _build(name: str, base: str, folder: Path) -> None:
    options = [f"--option={each}" for each in (*BUILD_OPTIONS, certificates(), f"--build-arg=BASE_IMAGE={base}")]
    run(sys.executable, folder / "deploy/images/build.py", "--tool=buildah", f"--tag={TAG}", *options, name)


def _try() -> None:
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write('[engine]\nruntime = "runc"\n')
        file.flush()
        options = [f"--option={each}" for each in ("--network=none", *RUN_OPTIONS[1:])]
        program = ROOT / "deploy/images/try_images.py"
        run(
            sys.executable, program, "--tool=podman", f"--tag={TAG}", *options, variables={"CONTAINERS_CONF": file.name}
        )


def _search(base: str) -> None:
    """Search all layers; before, see that the search finds what a later layer removed."""
    with tempfile.TemporaryDirectory() as context:
        lines = (f"FROM {base}", f"RUN mkdir /opt/tests && echo {SECRET} > /opt/tests/secret", "RUN rm -r /opt/tests")
        (Path(context) / "Dockerfile").write_text("\n".join(lines), encoding="utf-8")
        leaking = "localhost/leaking:latest"
        run("buildah", "bud", *BUILD_OPTIONS, f"--tag={leaking}", context)
    layers = layers_of(leaking)
    expect(files_with(SECRET, layers), "that the search finds a secret in a lower layer", "nothing")
    expect(unwanted_in(layers), "that the search finds a test in a lower layer", "nothing")
    run("podman", "rmi", leaking)
    ours = {layer for name in IMAGES for layer in layers_of(_image(name))} - set(layers_of(base))
    found = files_with(SECRET, sorted(ours)) + unwanted_in(sorted(ours))
    expect(not found, "no secret, test or cache in the layers", f"{len(found)}: {', '.join(found[:10])}")
