"""Services of other packages: their functions read and write by the scheme of a URL."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from commands import Command

import classification_model as cm
from classification_model.errors import DataError, InputError
from classification_model.tables import services
from classification_model.tables.locations import hide, locate

#: A package that reads and writes tables that it holds in memory.
MODULE = """
import pyarrow as pa
HELD = {}
def read(url):
    return HELD[url]
def write(rows, url):
    HELD[url] = rows.read_all()
"""
ENTRY_POINTS = """
[classification_model.sources]
shelf = shelf_of_somebody:read
[classification_model.sinks]
shelf = shelf_of_somebody:write
"""


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forget what a test registers."""
    monkeypatch.setattr(services, "_registered", {group: {} for group in (services.SOURCES, services.SINKS)})
    services._installed.cache_clear()
    yield
    services._installed.cache_clear()


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Install a package with entry points."""
    place = tmp_path / "installed"
    described = place / "shelf_of_somebody-1.0.dist-info"
    described.mkdir(parents=True)
    (place / "shelf_of_somebody.py").write_text(MODULE)
    (described / "METADATA").write_text("Metadata-Version: 2.1\nName: shelf-of-somebody\nVersion: 1.0\n")
    (described / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "shelf_of_somebody", raising=False)


@pytest.mark.usefixtures("package")
def test_an_installed_package_adds_a_service(command: Command) -> None:
    """Its entry points are found without an import of it, and every command takes its URLs."""
    table = pd.read_csv(Path(cm.__file__).parent / "datasets" / "titanic.csv").head(5)
    assert cm.write_table(table, "shelf://passengers") == 5
    assert cm.read_table("shelf://passengers", columns=["name"])["name"].tolist() == table["name"].tolist()
    done = command("predict", "shelf://passengers", "--output", "shelf://predicted")
    assert (done.code, done.err) == (0, "")
    assert set(cm.read_table("shelf://predicted")["prediction"]) <= {"died", "survived"}


def test_a_registered_function_reads_what_arrow_can_stream() -> None:
    """A table, a stream of batches or a frame; columns are chosen from it, and texts of any width are texts."""
    table = pa.table({"a": pa.array(["x", None], pa.string_view()), "b": [1, 2]})
    givens: list[Any] = [table, table.to_reader(), pd.DataFrame({"a": ["x", None], "b": [1, 2]})]
    for given in givens:
        cm.register_source("some", partial(lambda found, _: found, given))
        assert cm.read_table("some://where", columns=["b", "a"])["a"].tolist()[0] == "x"


@pytest.mark.parametrize("scheme", ["", "S3", "a b", "1x", "x://"])
def test_a_malformed_scheme_is_refused(scheme: str) -> None:
    """It could never be found in a URL."""
    with pytest.raises(InputError, match="scheme: expected lower-case letters"):
        cm.register_source(scheme, lambda url: url)


def test_a_scheme_that_nobody_registered_names_those_that_are() -> None:
    """The message has no part of the URL but its scheme."""
    cm.register_source("sheets", lambda url: url)
    with pytest.raises(
        InputError, match=r"^nothing opens a URL that begins with sheet:// \(known are .*sheets"
    ) as caught:
        cm.read_table("sheet://me:secret@there")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_moments_of_a_frame_keep_their_time(zone: str) -> None:
    """A frame of pandas with a time zone is read, without a warning, as the same moments."""
    moments = pd.Series(pd.to_datetime(["2024-07-01T12:00:00Z", "NaT"], utc=True)).dt.tz_convert(zone)
    cm.register_source("sheets", lambda _: pd.DataFrame({"at": moments}))
    read = cm.read_table("sheets://there")["at"]
    assert pd.to_datetime(read, utc=True).iloc[0] == pd.Timestamp("2024-07-01T12:00:00Z")
    assert read.isna().tolist() == [False, True]


def test_errors_of_a_service_are_one_line_without_secrets() -> None:
    """Whatever the function raises, before the first row or after it."""

    def refuse(url: str) -> pa.Table:
        msg = f"no such sheet at {url}\nand more"
        raise KeyError(msg) if "key" in url else RuntimeError(msg)

    def break_off(url: str) -> pa.RecordBatchReader:
        def rows() -> Iterator[pa.RecordBatch]:
            yield pa.record_batch({"a": [1]})
            raise RuntimeError(f"lost the connection to {url}")

        return pa.RecordBatchReader.from_batches(pa.schema({"a": pa.int64()}), rows())

    for read in (refuse, break_off):
        cm.register_source("sheets", read)
        with pytest.raises(DataError, match=r"^sheets://there/x cannot be read: ") as caught:
            cm.read_table("sheets://me:secret@there/x?token=secret")
        assert "secret" not in str(caught.value)
        assert "\n" not in str(caught.value)
    cm.register_source("sheets", lambda _: 7)
    with pytest.raises(DataError, match=r"^sheets://x cannot be read: "):
        cm.read_table("sheets://x")


def test_a_sink_gets_all_rows_or_is_not_called(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows that cannot be written fail before the function begins; its own error is told."""
    called: list[str] = []
    cm.register_sink("sheets", lambda rows, url: called.append(f"{url} {rows.read_all().num_rows}"))
    frame = pd.DataFrame({"a": range(200_000)})
    assert cm.write_table(frame, "sheets://x") == 200_000
    assert called == ["sheets://x 200000"]
    with pytest.raises(DataError, match="column 'a': expected values of one type"):
        cm.write_table(pd.DataFrame({"a": [1, "x", object()]}), "sheets://x")
    assert len(called) == 1

    def fail(rows: pa.RecordBatchReader, url: str) -> None:
        msg = "quota exceeded"
        raise RuntimeError(msg)

    cm.register_sink("sheets", fail)
    with pytest.raises(DataError, match=r"^sheets://x cannot be written: quota exceeded$"):
        cm.write_table(frame, "sheets://x")


def test_one_direction_alone_says_so() -> None:
    """A source is no sink, and the other way round."""
    cm.register_source("in", lambda _: pa.table({"a": [1]}))
    cm.register_sink("out", lambda *_: None)
    with pytest.raises(InputError, match="in:// is registered for reading alone: register a sink too"):
        cm.write_table(pd.DataFrame({"a": [1]}), "in://x")
    with pytest.raises(InputError, match="out:// is registered for writing alone: register a source too"):
        cm.read_table("out://x")
    with pytest.raises(InputError, match="expected a table of a database to add rows to, found a service"):
        cm.write_table(pd.DataFrame({"a": [1]}), "out://x", mode="append")


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        ("-", "stream", "-"),
        ("a/b.csv", "file", "a/b.csv"),
        ("s3://bucket/a.csv", "remote file", "s3://bucket/a.csv"),
        ("https://me:secret@host:8/a.csv?sig=x#y", "remote file", "https://host:8/a.csv"),
        ("simplecache::s3://bucket/a.csv", "remote file", "simplecache::s3://bucket/a.csv"),
        (
            "zip://a/inner.csv::https://me:secret@host/a.zip?sig=secret",
            "remote file",
            "zip://a/inner.csv::https://host/a.zip",
        ),
        ("postgresql+psycopg://me:secret@host/db#sales.t", "database", "the table 'sales.t'"),
        ("sqlite:///a.db#odd%20name%23", "database", "the table 'odd name#'"),
        ("postgresql://host/db?sslmode=require&query=SELECT '#' || a FROM t?", "database", "the query"),
    ],
)
def test_a_name_says_what_it_is(source: str, kind: str, name: str) -> None:
    """And what it is called in a message, without secrets."""
    found = locate(source)
    assert (found.kind, found.name) == (kind, name)
    assert "secret" not in repr(found)


@pytest.mark.parametrize(
    "source",
    ["postgresql:///db?user=me&password=secret#t", "https://host/t.csv?sig=secret", "s3://me:secret@bucket/t.csv"],
)
def test_a_config_is_not_drafted_with_a_secret(source: str) -> None:
    """It would be kept in the file."""
    assert locate(source).has_password


def test_a_signature_that_a_library_spells_otherwise_is_redacted() -> None:
    """Escapes may differ."""
    found = locate("https://host/t.csv?sv=1&sig=Secret%2FKey")
    assert found.redact("403, url='https://host/t.csv?sv=1&sig=Secret/Key'") == "403, url='https://host/t.csv?***'"


@pytest.mark.parametrize("password", ["", "s", "abc"])
def test_a_short_password_is_not_shown_by_stars(password: str) -> None:
    """An empty one stands between all letters of a message."""
    assert hide("syntax error", [password, None]) == "syntax error"
    assert hide("no such secret", ["secret"]) == "no such ***"


def test_a_query_goes_on_to_the_end_of_the_url() -> None:
    """With escapes or without; what stands before it stays with the database."""
    found = locate("postgresql://host/db?sslmode=require&query=SELECT a FROM t WHERE b LIKE '%25?&#'")
    assert found.source == "postgresql://host/db?sslmode=require"
    assert found.query == "SELECT a FROM t WHERE b LIKE '%?&#'"
