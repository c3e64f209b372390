"""Predicting files when something goes wrong: one line, an exit code, and nothing half-done under a final name."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command, everything_below, shell
from problems import make_config, make_table, train

from classification_model.batch.ordered_threads import in_order
from classification_model.batch.predict_file import predict_file
from classification_model.batch.scoring import Scorer
from classification_model.errors import DataError
from classification_model.predict import Predictor
from classification_model.runtime.model_folder.artifact import MANIFEST
from classification_model.runtime.model_folder.manifest import seal

pytestmark = pytest.mark.slow


PROGRAM = [sys.executable, "-m", "classification_model"]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model; give its folder."""
    features: dict[str, Any] = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}}
    return train(make_table(120, gaps=0), make_config(features, folder=tmp_path_factory.mktemp("model"))).folder


def write_rows(path: Path, count: int) -> None:
    """Write rows for the small model, in the format of the file's suffix."""
    if path.suffix == ".parquet":
        sizes = pa.array(range(count), pa.int64()).cast(pa.float64())
        pq.write_table(pa.table({"size": sizes, "shape": pa.array(["disc"] * count)}), path)
    else:
        path.write_text("size,shape\n" + "".join(f"{number},disc\n" for number in range(count)))


@contextmanager
def running(*arguments: str | Path, folder: Path) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """Run the real command with an open standard input."""
    with subprocess.Popen(
        [*PROGRAM, *map(str, arguments)],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        try:
            yield process, process.stdin
        finally:
            process.kill()


def wait_for(condition: Callable[[], Any]) -> None:
    """Wait until something has happened, five minutes at most."""
    for _ in range(30_000):
        if condition():
            return
        time.sleep(0.01)
    pytest.fail("it never happened")


@pytest.mark.parametrize(
    ("number", "code", "output"),
    [(signal.SIGINT, 130, "out.csv"), (signal.SIGTERM, 143, "out.parquet"), (signal.SIGHUP, 129, "out.json")],
)
def test_an_interrupt_leaves_nothing_behind(
    model: Path, tmp_path: Path, number: signal.Signals, code: int, output: str
) -> None:
    """Half of a file is none: it is cleared away, and so is the list of its rejected rows."""
    with running("predict", "-", "--output", output, "--model", model, folder=tmp_path) as (process, stdin):
        stdin.write("size,shape\n" + "huge,disc\n1,disc\n" * 400_000)
        stdin.flush()
        wait_for(lambda: len(list(tmp_path.glob(".*.new"))) == 2)
        process.send_signal(number)
        assert process.wait(300) == code
        assert process.stderr is not None
        assert process.stderr.read() == "error: interrupted\n"
    assert everything_below(tmp_path) == {}


def test_an_interrupted_folder_keeps_what_is_whole(model: Path, tmp_path: Path) -> None:
    """A file that was finished stays, the one that was not is cleared away, and the next run goes on from there."""
    (tmp_path / "data").mkdir()
    write_rows(tmp_path / "data" / "a.parquet", 10)
    write_rows(tmp_path / "data" / "b.parquet", 4_000_000)
    run = ("predict", "data", "--output", "out", "--model", model)
    with running(*run, folder=tmp_path) as (process, _):
        wait_for(lambda: list((tmp_path / "out").glob(".b.parquet.*.new")))
        process.send_signal(signal.SIGINT)
        assert process.wait(300) == 130
        assert process.stderr is not None
        assert process.stderr.read() == (
            "error: interrupted; 1 of 2 files are complete: run the same command again for the rest\n"
        )
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["a.parquet"]
    write_rows(tmp_path / "data" / "b.parquet", 10)
    done = shell(f"$MODEL predict data --output out --model {model}", tmp_path)
    assert (done.stdout, done.stderr) == ("1 files predicted into out, 1 were complete before\n", "")


def test_a_killed_run_leaves_no_final_file(model: Path, tmp_path: Path) -> None:
    """What cannot clear up has not yet put anything in its place."""
    with running("predict", "-", "--output", "out.csv", "--model", model, folder=tmp_path) as (process, stdin):
        stdin.write("size,shape\n" + "1,disc\n" * 1_000_000)
        stdin.flush()
        wait_for(lambda: any(path.stat().st_size for path in tmp_path.glob(".*.new")))
        process.kill()
        process.wait(300)
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("output", ["out.csv", "out.parquet", "out.json"])
@pytest.mark.parametrize("limit", [0, 100])
def test_a_disk_that_takes_no_more_is_one_line_and_leaves_the_former_file(
    model: Path, tmp_path: Path, output: str, limit: int
) -> None:
    """At whatever byte the disk is full, the file that was there stays, and no other is left."""
    write_rows(tmp_path / "in.csv", 200_000)
    (tmp_path / output).write_text("former")
    done = shell(f"ulimit -f {limit}; $MODEL predict in.csv --output {output} --model {model}", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {output} cannot be written: File too large\n"
    assert set(everything_below(tmp_path)) == {"in.csv", output}
    assert (tmp_path / output).read_text() == "former"


def test_a_disk_that_takes_no_more_rejects_is_one_line_and_no_file(model: Path, tmp_path: Path) -> None:
    """Neither the predictions nor the list of rejected rows is left, where not both can be."""
    (tmp_path / "in.csv").write_text("size,shape\n" + "x,disc\n" * 30_000)
    done = shell(f"ulimit -f 1500; $MODEL predict in.csv --output out.parquet --model {model}", tmp_path)
    assert done.returncode == 2
    assert done.stderr == "error: out.parquet.rejects cannot be written: File too large\n"
    assert set(everything_below(tmp_path)) == {"in.csv"}


def test_output_that_nobody_reads_ends_a_long_run_in_silence(model: Path, tmp_path: Path) -> None:
    """When whoever reads standard output has gone, millions of rows are not predicted for nobody."""
    write_rows(tmp_path / "in.parquet", 1_000_000)
    done = shell(f"($MODEL predict in.parquet --model {model}; echo $? >&2) | head -n 2", tmp_path)
    assert done.stdout.startswith("size,shape,prediction,probability_red,probability_green,warnings,errors\n0.0,disc,")
    assert done.stderr == "2\n"


def test_a_full_device_behind_standard_output_is_one_line(model: Path, tmp_path: Path) -> None:
    """So is a standard stream that is closed."""
    write_rows(tmp_path / "in.csv", 10)
    done = shell(f"$MODEL predict in.csv --model {model} > /dev/full", tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: - cannot be written: No space left on device\n")
    done = shell(f"$MODEL predict in.csv --model {model} >&-", tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: - cannot be written: the standard stream is closed\n")
    done = shell(f"$MODEL predict - --model {model} <&-", tmp_path)
    assert (done.returncode, done.stderr) == (2, "error: - cannot be read: the standard stream is closed\n")


@pytest.mark.parametrize("change", ["replaced", "appended to", "removed"])
@pytest.mark.parametrize("suffix", ["csv", "parquet"])
def test_a_file_that_changes_while_it_is_read_is_refused(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str, suffix: str
) -> None:
    """Predictions of a file that is no longer there, or no longer the same, do not take their place."""
    path = tmp_path / f"in.{suffix}"
    write_rows(path, 10)
    score = Scorer.score

    def score_and_change(scorer: Scorer, batch: Any) -> Any:
        if change == "replaced":
            write_rows(tmp_path / f"new.{suffix}", 10)
            os.utime(tmp_path / f"new.{suffix}", ns=(0, path.stat().st_mtime_ns))
            (tmp_path / f"new.{suffix}").replace(path)
        elif change == "removed":
            path.unlink()
        else:
            with path.open("ab") as file:
                file.write(b"1,disc\n")
        return score(scorer, batch)

    monkeypatch.setattr(Scorer, "score", score_and_change)
    with pytest.raises(DataError, match=rf"in\.{suffix} was changed while it was read: try again"):
        predict_file(Predictor.load(model), str(path), str(tmp_path / "out.csv"))
    assert set(everything_below(tmp_path)) <= {f"in.{suffix}"}


FAULTS: dict[str, tuple[str, bytes, str]] = {
    "cut off": (
        "in.csv",
        b"size,shape\n" + b"1,disc\n" * 700_000 + b"1",
        r"expected 2 cell\(s\) in the last line, as in the header, found 1 and no line end: the file is cut off; .*",
    ),
    "unnamed": (
        "in.csv",
        b"size,shape,\n" + b"1,disc,\n" * 700_000 + b"1,disc,x\n",
        r"column 3 has no name, and its first value near line 700002: give it a name in the header",
    ),
    "long row": (
        "in.csv",
        b"size,shape\n" + b"1,disc\n" * 700_000 + b"1,disc,1\n",
        r"line 700002: expected 2 cell\(s\), .* found 3",
    ),
    "open quote": (
        "in.csv",
        b"size,shape\n" + b"1,disc\n" * 700_000 + b'1,"disc\n',
        "line 700002: expected a quote at the end of a cell .*",
    ),
    "no UTF-8": (
        "in.csv",
        b"size,shape\n" + b"1,disc\n" * 700_000 + b"1,\xff\n",
        "is not text in the encoding 'utf-8'.*",
    ),
    "no JSON": (
        "in.jsonl",
        b'{"size": 1, "shape": "disc"}\n' * 200_000 + b'{"size": \n',
        r"line 200001, column \d+: expected JSON, found a syntax error: .*",
    ),
    "no object": ("in.jsonl", b'{"size": 1, "shape": "disc"}\n' * 10 + b"[1]\n", "line 11: expected a JSON object, .*"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_far_into_a_file_is_one_line_that_names_it(
    command: Command, model: Path, tmp_path: Path, fault: str
) -> None:
    """What was predicted of the rows before is cleared away."""
    name, content, message = FAULTS[fault]
    (tmp_path / name).write_bytes(content)
    done = command("predict", name, "--output", "out.csv", "--model", model)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(rf"error: {name}:? {message}\n", done.err), done.err
    assert set(everything_below(tmp_path)) == {name}


def test_a_parquet_file_with_a_broken_page_is_one_line(command: Command, model: Path, tmp_path: Path) -> None:
    """A file can begin and end well, and be broken in between."""
    write_rows(tmp_path / "in.parquet", 3_000_000)
    content = bytearray((tmp_path / "in.parquet").read_bytes())
    content[len(content) // 2 :][:1] = b""
    middle = len(content) // 2
    content[middle : middle + 4096] = bytes(4096)
    (tmp_path / "in.parquet").write_bytes(content)
    done = command("predict", "in.parquet", "--output", "out.csv", "--model", model)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: in\.parquet: expected a Parquet file, found one that cannot be read: [^\n]*\n", done.err
    ), done.err
    assert set(everything_below(tmp_path)) == {"in.parquet"}


def test_a_column_of_the_wrong_type_rejects_its_rows(command: Command, model: Path, tmp_path: Path) -> None:
    """Lists where numbers are due are errors of their rows, with the reason."""
    pq.write_table(pa.table({"size": [[1.0], None], "shape": ["disc", "disc"]}), tmp_path / "in.parquet")
    done = command("predict", "in.parquet", "--output", "out.parquet", "--model", model)
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "1 of 2 rows could not be predicted, see out.parquet.rejects; "
        "the first: size: expected a number, found a list\n"
    )


def test_a_text_that_is_none_is_refused_with_its_column(command: Command, model: Path, tmp_path: Path) -> None:
    """A file may call bytes a text that are none."""
    shapes = pa.array([b"disc", b"\xff"]).view(pa.string())
    pq.write_table(pa.table({"size": [1.0, 2.0], "shape": shapes}), tmp_path / "in.parquet")
    done = command("predict", "in.parquet", "--output", "out.csv", "--model", model)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith("error: in.parquet: column 'shape' of type string cannot be read: ")
    pq.write_table(pa.table({"size": [1.0, 2.0], "shape": ["disc", "ball"], "key": shapes}), tmp_path / "in.parquet")
    done = command("predict", "in.parquet", "--output", "out.csv", "--model", model)
    assert done.err.startswith("error: in.parquet: a column of type string cannot be read: ")
    assert set(everything_below(tmp_path)) == {"in.parquet"}


BLOCKED = """
import sys
for name in {names}:
    sys.modules[name] = None
from classification_model import cli
cli.main()
"""
WORKSHOP = ("pandas", "sklearn", "feature_engine", "scipy", "onnx", "joblib", "strictyaml", "pydantic_settings")


def without(names: tuple[str, ...], *arguments: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the command line where some libraries are not installed."""
    program = [sys.executable, "-c", BLOCKED.format(names=names), *map(str, arguments)]
    return subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("output", ["out.csv", "out.parquet", "out.jsonl"])
@pytest.mark.parametrize("name", ["in.csv", "in.parquet"])
def test_files_are_predicted_without_the_workshop(model: Path, tmp_path: Path, name: str, output: str) -> None:
    """The extra [batch] is enough: no pandas, no scikit-learn."""
    write_rows(tmp_path / name, 10)
    arguments = ("predict", name, "--output", output, "--model", model)
    done = without(WORKSHOP, *arguments, folder=tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    lean = (tmp_path / output).read_bytes()
    assert subprocess.run([*PROGRAM, *map(str, arguments)], cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / output).read_bytes() == lean


@pytest.mark.parametrize("missing", ["pyarrow", "rich", "fsspec"])
def test_a_missing_extra_is_named(model: Path, tmp_path: Path, missing: str) -> None:
    """Without what [batch] installs, the extra is named, and nothing is written."""
    write_rows(tmp_path / "in.csv", 10)
    done = without((missing,), "predict", "in.csv", "--output", "out.csv", "--model", model, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert re.fullmatch(
        rf"error: predicting a file needs {missing}\S*, which is not installed: "
        r"run pip install 'classification-model\[batch\]'\n",
        done.stderr,
    )
    assert set(everything_below(tmp_path)) == {"in.csv"}


def test_help_needs_no_extra_and_no_large_library(tmp_path: Path) -> None:
    """`--help` of every command is there in the base install, and loads nothing that takes long."""
    heavy = (*WORKSHOP, "pyarrow", "rich", "fsspec", "onnxruntime")
    for command in ("train", "init", "verify", "predict", "wheel"):
        done = without(heavy, command, "--help", folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        assert "Usage: " in done.stdout


def test_a_model_without_a_compiled_form_predicts_in_the_workshop_only(model: Path, tmp_path: Path) -> None:
    """Its pipeline predicts the same, with a warning; without [train] the model is refused in one line."""
    copy = tmp_path / "model"
    for name, content in everything_below(model).items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_bytes(content)
    manifest = orjson.loads((copy / MANIFEST).read_bytes())
    changed = manifest | {"compiled": None, "parity": None, "not_compiled": "no converter for Magic"}
    (copy / MANIFEST).write_bytes(seal(changed))
    write_rows(tmp_path / "in.csv", 10)
    arguments = ("predict", "in.csv", "--output", "out.csv", "--model")
    done = without((), *arguments, "model", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert re.fullmatch(
        r"warning: model: no compiled model \(no converter for Magic\): predicting with the pipeline, .*\n", done.stderr
    )
    slowly = (tmp_path / "out.csv").read_text()
    assert without((), *arguments, model, folder=tmp_path).returncode == 0
    labels = [
        [line.split(",")[2] for line in text.splitlines()] for text in (slowly, (tmp_path / "out.csv").read_text())
    ]
    assert labels[0] == labels[1]
    done = without(WORKSHOP, *arguments, "model", folder=tmp_path)
    assert done.returncode == 2
    assert re.fullmatch(r"error: .* has no compiled model \(no converter for Magic\): .* \[train\] .*\n", done.stderr)


RESIDENT = """
import sys
from pathlib import Path
from classification_model import cli
try:
    cli.main()
finally:
    if sys.platform == "linux":  # where getrusage tells the peak of the parent as well
        status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
        peak = int(status["VmHWM"].split()[0]) * 2**10
    else:
        import resource
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(peak // 2**20, file=sys.stderr)
"""


@pytest.mark.parametrize(("name", "output"), [("in.csv", "out.parquet"), ("in.parquet", "out.csv")])
def test_memory_does_not_grow_with_the_rows(model: Path, tmp_path: Path, name: str, output: str) -> None:
    """Eight times the rows take the memory of a few batches more at most, not of all rows."""
    resident = []
    for rows in (250_000, 2_000_000):
        write_rows(tmp_path / name, rows)
        program = [sys.executable, "-c", RESIDENT, "predict", name, "--output", output, "--model", str(model)]
        done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0
        resident.append(int(done.stderr))
    assert resident[1] < resident[0] + 100


def test_a_bar_is_drawn_on_a_terminal_only(model: Path, tmp_path: Path) -> None:
    """It shows rows and rows a second; what is no terminal gets none."""
    write_rows(tmp_path / "in.csv", 300_000)
    call = f"$MODEL predict in.csv --output out.csv --model {model}"
    assert shell(call, tmp_path).stderr == ""
    done = shell(f"script -qec '{call}' /dev/null", tmp_path)
    assert re.search(r"in\.csv .*300,000 rows, [\d,]+ rows/s", done.stdout), done.stdout
    done = shell(f"script -qec '$MODEL predict in.csv --model {model}' /dev/null | head -c 999999", tmp_path)
    assert "rows/s" not in done.stdout


def test_results_come_in_order_and_few_items_are_taken_ahead() -> None:
    """However long each item takes, and whoever is done first."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(50):
            taken.append(number)
            yield number

    def work(number: int) -> int:
        time.sleep(0.002 * (number % 3))
        return number

    for expected, found in enumerate(in_order(work, items(), 3)):
        assert found == expected
        assert len(taken) <= expected + 9
    assert len(taken) == 50


@pytest.mark.parametrize("place", ["item", "work"])
def test_an_error_comes_in_its_place(place: str) -> None:
    """What was before it is given first."""

    def items() -> Iterator[int]:
        yield from range(9)
        if place == "item":
            raise DataError(place)
        yield from range(9, 99)

    def work(number: int) -> int:
        if place == "work" and number == 9:
            raise DataError(place)
        return number

    results = in_order(work, items(), 4)
    assert [next(results) for _ in range(9)] == list(range(9))
    with pytest.raises(DataError, match=place):
        next(results)
