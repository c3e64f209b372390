"""The documentation: every command and every line of Python in it is run, page by page."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from environments import make_environment

import classification_model

pytestmark = pytest.mark.slow


ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "package"
#: The commands of docs/serving.md need the API, whose tests run them.
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    PACKAGE / "README.md",
    *sorted(
        page
        for page in (ROOT / "docs").glob("*.md")
        # see classification_api/tests/test_docs.py, test_how_tos.py, classifier/test_notebook_page.py and
        # tracking/test_tracking_page.py
        if page.name not in {"serving.md", "in-a-notebook.md", "tracking.md"} and not page.name.startswith("add-")
    ),
]
BLOCK = re.compile(
    r"(?P<note><!-- not run here: [^>]+ -->\n)?```(?P<language>bash|python)\n(?P<code>.*?)```", re.DOTALL
)


def blocks(page: Path) -> list[tuple[str, str]]:
    """Return language and code of each block of a page that is to be run."""
    found = BLOCK.finditer(page.read_text(encoding="utf-8"))
    return [(match["language"], match["code"]) for match in found if match["note"] is None]


def run(
    language: str, code: str, folder: Path, python: Path = Path(sys.executable)
) -> subprocess.CompletedProcess[str]:
    """Run one block in a folder, with the programs of an interpreter's environment, then those of this one."""
    program = [str(python), "-"] if language == "python" else ["bash", "-euo", "pipefail"]
    path = os.pathsep.join([str(python.parent), str(Path(sys.executable).parent), os.environ["PATH"]])
    variables = {"PATH": path, "PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    return subprocess.run(
        program, input=code, cwd=folder, env=os.environ | variables, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_blocks_of_a_page_run_one_after_the_other(
    page: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, model_folder: Path
) -> None:
    """Every block that is not marked otherwise succeeds, in order, in a folder and an environment of its own."""
    assert model_folder.is_dir()
    installs = any("pip install" in code for _, code in blocks(page))
    python = make_environment(tmp_path_factory.mktemp("environment"), with_pip=installs)
    for language, code in blocks(page):
        done = run(language, code, tmp_path, python)
        assert done.returncode == 0, f"{page.name}: {code}\n{done.stdout}\n{done.stderr}"


def test_the_readme_names_two_commands_that_the_makefile_has() -> None:
    """`make run` and `make test` are the README's commands, and make knows both."""
    commands = re.findall(r"^make [\w-]+", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["make run", "make test"]
    make = shutil.which("make")
    assert make is not None, "make is not installed"
    for command in commands:
        target = command.removeprefix("make ")
        done = subprocess.run([make, "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


def test_the_readmes_name_the_programs_that_tests_need() -> None:
    """What `.ci/run` installs is what tests and rehearsals start, and both pages name what tests of the API start."""
    packages = re.findall(r"^    ([\w-]+) +#", (ROOT / ".ci" / "run").read_text(encoding="utf-8"), re.MULTILINE)
    tests = {
        folder: "".join(file.read_text(encoding="utf-8") for file in (ROOT / folder).rglob("*.py"))
        for folder in ("classification_api/tests", "deploy/tests", "deploy/rehearsal")
    }
    assert packages
    for package in packages:
        assert f'"{package}' in "".join(tests.values()), package
    for page in (ROOT / "README.md", ROOT / "classification_api" / "README.md"):
        needed = re.search(r"need ((?:`\w+`(?:,? and |, )?)+)", page.read_text(encoding="utf-8"))
        assert needed is not None, page
        started = [package for package in packages if f'"{package}"' in tests["classification_api/tests"]]
        assert re.findall(r"`(\w+)`", needed[1]) == started, page


def headings(page: Path) -> list[str]:
    """Return the headings of a page as links spell them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in found]


def test_every_link_between_pages_leads_somewhere() -> None:
    """A relative link in a page is a file that exists, and what follows `#` is a heading in it."""
    for page in [
        *PAGES,
        ROOT / "docs" / "serving.md",
        ROOT / "docs" / "in-a-notebook.md",
        ROOT / "docs" / "tracking.md",
        ROOT / "CHANGELOG.md",
        ROOT / "classification_api" / "README.md",
    ]:
        for link in re.findall(r"\]\((?!https?:)([^)]+)\)", page.read_text(encoding="utf-8")):
            target, _, anchor = link.partition("#")
            file = page.parent / target if target else page
            assert file.exists(), f"{page.name} links to {link}"
            assert not anchor or anchor in headings(file), f"{page.name} links to {link}"


def test_the_index_lists_every_page() -> None:
    """Each page of docs/ is linked in docs/README.md, once."""
    linked = re.findall(r"\]\(([\w-]+\.md)\)", (ROOT / "docs" / "README.md").read_text(encoding="utf-8"))
    assert sorted(linked) == sorted(page.name for page in (ROOT / "docs").glob("*.md") if page.name != "README.md")


def test_pages_import_public_names_alone() -> None:
    """A page calls the package by `cm`, and only what `__all__` holds."""
    for page in PAGES:
        code = "\n".join(code for language, code in blocks(page) if language == "python")
        assert not re.search(r"(?:from|import) classification_model\b(?! as cm$)", code, re.MULTILINE), page.name
        used = set(re.findall(r"\bcm\.(?!__file__)(\w+)", page.read_text(encoding="utf-8")))
        assert used <= {*classification_model.__all__}, page.name


def test_no_page_holds_a_placeholder() -> None:
    """No line of a page is a word in capitals that waits to be replaced."""
    for page in PAGES:
        assert not re.search(r"^[A-Z_]{6,}$", page.read_text(encoding="utf-8"), re.MULTILINE), page


def test_the_distribution_name_stands_in_one_place() -> None:
    """Changing the name in pyproject.toml is enough: nothing else installs or looks it up by name."""
    name = tomllib.loads((PACKAGE / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    modules = (PACKAGE / "classification_model").rglob("*.py")
    for file in [PACKAGE / "tox.ini", ROOT / "Makefile", ROOT / ".ci" / "run", *modules]:
        text = file.read_text(encoding="utf-8")
        assert not re.search(rf"install\W+(?:-\S+ )*{name}", text), file
        assert not re.search(rf"(distribution|version)\W+{name}\W", text), file
        assert f'= "{name}"' not in text, file


@pytest.mark.parametrize(
    "room", ["package/classification_model", "package/classification_model/runtime", "classification_api/app"]
)
def test_contributing_names_every_folder_of_a_room(room: str) -> None:
    """The table under a room's heading has one line for each folder in it, and no other."""
    page = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    table = page.partition(f"\n### {room}\n")[2].partition("\n#")[0]
    named = re.findall(r"^\| `(\w+)/` \| \S", table, re.MULTILINE)
    made_here = {"__pycache__", "trained_models"}
    folders = [path.name for path in (ROOT / room).iterdir() if path.is_dir() and path.name not in made_here]
    assert sorted(named) == sorted(folders)


def test_contributing_names_commands_that_the_makefile_has() -> None:
    """Each `make ...` in CONTRIBUTING.md is a target that make knows."""
    targets = set(re.findall(r"\bmake ([a-z-]+)", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")))
    assert {"check", "hooks", "test"} <= targets
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert targets <= set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
