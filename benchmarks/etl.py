"""What the ETL of the example `companydata` costs: ``make bench-etl``.

Each size is loaded into an empty PostgreSQL of its own, from generated sales to features and labels. Time is wall time
of the whole program. Memory is the peak of the resident set of the program, and of the processes of the server
together, sampled, in which shared pages count once for each process that touched them.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "companydata"
sys.path.insert(0, str(EXAMPLE))

import psutil  # noqa: E402 - the example is found after the line above
from local_postgres import local_postgres  # noqa: E402

#: Days of 2,000 sales: a hundred thousand, a million sales.
DAYS = (50, 500)
SALES_PER_DAY, CUSTOMERS, LABEL_DAYS = 2_000, 50_000, 20
MIB = 2**20
#: What a million sales must not exceed.
MOST_SECONDS, MOST_MIB = 60, 1024


def server_memory(first: psutil.Process) -> int:
    """Return the bytes in the resident sets of a server's processes."""
    total = 0
    for process in [first, *first.children(recursive=True)]:
        try:
            total += process.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total


def measure(days: int) -> tuple[float, float, float]:
    """Return the seconds of one run, and the MiB of the program and of the server."""
    with tempfile.TemporaryDirectory() as folder, local_postgres(Path(folder)) as postgres:
        variables = os.environ | {"DATABASE_URL": postgres.url}
        python = [sys.executable, "-m"]
        subprocess.run(  # noqa: S603 - the project's own
            [*python, "data_engineering.make_database"],
            cwd=EXAMPLE,
            env=variables,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        options = {
            "--customers": CUSTOMERS,
            "--sales-per-day": SALES_PER_DAY,
            "--days": days,
            "--label-days": LABEL_DAYS,
        }
        program = [*python, "data_engineering.etl", *(str(text) for pair in options.items() for text in pair)]
        first = psutil.Process(int((postgres.data / "postmaster.pid").read_text().split()[0]))
        began, server = time.monotonic(), 0
        etl = subprocess.Popen(program, cwd=EXAMPLE, env=variables, stdout=subprocess.DEVNULL)  # noqa: S603 - as above
        while (done := os.wait4(etl.pid, os.WNOHANG))[0] == 0:
            server = max(server, server_memory(first))
            time.sleep(0.05)
        etl.returncode = os.waitstatus_to_exitcode(done[1])
        if etl.returncode:
            sys.exit(f"error: the ETL ended with exit code {etl.returncode}")
        return time.monotonic() - began, peak_of(done[2]), server / MIB


def peak_of(used: resource.struct_rusage) -> float:
    """Return the MiB of the largest resident set of a program that ended."""
    return used.ru_maxrss / (MIB if sys.platform == "darwin" else 1024)


def main() -> None:
    """Print a line for each size; end with 1 if a million sales exceed what they must not."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, nargs="+", default=DAYS, help=f"days of {SALES_PER_DAY} sales each")
    exceeded = False
    print(f"{'sales':>10} {'seconds':>8} {'program MiB':>12} {'server MiB':>11}")
    for days in parser.parse_args().days:
        seconds, program, server = measure(days)
        print(f"{days * SALES_PER_DAY:>10,} {seconds:>8.1f} {program:>12.0f} {server:>11.0f}", flush=True)
        exceeded |= days * SALES_PER_DAY <= 1_000_000 and (seconds > MOST_SECONDS or max(program, server) > MOST_MIB)
    if exceeded:
        sys.exit(f"error: expected up to {MOST_SECONDS} s and {MOST_MIB} MiB for a million sales")


if __name__ == "__main__":
    main()
