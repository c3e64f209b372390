"""Time searches for regular expressions: a separate program, which `pattern_timing` runs and may have to kill.

It imports little, so that it starts quickly. From standard input it reads a JSON object of ``limit`` and ``abandon``,
in seconds, and ``searches``, each with its ``pattern``, the ``longest`` length of a text, further ``lengths`` to try,
and ``texts``: the beginning, the repeated part and the end of each. To standard output it writes a line for each
search: null, or ``[seconds, length]`` of a text that takes longer than the limit, with null for the seconds of an
abandoned search.
"""

from __future__ import annotations

import gc
import json
import math
import re
import signal
import sys
from collections.abc import Callable, Sequence
from time import thread_time
from typing import Any

#: A search that took longer than the limit is repeated so often, and its best time counts: a busy machine takes time
#: from a search now and then, a slow pattern always does.
REPETITIONS = 7
SHORTEST = 8


class Abandoned(BaseException):
    """A search takes too long to wait for its end; raised by a signal wherever the program is."""


def main() -> None:
    """Answer one order."""
    order = json.load(sys.stdin)
    gc.disable()
    if hasattr(signal, "SIGVTALRM"):  # elsewhere whoever runs this loses patience
        signal.signal(signal.SIGVTALRM, _abandon)
    for search in order["searches"]:
        found = slowest(search, order["limit"], order["abandon"])
        sys.stdout.write(json.dumps(found) + "\n")
        sys.stdout.flush()


def _abandon(*_: object) -> None:
    raise Abandoned


def slowest(search: dict[str, Any], limit: float, abandon: float) -> tuple[float | None, int] | None:
    """Return seconds and length of a text that a search takes too long for; None where there is none.

    Lengths grow step by step: what is slow on a short text would not end on a long one.
    """
    find = re.compile(search["pattern"]).search
    for parts in search["texts"]:
        slow = None
        for length in lengths(search["longest"], search["lengths"], len(parts[0])):
            text = make_text(parts, length)
            seconds = measure(find, text, abandon)
            if seconds > limit and slow is None:
                seconds = best(find, text, limit, abandon)
            if seconds == math.inf:
                return None, length
            if seconds > limit:
                slow = seconds, length
        if slow is not None:
            return slow
    return None


def lengths(longest: int, telling: Sequence[int] = (), skipped: int = 0) -> list[int]:
    """Return growing lengths: each twice the one before, those that tell of the pattern, and the longest.

    Parameters
    ----------
    longest
        Most characters of a text.
    telling
        Lengths at which the pattern may change its mind, counted from the beginning of a text or from where that of
        the hostile text ends.
    skipped
        Characters that the hostile text begins with.
    """
    found = {longest, *telling, *(length + skipped for length in telling)}
    length = SHORTEST
    while length < longest:
        found.add(length)
        length *= 2
    return sorted(length for length in found if length <= longest)


def make_text(parts: Sequence[str], length: int) -> str:
    """Return a text of a length: what is repeated, between a beginning and an end."""
    beginning, repeated, end = parts
    space = max(length - len(beginning) - len(end), 0)
    middle = (repeated * (space // len(repeated) + 1))[:space]
    return (beginning + middle + end)[:length]


def best(find: Callable[[str], object], text: str, limit: float, abandon: float) -> float:
    """Return the shortest of several times of a search, or the first that keeps to the limit."""
    shortest = math.inf
    for _ in range(REPETITIONS):
        shortest = min(shortest, measure(find, text, abandon))
        if shortest <= limit:
            break
    return shortest


def measure(find: Callable[[str], object], text: str, abandon: float) -> float:
    """Return the seconds of processor that a search takes; infinity where it takes longer than is waited for.

    The clock is the thread's: while a timer of the process runs, the clock of the process advances in steps of
    milliseconds.
    """
    try:
        _set_timer(abandon)
        began = thread_time()
        find(text)
        seconds = thread_time() - began
        _set_timer(0)
    except Abandoned:
        return math.inf
    return seconds


def _set_timer(seconds: float) -> None:
    if hasattr(signal, "setitimer"):
        signal.setitimer(signal.ITIMER_VIRTUAL, seconds)


if __name__ == "__main__":
    main()
