"""Rounds of measurements: all servers started, every question asked of each in turn while the others are paused."""

import json
import math
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from subprocess import STDOUT, CalledProcessError, check_output
from typing import Any

from server_process import ServerError, ServerProcess, free_port
from servers_measured import SCRIPTS, Place, Server
from titanic import frame_of, passengers, train
from wrk import Load, measure

from classification_model.processing.fitted_pipelines import load_pipeline

SERVER_CORE, WRK_CORE, BOTH_CORES = "0", "1", "0,1"
CONNECTIONS = (1, 8, 64)
ROWS = (1, 100)
#: How many different requests there are, by how many rows each has.
REQUESTS = {1: 500, 100: 20}
TOLERANCE = 1e-6
#: A slow server is measured until each connection has had so many answers in the mean, but no longer than that.
ANSWERS, LONGEST = 3, 20
#: What a server that is not as expected can raise here; it is left out, and the others are measured.
FAULTS = (CalledProcessError, HTTPException, LookupError, OSError, ServerError, TypeError, ValueError)


@dataclass(frozen=True, order=True)
class Question:
    """What is measured: rows in a request, connections at once."""

    rows: int
    connections: int


@dataclass
class Measured:
    """What was seen of one server, a value a round.

    Attributes
    ----------
    loads
        By question.
    seconds_to_answer, mebibytes
        From start to first answer, and resident memory of all its processes after the load.
    failure
        Why it was not measured to the end.
    """

    loads: dict[Question, list[Load]] = field(default_factory=dict)
    seconds_to_answer: list[float] = field(default_factory=list)
    mebibytes: list[float] = field(default_factory=list)
    failure: str | None = None


@dataclass(frozen=True)
class Problem:
    """A model, and what is asked of it.

    Attributes
    ----------
    model
        Model folder.
    rows
        Requests by how many rows each has.
    expected
        What the pipeline says of the first request of each.
    folder
        For what is made on the way.
    """

    model: Path
    rows: dict[int, list[list[dict[str, Any]]]]
    expected: dict[int, list[float]]
    folder: Path

    def body(self, server: Server, rows: int) -> bytes:
        """Return the first request of so many rows, as a server wants it."""
        return json.dumps(server.body(self.rows[rows][0])).encode()

    def bodies(self, server: Server, rows: int) -> Path:
        """Return the file with all requests of so many rows, as a server wants them."""
        path = self.folder / f"{server.name}-{rows}.jsonl"
        if not path.exists():
            path.write_text("".join(f"{json.dumps(server.body(request))}\n" for request in self.rows[rows]))
        return path

    def check(self, server: Server, rows: int, answer: Any) -> None:
        """Hold the answer to the first request of so many rows against the pipeline."""
        if server.read is None:
            return
        actual = server.read(answer)
        if len(actual) != rows:
            msg = f"it answered {len(actual)} rows of {rows}"
            raise ServerError(msg)
        worst = max(abs(mine - its) for mine, its in zip(self.expected[rows], actual, strict=True))
        if not worst <= TOLERANCE:
            msg = f"its probabilities differ from the pipeline's by {worst:.2g}"
            raise ServerError(msg)


def prepare(kind: str, folder: Path) -> Problem:
    """Train a model, and write down what will be asked of it and what the answers must be."""
    model = train(kind, folder / "model")
    pipeline, _ = load_pipeline(model)
    requests, expected = {}, {}
    for size, count in REQUESTS.items():
        frame = frame_of(model, passengers(size * count))
        records = frame.astype(object).where(frame.notna(), None).to_dict("records")
        plain = [{str(name): value for name, value in record.items()} for record in records]
        requests[size] = [plain[start : start + size] for start in range(0, len(plain), size)]
        expected[size] = pipeline.predict_proba(frame[:size])[:, 1].tolist()
    return Problem(model, requests, expected, folder)


def run_round(problem: Problem, servers: Iterable[Server], measured: dict[str, Measured], seconds: int) -> None:
    """Start all servers that have not failed, and ask each question of each in turn."""
    with ExitStack() as stack:
        running: dict[str, tuple[Server, ServerProcess, float]] = {}
        for server in servers:
            if measured[server.name].failure is not None:
                continue
            try:
                process = stack.enter_context(start(problem, server))
                rate = warm_up(problem, server, process)
            except FAULTS as error:
                measured[server.name].failure = reason(error)
                continue
            measured[server.name].seconds_to_answer.append(process.seconds_to_answer)
            running[server.name] = server, process, rate
            process.pause()
        for question in (Question(rows, connections) for rows in ROWS for connections in CONNECTIONS):
            for name, (server, process, rate) in list(running.items()):
                patience = max(seconds, min(LONGEST, math.ceil(ANSWERS * question.connections / max(rate, 1))))
                try:
                    load = ask(problem, server, process, question, patience)
                except FAULTS as error:
                    measured[name].failure = reason(error)
                    del running[name]
                    continue
                measured[name].loads.setdefault(question, []).append(load)
        for name, (_, process, _) in running.items():
            measured[name].mebibytes.append(sum(process.mebibytes()))


def start(problem: Problem, server: Server, *, cores: str = SERVER_CORE, workers: int = 1) -> ServerProcess:
    """Start a server, after its own way of keeping models was made of the pickled pipeline."""
    prepared = problem.folder / f"{server.name}-prepared"
    place = Place(server.bin, problem.model, prepared, free_port(), workers)
    if server.prepare is not None and not prepared.exists():
        command = [str(server.bin / "python"), str(SCRIPTS / server.prepare), str(place.pickle), str(prepared)]
        check_output(command, stderr=STDOUT, text=True)  # noqa: S603 - a script of this folder
    folder = problem.folder / f"{server.name}-runs"
    folder.mkdir(exist_ok=True)
    # Tools of an environment, such as the Python that MLflow starts, are looked for in its own folder first.
    environment = {"PATH": f"{server.bin}:{os.environ['PATH']}"} | server.environment(place)
    return ServerProcess(
        server.command(place), environment, folder=folder, cores=cores, port=place.port, path=server.path
    )


def warm_up(problem: Problem, server: Server, process: ServerProcess) -> float:
    """Wait for the first answer, check what is answered, and return the requests/s of a second of load."""
    try:
        problem.check(server, 1, process.wait_for_answer(problem.body(server, 1)))
        problem.check(server, 100, process.ask(problem.body(server, 100)))
        load = measure(process.url, problem.bodies(server, 1), connections=8, seconds=1, cores=WRK_CORE)
        settle(problem, server, process)
    except FAULTS:
        process.stop()
        raise
    return load.per_second


def ask(problem: Problem, server: Server, process: ServerProcess, question: Question, seconds: int) -> Load:
    """Measure one server while it is not paused."""
    process.resume()
    try:
        process.ask(problem.body(server, question.rows))
        load = measure(
            process.url,
            problem.bodies(server, question.rows),
            connections=question.connections,
            seconds=seconds,
            cores=WRK_CORE,
        )
        settle(problem, server, process)
    finally:
        process.pause()
    return load


def settle(problem: Problem, server: Server, process: ServerProcess) -> None:
    """Wait until what wrk left behind is answered: it leaves when its time is up."""
    process.ask(problem.body(server, 1))


def reason(error: Exception) -> str:
    """Say in a line what was wrong with a server."""
    if isinstance(error, CalledProcessError):
        lines = [line.strip() for line in str(error.output).splitlines() if line.strip()]
        return f"it could not be prepared: {lines[-1] if lines else error}"
    return str(error) if isinstance(error, ServerError) else f"{type(error).__name__}: {error}"
