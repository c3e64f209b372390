"""The manifests of Kubernetes, and what their containers run with folders of a test in the place of volumes."""

from __future__ import annotations

import re
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
    """Replace each path, at the beginning of a text or of an option's value; each has to be on a volume."""
    return [re.sub(r"(?:^|(?<==))/.*", lambda path: on_volume(path[0], pod, place), text) for text in texts]


def on_volume(path: str, pod: dict[str, Any], place: Path) -> str:
    """Return what stands for a path on a volume."""
    for mounted, folder in folders(pod, place).items():
        if path == mounted or path.startswith(f"{mounted}/"):
            return str(folder / path[len(mounted) + 1 :])
    raise AssertionError(f"expected a path on a volume, found {path}")


def variables(pod: dict[str, Any], place: Path) -> dict[str, str]:
    """Return the variables of a container that have a value in the manifest."""
    given = {each["name"]: each["value"] for each in container(pod)["env"] if "value" in each}
    return dict(zip(given, placed(list(given.values()), pod, place), strict=True))
