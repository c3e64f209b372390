"""The pages on adding something to the package: their changes are made in a copy of it, then their commands are run."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from test_docs import PACKAGE, ROOT, blocks, run

pytestmark = pytest.mark.slow

PAGES = sorted((ROOT / "docs").glob("add-*.md"))
DIFF = re.compile(r"```diff\n(.*?)```", re.DOTALL)


def apply(diff: str, root: Path) -> None:
    """Make the changes of a diff whose hunks have no line numbers: what a hunk replaces must be there once."""
    for change in re.split(r"^--- (?=a/|/dev/null)", diff, flags=re.MULTILINE)[1:]:
        names, *hunks = re.split(r"^@@\n", change, flags=re.MULTILINE)
        path = root / names.splitlines()[1].removeprefix("+++ b/")
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        for hunk in hunks:
            lines = [(line[:1], line[1:]) for line in hunk.splitlines(keepends=True)]
            old = "".join(line for mark, line in lines if mark != "+")
            new = "".join(line for mark, line in lines if mark != "-")
            assert (text.count(old) == 1) if old else not text, f"{path.name} has this not once:\n{old}"
            text = text.replace(old, new) if old else new
        path.write_text(text, encoding="utf-8")


def test_each_thing_that_can_be_added_has_a_page() -> None:
    """There is a page on a data source, an estimator and a step, and each has changes to make."""
    assert [page.stem for page in PAGES] == ["add-a-data-source", "add-a-pipeline-step", "add-an-estimator"]
    assert all(DIFF.search(page.read_text(encoding="utf-8")) for page in PAGES)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_that_adds_something_does_what_it_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a copy of the package with the page's changes, its commands succeed, and the model is compiled."""
    copy = tmp_path / "package" / "classification_model"
    shutil.copytree(
        PACKAGE / "classification_model", copy, ignore=shutil.ignore_patterns("trained_models", "__pycache__")
    )
    for diff in DIFF.findall(page.read_text(encoding="utf-8")):
        apply(diff, tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(copy.parent))
    printed = ""
    for language, code in blocks(page):
        done = run(language, code, tmp_path)
        assert done.returncode == 0, f"{code}\n{done.stdout}\n{done.stderr}"
        printed += done.stdout
    assert "compiled: " in printed
    (folder,) = (tmp_path / "models").iterdir()
    assert (folder / "core.onnx").exists()
