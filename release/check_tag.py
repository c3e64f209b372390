"""Refuse a tag that is not the version of the commit, before anything is built.

``make check-tag TAG=1.0.1`` calls it. With ``DEFAULT_BRANCH``, as in the workflow, the commit has to be on that
branch of the repository it was cloned from, as every other change.
"""

from __future__ import annotations

import os

from repository import CHANGELOG, VERSION_FILE, git, read_version, released_section, shown, spelled


def main(tag: str, branch: str = "") -> None:
    """Compare a tag with VERSION and with the changelog.

    Parameters
    ----------
    tag
        Name of the tag, such as ``1.0.1``.
    branch
        Name of the default branch; any commit passes if it is empty.

    Raises
    ------
    SystemExit
        If it is not the version, the changelog has no dated section with entries for it, or the commit is not on the
        branch.
    """
    version = spelled(read_version())
    if tag != version:
        raise SystemExit(
            f"expected the tag {version}, as in {shown(VERSION_FILE)}, found {tag!r}: remove the tag, and make one by "
            "make bump"
        )
    section = released_section(version)
    if section is None or not section.has_entries:
        raise SystemExit(
            f"{shown(CHANGELOG)}: expected a section '## {version} (date)' with entries, found none: release by "
            "make bump"
        )
    if branch and not is_on(branch):
        raise SystemExit(
            f"expected the tag {tag} on the branch {branch}, found it on a commit that is not merged: merge it without "
            "squashing, then push the tag again"
        )
    print(f"the tag {tag} is the version in {shown(VERSION_FILE)}, and {shown(CHANGELOG)} has its section")


def is_on(branch: str) -> bool:
    """Tell whether the commit is on a branch of the repository that this one was cloned from.

    Raises
    ------
    SystemExit
        If that branch was not fetched.
    """
    name = f"refs/remotes/origin/{branch}"
    if not git("for-each-ref", name).strip():
        raise SystemExit(f"DEFAULT_BRANCH: expected origin/{branch} in this clone, found none: git fetch origin")
    return git("rev-parse", "HEAD").strip() == git("merge-base", "HEAD", name).strip()


if __name__ == "__main__":
    main(os.environ.get("TAG", ""), os.environ.get("DEFAULT_BRANCH", ""))
