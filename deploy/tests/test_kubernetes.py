"""The manifests for Kubernetes: the API server's schemas accept them, and what they run does what they promise."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from build import NAMES, image
from conftest import API, COMMAND
from manifests import (
    MANIFESTS,
    api_pod,
    container,
    documents,
    folders,
    found,
    placed,
    retraining_pod,
    variables,
)
from problem import ROW, write_problem
from serving import Served, confined, free_port, served

#: The oldest and the newest version whose schemas are tried.
VERSIONS = ("1.30", "1.36")
FILES = ("api.yaml", "retraining.yaml", "volumes.yaml")
PODS = {"api": api_pod, "retraining": retraining_pod}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Make the folders that stand for volumes."""
    folder = tmp_path / "place"
    write_problem(folder)
    for name in ("log", "store", "tmp"):
        (folder / name).mkdir()
    return folder


@pytest.fixture
def api(place: Path) -> Iterator[Served]:
    """Start the container of the API: its variables, and its volumes with what is read-only."""
    pod, port = api_pod(), free_port()
    environment = variables(pod, place) | {"PORT": str(port)}
    mounts = container(pod)["volumeMounts"]
    writable = [folders(pod, place)[mount["mountPath"]] for mount in mounts if not mount.get("readOnly")]
    serve = [str(API), "serve", "--host", "127.0.0.1", "--port", environment["PORT"]]
    with served(confined(serve, place, writable), environment, place, port) as process:
        yield process


def retrain(place: Path) -> subprocess.CompletedProcess[str]:
    """Run what the container of the CronJob runs."""
    pod = retraining_pod()
    assert container(pod)["command"] == [COMMAND.name]
    return subprocess.run(
        [COMMAND, *placed(container(pod)["args"], pod, place)],
        cwd=place,
        env=variables(pod, place),
        capture_output=True,
        text=True,
        check=False,
    )


def probe(name: str) -> dict[str, Any]:
    """Return one of the API's probes."""
    return dict(container(api_pod())[name])


def path(name: str) -> str:
    """Return the path that a probe asks for."""
    return str(probe(name)["httpGet"]["path"])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", FILES)
def test_the_schemas_of_the_api_server_accept_the_manifests(name: str, version: str) -> None:
    """Strictly: a field that is unknown is an error, too."""
    for document in documents(name):
        kubernetes_validate.validate(document, version, strict=True)
        with pytest.raises(kubernetes_validate.ValidationError, match=r"(were|was) unexpected"):
            kubernetes_validate.validate({**document, "specification": {}}, version, strict=True)


def test_the_kustomization_names_each_file_and_each_image() -> None:
    """Nothing is left out, and an image is replaced by its version in a registry."""
    (kustomization,) = documents("kustomization.yaml")
    assert sorted(kustomization["resources"]) == sorted(FILES)
    assert sorted(each.name for each in MANIFESTS.iterdir()) == sorted([*FILES, "kustomization.yaml"])
    used = sorted(container(pod())["image"] for pod in PODS.values())
    assert [each["name"] for each in kustomization["images"]] == used
    assert {f"{name}:1" for name in used} <= {image(name, "1") for name in NAMES}
    for each in kustomization["images"]:
        assert each["newName"] == f"registry.example.com/owner/{each['name']}"


def test_what_refers_to_something_finds_it() -> None:
    """Selectors find the pods, the Service finds the port, pods find their claims, and mounts their volumes."""
    pod = api_pod()
    labels = pod["metadata"]["labels"].items()
    selectors = [found("Deployment")["spec"]["selector"]["matchLabels"], found("Service")["spec"]["selector"]]
    selectors += [found("PodDisruptionBudget")["spec"]["selector"]["matchLabels"]]
    selectors += [each["labelSelector"]["matchLabels"] for each in pod["spec"]["topologySpreadConstraints"]]
    assert all(selector.items() <= labels for selector in selectors)
    assert not selectors[0].items() <= retraining_pod()["metadata"]["labels"].items()
    (port,) = container(pod)["ports"]
    assert str(port["containerPort"]) == variables(pod, Path())["PORT"]
    (exposed,) = found("Service")["spec"]["ports"]
    assert exposed["targetPort"] == port["name"]
    assert {probe(f"{name}Probe")["httpGet"]["port"] for name in ("startup", "liveness", "readiness")} == {port["name"]}
    claims = {each["metadata"]["name"] for each in documents("volumes.yaml")}
    for make in PODS.values():
        volumes = make()["spec"]["volumes"]
        mounts = container(make())["volumeMounts"]
        assert sorted(each["name"] for each in volumes) == sorted(each["name"] for each in mounts)
        mounted = {each["persistentVolumeClaim"]["claimName"] for each in volumes if "persistentVolumeClaim" in each}
        assert mounted == claims


@pytest.mark.parametrize("name", PODS)
def test_a_container_may_do_little(name: str) -> None:
    """It is not root, and has no writable image, no capabilities, no token of the cluster, and a limit on memory."""
    pod = PODS[name]()["spec"]
    assert pod["automountServiceAccountToken"] is False
    user = {"runAsNonRoot": True, "runAsUser": 10001, "runAsGroup": 10001, "fsGroup": 10001}
    assert pod["securityContext"].items() >= user.items()
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(PODS[name]())["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert "memory" in container(PODS[name]())["resources"]["limits"]
    mounts = {mount["name"]: mount for mount in container(PODS[name]())["volumeMounts"]}
    assert bool(mounts["models"].get("readOnly")) is (name == "api")


def test_the_retraining_is_run_once_a_night() -> None:
    """At the time of the other schedulers, never twice at once, and not for ever."""
    job = found("CronJob")["spec"]
    assert (job["schedule"], job["concurrencyPolicy"]) == ("15 3 * * *", "Forbid")
    assert job["jobTemplate"]["spec"]["activeDeadlineSeconds"] == 7200
    assert retraining_pod()["spec"]["restartPolicy"] == "Never"


def test_probes_tell_a_pod_without_a_model_from_one_that_predicts(api: Served, place: Path) -> None:
    """With an empty store, a pod lives and gets no requests; the first model makes it ready, without a restart."""
    api.wait(path("startupProbe"), 200)
    assert api.status(path("livenessProbe")) == 200
    assert api.status(path("readinessProbe")) == 503
    done = retrain(place)
    assert "first model: " in done.stdout, done.stderr
    api.wait(path("readinessProbe"), 200)
    assert api.status("/predict", {"inputs": [ROW]}) == 200
    assert "not needed: " in retrain(place).stdout


def test_a_pod_that_ends_answers_until_nobody_asks_it(api: Served, place: Path) -> None:
    """After SIGTERM it is not ready and still predicts; it ends within its grace period, with exit code 0."""
    pod, readiness = api_pod(), probe("readinessProbe")
    drain = int(variables(pod, place)["DRAIN_SECONDS"])
    grace = pod["spec"]["terminationGracePeriodSeconds"]
    assert readiness["periodSeconds"] * readiness["failureThreshold"] < drain <= grace - 10
    retrain(place)
    api.wait(path("readinessProbe"), 200)
    api.process.terminate()
    api.wait(path("readinessProbe"), 503)
    assert api.status("/predict", {"inputs": [ROW]}) == 200
    assert api.status(path("livenessProbe")) == 200
    assert api.process.wait(grace) == 0, api.output.read_text(encoding="utf-8")


def test_a_retraining_without_its_config_fails(place: Path) -> None:
    """Kubernetes sees the exit code, and the log of the job says why."""
    (place / "config.yml").unlink()
    done = retrain(place)
    assert done.returncode == 2
    assert "config.yml cannot be read" in done.stderr
