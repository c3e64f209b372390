"""What the compose files, the Dockerfiles and the lock files promise; `make test-images` runs them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from conftest import DEPLOY

COMPOSE = sorted(DEPLOY.glob("compose*.yml"))
#: That with a network is enough; the others change none of this.
COMPLETE = [path for path in COMPOSE if path.name != "compose.host.yml"]
DOCKERFILES = sorted(DEPLOY.glob("*/Dockerfile"))
LOCKS = sorted((DEPLOY / "locks").glob("*.txt"))
PINNED = r"[\w./-]+:[\w.-]+@sha256:[0-9a-f]{64}"


def services(path: Path) -> dict[str, dict[str, Any]]:
    """Return the services of a compose file."""
    text = path.read_text(encoding="utf-8").replace("!reset ", "")
    return dict(yaml.safe_load(text)["services"])


def variables(text: str) -> set[str]:
    """Return the variables that a compose file reads."""
    return set(re.findall(r"(?<!\$)\$\{(\w+)", text))


def test_the_example_of_env_has_every_variable_and_no_other() -> None:
    """Whoever copies it sees all that can be set; passwords have no value."""
    used = set().union(*(variables(path.read_text(encoding="utf-8")) for path in COMPOSE))
    lines = (DEPLOY / ".env.example").read_text(encoding="utf-8").splitlines()
    listed = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match(r"#?[A-Z_]+=", line))
    assert set(listed) == used
    assert {value for name, value in listed.items() if name.endswith(("PASSWORD", "TOKEN"))} == {""}


@pytest.mark.parametrize("path", COMPOSE, ids=lambda path: path.name)
def test_a_secret_that_is_missing_is_an_error(path: Path) -> None:
    """No password has a default."""
    text = path.read_text(encoding="utf-8")
    for name in variables(text):
        if name.endswith(("PASSWORD", "TOKEN")):
            assert set(re.findall(rf"\$\{{{name}([^}}]{{2}})", text)) == {":?"}


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.name)
def test_a_service_may_do_nothing_but_its_work(path: Path) -> None:
    """A read-only root, no capability, limits, and ports on this machine alone."""
    for name, service in services(path).items():
        assert service["read_only"] is True, name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["mem_limit"], name
        assert "privileged" not in service
        for port in service.get("ports", []):
            assert port.startswith("${ADDRESS:-127.0.0.1}:"), name
        if name != "updates":  # needs the engine's socket
            assert service["cap_drop"] == ["ALL"], name
            assert not any("docker.sock" in volume for volume in service.get("volumes", [])), name


@pytest.mark.parametrize("path", COMPLETE, ids=lambda path: path.name)
def test_the_api_reads_the_models_and_training_alone_writes_them(path: Path) -> None:
    """A hole in the API changes no model; in the notebooks models are made."""
    for name, service in services(path).items():
        for volume in service.get("volumes", []):
            if volume.startswith("models:"):
                assert volume.endswith(":ro") == (name not in {"training", "jupyter"}), name


def test_foreign_images_are_pinned_by_digest() -> None:
    """An image with the same tag and other content is not taken."""
    for path in COMPLETE:
        for name, service in services(path).items():
            image = re.sub(r"\$\{\w+:-(.*)\}$", r"\1", service["image"])
            assert "classification-model-" in image or re.fullmatch(PINNED, image), name


def test_every_image_has_the_same_base_unless_another_one_is_given() -> None:
    """Dockerfiles and compose files name one, by digest."""
    texts = [path.read_text(encoding="utf-8") for path in (*DOCKERFILES, *COMPLETE)]
    named = re.findall(r"BASE_IMAGE(?:=|: \$\{BASE_IMAGE:-)([^\s}]+)", "\n".join(texts))
    assert len(named) == len(DOCKERFILES) + 2
    assert len(set(named)) == 1
    assert re.fullmatch(PINNED, named[0])


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda path: path.parent.name)
def test_the_last_stage_is_not_root_and_holds_no_tool_that_installs(path: Path) -> None:
    """Third-party packages come from lock files alone, ours after them and without dependencies."""
    text = path.read_text(encoding="utf-8")
    *earlier, last = re.split(r"^FROM ", text, flags=re.MULTILINE)
    assert last.startswith("${BASE_IMAGE}\n")
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE)
    assert "pip" not in last
    for command in re.findall(r"pip[^&]*? install ((?:[^&\\]|\\\n)*)", "\n".join(earlier)):
        assert ("--require-hashes" in command) != ("--no-deps" in command)
    has_server = "EXPOSE" in last
    assert has_server == ("HEALTHCHECK" in last)


@pytest.mark.parametrize("path", LOCKS, ids=lambda path: path.name)
def test_a_lock_file_has_exact_versions_with_hashes_and_names_no_index(path: Path) -> None:
    """Pip is given nothing to choose, and asks the index that the machine is set up for."""
    text = path.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index-url|--extra-index-url|--find-links)\b", text, re.MULTILINE)
    for requirement in re.split(r"\n(?=\w)", text.strip()):
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==[\w.!+-]+ ", requirement), requirement[:60]
        assert "--hash=sha256:" in requirement, requirement[:60]


def test_the_locked_builder_is_that_of_both_halves() -> None:
    """The wheels in the images are built by the setuptools that their projects require."""
    locked = (DEPLOY / "locks" / "build.in").read_text(encoding="utf-8").split()[0]
    for project in ("package", "classification_api", "examples/companydata"):
        given = tomllib.loads((DEPLOY.parent / project / "pyproject.toml").read_text(encoding="utf-8"))
        assert given["build-system"]["requires"] == [locked]


@pytest.mark.parametrize("path", sorted(DEPLOY.rglob("*.sh")), ids=lambda path: path.name)
def test_a_script_parses(path: Path) -> None:
    """By the shell of its first line."""
    first = path.read_text(encoding="utf-8").splitlines()[0]
    subprocess.run(["bash" if "bash" in first else "sh", "-n", path], check=True)
