"""The command line: what it answers, with which exit code, and what it leaves behind."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from commands import CONFIG, MODEL, VERSION, Command, Done, colours, csv_with, everything_below, shell
from written import read_table, write_table

from classification_model import cli
from classification_model.predict import Predictor
from classification_model.runtime.verification import verify

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model with the real command line; give its folder."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "config.yml").write_text(
        CONFIG.replace("  target: y\n", "  target: y\n  index: order\n"), encoding="utf-8"
    )
    colours().to_csv(folder / "table.csv", index=False)
    done = shell("LOG_LEVEL=INFO LOG_FORMAT=json $MODEL train --config config.yml --output models", folder)
    (folder / "stdout").write_text(done.stdout, encoding="utf-8")
    (folder / "stderr").write_text(done.stderr, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def model(trained: Path) -> Path:
    """Give the folder of the small model."""
    return trained / MODEL


def test_help_lists_every_command_with_what_it_does(command: Command) -> None:
    """`--help` names each command, with a sentence that is not cut."""
    done = command("--help")
    listed = re.findall(r"^  ([\w-]+)  +(.+)$", done.out.partition("Commands:")[2], re.MULTILINE)
    assert (done.code, done.err) == (0, "")
    commands = cli.app.registered_commands
    named = {item.name or item.callback.__name__.replace("_", "-") for item in commands if item.callback}
    assert {name for name, _ in listed} == named | {group.name for group in cli.app.registered_groups}
    assert all(sentence.endswith(".") and not sentence.endswith("...") for _, sentence in listed)


@pytest.mark.parametrize("arguments", [[], ["train"], ["labels", "join"]])
def test_help_has_a_short_name(command: Command, arguments: list[str]) -> None:
    """`-h` is `--help`, of the program and of each command."""
    short, long = command(*arguments, "-h"), command(*arguments, "--help")
    assert short == long
    assert (short.code, short.err) == (0, "")
    assert "-h, --help" in short.out


def test_the_help_lists_commands_in_the_order_of_the_work_as_the_page_does(command: Command) -> None:
    """From the table to the retraining: the order of the help is that of the page, where groups are one command."""
    listed = re.findall(r"^  ([\w-]+)  ", command("--help").out.partition("Commands:")[2], re.MULTILINE)
    assert listed == list(cli.WORKFLOW)
    page = (Path(__file__).parents[3] / "docs" / "commands.md").read_text(encoding="utf-8")
    headed = re.findall(r"^### classification-model ([\w-]+)", page, re.MULTILINE)
    assert headed == listed


def test_the_shell_can_complete_commands(command: Command) -> None:
    """The help says how completion is installed, and the shell's question is answered with commands in order."""
    out = " ".join(command("--help").out.split())
    assert "--install-completion Install completion for the current shell." in out
    assert "--show-completion" in out
    program = "import sys; sys.argv = ['classification-model']; from classification_model import cli; cli.main()"
    asked = {
        "_CLASSIFICATION_MODEL_COMPLETE": "complete_bash",
        "COMP_WORDS": "classification-model r",
        "COMP_CWORD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["rollback", "retrain-check", "retrain"]


def test_version_is_that_of_the_package(command: Command) -> None:
    """`--version` prints the version alone."""
    assert command("--version") == Done(0, f"{VERSION}\n", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], "Usage: "),
        (["teach"], "No such command 'teach'"),
        (["train", "--folds", "3"], "No such option: --folds"),
        (["predict"], "Missing argument"),
        (["init", "table.csv"], "Missing option '--target'"),
        (["verify", "a", "b"], "unexpected extra argument"),
    ],
)
def test_a_command_that_cannot_be_understood_ends_with_2(command: Command, arguments: list[str], expected: str) -> None:
    """A wrong call is answered with its usage on standard error."""
    done = command(*arguments)
    assert (done.code, done.out) == (2, "")
    assert expected in done.err


def test_train_says_what_was_made_and_how_good_it_is(trained: Path) -> None:
    """The summary names problem, version, estimator, each metric with its interval, and the folder."""
    lines = (trained / "stdout").read_text(encoding="utf-8").splitlines()
    assert lines[0] == f"Colours, version {VERSION}: logistic_regression, best of 1 trials"
    assert re.fullmatch(r"metrics on \d+ held-out rows, with 95% intervals:", lines[1])
    for name, line in zip(
        ["roc_auc", "average_precision", "log_loss", "brier", "accuracy", "f1"], lines[2:8], strict=True
    ):
        assert re.fullmatch(rf"  {name} +\d\.\d{{4}}   \d\.\d{{4}} to \d\.\d{{4}}", line)
    assert lines[8] == "candidates, the best setting of each, on 3 folds:"
    assert " ".join(lines[9].split()) == "log_loss seconds to fit microseconds to predict a row"
    assert re.fullmatch(r"  logistic_regression +\d\.\d{4} +\d+\.\d\d +\d+\.\d", lines[10])
    assert re.fullmatch(
        r"compiled: on \d+ training rows and \d+ generated ones it differs from the pipeline by at most \S+", lines[11]
    )
    assert lines[12].startswith("warning: fewer than 10 rows of a class in the hold-out")
    assert re.fullmatch(rf"saved in {MODEL} after \d+ s", lines[13])
    assert lines[14] == f"report: {MODEL}/reports/report.html"
    assert (trained / MODEL / "reports" / "report.html").is_file()
    assert lines[15] == f"next: classification-model predict table.csv --model {MODEL} --output predictions.csv"
    assert len(lines) == 16
    assert list((trained / "models").iterdir()) == [trained / MODEL]


def test_the_log_is_one_json_object_a_line_where_that_is_asked_for(trained: Path) -> None:
    """With LOG_FORMAT=json every line on standard error is a record with time, level, logger and message."""
    records = [json.loads(line) for line in (trained / "stderr").read_text(encoding="utf-8").splitlines()]
    assert {"table loaded", "candidate judged", "model saved"} <= {record["message"] for record in records}
    assert all({"asctime", "levelname", "name", "message"} <= set(record) for record in records)


def test_train_if_changed_leaves_a_current_model_alone(command: Command, trained: Path) -> None:
    """A second training of the same table with the same config does nothing, and says so; another table trains."""
    before = everything_below(trained / "models")
    arguments = ["train", "--config", trained / "config.yml", "--output", trained / "models", "--if-changed"]
    done = command(*arguments)
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{trained / MODEL} is up to date\n"
    assert everything_below(trained / "models") == before


def test_the_output_folder_comes_from_the_machine_when_no_option_names_it(
    command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MODEL_OUTPUT stands in for --output; without both, a config of one's own is told so."""
    (tmp_path / "config.yml").write_text(CONFIG, encoding="utf-8")
    colours().to_csv(tmp_path / "table.csv", index=False)
    done = command("train", "--config", "config.yml")
    assert (done.code, done.out) == (2, "")
    assert done.err == (
        "error: expected an output folder for the model of --config, found none: set --output or MODEL_OUTPUT\n"
    )
    monkeypatch.setenv("MODEL_OUTPUT", "elsewhere")
    assert command("train", "--config", "config.yml").code == 0
    assert [path.name for path in Path("elsewhere").iterdir()] == [Path(MODEL).name]


def test_a_missed_gate_leaves_the_former_model_in_place(command: Command, trained: Path, tmp_path: Path) -> None:
    """A model below its gate is not saved: exit code 2, one line with what was reached, and the old model whole."""
    shutil.copytree(trained / "models", tmp_path / "models")
    shutil.copy(trained / "table.csv", tmp_path)
    (tmp_path / "config.yml").write_text(CONFIG + "gates:\n  log_loss: 0.0001\n", encoding="utf-8")
    before = everything_below(tmp_path)
    done = command("train", "--config", "config.yml", "--output", "models", "--replace")
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: the model misses its gates and is not saved: log_loss is .* expected at most 0\.0001\n", done.err
    )
    assert everything_below(tmp_path) == before
    assert verify(tmp_path / MODEL).manifest.name == "Colours"


def test_init_writes_a_config_and_says_what_comes_next(command: Command, tmp_path: Path) -> None:
    """The draft is the only new file, and the next command is spelled out."""
    (tmp_path / "table.csv").write_bytes(csv_with())
    done = command("init", "table.csv", "--target", "y", "--output", "my config.yml")
    assert (done.code, done.err) == (0, "")
    assert done.out == (
        "my config.yml drafted: read and correct it, then run "
        "classification-model train --config 'my config.yml' --output models\n"
    )
    assert set(everything_below(tmp_path)) == {"table.csv", "my config.yml"}


def test_init_does_not_overwrite_a_config_without_being_told_to(command: Command, tmp_path: Path) -> None:
    """A config that is there stays, unless --force replaces it."""
    (tmp_path / "table.csv").write_bytes(csv_with())
    (tmp_path / "config.yml").write_text("mine", encoding="utf-8")
    done = command("init", "table.csv", "--target", "y")
    assert done == Done(2, "", "error: config.yml exists: set another --output, or replace it with --force\n")
    assert (tmp_path / "config.yml").read_text(encoding="utf-8") == "mine"
    assert command("init", "table.csv", "--target", "y", "--force").code == 0
    assert (tmp_path / "config.yml").read_text(encoding="utf-8").startswith("# Drafted from 120 rows")


def test_init_takes_the_delimiter_and_encoding_that_are_named(command: Command, tmp_path: Path) -> None:
    """Options overrule what would be guessed, and are written down as given, without a remark."""
    colours().assign(shape="\u043a\u0443\u0431").to_csv(tmp_path / "table.csv", index=False, sep="~", encoding="cp1251")
    assert command("init", "table.csv", "--target", "y", "--delimiter", "~", "--encoding", "cp1251").code == 0
    text = (tmp_path / "config.yml").read_text(encoding="utf-8")
    assert '  source: table.csv\n  delimiter: "~"\n  encoding: cp1251\n' in text
    assert "every value is the same\n    - shape" in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["none.csv", "--target", "y"], "none.csv cannot be read: No such file or directory"),
        (
            ["table.csv", "--target", "Y"],
            "table.csv has no column 'Y', the target: expected one of: size, shape, y",
        ),
        (
            ["table.csv", "--target", "y", "--output", "no/c.yml"],
            "no/c.yml cannot be written: No such file or directory",
        ),
        (["table.csv", "--target", "y", "--output", "folder", "--force"], "folder cannot be written: Is a directory"),
        (
            ["table.csv", "--target", "y", "--encoding", "hex"],
            "--encoding: expected an encoding of text that Python knows, such as utf-8 or cp1252, found 'hex'",
        ),
        (
            ["-", "--target", "y"],
            "expected a file or URL, which the config names as data.source, found standard input",
        ),
    ],
)
def test_init_that_fails_is_one_line_and_no_file(
    command: Command, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    """A draft that cannot be made or written leaves no file, finished or not."""
    (tmp_path / "table.csv").write_bytes(csv_with())
    (tmp_path / "folder").mkdir()
    assert command("init", *arguments) == Done(2, "", f"error: {expected}\n")
    assert set(everything_below(tmp_path)) == {"table.csv"}


def test_verify_says_yes_with_0(command: Command, model_folder: Path) -> None:
    """The packaged model, when nothing is named, holds."""
    done = command("verify")
    assert (done.code, done.err) == (0, "")
    assert re.match(rf"yes: Titanic survival, version {VERSION}: \d+ files and \d+ golden rows verified", done.out)


def test_verify_says_no_with_1_naming_the_file(command: Command, model: Path, tmp_path: Path) -> None:
    """One changed byte in any file of a model is found, and the file named."""
    for name in everything_below(model):
        shutil.copytree(model, tmp_path / "copy")
        content = bytearray((tmp_path / "copy" / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / "copy" / name).write_bytes(content)
        done = command("verify", "copy")
        assert (done.code, done.out) == (1, "")
        assert re.fullmatch(rf"error: {re.escape(name)} [^\n]*\n", done.err), done.err
        shutil.rmtree(tmp_path / "copy")


def test_verify_of_what_is_no_model_ends_with_2(command: Command, tmp_path: Path) -> None:
    """A folder without a model is neither yes nor no."""
    done = command("verify", tmp_path)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(
        r"error: expected a model in [^\n]*, found no manifest\.json: train one with [^\n]*\n", done.err
    )


FORMATS = ["csv", "tsv", "parquet", "json", "jsonl"]


@pytest.mark.parametrize(("read", "written"), list(zip(FORMATS, [*FORMATS[1:], FORMATS[0]], strict=True)))
def test_predict_reads_and_writes_by_suffix_and_keeps_the_rows(
    command: Command, model: Path, tmp_path: Path, read: str, written: str
) -> None:
    """In any pair of formats the answer is the file's columns and rows, in order, then what is added."""
    table = colours(40)
    write_table(table, str(tmp_path / f"in.{read}"))
    done = command("predict", f"in.{read}", "--model", model, "--output", f"out.{written}")
    assert done == Done(0, "", "")
    answer = read_table(f"out.{written}")
    added = ["prediction", "probability_blue", "probability_red", "warnings", "errors"]
    assert list(answer.columns) == [*table.columns, *added]
    assert answer["order"].astype(int).tolist() == table["order"].tolist()
    expected: Any = Predictor.load(model).predict(table)
    assert answer["prediction"].tolist() == expected["predictions"]
    probabilities = [row["red"] for row in expected["probabilities"]]
    assert answer["probability_red"].astype(float).tolist() == pytest.approx(probabilities, abs=1e-15)
    assert set(everything_below(tmp_path)) == {f"in.{read}", f"out.{written}"}


def test_predict_reads_standard_input_and_writes_standard_output(command: Command, model: Path) -> None:
    """A dash is CSV on either side, and output without --output goes there too."""
    table = colours(5).to_csv(index=False).encode()
    both = command("predict", "-", "--model", model, "--output", "-", stdin=table)
    assert (both.code, both.err) == (0, "")
    assert command("predict", "-", "--model", model, stdin=table) == both
    assert [line.split(",")[0] for line in both.out.splitlines()] == [
        line.split(",")[0] for line in table.decode().splitlines()
    ]


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_predict_finds_the_delimiter_or_takes_the_one_that_is_named(
    command: Command, model: Path, tmp_path: Path, delimiter: str
) -> None:
    """A CSV with another delimiter is read as it is, and as it is said to be."""
    colours(5).to_csv(tmp_path / "in.csv", index=False, sep=delimiter)
    found = command("predict", "in.csv", "--model", model)
    assert (found.code, found.err) == (0, "")
    assert command("predict", "in.csv", "--model", model, "--delimiter", delimiter) == found


def test_predict_reads_another_encoding_when_told(command: Command, model: Path, tmp_path: Path) -> None:
    """A file that is not UTF-8 is refused in one line, and read with --encoding."""
    colours(5).assign(shape="w\u00fcrfel").to_csv(tmp_path / "in.csv", index=False, encoding="cp1252")
    refused = command("predict", "in.csv", "--model", model)
    assert (refused.code, refused.out, len(refused.err.splitlines())) == (2, "", 1)
    assert "w\u00fcrfel" in command("predict", "in.csv", "--model", model, "--encoding", "cp1252").out


def test_a_bad_row_is_an_error_in_its_row_and_no_more(command: Command, model: Path, tmp_path: Path) -> None:
    """A row that breaks the schema has no prediction and says why; its neighbours are predicted as ever."""
    table = colours(6).astype(object)
    table.loc[2, "size"] = "huge"
    table.loc[4, "shape"] = "cone"
    write_table(table, "in.csv")
    done = command("predict", "in.csv", "--model", model, "--output", "out.json")
    assert (done.code, done.out) == (0, "")
    assert done.err == (
        "1 of 6 rows could not be predicted, see out.json.rejects; the first: size: expected a number, found text\n"
    )
    assert (tmp_path / "out.json.rejects").read_text() == '{"row":2,"reason":"size: expected a number, found text"}\n'
    answer = read_table("out.json")
    assert answer["order"].astype(int).tolist() == table["order"].tolist()
    assert answer["errors"].tolist() == [None, None, "size: expected a number, found text", None, None, None]
    assert [value is None for value in answer["prediction"]] == [False, False, True, False, False, False]
    assert [value is None for value in answer["probability_red"]] == [False, False, True, False, False, False]
    assert answer["warnings"][4] == "shape: a category that training did not see"


def test_a_table_of_no_rows_is_answered_with_no_rows(command: Command, model: Path) -> None:
    """A header alone gives the header of an answer."""
    done = command("predict", "-", "--model", model, stdin=b"order,size,shape,y\n")
    assert done == Done(0, "order,size,shape,y,prediction,probability_blue,probability_red,warnings,errors\n", "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["empty.csv"], r"empty\.csv is empty: expected column names and at least one row"),
        (["none.csv"], r"none\.csv cannot be read: No such file or directory"),
        (["."], r"expected an output folder for the folder \., found none: set --output"),
        ([".", "--output", "out"], r"expected files that end in \.parquet in the folder \., found none"),
        (["README"], r"README: expected a file that ends in \.csv, .*, found no suffix"),
        (["in.xls"], r"in\.xls: expected a file that ends in \.csv, .*, found \.xls"),
        (["in.csv", "--output", "out.xlsx"], r"out\.xlsx: expected a file to write that ends in .*"),
        (["in.csv", "--output", "out.csv.gz"], r"out\.csv\.gz: expected a file to write that ends in .*"),
        (["in.csv", "--output", "no/out.csv"], r"no/out\.csv cannot be written: No such file or directory"),
        (["in.csv", "--output", "folder.csv"], r"folder\.csv cannot be written: Is a directory"),
        (["in.csv", "--delimiter", ";;"], r"in\.csv: expected one ASCII character .*, found ';;'.*"),
        (["in.csv", "--delimiter", ""], r"in\.csv: expected one ASCII character .*, found ''.*"),
        (["in.csv", "--encoding", "utf-99"], r"--encoding: expected an encoding of text that Python .* found 'utf-99'"),
        (
            ["in.csv", "--delimiter", ";"],
            r"in\.csv has one column with the delimiter ';', and ',' in its header: set --delimiter",
        ),
        (["answered.csv"], r"answered\.csv has a column 'prediction', which the predictions add: .* --prefix model_"),
        (["in.csv", "--prefix", "a b"], r"--prefix: expected at most 64 letters, digits, _, - and \., found 'a b'"),
        (["in.csv", "--model", "no"], r"expected a model in no, found no manifest\.json: train one with .*"),
        (["in.csv", "--model", "corrupt"], r"manifest\.json .*"),
    ],
)
def test_predict_that_fails_is_one_line_and_no_file(
    command: Command, model: Path, tmp_path: Path, arguments: list[str], expected: str
) -> None:
    """What cannot be predicted ends with exit code 2 and one line; no output is left, finished or not."""
    colours(4).to_csv(tmp_path / "in.csv", index=False)
    colours(4).assign(prediction="red").to_csv(tmp_path / "answered.csv", index=False)
    (tmp_path / "empty.csv").touch()
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "corrupt").mkdir()
    (tmp_path / "corrupt" / "manifest.json").write_text("{", encoding="utf-8")
    before = everything_below(tmp_path)
    given = arguments if "--model" in arguments else [*arguments, "--model", str(model)]
    done = command("predict", *given)
    assert (done.code, done.out) == (2, "")
    assert re.fullmatch(f"error: {expected}\n", done.err), done.err
    assert everything_below(tmp_path) == before


def test_the_titanic_sample_is_predicted_through_the_command_line(command: Command, model_folder: Path) -> None:
    """The packaged model predicts the row of sample.csv, with every column of the raw table."""
    sample = Path(__file__).parents[2] / "sample.csv"
    done = command("predict", sample)
    header, row = done.out.splitlines()
    assert (done.code, done.err) == (0, "")
    assert header.endswith(",prediction,probability_died,probability_survived,warnings,errors")
    assert re.search(r",died,0\.\d+,0\.\d+,(ticket: a category that training did not see)?,$", row)


@pytest.mark.parametrize(
    "call", ["verify {model}", "predict in.csv --model {model}", "init in.csv --target y --output c.yml"]
)
def test_output_that_nobody_reads_ends_a_command_in_silence(model: Path, tmp_path: Path, call: str) -> None:
    """When whoever reads standard output has gone, a command ends with 2, never with the 1 that means no."""
    colours().to_csv(tmp_path / "in.csv", index=False)
    done = shell(f"($MODEL {call.format(model=model)}; echo $? >&2) | true", tmp_path)
    assert Done.of(done.returncode, done.stdout, done.stderr).err == "2\n"


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("verify {model} > out", "error: File too large"),
        ("predict in.csv --model {model} > out", "error: - cannot be written: File too large"),
        ("predict in.csv --model {model} --output out.csv", "error: out.csv cannot be written: File too large"),
        ("init in.csv --target y --output c.yml", "error: c.yml cannot be written: File too large"),
    ],
)
def test_a_disk_that_takes_no_more_is_one_line_and_no_file(
    model: Path, tmp_path: Path, call: str, expected: str
) -> None:
    """A write that the system refuses ends with exit code 2, a line that says so, and nothing half-written."""
    colours().to_csv(tmp_path / "in.csv", index=False)
    done = shell(f"ulimit -f 0; $MODEL {call.format(model=model)}", tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.splitlines()[-1] == expected
    assert "Traceback" not in done.stderr
    assert set(everything_below(tmp_path)) - {"out"} == {"in.csv"}
    assert not (tmp_path / "out").exists() or (tmp_path / "out").read_bytes() == b""


def test_letters_that_a_terminal_does_not_know_are_escaped(tmp_path: Path) -> None:
    """A name of another script does not break a command on a terminal of western letters."""
    colours().to_csv(tmp_path / "in.csv", index=False)
    done = shell("PYTHONIOENCODING=latin-1 $MODEL init in.csv --target y --output '\u540d.yml'", tmp_path)
    assert Done.of(done.returncode, "", done.stderr) == Done(0, "", "")
    assert done.stdout.startswith("\\u540d.yml drafted")
