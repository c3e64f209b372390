"""Rehearse a release: the steps of update_package.yml in a temporary clone, then everything that has to be refused.

``make rehearse-release`` calls it. Nothing leaves loopback but the downloads of dependencies, and nothing of this
repository is changed.
"""

from __future__ import annotations

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from accepted import Accepted
from clone import BRANCH, ROOT, Clone
from github import REPOSITORY, GitHub, running_github, write_gh
from index import Index, running_index
from refusals import Refusals
from report import RehearsalError, Report
from workflow import Runner

LONGEST = 300


def main() -> None:
    """Rehearse, and exit with 0 only if everything went as a release has to go."""
    report = Report()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="rehearsal-")))
        try:
            index = stack.enter_context(running_index(folder / "index"))
            github = stack.enter_context(running_github(folder / "github"))
            rehearse(folder, report, index, github)
        except RehearsalError as error:
            sys.exit(f"the rehearsal failed: {error}")
    print(
        f"rehearsed in {report.seconds:.0f} s ({report.cpu_seconds:.0f} s of processor time): {report.steps} steps "
        f"passed, {report.refusals} attempts were refused"
    )
    if report.seconds > LONGEST:
        print(f"on a machine with nothing else to do, it has to take less than {LONGEST} s")


def rehearse(folder: Path, report: Report, index: Index, github: GitHub) -> None:
    """Release a version, use it, and try what has to be refused."""
    with report.step("Clone the repository"):
        clone = Clone(folder / "clone")
    if clone.run("git", "status", "--porcelain", cwd=ROOT):
        report.note("changes that are not committed are not rehearsed")
    write_gh(folder / "bin", github, clone.folder)
    runner = Runner(
        report,
        clone.folder / ".github" / "workflows" / "update_package.yml",
        checkout=clone.folder,
        scratch=folder / "runner",
        variables={
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": REPOSITORY,
            "PATH": f"{folder / 'bin'}:{clone.run('printenv', 'PATH').strip()}",
        },
        expressions={
            "github.token": github.token,
            "github.repository": REPOSITORY,
            "github.event.repository.default_branch": BRANCH,
            "vars.UNCOMPARED_VERSION": "",
        },
        upload=index.upload,
    )
    Accepted(folder, report, clone, runner, index, github).release_and_use()
    Refusals(folder, report, clone, runner, index, github).try_all()


if __name__ == "__main__":
    main()
