"""Refuse a tag that is not the version of the commit, before anything is built.

``make check-tag TAG=1.0.1`` calls it.
"""

from __future__ import annotations

import os

from repository import CHANGELOG, VERSION_FILE, read_version, released_section, shown, spelled


def main(tag: str) -> None:
    """Compare a tag with VERSION and with the changelog.

    Parameters
    ----------
    tag
        Name of the tag, such as ``1.0.1``.

    Raises
    ------
    SystemExit
        If it is not the version, or the changelog has no dated section with entries for it.
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
    print(f"the tag {tag} is the version in {shown(VERSION_FILE)}, and {shown(CHANGELOG)} has its section")


if __name__ == "__main__":
    main(os.environ.get("TAG", ""))
