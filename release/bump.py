"""Release a version: raise VERSION, date the section of the changelog, commit and tag, all or nothing.

``make bump PART=patch`` calls it. Nothing is pushed.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime

from repository import CHANGELOG, VERSION_FILE, Section, git, read_version, sections, shown, spelled

#: ``none`` releases the version as it stands, such as the first one.
PARTS = ("major", "minor", "patch", "none")


def main(part: str) -> None:
    """Raise one part of the version and tag the commit.

    Parameters
    ----------
    part
        ``major``, ``minor``, ``patch`` or ``none``.

    Raises
    ------
    SystemExit
        If the tree has changes, the tag exists, or the changelog has no entries to release; nothing is changed then.
    """
    if part not in PARTS:
        raise SystemExit(f"PART: expected one of {', '.join(PARTS)}, found {part!r}: make bump PART=patch")
    version = spelled(raised(read_version(), part))
    changes = git("status", "--porcelain").splitlines()
    if changes:
        raise SystemExit(f"expected a clean tree, found {len(changes)} change(s), first {changes[0][3:]}: commit them")
    if git("tag", "--list", version).strip():
        raise SystemExit(f"expected no tag {version}, found one: raise another part of {shown(VERSION_FILE)}")
    section = unreleased()

    text = CHANGELOG.read_text(encoding="utf-8")
    dated = f"## {version} ({datetime.now(UTC).date().isoformat()})"
    CHANGELOG.write_text(text.replace(f"## {section.heading}", dated, 1), encoding="utf-8")
    VERSION_FILE.write_text(f"{version}\n", encoding="utf-8")
    try:
        git("commit", "--quiet", f"--message=Release {version}", "--", CHANGELOG, VERSION_FILE)
    except SystemExit:
        git("checkout", "HEAD", "--", CHANGELOG, VERSION_FILE)
        raise
    try:
        git("tag", "--annotate", f"--message=Version {version}", version)
    except SystemExit:
        git("reset", "--quiet", "--hard", "HEAD~1")  # the tree was clean
        raise
    print(f"{version} is committed and tagged: git push --follow-tags publishes it")


def raised(version: tuple[int, int, int], part: str) -> tuple[int, int, int]:
    """Return the version after this one."""
    major, minor, patch = version
    following = {"major": (major + 1, 0, 0), "minor": (major, minor + 1, 0), "patch": (major, minor, patch + 1)}
    return following.get(part, version)


def unreleased() -> Section:
    """Return the newest section of the changelog, which has to be unreleased and to have entries."""
    found = sections()
    newest = found[0] if found else Section("no section", "")
    if "unreleased" not in newest.heading.lower():
        raise SystemExit(
            f"{shown(CHANGELOG)}: expected a section '## Unreleased' at its top, found {newest.heading!r}: add "
            "one, with an entry for each change"
        )
    if not newest.has_entries:
        raise SystemExit(
            f"{shown(CHANGELOG)}: expected an entry below {newest.heading!r}, found none: add '- ...' lines"
        )
    return newest


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "")
