"""What Railway reads: its file names a Dockerfile that its builder accepts, and a path that the API answers."""

from __future__ import annotations

import json
import re

from conftest import DEPLOY
from manifests import api_pod, container

ROOT = DEPLOY.parent


def test_railway_builds_the_image_of_the_api() -> None:
    """Its builder refuses VOLUME and a cache without the id of a service; the port is the platform's."""
    config = json.loads((ROOT / "railway.json").read_bytes())
    assert config["build"] == {"builder": "DOCKERFILE", "dockerfilePath": "deploy/api/Dockerfile"}
    lines = (ROOT / config["build"]["dockerfilePath"]).read_text(encoding="utf-8")
    assert not re.search(r"^\s*VOLUME\b|--mount=type=cache", lines, re.MULTILINE | re.IGNORECASE)
    assert re.search(r"^CMD .*\$PORT", lines, re.MULTILINE)
    assert re.search(r"LOG_FOLDER=/log\b", lines)


def test_a_deployment_takes_over_when_it_is_ready_and_the_former_one_has_time() -> None:
    """The path is that of the readiness probe; a time that is a text would be refused."""
    deploy = json.loads((ROOT / "railway.json").read_bytes())["deploy"]
    assert deploy["healthcheckPath"] == container(api_pod())["readinessProbe"]["httpGet"]["path"]
    assert isinstance(deploy["drainingSeconds"], int)


def test_the_page_keeps_the_log_on_a_volume_as_railway_mounts_it() -> None:
    """The mount is the folder of the image's log, and root may write to it."""
    page = (ROOT / "docs" / "deploying.md").read_text(encoding="utf-8")
    assert "railway volume add --mount-path /log\nrailway variables --set RAILWAY_RUN_UID=0\n" in page
