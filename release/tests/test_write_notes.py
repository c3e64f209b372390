"""What a release consists of: the archives of its version and their hashes."""

from __future__ import annotations

from pathlib import Path

from conftest import Run

ARCHIVES = ("model-1.2.3-py3-none-any.whl", "model-1.2.3.tar.gz")
MODEL = "package/classification_model/trained_models/classification_model_output_v1.2.3"


def test_archives_of_a_version_that_begins_alike_are_not_released(repository: Path, run: Run) -> None:
    """An earlier build of 1.2.30 in the same folder is no part of 1.2.3."""
    files = {
        f"{MODEL}/reports/model_card.md": "# A model\n",
        "build/release/comparison.txt": "There is no earlier release to compare with.\n",
    }
    for name in ARCHIVES:
        files |= {f"package/dist/{name}": name, f"package/dist/{name.replace('1.2.3', '1.2.30')}": name}
    for name, content in files.items():
        (repository / name).parent.mkdir(parents=True, exist_ok=True)
        (repository / name).write_text(content, encoding="utf-8")
    done = run("write_notes.py")
    assert done.returncode == 0, done.stderr
    release = repository / "build" / "release"
    assert sorted(path.name for path in (release / "dist").iterdir()) == list(ARCHIVES)
    listed = (release / "SHA256SUMS").read_text(encoding="utf-8").splitlines()
    assert [line.partition("  ")[2] for line in listed] == list(ARCHIVES)
