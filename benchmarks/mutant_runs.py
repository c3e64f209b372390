"""The tests of a mutant, run in a process that is forked from a warm one.

A process imports the libraries once, and forks for each mutant. Which test comes by which line is measured before, by
coverage.py; a line that is run by a fixture belongs to all tests of that file.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import coverage
import psutil
import pytest
from mutations import Mutant

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, API = Path("package"), Path("classification_api")
#: Tests are taken while what they took without a mutant adds up to so many seconds.
BUDGET = 20.0
#: A mutant has as many times as long as its tests, and so many seconds more, before it is stopped.
TIMES, MORE = 8.0, 30.0
#: By pytest's exit code: none failed; one failed; a file of tests, or what all share, could not be imported.
OUTCOMES = {0: "survived", 1: "killed", 2: "killed", 4: "killed"}


@dataclass(frozen=True)
class Area:
    """What is mutated, and what holds it.

    Attributes
    ----------
    name
        As the score names it.
    half
        Where both are.
    modules, tests
        Patterns of files, from there.
    options
        Of pytest.
    has_servers
        Whether tests start processes of their own, whose lines are not seen: then any test may come by a line.
    """

    name: str
    half: Path
    modules: tuple[str, ...]
    tests: tuple[str, ...]
    options: tuple[str, ...] = ()
    has_servers: bool = False

    def paths(self) -> list[Path]:
        """Return the modules, from the root of the repository."""
        return [path.relative_to(ROOT) for each in self.modules for path in sorted((ROOT / self.half).glob(each))]


class Recorder:
    """Notes which lines each test runs, and how long it takes."""

    def __init__(self, measured: coverage.Coverage) -> None:
        self.measured = measured
        self.seconds: dict[str, float] = defaultdict(float)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up the parts of a test."""
        self.seconds[report.nodeid] += report.duration

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Count what fixtures run for the whole file."""
        self.measured.switch_context(item.nodeid.partition("::")[0])

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> None:
        """Count what a test runs for itself."""
        self.measured.switch_context(item.nodeid)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self, item: pytest.Item) -> None:
        """Count what fixtures run for the whole file."""
        self.measured.switch_context(item.nodeid.partition("::")[0])


class Chosen:
    """Leaves the tests that are chosen, in their order."""

    def __init__(self, names: list[str]) -> None:
        self.order = {name: place for place, name in enumerate(names)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Choose."""
        items[:] = sorted(
            (item for item in items if item.nodeid in self.order), key=lambda item: self.order[item.nodeid]
        )


@dataclass(frozen=True)
class Measured:
    """What an area's tests do without a mutant.

    Attributes
    ----------
    seconds
        By test.
    lines
        By module, from the root of the repository: by line, which tests or files of tests come by.
    """

    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def tests_of(self, mutant: Mutant, *, has_servers: bool) -> list[str]:
        """Return the tests that come by a mutant, the quick ones first, then the others where servers may."""
        lines = self.lines.get(str(mutant.path), {})
        changed = range(mutant.line, mutant.end + 1)
        is_run_before = mutant.is_run_on_import or any("" in lines.get(line, ()) for line in changed)
        wanted = lines if is_run_before else changed
        names = {name for line in wanted for name in lines.get(line, ())}
        chosen: list[str] = []
        spent = 0.0
        quick_first = sorted(self.seconds.items(), key=lambda item: item[1])
        for may_come_by in (False, True) if has_servers else (False,):
            for name, seconds in quick_first:
                comes_by = name in names or name.partition("::")[0] in names
                if comes_by != may_come_by and not (chosen and spent + seconds > BUDGET):
                    chosen.append(name)
                    spent += seconds
        return chosen


def copy_tree(folder: Path) -> None:
    """Make this process's copy of the repository."""
    tree = folder / str(os.getpid())
    left_out = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info")
    for part in (PACKAGE, API, Path("docs")):
        shutil.copytree(ROOT / part, tree / part, ignore=left_out)
    os.environ["MUTANTS_TREE"] = str(tree)


def _tree() -> Path:
    """Return the copy of this process, and of those that it forks."""
    return Path(os.environ["MUTANTS_TREE"])


def _forked(area: Area, work: Callable[[], int], seconds: float) -> int | None:
    """Do work in a process of its own, in the copy of a half; return its exit code, None if it does not end in time."""
    tree, output = _tree(), _tree() / "output"
    child = os.fork()
    if not child:
        code = 70
        try:
            os.setsid()  # a test may signal its whole process group
            os.chdir(tree / area.half)
            halves = [str(tree / half) for half in (PACKAGE, API)]
            sys.path[:0] = halves
            os.environ["PYTHONPATH"] = os.pathsep.join(halves)
            with output.open("wb") as file:
                os.dup2(file.fileno(), 1)
                os.dup2(file.fileno(), 2)
            code = work()
        except BaseException:  # noqa: BLE001 - told below
            traceback.print_exc()
            sys.stderr.flush()
        finally:
            os._exit(code)
    deadline = time.monotonic() + seconds
    while not (ended := os.waitpid(child, os.WNOHANG))[0]:
        if time.monotonic() > deadline:
            kill([*psutil.Process(child).children(recursive=True), psutil.Process(child)])
            os.waitpid(child, 0)
            return None
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1])


def kill(processes: list[psutil.Process]) -> None:
    """Kill processes, and pass over those that have ended."""
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()


def _pytest(*options: str, plugin: object) -> int:
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # of those that are installed, one is needed
    basics = (
        "-p",
        "_hypothesis_pytestplugin",
        "-q",
        "-x",
        "-p",
        "no:cacheprovider",
        "--tb=short",
        "--hypothesis-seed=0",
        f"--basetemp={_tree() / 'temp'}",
    )
    return int(pytest.main([*basics, *options], plugins=[plugin]))


def measure(area: Area) -> Measured:
    """Run an area's tests without a mutant."""
    found = _tree() / "measured.json"

    def work() -> int:
        measured = coverage.Coverage(data_file=None, config_file=False, include=[f"{_tree() / area.half / '**'}"])
        measured.start()
        recorder = Recorder(measured)
        code = _pytest(*area.options, *area.tests, plugin=recorder)
        measured.stop()
        data = measured.get_data()
        lines = {str(path): data.contexts_by_lineno(str(_tree() / path)) for path in area.paths()}
        found.write_text(json.dumps([recorder.seconds, lines]), encoding="utf-8")
        return code

    if (code := _forked(area, work, 3600)) != 0:
        output = (_tree() / "output").read_text(encoding="utf-8", errors="replace")
        raise RuntimeError(f"the tests of {area.name} fail without a mutant, code {code}:\n{output[-3000:]}")
    seconds, lines = json.loads(found.read_text(encoding="utf-8"))
    return Measured(seconds, {path: {int(line): names for line, names in of.items()} for path, of in lines.items()})


_seconds = count()


def _write(path: Path, text: str) -> None:
    """Write a module, at a time of its own: bytecode is told by it whether it is of this text."""
    path.write_text(text, encoding="utf-8")
    os.utime(path, (next(_seconds), next(_seconds)))


def judge(area: Area, measured: Measured, mutant: Mutant) -> str:
    """Run the tests of a mutant; return what became of it."""
    names = measured.tests_of(mutant, has_servers=area.has_servers)
    if not names:
        return "not tested"
    seconds = MORE + TIMES * sum(measured.seconds[name] for name in names)
    files = dict.fromkeys(name.partition("::")[0] for name in names)
    changed = _tree() / mutant.path
    try:
        _write(changed, mutant.code)
        code = _forked(area, lambda: _pytest(*files, plugin=Chosen(names)), seconds)
    finally:
        _write(changed, mutant.original)
    return "timed out" if code is None else OUTCOMES.get(code, f"pytest ended with {code}")
