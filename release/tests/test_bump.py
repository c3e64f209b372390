"""Raising the version: one step that does everything or nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from conftest import CHANGELOG, Run, commit, git


def version(repository: Path) -> str:
    return (repository / "package" / "classification_model" / "VERSION").read_text(encoding="utf-8")


def state(repository: Path) -> tuple[str, str, str, str]:
    """Return all that a bump changes."""
    changelog = (repository / "CHANGELOG.md").read_text(encoding="utf-8")
    return version(repository), changelog, git(repository, "tag"), git(repository, "rev-parse", "HEAD")


@pytest.mark.parametrize(
    ("part", "expected"), [("patch", "1.2.4"), ("minor", "1.3.0"), ("major", "2.0.0"), ("none", "1.2.3")]
)
def test_a_bump_raises_the_version_dates_the_changelog_commits_and_tags(
    part: str, expected: str, repository: Path, run: Run
) -> None:
    """The tag is on a commit that holds the new version and its dated section, and the tree is clean."""
    done = run("bump.py", part)
    assert done.returncode == 0, done.stderr
    assert git(repository, "show", f"{expected}:package/classification_model/VERSION") == f"{expected}\n"
    changelog = git(repository, "show", f"{expected}:CHANGELOG.md")
    assert re.search(rf"^## {re.escape(expected)} \(\d{{4}}-\d\d-\d\d\)\n\n- A new thing.$", changelog, re.MULTILINE)
    assert "## 1.2.3 (2026-01-31)" in changelog
    assert git(repository, "rev-parse", f"{expected}^{{commit}}") == git(repository, "rev-parse", "HEAD")
    assert git(repository, "status", "--porcelain") == ""
    assert git(repository, "cat-file", "-t", expected) == "tag\n"


def test_the_tag_that_a_bump_makes_passes_the_check_of_the_workflow(repository: Path, run: Run) -> None:
    """The first step of the release accepts it, and refuses any other tag by name."""
    assert run("bump.py", "patch").returncode == 0
    assert run("check_tag.py", TAG="1.2.4").returncode == 0
    for tag in ("v1.2.4", "1.2.3", "1.2.40", ""):
        done = run("check_tag.py", TAG=tag)
        assert done.returncode == 1
        assert done.stderr.startswith(
            f"expected the tag 1.2.4, as in package/classification_model/VERSION, found {tag!r}"
        )


def test_a_tag_on_a_commit_that_is_not_merged_is_refused(repository: Path, run: Run) -> None:
    """Nothing is released that is not on the default branch of the remote."""
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert run("bump.py", "patch").returncode == 0
    done = run("check_tag.py", TAG="1.2.4", DEFAULT_BRANCH="main")
    assert done.returncode == 1
    assert done.stderr.startswith("expected the tag 1.2.4 on the branch main, found it on a commit that is not merged")
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    assert run("check_tag.py", TAG="1.2.4", DEFAULT_BRANCH="main").returncode == 0
    (repository / "later.txt").write_text("a later change\n", encoding="utf-8")
    commit(repository)
    git(repository, "update-ref", "refs/remotes/origin/main", "HEAD")
    git(repository, "checkout", "--quiet", "1.2.4")
    assert run("check_tag.py", TAG="1.2.4", DEFAULT_BRANCH="main").returncode == 0


def test_a_branch_that_was_not_fetched_is_an_error_in_one_line(repository: Path, run: Run) -> None:
    """A shallow checkout does not pass as one that is merged."""
    done = run("check_tag.py", TAG="1.2.3", DEFAULT_BRANCH="main")
    assert done.returncode == 1
    assert done.stderr == "DEFAULT_BRANCH: expected origin/main in this clone, found none: git fetch origin\n"


def test_a_tag_without_a_dated_section_in_the_changelog_is_refused(repository: Path, run: Run) -> None:
    """A tag of the right name that was not made by a bump has no notes to publish."""
    text = CHANGELOG.replace("1.2.3 (2026-01-31)", "1.2.2 (2026-01-31)")
    (repository / "CHANGELOG.md").write_text(text, encoding="utf-8")
    done = run("check_tag.py", TAG="1.2.3")
    assert (done.returncode, done.stdout) == (1, "")
    assert "expected a section '## 1.2.3 (date)' with entries, found none" in done.stderr


def dirty(repository: Path) -> None:
    (repository / "notes.txt").write_text("not committed\n", encoding="utf-8")


def tagged(repository: Path) -> None:
    git(repository, "tag", "1.2.4")


def without_entries(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(CHANGELOG.replace("- A new thing.\n", ""), encoding="utf-8")
    commit(repository)


def without_section(repository: Path) -> None:
    (repository / "CHANGELOG.md").write_text(
        CHANGELOG.replace("## Unreleased\n\n- A new thing.\n", ""), encoding="utf-8"
    )
    commit(repository)


def local_version(repository: Path) -> None:
    (repository / "package" / "classification_model" / "VERSION").write_text("1.2.3+local\n", encoding="utf-8")
    commit(repository)


def refusing_hook(repository: Path) -> None:
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\necho the checks failed >&2\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)


def refused_tag(repository: Path) -> None:
    git(repository, "tag", "1.2.4/old")  # a name below it: git cannot make the tag, and --list does not show it


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (dirty, r"expected a clean tree, found 1 change\(s\), first notes.txt: commit them"),
        (tagged, "expected no tag 1.2.4, found one"),
        (without_entries, "expected an entry below 'Unreleased', found none"),
        (without_section, "expected a section '## Unreleased' at its top, found '1.2.3 "),
        (local_version, "expected a version such as 1.0.1, found '1.2.3[+]local'"),
        (refusing_hook, "git commit failed: the checks failed"),
        (refused_tag, "git tag failed: "),
    ],
)
def test_a_refused_bump_says_why_in_one_line_and_changes_nothing(
    spoil: object, message: str, repository: Path, run: Run
) -> None:
    """Version, changelog, tags and commits are as before."""
    assert callable(spoil)
    spoil(repository)
    before = state(repository), git(repository, "status", "--porcelain")
    done = run("bump.py", "patch")
    assert done.returncode == 1
    assert re.search(message, done.stderr)
    assert len(done.stderr.splitlines()) == 1
    assert (state(repository), git(repository, "status", "--porcelain")) == before


def test_an_unknown_part_is_refused(repository: Path, run: Run) -> None:
    """The message names the parts."""
    before = state(repository)
    done = run("bump.py", "huge")
    assert done.returncode == 1
    assert done.stderr == ("PART: expected one of major, minor, patch, none, found 'huge': make bump PART=patch\n")
    assert state(repository) == before
