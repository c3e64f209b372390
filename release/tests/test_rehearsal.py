"""What the rehearsal does not overlook: a step that it does not know, one that passes, a secret in an archive."""

from __future__ import annotations

import io
import re
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest
from clone import holds
from report import RehearsalError, Report
from workflow import Runner

WORKFLOW = """
jobs:
  last:
    needs: first
    steps:
      - uses: actions/download-artifact@0
        with: {name: files, path: files}
      - name: Show
        run: cat files/one
  first:
    steps:
      - uses: actions/checkout@0
      - name: Write
        env: {TEXT: "of ${{ github.ref_name }}"}
        run: mkdir out; echo "$TEXT" > out/one; test "$TEXT" != "of 2"
      - uses: actions/upload-artifact@0
        with: {name: files, path: out}
"""


def runner(folder: Path, text: str) -> Runner:
    """Make a runner of a workflow."""
    (folder / "checkout").mkdir()
    (folder / "workflow.yml").write_text(text, encoding="utf-8")
    return Runner(
        Report(),
        folder / "workflow.yml",
        checkout=folder / "checkout",
        scratch=folder / "runner",
        variables={},
        expressions={"github.ref_name": "1"},
        upload=lambda _: subprocess.CompletedProcess([], 0, ""),
    )


def test_jobs_run_in_the_order_of_what_they_need_and_pass_files_on(tmp_path: Path) -> None:
    """A job without a checkout sees what it downloads and nothing else."""
    assert runner(tmp_path, WORKFLOW).run() is None
    assert (tmp_path / "runner" / "job" / "files" / "one").read_text(encoding="utf-8") == "of 1\n"
    assert [path.name for path in (tmp_path / "runner" / "job").iterdir()] == ["files"]


def test_a_failure_ends_the_run_and_is_named(tmp_path: Path) -> None:
    """No later job starts."""
    failing = runner(tmp_path, WORKFLOW)
    failing.expressions["github.ref_name"] = "2"
    failure = failing.run()
    assert failure is not None
    assert failure.step == "Write"
    assert not (tmp_path / "runner").exists()


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "actions/checkout@0",
            "somebody/action@0",
            "uses somebody/action: expected an action that the rehearsal knows",
        ),
        ("github.ref_name", "github.actor", "expected an expression among github.ref_name, found github.actor"),
        ('"$TEXT" >', '"${{ github.ref_name }}" >', "expected expressions in `env` alone, found one in `run`"),
    ],
)
def test_what_the_rehearsal_does_not_know_is_an_error(old: str, new: str, message: str, tmp_path: Path) -> None:
    """A change of the workflow is rehearsed or noticed, never skipped."""
    with pytest.raises(RehearsalError, match=re.escape(message)):
        runner(tmp_path, WORKFLOW.replace(old, new, 1)).run()


def test_a_refusal_for_another_reason_is_no_refusal() -> None:
    """All expected words are in one line, whatever else was printed."""
    report = Report()
    with pytest.raises(RehearsalError, match=r"expected a line with the gate and 0\.999"):
        report.refused("a model", "the gate\n0.999\n", "the gate", "0.999")
    report.refused("a model", "\x1b[31mthe gate\x1b[0m of &#39;0.999&#39;\n", "the gate", "'0.999'")
    assert report.refusals == 1


@pytest.mark.parametrize("kind", ["wheel", "sdist"])
def test_a_secret_in_an_archive_is_found(kind: str, tmp_path: Path) -> None:
    """Its files are searched as they are when unpacked."""
    content = b"x" * 1000 + b"TOKEN=a-secret" + b"x" * 1000
    if kind == "wheel":
        archive = tmp_path / "model.whl"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as wheel:
            wheel.writestr("a", content)
    else:
        archive = tmp_path / "model.tar.gz"
        with tarfile.open(archive, "w:gz") as sdist:
            info = tarfile.TarInfo("a")
            info.size = len(content)
            sdist.addfile(info, io.BytesIO(content))
    assert holds(archive, b"a-secret")
    assert not holds(archive, b"another-secret")
