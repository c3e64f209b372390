"""How many small faults the tests find: ``make mutants``.

Each mutant is one module with one fault. A sample of them is drawn, and for each the tests run that come by the line
that is changed: the quick ones first, until one fails. It counts as killed if one does, or if they do not end. The
score is the share that is killed. Nothing in the checkout is changed: each process works on a copy of the tree.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import multiprocessing
import os
import random
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import psutil
from mutant_runs import API, PACKAGE, ROOT, Area, Measured, copy_tree, judge, kill, measure
from mutations import Mutant, mutations

#: Imported once, before forking: what most of the tests' time would go to.
LIBRARIES = (
    "hypothesis", "numpy", "onnxruntime", "pandas", "pydantic", "fastapi", "httpx", "uvicorn", "scipy.stats",
    "sklearn.pipeline", "sklearn.linear_model", "sklearn.ensemble", "statsmodels.stats.api",
)  # fmt: skip
#: So many of the mutants are judged without their faults first: no test may fail then.
CONTROLS = 10

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
        fork.Pool(options.workers, copy_tree, (Path(folder),)) as pool,
    ):
        measured = dict(pool.imap_unordered(_measure_named, areas))
        tests = sum(len(each.seconds) for each in measured.values())
        print(f"{tests} tests measured after {time.monotonic() - began:.0f} s", flush=True)
        work = [(area, measured[area.name], mutant) for area, mutant in drawn]
        unchanged = [(area, known, replace(mutant, code=mutant.original)) for area, known, mutant in work[:CONTROLS]]
        for name, mutant, outcome in pool.imap_unordered(_judge_one, unchanged):
            if outcome in {"killed", "timed out"}:
                raise RuntimeError(f"a test of {name} fails on {mutant.path} as it is, where it is chosen for one line")
        was_interrupted = True
        with contextlib.suppress(KeyboardInterrupt):  # the score so far
            for name, mutant, outcome in pool.imap_unordered(_judge_one, work):
                counts[name][outcome] += 1
                if not (done := sum(map(Counter.total, counts.values()))) % 50:
                    print(f"\n{done} after {time.monotonic() - began:.0f} s", flush=True)
                if outcome not in {"killed", "timed out"}:
                    print(f"\n{mutant.path}:{mutant.line} {outcome}\n{mutant.difference}", flush=True)
            was_interrupted = False
        print(_table(counts))
        print(f"{time.monotonic() - began:.0f} s", flush=True)
        if was_interrupted:  # a pool whose processes were killed would wait for them for ever
            kill(psutil.Process().children(recursive=True))
            os._exit(130)


def _table(counts: Mapping[str, Counter[str]]) -> str:
    """Return how many mutants of each area met which end, as a table."""
    lines = [f"\n{'area':24}{'killed':>8}{'timed out':>11}{'survived':>10}{'not tested':>12}{'failed':>8}{'score':>8}"]
    for name, found in [*counts.items(), ("all", sum(counts.values(), Counter()))]:
        dead = found["killed"] + found["timed out"]
        columns = f"{found['killed']:8}{found['timed out']:11}{found['survived']:10}{found['not tested']:12}"
        columns += f"{found.total() - dead - found['survived'] - found['not tested']:8}"
        lines.append(f"{name:24}{columns}{100 * dead / max(1, found.total()):7.1f}%")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
