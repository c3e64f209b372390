"""The workflows: what they may do, and that they do nothing that cannot be run here but upload, scan and deploy."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from workflow import ordered

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("checks.yml", "publish_images.yml", "push.yml", "update_package.yml")
CALL = "$/.github/workflows/checks.yml"
#: Commands that need somebody's account, or a service's answer.
ELSEWHERE = (
    "docker login ",
    "pipx run --spec pip-audit==",
    "npm install --global @railway/cli@",
    "railway up ",
    "gh release create ",
    "found=$(gh api ",
)


def read(name: str) -> Any:
    """Read a workflow; `on` stays a name."""
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.BaseLoader)  # noqa: S506 - reads texts alone


def steps(name: str) -> list[dict[str, Any]]:
    """Return all steps of a workflow."""
    return [step for job in read(name)["jobs"].values() for step in job.get("steps", [])]


@pytest.mark.parametrize("name", NAMES)
def test_actions_are_pinned_by_full_hashes_with_their_versions(name: str) -> None:
    """A tag can be moved to other code; a hash cannot."""
    text = (ROOT / ".github" / "workflows" / name).read_text(encoding="utf-8")
    lines = re.findall(r"^ {6}(?:- |  )uses: (.+)", text, re.MULTILINE)
    assert len(lines) == len([step for step in steps(name) if "uses" in step]) > 0
    assert [line for line in lines if not re.fullmatch(r"[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line)] == []


@pytest.mark.parametrize("name", NAMES)
def test_what_is_no_upload_scan_or_deployment_is_one_make_target(name: str) -> None:
    """Each step can be run here as it is run there, and the Makefile has it."""
    scripts = [step["run"] for step in steps(name) if "run" in step]
    here = [script for script in scripts if not script.startswith(ELSEWHERE)]
    assert len(here) >= {"checks.yml": 6, "publish_images.yml": 8, "push.yml": 0, "update_package.yml": 6}[name]
    for script in here:
        target = re.fullmatch(r"make ([a-z-]+) PYTHON=python", script)
        assert target is not None, script
        subprocess.run(["make", "-n", target[1]], cwd=ROOT, check=True, capture_output=True)


@pytest.mark.parametrize("name", NAMES)
def test_jobs_have_least_permissions_no_caches_and_a_limit_of_time(name: str) -> None:
    """Nothing is allowed to a workflow as a whole; writing is for the jobs that publish."""
    workflow = read(name)
    assert workflow["permissions"] == {}
    assert "group" in workflow.get("concurrency", {}) or workflow["on"] == {"workflow_call": ""}
    writing = {
        "publish": {"contents": "read", "id-token": "write"},
        "github-release": {"contents": "write"},
        "push": {"contents": "read", "packages": "write"},
    }
    for job_name, job in workflow["jobs"].items():
        assert job["permissions"] == writing.get(job_name, {"contents": "read"}), job_name
        assert job.get("uses") == CALL or int(job["timeout-minutes"]) <= 90
    for step in steps(name):
        assert "cache" not in step.get("uses", "")
        assert not any("cache" in key for key in step.get("with", {}))
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"] | {"fetch-depth": "0"} == {"fetch-depth": "0", "persist-credentials": "false"}


def test_only_the_default_branch_is_deployed_and_only_after_all_else() -> None:
    """The token of Railway is in the environment of that job alone."""
    jobs = read("push.yml")["jobs"]
    deploy = jobs.pop("deploy")
    assert [deploy["needs"]] == list(jobs)
    condition = "github.event_name == 'push' && github.ref_name == github.event.repository.default_branch"
    assert condition in deploy["if"]
    assert deploy["environment"] == "railway"
    assert "RAILWAY_TOKEN" not in str(jobs)
    with_token = [step["run"] for step in deploy["steps"] if "RAILWAY_TOKEN" in str(step)]
    assert with_token == ['railway up --ci --service "$RAILWAY_SERVICE"']  # scripts of npm packages never see it
    assert jobs["checks"]["uses"] == CALL
    assert read("checks.yml")["jobs"]["tests"]["strategy"]["matrix"]["python"] == ["3.11", "3.12", "3.13", "3.14"]


@pytest.mark.parametrize(
    ("name", "job", "last"),
    [
        ("update_package.yml", "publish", "pypa/gh-action-pypi-publish@"),
        ("update_package.yml", "github-release", "gh release"),
        ("publish_images.yml", "push", "docker login"),
    ],
)
def test_a_moved_tag_is_refused_right_before_it_is_published(name: str, job: str, last: str) -> None:
    """An approval may wait for days, in which somebody may move the tag to a commit that was not built."""
    all_steps = read(name)["jobs"][job]["steps"]
    place = [step.get("name") for step in all_steps].index("Refuse a tag that was moved since")
    check, publishing = all_steps[place : place + 2]
    assert check["env"]["COMMIT"] == "${{ github.sha }}"
    assert str(publishing.get("uses", publishing.get("run"))).startswith(last)


def test_an_image_is_pushed_only_after_its_scan_and_after_the_gates_of_a_release() -> None:
    """Each image is built and scanned by itself, by a job that cannot write; the steps of the gates are a release's."""
    jobs = read("publish_images.yml")["jobs"]
    assert ordered(jobs)[-1] == "push"
    assert (sorted(jobs["push"]["needs"]), jobs["build"]["needs"]) == (["build", "checks"], "compare")
    assert jobs["checks"]["uses"] == CALL
    release = read("update_package.yml")["jobs"]["build"]["steps"]
    assert jobs["compare"]["steps"] == release[: len(jobs["compare"]["steps"])]
    assert "make compare-with-last-release PYTHON=python" in str(jobs["compare"]["steps"][-1])
    images = runpy.run_path(str(ROOT / "deploy" / "images" / "build.py"))
    assert jobs["build"]["strategy"]["matrix"]["image"] == list(images["NAMES"])
    runs = [str(step.get("run", step.get("uses"))).split("@")[0] for step in jobs["build"]["steps"]]
    assert runs[2:6] == [
        "make build-images PYTHON=python",
        "make try-images PYTHON=python",
        "anchore/scan-action",
        "make save-images PYTHON=python",
    ]
    scan = jobs["build"]["steps"][4]["with"]
    assert (scan["fail-build"], scan["severity-cutoff"], scan["only-fixed"]) == ("true", "high", "true")
    assert scan["image"] == images["image"]("${{ matrix.image }}", "${{ github.ref_name }}")
    assert read("publish_images.yml")["on"] == {"push": {"tags": ["**"]}}


def test_secrets_of_a_registry_are_in_the_job_that_pushes_and_absent_ones_mean_the_repositorys_own() -> None:
    """The login and the push agree on the registry; what is pushed is recorded as an artifact."""
    jobs = read("publish_images.yml")["jobs"]
    push = jobs.pop("push")
    assert push["environment"] == "images"
    assert "secrets." not in str(jobs)
    login, pushing, digests = push["steps"][-3:]
    condition = "secrets.DOCKERHUB_TOKEN != ''"
    assert login["env"]["REGISTRY"] == f"${{{{ {condition} && 'docker.io' || 'ghcr.io' }}}}"
    assert login["env"]["REGISTRY_TOKEN"] == f"${{{{ {condition} && secrets.DOCKERHUB_TOKEN || github.token }}}}"
    assert pushing["env"]["IMAGE_PREFIX"] == (
        f"${{{{ {condition} && format('docker.io/{{0}}', secrets.DOCKERHUB_USERNAME) "
        "|| format('ghcr.io/{0}', github.repository_owner) }}"
    )
    assert pushing["run"] == "make push-images PYTHON=python"
    assert digests["with"]["path"] == "build/images/digests.txt"


def test_nothing_is_published_before_everything_has_passed() -> None:
    """The index comes after all tests of a commit on the default branch, GitHub's release after the index."""
    jobs = read("update_package.yml")["jobs"]
    order = ordered(jobs)
    assert order[-2:] == ["publish", "github-release"]
    checkout, _, tag = jobs["build"]["steps"][:3]
    assert checkout["with"]["fetch-depth"] == "0"
    assert tag["env"]["DEFAULT_BRANCH"] == "${{ github.event.repository.default_branch }}"
    assert sorted(jobs["publish"]["needs"]) == ["build", "checks"]
    assert jobs["checks"]["uses"] == CALL
    assert sorted(read("checks.yml")["jobs"]) == ["audit", "checks", "rehearsal", "tests"]
    assert read("update_package.yml")["on"] == {"push": {"tags": ["**"]}}
