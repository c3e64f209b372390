"""How fast the API answers beside an echo without a model, and beside its peers: ``make bench-serving``.

All serve one pipeline: this API compiled, its peers pickled. Each server has one worker on one core, wrk the other. In
every round all servers are started, and every question goes to each in turn while the others are paused; figures are
medians of rounds, ratios those of servers in the same round. Before a server is measured, its answers are held against
the pipeline. The body is the same for all but for the form that a peer wants it in. The prediction log and access lines
are on, as they are by default in this API, and off for the echo, the constant bytes and plain FastAPI.
"""

import argparse
import math
import os
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from peer_environments import describe, installed_versions
from servers_measured import ECHO, ONE_BY_ONE, OURS, PICKLED, SERVERS, Server
from serving_rounds import (
    BOTH_CORES,
    CONNECTIONS,
    FAULTS,
    ROWS,
    Measured,
    Problem,
    Question,
    prepare,
    reason,
    run_round,
    settle,
    start,
    warm_up,
)
from titanic import ESTIMATORS
from wrk import measure

#: Which model a peer unpickles changes its figures little; those that the goals name are measured with both.
WITH_FOREST = ("constant", ECHO.name, OURS.name, ONE_BY_ONE.name, PICKLED.name)
MAIN = Question(rows=1, connections=8)
MANY = Question(rows=100, connections=8)


@dataclass(frozen=True)
class Goal:
    """A figure to reach."""

    what: str
    measured: str
    goal: str
    reached: bool


def main() -> None:
    """Measure, and print a table for each question."""
    names = [server.name for server in SERVERS]
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=3, help="of each measurement (default 3)")
    parser.add_argument("--rounds", type=int, default=3, help="of which the median is taken (default 3)")
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SERVER", help=", ".join(names))
    parser.add_argument("--models", nargs="+", choices=ESTIMATORS, default=list(ESTIMATORS), help="default: both")
    arguments = parser.parse_args()
    missing = [program for program in ("wrk", "taskset") if shutil.which(program) is None]
    if missing or len(os.sched_getaffinity(0)) < 2:
        parser.error(f"install {' and '.join(missing)}" if missing else "two cores are needed, here is one")
    print(f"load of the machine before the start: {os.getloadavg()[0]:.2f}; what others do on it shows in all figures")
    chosen = [server for server in SERVERS if server.name in {*arguments.only, ECHO.name} and _is_there(server)]
    seen: dict[str, dict[str, Measured]] = {}
    with tempfile.TemporaryDirectory() as name:
        for kind in arguments.models:
            folder = Path(name) / kind
            folder.mkdir()
            problem = prepare(kind, folder)
            servers = [server for server in chosen if kind == "linear" or server.name in WITH_FOREST]
            measured = seen[kind] = {server.name: Measured() for server in servers}
            for turn in range(arguments.rounds):
                print(f"{kind}: round {turn + 1} of {arguments.rounds}", file=sys.stderr, flush=True)
                run_round(problem, servers, measured, arguments.seconds)
            print_tables(kind, servers, measured)
        if OURS in chosen:
            compare_workers(problem, arguments.seconds, arguments.rounds)
    print_goals(seen)


def _is_there(server: Server) -> bool:
    if not server.distributions:
        return True
    if installed_versions(server) is None:
        print(f"{server.title}: left out, it has no environment of its own; make bench-peers makes it")
        return False
    print(f"{server.title}: {describe(server)}")
    return True


def print_tables(kind: str, servers: Iterable[Server], measured: dict[str, Measured]) -> None:
    """Print a table for each question, and why a server is in none."""
    for question in (Question(rows, connections) for rows in ROWS for connections in CONNECTIONS):
        print()
        print_row(
            f"{kind}, {said(question)}",
            *("requests/s", "of echo", "p50", "p99", "errors", "first answer", "memory"),
        )
        for server in servers:
            seen = measured[server.name]
            if seen.failure is None:
                print_row(server.title, *figures(question, seen, measured[ECHO.name]))
    print()
    for server in servers:
        if (failure := measured[server.name].failure) is not None:
            print(f"{server.title}: left out with the {kind} model, {failure}")


def figures(question: Question, seen: Measured, echo: Measured) -> list[str]:
    """Write what was measured of one server."""
    loads = seen.loads[question]
    return [
        f"{median(load.per_second for load in loads):,.0f}",
        "" if echo.failure else f"{ratio(seen, echo, question):.3f}",
        f"{median(load.p50 for load in loads):,.2f} ms",
        f"{median(load.p99 for load in loads):,.2f} ms",
        f"{sum(load.errors for load in loads)}",
        f"{median(seen.seconds_to_answer):.2f} s",
        f"{median(seen.mebibytes):.0f} MiB",
    ]


def compare_workers(problem: Problem, seconds: int, rounds: int) -> None:
    """Print what a second worker of this API brings where wrk takes its share of the same two cores."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for _ in range(rounds):
        for workers, seen in rates.items():
            try:
                with start(problem, OURS, cores=BOTH_CORES, workers=workers) as process:
                    warm_up(problem, OURS, process)
                    bodies = problem.bodies(OURS, 1)
                    load = measure(process.url, bodies, connections=64, seconds=seconds, cores=BOTH_CORES)
                    settle(problem, OURS, process)
                    seen.append(load.per_second)
            except FAULTS as error:
                print(f"{plural(workers, 'worker')}: not measured, {reason(error)}")
                return
    one, two = (median(seen) for seen in rates.values())
    gain = median(more / fewer for fewer, more in zip(*rates.values(), strict=True))
    print(
        f"two workers, two cores shared with wrk, 1 row, 64 connections: {two:,.0f} requests/s, "
        f"{gain:.2f} times the {one:,.0f} of one"
    )


def print_goals(seen: dict[str, dict[str, Measured]]) -> None:
    """Print what was to be reached beside what was measured."""
    goals = [goal for kind, measured in seen.items() for goal in goals_of(kind, measured)]
    if goals:
        print()
        print(f"{'goal':<58}{'measured':>24}{'goal':>20}")
    for goal in goals:
        print(f"{goal.what:<58}{goal.measured:>24}{goal.goal:>20}   {'reached' if goal.reached else 'missed'}")


def goals_of(kind: str, measured: dict[str, Measured]) -> Iterable[Goal]:
    """Hold this API against the goals, as far as both sides were measured."""
    usable = {name: each for name, each in measured.items() if each.failure is None}
    ours, echo, pickled = (usable.get(server.name) for server in (OURS, ECHO, PICKLED))
    if ours is None:
        return
    if echo is not None:
        times, least = ratio(ours, echo, MAIN), {"linear": 2.0, "forest": 1.5}[kind]
        yield Goal(f"{kind}, {said(MAIN)}: times the echo", f"{times:.2f}", f"at least {least}", times >= least)
        mine, its = (median(load.p99 for load in each.loads[MAIN]) for each in (ours, echo))
        yield Goal(f"{kind}, {said(MAIN)}: p99", f"{mine:.2f} ms", f"echo's {its:.2f} ms", mine <= its)
    if pickled is not None:
        times = ratio(ours, pickled, MANY)
        yield Goal(f"{kind}, {said(MANY)}: times {PICKLED.title}", f"{times:.1f}", "at least 20", times >= 20)
    first, memory = median(ours.seconds_to_answer), median(ours.mebibytes)
    yield Goal(f"{kind}: start to first answer", f"{first:.2f} s", "1.0 s", first <= 1.0)
    yield Goal(f"{kind}: resident memory of a worker", f"{memory:.0f} MiB", "100 MiB", memory <= 100)


def ratio(seen: Measured, other: Measured, question: Question) -> float:
    """Return how many times another's requests a server answered: the median over rounds."""
    pairs = zip(seen.loads[question], other.loads[question], strict=True)
    return median(mine.per_second / its.per_second if its.per_second else math.inf for mine, its in pairs)


def median(values: Iterable[float]) -> float:
    """Return the median."""
    return statistics.median(values)


def said(question: Question) -> str:
    """Say a question in words."""
    return f"{plural(question.rows, 'row')}, {plural(question.connections, 'connection')}"


def plural(count: int, noun: str) -> str:
    """Write a number of things."""
    return f"{count} {noun}{'s' * (count != 1)}"


def print_row(first: str, *cells: str) -> None:
    """Print a row of a table, its cells to the right."""
    print(f"{first:<34}" + "".join(f"{cell:>14}" for cell in cells), flush=True)


if __name__ == "__main__":
    main()
