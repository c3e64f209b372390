"""Gather what a release consists of: its two archives, their hashes, and the notes for its page.

``make release-notes`` calls it last, after the comparison and the build.
"""

from __future__ import annotations

import hashlib
import re
import shutil

from repository import (
    CHANGELOG,
    COMPARISON_TEXT,
    MODEL_CARD,
    NOTES,
    OUTPUT,
    ROOT,
    SUMS,
    read_version,
    released_section,
    shown,
    spelled,
)

DIST = ROOT / "package" / "dist"
_LARGEST_NOTES = 120_000  # GitHub takes 125,000 characters


def main() -> None:
    """Write the notes and the hashes into `OUTPUT`, and copy the archives into its folder ``dist``.

    Raises
    ------
    SystemExit
        If the build, the comparison, the model card or the section of the changelog is not there.
    """
    version = spelled(read_version())
    model = ROOT / "package" / "classification_model" / "trained_models" / f"classification_model_output_v{version}"
    card, section = model / "reports" / "model_card.md", released_section(version)
    for path, target in ((COMPARISON_TEXT, "compare-with-last-release"), (card, "release-train")):
        if not path.is_file():
            raise SystemExit(f"{shown(path)}: expected a file, found none: make {target}")
    if section is None:
        raise SystemExit(
            f"{shown(CHANGELOG)}: expected a section '## {version} (date)', found none: release by make bump"
        )
    endings = (f"-{version}-py3-none-any.whl", f"-{version}.tar.gz")
    archives = sorted(path for path in DIST.iterdir() if path.name.endswith(endings)) if DIST.is_dir() else []
    if [path.suffix for path in archives] != [".whl", ".gz"]:
        found = ", ".join(path.name for path in archives) or "none"
        raise SystemExit(
            f"{shown(DIST)}: expected a wheel and an sdist of {version}, found {found}: make release-build"
        )

    shutil.rmtree(OUTPUT / "dist", ignore_errors=True)
    (OUTPUT / "dist").mkdir()
    lines = []
    for path in archives:
        shutil.copy(path, OUTPUT / "dist")
        lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n")
    SUMS.write_text("".join(lines), encoding="utf-8")
    shutil.copy(card, MODEL_CARD)
    NOTES.write_text(notes(section.text, "".join(lines)), encoding="utf-8")
    print(f"{shown(NOTES)} and {shown(SUMS)} are written: {', '.join(path.name for path in archives)}")


def notes(changes: str, sums: str) -> str:
    """Return what the page of the release says: changes, comparison, model card with its metrics, hashes."""
    comparison = COMPARISON_TEXT.read_text(encoding="utf-8").strip()
    # One level down, below the heading of this part.
    card = re.sub(r"^(#+ )", r"##\1", MODEL_CARD.read_text(encoding="utf-8"), flags=re.MULTILINE)
    parts = {
        "Changes": re.sub(r"^###", "####", changes, flags=re.MULTILINE).strip(),
        "Compared with the last release": f"```text\n{comparison}\n```",
        "Model card": card.strip(),
        "Hashes": f"```text\n{sums}```",
    }
    text = "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items())
    if len(text) > _LARGEST_NOTES:
        parts["Model card"] = f"It is too long for this page: see {MODEL_CARD.name} beside the archives."
        text = "\n\n".join(f"## {title}\n\n{part}" for title, part in parts.items())
    return f"{text}\n"


if __name__ == "__main__":
    main()
