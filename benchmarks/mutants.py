"""How many small faults the tests find: ``make mutants``.

Each mutant is one module with one fault. A sample of them is drawn, and for each the tests run that come by the line
that is changed: the quick ones first, until one fails. It counts as killed if one does, or if they do not end. The
score is the share that is killed. Nothing in the checkout is changed: each process works on a copy of the tree.

A process imports the libraries once, and forks for each mutant. Which test comes by which line is measured before, by
coverage.py; a line that is run by a fixture belongs to all tests of that file.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import json
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import coverage
import psutil
import pytest
from mutations import Mutant, mutations

ROOT = Path(__file__).resolve().parents[1]
PACKAGE, API = Path("package"), Path("classification_api")
#: Imported once, before forking: what most of the tests' time would go to.
LIBRARIES = (
    "hypothesis", "numpy", "onnxruntime", "pandas", "pydantic", "fastapi", "httpx", "uvicorn", "scipy.stats",
    "sklearn.pipeline", "sklearn.linear_model", "sklearn.ensemble", "statsmodels.stats.api",
)  # fmt: skip
#: Tests are taken while what they took without a mutant adds up to so many seconds.
BUDGET = 20.0
#: So many of the mutants are judged without their faults first: no test may fail then.
CONTROLS = 10
#: A mutant has as many times as long as its tests, and so many seconds more, before it is stopped.
TIMES, MORE = 8.0, 30.0


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


#: By pytest's exit code: none failed; one failed; a file of tests, or what all share, could not be imported.
OUTCOMES = {0: "survived", 1: "killed", 2: "killed", 4: "killed"}

RUNTIME = "classification_model/runtime"
AREAS = (
    Area(
        "values and checking", PACKAGE, (f"{RUNTIME}/input/*.py",), ("tests/runtime/input",), ("-k", "not long_texts")
    ),
    Area(
        "sealed lines",
        PACKAGE,
        (f"{RUNTIME}/log/*.py",),
        ("tests/runtime/log", "tests/labels/test_labels.py", "tests/log_frames/test_log_frame.py"),
        ("-k", "not kill and not processes"),
    ),
    Area(
        "accuracy rule", PACKAGE, (f"{RUNTIME}/mle/*.py",), ("tests/runtime/mle", "tests/retraining/test_decision.py")
    ),
    Area("store", PACKAGE, (f"{RUNTIME}/store/*.py",), ("tests/runtime/store",)),
    Area("comparison", PACKAGE, ("classification_model/comparison/*.py",), ("tests/comparison",)),
    Area("connections", API, ("app/connections/*.py",), ("tests/connections",), has_servers=True),
    Area(
        "keys and limits",
        API,
        ("app/keys.py", "app/dialects/limits.py"),
        ("tests/test_keys.py", "tests/dialects/test_limits.py"),
    ),
)


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


def _copy(folder: Path) -> None:
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
            _kill([*psutil.Process(child).children(recursive=True), psutil.Process(child)])
            os.waitpid(child, 0)
            return None
        time.sleep(0.01)
    return os.waitstatus_to_exitcode(ended[1])


def _kill(processes: list[psutil.Process]) -> None:
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


def sample(areas: tuple[Area, ...], size: int, seed: int) -> list[tuple[Area, Mutant]]:
    """Draw mutants of all areas."""
    drawing = random.Random(seed)  # noqa: S311 - no secret
    every = [(area, mutation) for area in areas for path in area.paths() for mutation in mutations(ROOT, path)]
    drawing.shuffle(every)
    drawn: list[tuple[Area, Mutant]] = []
    for area, mutation in every:
        if len(drawn) == size:
            break
        if (mutant := mutation.apply()) is not None:
            drawn.append((area, mutant))
    print(f"{len(drawn)} of about {len(every)} mutants, seed {seed}", flush=True)
    return drawn


def _measure_named(area: Area) -> tuple[str, Measured]:
    measured = measure(area)
    print(f"{area.name}: {len(measured.seconds)} tests, {sum(measured.seconds.values()):.0f} s", flush=True)
    return area.name, measured


def _judge_one(work: tuple[Area, Measured, Mutant]) -> tuple[str, Mutant, str]:
    area, _, mutant = work
    return area.name, mutant, judge(*work)


def main() -> None:
    """Draw a sample, and print its score and who survived."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--size", type=int, default=300, help="number of mutants")
    parser.add_argument("--seed", type=int, default=1, help="of the sample")
    parser.add_argument("--workers", type=int, default=2, help="number of processes")
    parser.add_argument("--only", nargs="+", choices=[area.name for area in AREAS], metavar="AREA")
    options = parser.parse_args()
    areas = tuple(area for area in AREAS if not options.only or area.name in options.only)
    began = time.monotonic()
    drawn = sample(areas, options.size, options.seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in LIBRARIES:
            importlib.import_module(name)
    counts: dict[str, Counter[str]] = {area.name: Counter() for area in areas}
    fork = multiprocessing.get_context("fork")
    with (
        tempfile.TemporaryDirectory(prefix="mutants-", ignore_cleanup_errors=True) as folder,
        fork.Pool(options.workers, _copy, (Path(folder),)) as pool,
    ):
        measured = dict(pool.imap_unordered(_measure_named, areas))
        tests = sum(len(each.seconds) for each in measured.values())
        print(f"{tests} tests measured after {time.monotonic() - began:.0f} s", flush=True)
        work = [(area, measured[area.name], mutant) for area, mutant in drawn]
        unchanged = [(area, known, replace(mutant, code=mutant.original)) for area, known, mutant in work[:CONTROLS]]
        for name, mutant, outcome in pool.imap_unordered(_judge_one, unchanged):
            if outcome in {"killed", "timed out"}:
                raise RuntimeError(f"a test of {name} fails on {mutant.path} as it is, where it is chosen for one line")
        with contextlib.suppress(KeyboardInterrupt):  # the score so far
            for name, mutant, outcome in pool.imap_unordered(_judge_one, work):
                counts[name][outcome] += 1
                if not (done := sum(map(Counter.total, counts.values()))) % 50:
                    print(f"\n{done} after {time.monotonic() - began:.0f} s", flush=True)
                if outcome not in {"killed", "timed out"}:
                    print(f"\n{mutant.path}:{mutant.line} {outcome}\n{mutant.difference}", flush=True)
        _kill(psutil.Process().children(recursive=True))  # where it was interrupted
    print(f"\n{'area':24}{'killed':>8}{'timed out':>11}{'survived':>10}{'not tested':>12}{'failed':>8}{'score':>8}")
    total = sum(counts.values(), Counter())
    for name, found in [*counts.items(), ("all", total)]:
        dead = found["killed"] + found["timed out"]
        score = 100 * dead / max(1, found.total())
        columns = f"{found['killed']:8}{found['timed out']:11}{found['survived']:10}{found['not tested']:12}"
        columns += f"{found.total() - dead - found['survived'] - found['not tested']:8}"
        print(f"{name:24}{columns}{score:7.1f}%")
    print(f"{time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
