"""Time the patterns of a model on hostile texts, before training.

A search for a regular expression may take minutes on a text of a few dozen characters, which would stop a server. So
each pattern is timed on the slowest texts that can be generated for it. That finds many slow patterns, but proves none
to be quick. The limit on the length of texts bounds patterns whose time grows with a power of the length. With a repeat
inside a repeat, time may double with each character, and 30 characters are enough: avoid such patterns.

Times are those of the machine that trains: a pattern near the limit may pass on one machine and fail on another.

The words of a ``contains`` are not timed: their expression has no repeats, so each word is compared at most once at
each character of a text.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from classification_model.errors import TrainingError
from classification_model.patterns.hostile_texts import hostile_texts, telling_lengths
from classification_model.runtime.input.values import LONGEST_PARSED_TEXT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from classification_model.patterns.searched_texts import Search

#: Seconds of processor that one search may take, and after which its end is not waited for.
LIMIT, ABANDON = 0.001, 0.02
#: Seconds after which a program is killed that does not answer at all; it needs a tenth of one for a pattern.
PATIENCE = 120.0
#: Characters of a pattern that an error shows.
LONGEST_SHOWN = 100

_STOPWATCH = Path(__file__).with_name("search_stopwatch.py")
#: As little of Python as there is: it starts sooner, and nobody's settings change what is measured.
_PYTHON = (sys.executable or "python3", "-I", "-S", "-W", "ignore")


def slow_patterns(searches: Sequence[Search]) -> list[str]:
    """Say of which patterns a search takes longer than a millisecond in a text that a row may hold.

    Parameters
    ----------
    searches
        Patterns, and the length of the texts in which they are sought.

    Returns
    -------
    list of str
        A line for each slow pattern: what a search takes in how long a text, and the remedy.

    Raises
    ------
    TrainingError
        If they cannot be timed.
    """
    if not searches:
        return []
    orders, said = [], []
    for search in searches:
        try:
            texts = hostile_texts(search.pattern, search.longest)
            telling = telling_lengths(search.pattern, search.longest)
        except RecursionError:
            said.append(f"{search.place}: {_shown(search)} has too many nested groups to be timed: use fewer")
        else:
            order = {"pattern": search.pattern, "longest": search.longest, "lengths": telling, "texts": texts}
            orders.append(order)
    if said:
        return said
    answers = _time(orders)
    slow = [(search, *answer) for search, answer in zip(searches, answers, strict=False) if answer is not None]
    if len(answers) < len(searches):  # nothing interrupts a search there, so that all that could be done was to kill it
        unfinished = searches[len(answers)]
        slow.append((unfinished, None, unfinished.longest))
    return [_describe(*found) for found in slow]


def _time(orders: Sequence[dict[str, Any]]) -> list[Any]:
    """Return for each search None, or seconds and length of a text that it is slow in; fewer where one did not end."""
    order = {"limit": LIMIT, "abandon": ABANDON, "searches": orders}
    try:
        done = subprocess.run(  # noqa: S603 - this package's own program
            [*_PYTHON, str(_STOPWATCH)],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=PATIENCE * len(orders),
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        output = error.stdout or b""
    except OSError as error:
        raise _untimed(error.strerror or type(error).__name__) from error
    else:
        output = done.stdout
        if done.returncode:
            raise _untimed(f"it ended with code {done.returncode}")
    return [json.loads(line) for line in output.splitlines(keepends=True) if line.endswith(b"\n")]


def _untimed(reason: str) -> TrainingError:
    return TrainingError(f"patterns cannot be timed, as the program {_STOPWATCH.name} cannot run: {reason}")


def _shown(search: Search) -> str:
    pattern = search.pattern if search.pattern.isprintable() else ascii(search.pattern)[1:-1]
    return f"'{pattern}'" if len(pattern) <= LONGEST_SHOWN else f"'{pattern[:LONGEST_SHOWN]}...'"


def _describe(search: Search, seconds: float | None, length: int) -> str:
    time = f"more than {ABANDON * 1e3:g} ms" if seconds is None else f"{seconds * 1e3:.1f} ms"
    remedy = "do not nest repeats, limit them as in {1,40}, or anchor the pattern"
    if search.longest > LONGEST_PARSED_TEXT:
        remedy += ", or allow shorter texts only (data.longest_text in a config)"
    return (
        f"{search.place}: expected at most {LIMIT * 1e3:g} ms on any text, found {time} for {_shown(search)} on a text "
        f"of {length:,} characters: {remedy}"
    )
