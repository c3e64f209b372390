"""How fast the compiled model answers beside the pickled pipeline it was compiled from: ``make bench``.

Both come from one training on Titanic, a linear model and a forest of 300 trees. The pickled pipeline gets a frame that
is ready for it; the compiled model gets what a caller sends, reads and checks it, and answers with labels. Times are
medians of rounds in which both take turns; processes are measured from outside, memory as the peak of the resident set.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from titanic import ESTIMATORS, frame_of, passengers, titanic, train

from classification_model.predict import Predictor
from classification_model.processing.fitted_pipelines import load_pipeline

SIZES = (1, 10, 100, 1_000, 10_000, 100_000, 1_000_000)
ROUNDS = 7
MIB = 2**20

FIRST_ANSWER = """
import json, sys
from pathlib import Path
from classification_model.predict import Predictor
print(Predictor.load(Path(sys.argv[1])).predict(json.loads(sys.argv[2]))["predictions"])
"""
IMPORT = """
import time
started = time.perf_counter()
import classification_model
print(time.perf_counter() - started)
"""
FIRST_ANSWER_PICKLED = """
import json, sys
import joblib
import pandas as pd
print(joblib.load(sys.argv[1]).predict_proba(pd.DataFrame(json.loads(sys.argv[2]))))
"""
SCORE_PICKLED = """
import sys
import joblib
import pyarrow as pa
import pyarrow.parquet as pq
_, pipeline, source, target, rows, *texts = sys.argv
pipeline, left = joblib.load(pipeline), int(rows)
with pq.ParquetFile(source) as file:
    schema = file.schema_arrow.append(pa.field("probability", pa.float64()))
    with pq.ParquetWriter(target, schema) as writer:
        for batch in file.iter_batches(min(100_000, left)):
            frame = batch.to_pandas()
            frame["pclass"] = frame["pclass"].astype(str)
            frame[texts] = frame[texts].astype(object).where(frame[texts].notna(), None)
            probabilities = pipeline.predict_proba(frame[pipeline.feature_names_in_])[:, 1]
            writer.write_batch(batch.append_column("probability", pa.array(probabilities)))
            left -= len(batch)
            if left <= 0:
                break
"""
# The system tells the peak of a process's memory to the process itself; to its parent it tells that of both.
MEASURED = """
import runpy, sys
sys.argv = sys.argv[1:]
mode, program, *_ = sys.argv
sys.argv = [mode, *sys.argv[2:]]
try:
    exec(program) if mode == "-c" else runpy.run_module(program, run_name="__main__")
finally:
    with open("/proc/self/status") as status:
        print(next(line.split()[1] for line in status if line.startswith("VmHWM")))
"""


@dataclass(frozen=True)
class Process:
    """How long a process ran, and the most memory it held."""

    seconds: float
    mebibytes: float


def main() -> None:
    """Print a table for each question."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--rows", type=int, default=10_000_000, help="rows of the Parquet file (default 10 million)")
    parser.add_argument(
        "--pickled-rows", type=int, default=1_000_000, help="rows of it that the pickled pipeline scores (1 million)"
    )
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {kind: train(kind, folder / kind) for kind in ESTIMATORS}
        compare_calls(models)
        compare_sizes(models)
        compare_first_answers(models)
        compare_files(models, folder, arguments.rows, arguments.pickled_rows)


def compare_calls(models: dict[str, Path]) -> None:
    """Time one row and 1,000 rows through both, in turns."""
    print_header("call", "pickled", "compiled", "ratio")
    for kind, folder in models.items():
        predictor, (pipeline, _) = Predictor.load(folder), load_pipeline(folder)
        for count in (1, 1000):
            rows = passengers(count)
            frame = frame_of(folder, rows)
            slow, fast = in_turns(partial(pipeline.predict_proba, frame), partial(predictor.predict, rows))
            print_row(f"{kind}, {count:,} row{'s' * (count > 1)}", micro(slow), micro(fast), f"{slow / fast:.0f}")
    print()


def compare_sizes(models: dict[str, Path]) -> None:
    """Time the compiled model by the number of rows in one call."""
    print_header("rows in one call", *(f"{kind}, a row" for kind in models))
    predictors = [Predictor.load(folder) for folder in models.values()]
    for size in SIZES:
        rows = passengers(size)
        times = in_turns(*(partial(each.predict, rows) for each in predictors), rounds=7 if size < 1e5 else 1)
        print_row(f"{size:,}", *(micro(seconds / size) for seconds in times))
    print()


def compare_first_answers(models: dict[str, Path]) -> None:
    """Measure new processes: from their start to the end of one answer."""
    print_header("process", "pickled s", "compiled s", "pickled MiB", "compiled MiB")
    row = passengers(1)
    for kind, folder in models.items():
        (pickle,) = folder.glob("*.pkl")
        frame = frame_of(folder, row).to_dict("records")
        runs = [
            (
                run("-c", FIRST_ANSWER_PICKLED, str(pickle), json.dumps(frame)),
                run("-c", FIRST_ANSWER, str(folder), json.dumps(row)),
            )
            for _ in range(ROUNDS)
        ]
        slow, fast = (
            Process(
                statistics.median(pair[side].seconds for pair in runs),
                statistics.median(pair[side].mebibytes for pair in runs),
            )
            for side in (0, 1)
        )
        numbers = (f"{slow.seconds:.2f}", f"{fast.seconds:.2f}", f"{slow.mebibytes:.0f}", f"{fast.mebibytes:.0f}")
        print_row(f"{kind}, import to answer", *numbers)
    imports = [
        float(subprocess.run([sys.executable, "-c", IMPORT], stdout=subprocess.PIPE, check=True).stdout)  # noqa: S603 - above
        for _ in range(ROUNDS)
    ]
    print_row("import classification_model", "", f"{statistics.median(imports) * 1e3:.0f} ms")
    print()


def compare_files(models: dict[str, Path], folder: Path, rows: int, pickled_rows: int) -> None:
    """Score a Parquet file with both."""
    source = folder / "passengers.parquet"
    write_passengers(source, rows)
    print_header(f"Parquet, {rows:,} rows", "pickled rows/s", "compiled rows/s", "ratio", "MiB", "MiB at a tenth")
    tenth = folder / "tenth.parquet"
    write_passengers(tenth, rows // 10)
    for kind, model in models.items():
        (pickle,) = model.glob("*.pkl")
        _, manifest = load_pipeline(model)
        target = folder / "scored.parquet"
        fewer = min(rows, pickled_rows)
        texts = sorted(manifest.input_schema.texts)
        slow = run("-c", SCORE_PICKLED, str(pickle), str(source), str(target), str(fewer), *texts)
        fast, small = (
            run("-m", "classification_model", "predict", str(file), "--output", str(target), "--model", str(model))
            for file in (source, tenth)
        )
        speeds = fewer / slow.seconds, rows / fast.seconds
        print_row(
            kind,
            *(f"{speed / 1e6:.3f} M" for speed in speeds),
            f"{speeds[1] / speeds[0]:.1f}",
            f"{fast.mebibytes:.0f}",
            f"{small.mebibytes:.0f}",
        )


def write_passengers(path: Path, rows: int, seed: int = 0) -> None:
    """Write passengers drawn anew: surnames, the rest of their names, and every other column apart."""
    table, draw = titanic(), np.random.default_rng(seed)
    surnames, others = (pa.array(part) for part in zip(*(name.split(", ", 1) for name in table["name"]), strict=True))
    columns = {name: pa.array(table[name].tolist(), from_pandas=True) for name in table.columns if name != "name"}
    schema = pa.schema([("name", pa.string()), *((name, column.type) for name, column in columns.items())])
    with pq.ParquetWriter(path, schema) as writer:
        for start in range(0, rows, 500_000):
            count = min(500_000, rows - start)
            drawn = {
                name: column.take(pa.array(draw.integers(0, len(table), count))) for name, column in columns.items()
            }
            names = [
                part.take(pa.array(draw.integers(0, len(table), count))).to_pylist() for part in (surnames, others)
            ]
            whole = pa.array([f"{surname}, {other}" for surname, other in zip(*names, strict=True)])
            writer.write_table(pa.table({"name": whole, **drawn}, schema=schema))


def in_turns(*calls: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    """Return the median seconds of a call of each, over rounds in which all take turns."""
    counts = []
    for call in calls:
        started = time.perf_counter()
        call()
        counts.append(max(1, min(5000, int(0.1 / (time.perf_counter() - started)))) if rounds > 1 else 1)
    times: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for taken, call, count in zip(times, calls, counts, strict=True):
            started = time.perf_counter()
            for _ in range(count):
                call()
            taken.append((time.perf_counter() - started) / count)
    return [statistics.median(taken) for taken in times]


def run(*arguments: str) -> Process:
    """Run Python: ``-c`` and a program or ``-m`` and a module, then its arguments; measure it to its end."""
    started = time.perf_counter()
    done = subprocess.run(  # noqa: S603 - the programs are those above, and the project's own
        [sys.executable, "-c", MEASURED, *arguments], stdout=subprocess.PIPE, text=True, check=True
    )
    return Process(time.perf_counter() - started, int(done.stdout.splitlines()[-1]) * 1024 / MIB)


def micro(seconds: float) -> str:
    """Write seconds as microseconds."""
    return f"{seconds * 1e6:,.1f} us"


def print_header(*names: str) -> None:
    """Print the names of columns."""
    print_row(*names)


def print_row(first: str, *numbers: str) -> None:
    """Print a row of a table, its numbers to the right."""
    print(f"{first:<28}" + "".join(f"{number:>17}" for number in numbers), flush=True)


if __name__ == "__main__":
    main()
