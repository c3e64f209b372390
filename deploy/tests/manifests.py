"""The manifests of Kubernetes, and what their containers run with folders of a test in the place of volumes."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml
from conftest import DEPLOY

MANIFESTS = DEPLOY / "kubernetes"


def documents(name: str) -> list[dict[str, Any]]:
    """Read the documents of a manifest."""
    return [dict(each) for each in yaml.safe_load_all((MANIFESTS / name).read_text(encoding="utf-8"))]


def found(kind: str) -> dict[str, Any]:
    """Return the only document of a kind."""
    (document,) = (
        each for path in sorted(MANIFESTS.glob("*.yaml")) for each in documents(path.name) if each["kind"] == kind
    )
    return document


def api_pod() -> dict[str, Any]:
    """Return the template of the API's pods."""
    return dict(found("Deployment")["spec"]["template"])


def retraining_pod() -> dict[str, Any]:
    """Return the template of the pods that retrain."""
    return dict(found("CronJob")["spec"]["jobTemplate"]["spec"]["template"])


def container(pod: dict[str, Any]) -> dict[str, Any]:
    """Return the only container of a pod."""
    (only,) = pod["spec"]["containers"]
    return dict(only)


def folders(pod: dict[str, Any], place: Path) -> dict[str, Path]:
    """Return the folder of a test that stands for each path at which a volume is mounted."""
    stands = {"models": place / "store", "log": place / "log", "config": place, "temporary": place / "tmp"}
    return {mount["mountPath"]: stands[mount["name"]] for mount in container(pod)["volumeMounts"]}


def placed(texts: Sequence[str], pod: dict[str, Any], place: Path) -> list[str]:
    """Replace each path of a volume, at the beginning of a text or of an option's value."""
    replaced = []
    for text in texts:
        option, equals, value = text.rpartition("=")
        for mounted, folder in folders(pod, place).items():
            if value == mounted or value.startswith(f"{mounted}/"):
                value = os.path.join(folder, value[len(mounted) + 1 :]).rstrip("/")  # noqa: PTH118
                break
        replaced.append(f"{option}{equals}{value}")
    return replaced


def variables(pod: dict[str, Any], place: Path) -> dict[str, str]:
    """Return the variables of a container that have a value in the manifest."""
    given = {each["name"]: each["value"] for each in container(pod)["env"] if "value" in each}
    return dict(zip(given, placed(list(given.values()), pod, place), strict=True))
