"""Labels put beside predictions, and labels of files matched with the predictions of a log."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from commands import Command, Done
from hypothesis import given
from hypothesis import strategies as st
from problems import make_config, make_table, train

from classification_model.errors import DataError, InputError
from classification_model.labels.joining import JoinReport, join_labels
from classification_model.labels.latest import Counted, with_labels
from classification_model.labels.sources import LabelSource
from classification_model.log_frames.log_frame import read_labels, read_log
from classification_model.runtime.log.label_log import LabelLog
from classification_model.runtime.log.line_files import name_of
from classification_model.runtime.log.sealed_lines import seal

CLASSES = ("red", "green")


def make_frame(ids: str) -> pd.DataFrame:
    """Make a log of predictions, a letter each, an hour apart."""
    times = pd.date_range("2026-01-01", periods=len(ids), freq="h", tz="UTC", unit="us")
    return pd.DataFrame({"prediction_id": pd.Series(list(ids), dtype="str"), "timestamp": times})


def make_labels(*given: tuple[str, str, str]) -> pd.DataFrame:
    """Make labels from an id, a day of 2026 and a label each."""
    return pd.DataFrame(
        {
            "prediction_id": pd.Series([name for name, _, _ in given], dtype="str"),
            "timestamp": pd.Series(pd.to_datetime([f"2026-{day}" for _, day, _ in given], utc=True)).dt.as_unit("us"),
            "label": pd.Series([label for _, _, label in given], dtype="str"),
            "source": "feedback",
        }
    )


def test_the_latest_label_counts_and_all_others_are_named() -> None:
    """Of several labels the latest counts; repeated, contradicted, early and unknown ones are counted and named."""
    labels = make_labels(
        ("b", "02-03", "green"),
        ("a", "02-01", "red"),
        ("b", "02-01", "red"),
        ("b", "02-02", "red"),
        ("x", "02-01", "red"),
        ("c", "02-01", "purple"),
        ("d", "02-01", "green"),
        ("d", "02-02", "purple"),
    )
    labels = pd.concat([labels, make_labels(("e", "01-01", "red"))], ignore_index=True)
    found = with_labels(make_frame("abcdef"), labels, CLASSES)
    assert found.frame["label"].tolist() == ["red", "green", None, "green", "red", None]
    assert found.frame["labelled_at"].dtype == "datetime64[us, UTC]"
    assert found.frame["labelled_at"].isna().tolist() == [False, False, True, False, False, True]
    assert found.frame["labelled_at"].iloc[1] == pd.Timestamp("2026-02-03", tz="UTC")
    assert found.unknown_ids == Counted(1, ("x",))
    assert found.unknown_classes == Counted(2, ("c", "d"))
    assert found.duplicates == found.conflicts == Counted(1, ("b",))
    assert found.early == Counted(1, ("e",))
    assert "1 labels of predictions that are not in the log: x" in found.describe()


def test_without_labels_none_is_known() -> None:
    """A log without labels, and labels without a log, have nothing to say."""
    found = with_labels(make_frame("ab"), make_labels(), CLASSES)
    assert found.frame["label"].tolist() == [None, None]
    assert found.describe() == []
    assert with_labels(make_frame(""), make_labels(("a", "02-01", "red")), CLASSES).unknown_ids.count == 1


@pytest.mark.slow
@given(st.lists(st.tuples(st.sampled_from("abxy"), st.integers(1, 9), st.sampled_from([*CLASSES, "purple"]))))
def test_labels_are_what_going_through_them_one_by_one_gives(given: list[tuple[str, int, str]]) -> None:
    """However labels come, the same are known and the same are counted as by going through them in order of time."""
    known: dict[str, str] = {}
    same = other = 0
    for name, _, label in sorted(given, key=lambda one: one[1]):
        if name in "ab" and label in CLASSES:
            same += known.get(name) == label
            other += name in known and known[name] != label
            known[name] = label
    found = with_labels(make_frame("ab"), make_labels(*((n, f"02-0{day}", label) for n, day, label in given)), CLASSES)
    assert found.frame["label"].tolist() == [known.get(name) for name in "ab"]
    assert (found.duplicates.count, found.conflicts.count) == (same, other)
    assert found.unknown_ids.count == sum(name not in "ab" for name, _, _ in given)
    assert found.unknown_classes.count == sum(name in "ab" and label not in CLASSES for name, _, label in given)


def write_log(folder: Path, *index: Any, model: str = "colours") -> None:
    """Log predictions of some keys; their ids are p0, p1 and so on."""
    folder.mkdir(exist_ok=True)
    lines = [
        seal(
            orjson.dumps(
                {
                    "prediction_id": f"p{number}" if model == "colours" else f"other{number}",
                    "timestamp": "2026-11-21T13:04:30.123Z",
                    "model": model,
                    "version": "1.0.0",
                    "index": key,
                    "features": {},
                    "prediction": "red",
                    "probabilities": {"red": 0.75, "green": 0.25},
                }
            )
        )
        for number, key in enumerate(index)
    ]
    random = "00000001" if model == "colours" else "00000002"
    (folder / name_of("predictions", f"20261121130430000000-1-{random}", 1)).write_bytes(b"".join(lines))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Log predictions of the keys 7, "7", "a", none, 8 and "b"."""
    folder = tmp_path / "log"
    write_log(folder, 7, "7", "a", None, 8, "b")
    return folder


def join(log: Path, source: Path | str, **options: Any) -> JoinReport:
    """Join a table with the columns key and label."""
    return join_labels(log, LabelSource(str(source), "key", "label"), **{"by": "index", "classes": CLASSES} | options)


def recorded(log: Path) -> dict[str, str]:
    """Return the latest label on record of each prediction."""
    labels = read_labels(log)
    return dict(zip(labels["prediction_id"], labels["label"], strict=True))


def write_table(path: Path, rows: list[tuple[Any, Any]]) -> Path:
    """Write keys and labels in the format of the suffix."""
    keys, labels = [key for key, _ in rows], [label for _, label in rows]
    if path.suffix == ".parquet":
        pq.write_table(pa.table({"more": [1] * len(rows), "key": keys, "label": labels}), path)
    elif path.suffix == ".jsonl":
        path.write_bytes(b"".join(orjson.dumps({"key": key, "label": label}) + b"\n" for key, label in rows))
    else:
        pd.DataFrame({"key": keys, "label": labels}).to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", ["csv", "jsonl", "parquet"])
@pytest.mark.parametrize("kind", [int, float, str])
def test_keys_are_compared_as_texts(suffix: str, kind: type, log: Path) -> None:
    """7, 7.0 and "7" are one key, and its label is of every prediction that has it."""
    report = join(log, write_table(log.parent / f"table.{suffix}", [(kind(7), "green"), (kind(9), "red")]))
    assert recorded(log) == {"p0": "green", "p1": "green"}
    assert (report.matched, report.labelled, report.appended, report.predictions) == (1, 2, 2, 6)
    assert report.unknown_keys.count == 1
    assert read_labels(log)["source"].unique().tolist() == [f"table.{suffix}"]


def test_a_second_time_adds_nothing(log: Path) -> None:
    """A label that is on record is not put there again; a corrected one is, once."""
    table = write_table(log.parent / "table.csv", [("a", "red"), (8, "green")])
    assert join(log, table).appended == 2
    before = sorted(path.name for path in log.iterdir())
    again = join(log, table)
    assert (again.appended, again.present) == (0, 2)
    assert sorted(path.name for path in log.iterdir()) == before
    write_table(table, [("a", "green"), (8, "green")])
    assert (join(log, table).appended, join(log, table).appended) == (1, 0)
    assert recorded(log) == {"p2": "green", "p4": "green"}
    assert len(read_labels(log)) == 3


@pytest.mark.slow
def test_a_source_that_contradicts_itself_adds_its_last_word_once(log: Path) -> None:
    """Of rows of one key the last counts, near or far from each other; the key is named. Again, none is added."""
    rows = [("a", "red"), ("a", "green"), *[("x", "red")] * 70_000, ("a", "red"), (8, "green")]
    table = write_table(log.parent / "table.csv", rows)
    report = join(log, table)
    assert report.conflicts == Counted(2, ("a",))
    assert report.unknown_keys == Counted(70_000, ("x",))
    assert recorded(log) == {"p2": "red", "p4": "green"}
    assert len(read_labels(log)) == 2
    assert join(log, table).appended == 0


def test_rows_that_match_nothing_are_counted_and_named(log: Path) -> None:
    """Rows without a key or a label, of unknown keys and of no class are told, and not put on record."""
    rows = [("a", "purple"), ("b", ""), ("", "red"), *((f"k{n}", "red") for n in range(9)), (8, "Red")]
    report = join(log, write_table(log.parent / "table.csv", rows))
    assert (report.rows, report.matched, report.appended) == (13, 0, 0)
    assert (report.without_key, report.without_label) == (1, 1)
    assert report.unknown_keys == Counted(9, ("k0", "k1", "k2", "k3", "k4"))
    assert report.unknown_classes == Counted(2, ("a", "8"))
    assert recorded(log) == {}


def test_labels_can_be_of_predictions_by_their_own_name(log: Path) -> None:
    """A prediction's id is a key of its own prediction alone."""
    join(log, write_table(log.parent / "table.csv", [("p3", "green"), ("7", "red")]), by="prediction_id")
    assert recorded(log) == {"p3": "green"}


def test_raw_values_of_the_target_are_read_as_their_labels(log: Path) -> None:
    """Where the source holds what the training table held, its values stand for their labels; labels still do, too."""
    table = write_table(log.parent / "table.parquet", [("a", "1.0"), ("b", "0"), ("8", "red")])
    assert join(log, table, raw_values={"0": "red", "1": "green"}).matched == 3
    assert recorded(log) == {"p2": "green", "p4": "red", "p5": "red"}


def test_a_label_that_spells_missing_is_a_label_where_it_is_a_class(log: Path) -> None:
    """The word none means that no label is known, unless it is one."""
    table = write_table(log.parent / "table.jsonl", [("a", "none"), ("b", "None")])
    assert join(log, table).without_label == 2
    assert join(log, table, classes=("none", "some")).matched == 1


def test_predictions_of_another_problem_are_left_alone(log: Path) -> None:
    """A key that only a prediction of another problem has is unknown."""
    write_log(log, "z", "a", model="ships")
    report = join(log, write_table(log.parent / "table.csv", [("a", "red"), ("z", "red")]), model="colours")
    assert recorded(log) == {"p2": "red"}
    assert report.unknown_keys == Counted(1, ("z",))


def test_a_dry_run_writes_nothing(log: Path) -> None:
    """What would be done is told, and the folder stays as it is."""
    before = sorted(log.iterdir())
    report = join(log, write_table(log.parent / "table.csv", [("a", "red")]), dry_run=True)
    assert report.appended == 1
    assert sorted(log.iterdir()) == before


def test_a_log_without_keys_cannot_be_joined_by_them(tmp_path: Path) -> None:
    """Predictions that were made without an index are told apart from keys that do not match."""
    write_log(tmp_path / "log", None, None)
    with pytest.raises(DataError, match="expected predictions with an index in the log, found none"):
        join(tmp_path / "log", write_table(tmp_path / "table.csv", [("a", "red")]))


def test_damage_of_the_log_is_part_of_the_report(log: Path) -> None:
    """A torn line of the log is told with what was joined."""
    (path,) = log.iterdir()
    path.write_bytes(path.read_bytes()[:-9])
    report = join(log, write_table(log.parent / "table.csv", [("a", "red")]), dry_run=True)
    assert report.predictions == 5
    assert "1 lines without an end" in report.faults[0]


@pytest.mark.parametrize(
    ("name", "key", "fault"),
    [
        ("table.csv", "kee", r"table\.csv has no column 'kee': expected one of 'key', 'label'"),
        ("other.csv", "key", r"other\.csv cannot be read: No such file or directory"),
        ("table.xls", "key", r"table\.xls: expected a file that ends in \.csv, .* found \.xls"),
    ],
)
def test_a_source_that_cannot_be_read_is_an_error(name: str, key: str, fault: str, log: Path) -> None:
    """A wrong name of a file or column is told in a line, and nothing is put on record."""
    write_table(log.parent / "table.csv", [("a", "red")])
    with pytest.raises(DataError, match=fault):
        join_labels(log, LabelSource(str(log.parent / name), key, "label"), by="index", classes=CLASSES)
    assert recorded(log) == {}


@pytest.mark.parametrize("name", ["crm.db", "crm.csv"])
def test_a_sqlite_file_without_a_table_is_told_its_url(name: str, log: Path) -> None:
    """Whatever a file of SQLite is called, the message says how to name one of its tables, and that works."""
    path = log.parent / name
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("CREATE TABLE outcomes AS SELECT 'a' AS key, 'red' AS label")
    database.close()
    with pytest.raises(
        InputError, match=rf"{re.escape(name)} is a SQLite database: name one of its tables, as "
    ) as told:
        join(log, str(path))
    url = str(told.value).rpartition(" as ")[2]
    assert join(log, url.replace("#table", "#outcomes")).matched == 1


@pytest.mark.parametrize(
    ("source", "fault"),
    [
        (
            "postgresql://me:secret@host/db",
            "expected the URL of a postgresql database with the table at its end, as #ta",
        ),
        (
            "postgresql:/me:secret@host/db",
            "found settings of a connection: write a database as postgresql://host/name#",
        ),
        (
            "x://me:secret@h",
            r"nothing opens a URL that begins with x:// \(known are .*postgresql.*\): install what does",
        ),
        ("secret@h", "found settings of a connection"),
        ("host=db.example.com user=me password=secret", "found settings of a connection"),
        ("host=db.example.com password=secret url=https://h/labels.csv", "found settings of a connection"),
        ("Server=db.example.com;UID=me;Pwd = secret", "found settings of a connection"),
        (f"host=db.example.com password=secret application_name={'x' * 300}", "found settings of a connection"),
    ],
)
def test_what_names_no_table_is_told_so(source: str, fault: str, log: Path) -> None:
    """A database without a table, and what is neither a file nor a URL, is told without repeating it."""
    with pytest.raises(InputError, match=fault) as raised:
        join(log, source)
    assert "secret" not in str(raised.value)
    assert "secret" not in repr(LabelSource(source, "key", "label"))


def test_a_file_of_any_name_is_a_source(log: Path) -> None:
    """A sign in its name makes a file no URL, and one that is not there keeps its name."""
    (log.parent / "me@host#1").mkdir()
    path = log.parent / "me@host#1" / "a:b@c?query=d.csv"
    assert join(log, write_table(path, [("a", "red")])).source == path.name
    with pytest.raises(DataError, match=r"me@host#1/next\.csv cannot be read: No such file"):
        join(log, log.parent / "me@host#1" / "next.csv")


def test_a_file_of_labels_that_is_written_while_it_is_read_is_refused(tmp_path: Path) -> None:
    """Nobody knows which of its labels are whole: none is put on record."""
    path = tmp_path / "labels.csv"
    path.write_text("key,label\n" + "a,red\n" * 9, encoding="utf-8")
    parts = LabelSource(str(path), "key", "label").parts()
    assert next(parts) == (["a"] * 9, ["red"] * 9)
    with path.open("a", encoding="utf-8") as file:
        file.write("b,re")
    with pytest.raises(DataError, match=r"labels\.csv was changed while it was read: try again"):
        list(parts)


@pytest.mark.parametrize(
    ("url", "kind", "fault"),
    [
        ("ftp://me:secret@host/labels.doc", DataError, r"labels\.doc: expected a file that ends in"),
        ("http://127.0.0.1:1/labels.csv?signature=secret", DataError, r"127\.0\.0\.1:1/labels\.csv cannot be read: "),
        ("memory://labels.csv?signature=secret", DataError, r"^memory://labels\.csv cannot be read: No such file"),
        ("ftp://me:sec/secret@host/labels.csv", InputError, "write @ as %40, / as %2F, # as %23 and "),
        ("ftp://me:sec?secret@host/labels.csv", InputError, "write @ as %40, / as %2F, # as %23 and "),
        ("ftp://me:secret@[::1/labels.csv", DataError, "cannot be read: Invalid IPv6 URL"),
    ],
)
def test_a_url_of_a_file_keeps_its_password(url: str, kind: type[Exception], fault: str, log: Path) -> None:
    """A URL of a file that cannot be read is told by the file's name, without its password and its signature."""
    with pytest.raises(kind, match=fault) as raised:
        join(log, url)
    assert not re.search("sec/|sec\\?|secret", str(raised.value))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a small model whose labels differ from the raw values of its target; give its folder."""
    folder = tmp_path_factory.mktemp("model")
    features: dict[str, Any] = {"size": {"kind": "numeric"}, "shape": {"kind": "categorical"}}
    config = make_config(features, folder=folder, data={"classes": {"red": "r", "green": "g"}})
    return train(make_table(120, gaps=0), config).folder


CONFIG = """app:
  name: colours
data:
  source: table.csv
  target: colour
  classes:
    red: r
    green: g
"""


def run(command: Command, log: Path, source: Path | str, *options: str | Path) -> Done:
    """Join a table by the command line."""
    return command("labels", "join", source, "--log", log, "--key", "key", "--label", "label", *options)


def test_the_command_tells_what_was_matched(command: Command, log: Path, model: Path) -> None:
    """What was matched, and what was not, stands on standard output, a line each."""
    table = write_table(log.parent / "labels.csv", [("7", "green"), ("b", "r"), ("c", "r"), ("a", "blue"), ("8", "")])
    done = run(command, log, table, "--model", model)
    assert (done.code, done.err) == (0, "")
    remedy = "if these are other raw values, use labels join with --config"
    assert done.out.splitlines() == [
        "2 of 5 rows of labels.csv match 3 of 6 predictions",
        "3 labels added to the log, 0 were there already",
        "1 rows without a label",
        "1 rows whose key matches no prediction; keys: c",
        f"1 rows whose label is not one of r, g, green, red ({remedy}); keys: a",
    ]
    assert recorded(log) == {"p0": "g", "p1": "g", "p5": "r"}
    again = run(command, log, table, "--model", model, "--dry-run")
    assert "0 labels would be added to the log, 3 were there already" in again.out


def test_a_log_of_another_problem_names_it(command: Command, log: Path) -> None:
    """Without --model the packaged model is meant, which did not predict here."""
    table = write_table(log.parent / "labels.csv", [("7", "g")])
    done = run(command, log, table)
    assert (done.code, done.out) == (2, "")
    assert "expected predictions of 'Titanic survival' in the log, found those of 'colours'" in done.err
    assert "--store" in done.err


def test_the_command_reads_raw_values_by_the_config(command: Command, log: Path, model: Path) -> None:
    """With the problem file, its values are labels, which the model may not have known."""
    (log.parent / "config.yml").write_text(CONFIG.replace("green: g", "verde: g"))
    table = write_table(log.parent / "labels.csv", [("7", "verde"), ("b", "r")])
    done = run(command, log, table, "--model", model, "--config", "config.yml", "--json")
    assert done.code == 0
    report = orjson.loads(done.out)
    assert (report["matched"], report["appended"], report["unknown_classes"]["count"]) == (2, 3, 0)
    assert recorded(log) == {"p0": "g", "p1": "g", "p5": "r"}


def test_the_command_ends_with_2_on_a_fault(command: Command, log: Path, model: Path) -> None:
    """A fault is a line on standard error."""
    for source, options, fault in [
        ("labels.csv", ("--model", model), "labels.csv cannot be read: No such file or directory"),
        ("labels.csv", ("--model", log), "manifest.json"),
    ]:
        done = run(command, log, source, *options)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith("error: ")
        assert fault in done.err
        assert done.err.count("\n") == 1


def tell(log: Path, *labels: tuple[str, str]) -> None:
    """Put labels on record one by one, as feedback does."""
    feedback = LabelLog(log)
    feedback.add(labels, "feedback")
    feedback.close()


def test_labels_of_feedback_and_of_files_meet(log: Path) -> None:
    """What a table says of what was told one by one is on record too, once, and counts as the later."""
    tell(log, ("p2", "red"), ("p4", "red"))
    table = write_table(log.parent / "table.csv", [("a", "red"), ("8", "green")])
    assert [join(log, table).appended, join(log, table).appended] == [2, 0]
    found = with_labels(read_log(log), read_labels(log), CLASSES)
    assert found.frame.set_index("prediction_id")["label"].to_dict() == dict.fromkeys(["p0", "p1", "p3", "p5"]) | {
        "p2": "red",
        "p4": "green",
    }
    assert found.conflicts == Counted(1, ("p4",))
    assert found.duplicates == Counted(1, ("p2",))


def test_a_table_that_is_joined_every_night_undoes_no_correction(log: Path) -> None:
    """A label that was corrected since stays so, until the table itself says something else than it did."""
    table = write_table(log.parent / "table.csv", [("a", "red"), (8, "green")])
    join(log, table)
    tell(log, ("p2", "green"))
    join(log, write_table(log.parent / "other.csv", [(8, "red")]))
    again = join(log, table)
    assert (again.appended, again.present) == (0, 2)
    assert recorded(log) == {"p2": "green", "p4": "red"}
    write_table(table, [("a", "green"), (8, "red")])
    join(log, table)
    write_table(table, [("a", "red"), (8, "red")])
    assert (join(log, table).appended, join(log, table).appended) == (1, 0)
    assert recorded(log) == {"p2": "red", "p4": "red"}


def test_a_correction_of_what_feedback_said_first_is_not_undone(log: Path) -> None:
    """A table that repeats what feedback said counts as having said it, so that joining it again changes nothing."""
    table = write_table(log.parent / "table.csv", [("a", "red")])
    tell(log, ("p2", "red"))
    join(log, table)
    tell(log, ("p2", "green"))
    assert join(log, table).appended == 0
    assert recorded(log) == {"p2": "green"}


def test_standard_input_is_a_source(command: Command, log: Path, model: Path) -> None:
    """A CSV file can be piped in."""
    options = ["--log", log, "--key", "key", "--label", "label", "--model", model]
    done = command("labels", "join", "-", *options, stdin=b"key,label\nb,r\n")
    assert done.code == 0
    assert recorded(log) == {"p5": "r"}
