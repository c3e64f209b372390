"""Images built, saved, loaded and pushed by real tools, from small Dockerfiles, to a real registry on loopback."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import build
import publish
import pytest
from conftest import DEPLOY

TOOLS = ("buildah", "docker", "podman")
REGISTRY = """version: 0.1
log: {{level: error, accesslog: {{disabled: true}}}}
storage: {{filesystem: {{rootdirectory: {folder}}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""
STORAGE = """[storage]
driver = "vfs"
graphroot = "{folder}/graph"
runroot = "{folder}/run"
"""
INSECURE = """[[registry]]
location = "{registry}"
insecure = true
"""


def program(name: str) -> str:
    """Return the path of a program; skip the test if it is not installed, except where everything is tested."""
    found = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if found is None and "CI" not in os.environ:
        pytest.skip(f"{name} is not installed")
    assert found is not None, f"expected the program {name}, found none"
    return found


def wait_for(server: subprocess.Popen[bytes], is_there: Callable[[], bool], output: Path) -> None:
    """Wait until a server is there; fail if it ends before."""
    while not is_there():
        assert server.poll() is None, output.read_text(encoding="utf-8")
        time.sleep(0.05)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Run a registry on a free port of loopback."""
    command = program("docker-registry")
    folder = tmp_path_factory.mktemp("registry")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (folder / "config.yml").write_text(REGISTRY.format(folder=folder / "data", port=port), encoding="utf-8")
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen([command, "serve", folder / "config.yml"], stdout=output, stderr=output)

    def is_there() -> bool:
        with socket.socket() as trial:
            return trial.connect_ex(("127.0.0.1", port)) == 0

    try:
        wait_for(server, is_there, folder / "output")
        yield f"127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Make a repository with two Dockerfiles, one of which has a build argument."""
    for name, lines in {"api": "ARG TEXT\nLABEL text=$TEXT\nCOPY one /one", "eda": "COPY one deploy /two/"}.items():
        (tmp_path / "tree" / "deploy" / name).mkdir(parents=True)
        file = tmp_path / "tree" / "deploy" / name / "Dockerfile"
        file.write_text(f"FROM scratch\n{lines}\n", encoding="utf-8")
    (tmp_path / "tree" / "one").write_text("one", encoding="utf-8")
    return tmp_path / "tree"


@pytest.fixture
def storage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep images in a folder of the test."""
    file = tmp_path / "storage.conf"
    file.write_text(STORAGE.format(folder=tmp_path / "containers"), encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(file))
    return file


@pytest.fixture
def engine(storage: Path, registry: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run what the program docker talks to: here podman, which has the same interface."""
    address = storage.with_name("engine")
    (storage.with_name("registries.conf")).write_text(INSECURE.format(registry=registry), encoding="utf-8")
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(storage.with_name("registries.conf")))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{address}")
    command = [program("podman"), "system", "service", "--time=0", f"unix://{address}"]
    with storage.with_name("output").open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output)
    try:
        wait_for(server, address.exists, storage.with_name("output"))
        yield
    finally:
        server.terminate()
        server.wait()


def manifest_digest(prefix: str, reference: str) -> str:
    """Ask the registry itself for the digest of an image."""
    host, _, owner = prefix.partition("/")
    name, _, tag = reference.partition(":")
    accepted = "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json"
    request = urllib.request.Request(
        f"http://{host}/v2/{owner}/{name}/manifests/{tag}", headers={"Accept": accepted}, method="HEAD"
    )
    with urllib.request.urlopen(request) as answer:  # noqa: S310 - loopback
        return str(answer.headers["Docker-Content-Digest"])


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("tool", TOOLS)
def test_images_reach_a_registry_with_the_digests_that_are_recorded(
    tool: str, root: Path, registry: str, tmp_path: Path
) -> None:
    """They are built with the options, saved, removed, loaded and pushed; the registry knows each by its digest."""
    program(tool)
    names, folder = ["api", "eda"], tmp_path / "images"
    build.build(tool, "1.2.3", names, ["--build-arg=TEXT=given"], root)
    publish.save(tool, "1.2.3", names, folder)
    assert sorted(path.name for path in folder.iterdir()) == ["api.tar", "eda.tar"]
    subprocess.run([tool, "rmi", *(build.image(name, "1.2.3") for name in names)], check=True, capture_output=True)
    publish.load(tool, names, folder)
    inspect = [tool, "inspect", "--type=image", build.image("api", "1.2.3")]
    inspected = subprocess.run(inspect, capture_output=True, text=True, check=True).stdout
    assert '"text": "given"' in inspected
    assert '"org.opencontainers.image.version": "1.2.3"' in inspected
    options = [] if tool == "docker" else ["--tls-verify=false"]
    pushed = publish.push(tool, "1.2.3", names, f"{registry}/Owner/", options=options, folder=folder)
    expected = [
        f"{registry}/owner/{build.image(name, '1.2.3')}@"
        f"{manifest_digest(f'{registry}/owner', build.image(name, '1.2.3'))}"
        for name in names
    ]
    assert pushed == expected
    assert (folder / "digests.txt").read_text(encoding="utf-8").splitlines() == expected
    assert publish.summary(pushed).count("`sha256:") == 2


@pytest.mark.usefixtures("storage")
def test_a_failed_step_ends_the_program_and_names_it(root: Path, tmp_path: Path) -> None:
    """A Dockerfile that cannot be built, an archive that is missing, and a place that is no registry are errors."""
    program("buildah")
    (root / "deploy" / "api" / "Dockerfile").write_text("FROM scratch\nCOPY missing /\n", encoding="utf-8")
    with pytest.raises(SystemExit, match="buildah bud failed with exit code"):
        build.build("buildah", "1", ["api"], root=root)
    with pytest.raises(SystemExit, match=r"expected the image api in .*api\.tar, found none: make save-"):
        publish.load("buildah", ["api"], tmp_path)
    with pytest.raises(SystemExit, match="expected a registry and an owner"):
        publish.push("buildah", "1", ["api"], "", folder=tmp_path)


def test_a_tool_that_is_not_installed_is_named(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what is missing and what else there is."""
    monkeypatch.setenv("PATH", str(root))
    with pytest.raises(
        SystemExit, match="expected the program podman, found none: install it, or choose another --tool"
    ):
        build.build("podman", "1", ["api"], root=root)


def test_the_program_refuses_an_unknown_name() -> None:
    """A name that is misspelt builds nothing."""
    command: list[str | Path] = [sys.executable, DEPLOY / "images" / "build.py", "--tool=docker", "--tag=1", "apis"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "expected names among api, training, eda, jupyter, mlflow, found apis" in done.stderr
