"""Load on a server by wrk, and what it measured."""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
#: Seconds after which an answer counts as lost; the slowest servers keep 64 connections waiting for some.
PATIENCE = 60


@dataclass(frozen=True)
class Load:
    """What a server did in some seconds.

    Attributes
    ----------
    per_second
        Requests answered with success.
    p50, p99
        Milliseconds to an answer: the median, and what 99% did not exceed.
    errors
        Requests answered with another status than success, or by a broken connection or not at all.
    """

    per_second: float
    p50: float
    p99: float
    errors: int


def measure(url: str, bodies: Path, *, connections: int, seconds: int, cores: str) -> Load:
    """Post bodies to a server over so many connections, each as soon as it has its last answer.

    Parameters
    ----------
    url
        Where to post.
    bodies
        File with a body a line.
    connections, seconds
        How many at once, and how long.
    cores
        Cores that wrk may use, as ``taskset`` takes them.
    """
    options = ["--threads", "1", "--connections", str(connections), "--duration", f"{seconds}s"]
    command = ["taskset", "--cpu-list", cores, "wrk", *options, "--timeout", f"{PATIENCE}s", "--script", str(SCRIPT)]
    done = subprocess.run(  # noqa: S603 - wrk, with the options above
        [*command, url, "--", str(bodies)], stdout=subprocess.PIPE, text=True, check=True
    )
    seen = json.loads(done.stdout.splitlines()[-1])
    good = seen["requests"] - seen["failed"]
    return Load(
        good / seen["microseconds"] * 1e6, seen["p50"] / 1e3, seen["p99"] / 1e3, seen["failed"] + seen["broken"]
    )
