"""What `init`, `eda` and `train` take on long and wide tables: ``make bench-training``.

Each command runs in a process of its own. Times are wall time; where other work shares the machine they grow, and the
CPU time does not.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

MIB = 2**20


def long_table(rows: int, draw: np.random.Generator) -> pd.DataFrame:
    """Make a table of many rows: numbers, categories of few and of many values, moments and texts."""
    columns: dict[str, object] = {"outcome": np.where(draw.random(rows) < 0.3, "yes", "no")}
    columns |= {f"number_{place}": draw.normal(size=rows).round(4) for place in range(12)}
    columns |= {f"category_{place}": draw.choice(list("abcdefgh"), size=rows) for place in range(4)}
    columns["city"] = [f"city {number}" for number in draw.integers(0, 5000, rows)]
    columns["moment"] = pd.Timestamp("2020-01-01") + pd.to_timedelta(draw.integers(0, 10**8, rows), unit="s")
    pairs = zip(draw.integers(0, 10**6, rows), draw.integers(0, 100, rows), strict=True)
    columns["note"] = [f"note {number} of {total}" for number, total in pairs]
    return pd.DataFrame(columns)


def wide_table(rows: int, columns: int, draw: np.random.Generator, *, categories: bool) -> pd.DataFrame:
    """Make a table of many columns, of which three numbers decide; every third column may be a category."""
    numbers = draw.normal(size=(rows, columns)).round(3)
    score = numbers[:, 1] + numbers[:, 2] - numbers[:, 4] + draw.normal(size=rows)
    found: dict[str, object] = {"outcome": np.where(score > 0, "yes", "no")}
    for place in range(columns):
        is_category = categories and place % 3 == 0
        found[f"x{place:04d}"] = draw.choice(list("abcd"), size=rows) if is_category else numbers[:, place]
    return pd.DataFrame(found)


def run(*arguments: str | Path) -> str:
    """Run the command line; return its wall time, CPU time and peak of the resident set."""
    command = [sys.executable, "-m", "classification_model", *map(str, arguments)]
    began = time.monotonic()
    with subprocess.Popen(  # noqa: S603 - the command line of this package
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    if process.returncode:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}")
    return f"{wall:6.1f} s, {used.ru_utime + used.ru_stime:6.1f} s of CPU, {used.ru_maxrss * 1024 / MIB:5.0f} MiB"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=50_000, help="rows of the long table")
    parser.add_argument("--columns", type=int, default=1500, help="columns of the wide table")
    options = parser.parse_args()
    draw = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tables = {
            f"{options.rows} rows, 19 columns": long_table(options.rows, draw),
            "2000 rows, 300 columns": wide_table(2000, 300, draw, categories=True),
            f"300 rows, {options.columns} columns": wide_table(300, options.columns, draw, categories=False),
        }
        for number, (title, table) in enumerate(tables.items()):
            source, config = folder / f"{number}.csv", folder / f"{number}.yml"
            table.to_csv(source, index=False)
            print(f"{title:<26} init   {run('init', source, '--target', 'outcome', '--output', config)}", flush=True)
            page = folder / f"{number}.html"
            print(f"{title:<26} eda    {run('eda', '--config', config, '--output', page)}", flush=True)
            output = folder / f"models {number}"
            print(f"{title:<26} train  {run('train', '--config', config, '--output', output)}", flush=True)


if __name__ == "__main__":
    main()
