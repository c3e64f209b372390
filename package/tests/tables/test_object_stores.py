"""Tables in object stores, over HTTP: S3 by moto's server, Google's storage by an emulator; and plain web servers."""

from __future__ import annotations

import asyncio
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec
import pandas as pd
import pytest
from commands import Command
from pandas.testing import assert_frame_equal

import classification_model as cm
from classification_model.errors import DataError, MissingExtraError
from classification_model.processing.data_manager import DataLoader
from classification_model.tables.reading.open_file import require_extra_of
from classification_model.tables.writing.replacing import Sink

pytestmark = pytest.mark.slow

TITANIC = str(Path(cm.__file__).parent / "datasets" / "titanic.csv")
SECRET = "very-secret-key"  # noqa: S105 - of a server that lives as long as these tests
FRAME = pd.DataFrame({"key": [1, 2, 3], "weight": [0.5, None, 2.0], "carrier": ["van", None, "a,b\n"]})


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make an empty bucket; give its URL."""
    for name, value in {
        "AWS_ENDPOINT_URL": s3_endpoint,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    system = fsspec.filesystem("s3", skip_instance_cache=True)
    fsspec.filesystem("s3").clear_instance_cache()
    system.mkdir("tables")
    yield "s3://tables"
    system.rm("tables", recursive=True)
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.mark.parametrize("name", ["t.parquet", "deep/t.csv", "t.jsonl", "t.json", "t.tsv"])
def test_what_was_written_to_s3_is_read(s3: str, name: str) -> None:
    """In each format; a second writing replaces the first."""
    cm.write_table(FRAME[:1], f"{s3}/{name}")
    assert cm.write_table(FRAME, f"{s3}/{name}") == 3
    assert_frame_equal(cm.read_table(f"{s3}/{name}"), FRAME, check_dtype=False)


def test_a_model_can_be_trained_from_s3_and_predict_there(s3: str, command: Command) -> None:
    """The table has the fingerprint of the file, and `predict` reads and writes there."""
    cm.write_table(pd.read_csv(TITANIC), f"{s3}/titanic.parquet")
    config = cm.load_config()
    assert DataLoader(config, f"{s3}/titanic.parquet").load().fingerprint == DataLoader(config).load().fingerprint
    done = command("predict", f"{s3}/titanic.parquet", "--output", f"{s3}/out.parquet")
    assert done.code == 0, done.err
    assert cm.read_table(f"{s3}/out.parquet", columns=["prediction"])["prediction"].isin(["died", "survived"]).all()


def test_a_failed_write_leaves_the_former_object(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An object is uploaded once all of it is written."""
    cm.write_table(FRAME, f"{s3}/t.csv")

    def fail(self: Sink, content: bytes) -> int:
        raise DataError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(Sink, "write", fail)
        with pytest.raises(DataError, match="the disk is full"):
            cm.write_table(FRAME[:1], f"{s3}/t.csv")
        with pytest.raises(DataError):
            cm.write_table(FRAME[:1], f"{s3}/new.csv")
    assert len(cm.read_table(f"{s3}/t.csv")) == 3
    assert not fsspec.filesystem("s3").exists("tables/new.csv")


def test_an_upload_that_was_never_completed_is_no_object(s3: str) -> None:
    """Half of a multipart upload is not there for a reader."""
    system = fsspec.filesystem("s3")
    asyncio.run_coroutine_threadsafe(
        system._call_s3("create_multipart_upload", Bucket="tables", Key="half.parquet"), system.loop
    ).result()
    with pytest.raises(DataError, match=r"^s3://tables/half\.parquet cannot be read: "):
        cm.read_table(f"{s3}/half.parquet")


def test_a_truncated_object_is_told(s3: str) -> None:
    """Half of a Parquet file is no Parquet file."""
    cm.write_table(FRAME, f"{s3}/whole.parquet")
    system = fsspec.filesystem("s3")
    system.pipe_file("tables/half.parquet", system.cat_file("tables/whole.parquet")[:100])
    with pytest.raises(DataError, match=r"^s3://tables/half\.parquet: expected a Parquet file, found one that "):
        cm.read_table(f"{s3}/half.parquet")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("s3://tables/none.csv", r"s3://tables/none\.csv cannot be read: "),
        ("s3://no-such-bucket/t.csv", r"s3://no-such-bucket/t\.csv cannot be read: .*bucket"),
        ("s3://tables/none.parquet?versionId=secret", r"s3://tables/none\.parquet cannot be read: "),
    ],
)
def test_what_is_not_there_is_an_error_of_one_line(s3: str, source: str, reason: str) -> None:
    """With the name of the object, and nothing of the keys."""
    with pytest.raises(DataError, match=reason) as caught:
        cm.read_table(source)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)
    with pytest.raises(DataError, match=r"s3://no-such-bucket/t\.csv cannot be written: "):
        cm.write_table(FRAME, "s3://no-such-bucket/t.csv")


def test_without_credentials_the_reason_is_told(s3: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The library's own error says that there are none."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    fsspec.filesystem("s3").clear_instance_cache()
    with pytest.raises(DataError, match=r"s3://tables/t\.csv cannot be read: .*[Cc]redentials"):
        cm.read_table(f"{s3}/t.csv")


@pytest.mark.parametrize(("scheme", "library"), [("s3", "s3fs"), ("gs", "gcsfs"), ("https", "aiohttp")])
def test_a_missing_library_is_told_by_its_extra(scheme: str, library: str) -> None:
    """The message says what to install."""
    with (
        pytest.raises(MissingExtraError, match=rf"a URL that begins with {scheme}:// needs {library}, which .* \[?"),
        require_extra_of(scheme),
    ):
        raise ImportError("Install something")


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="the emulator does not run on Python 3.13, see pyproject.toml")
def test_google_storage_is_read_and_written(monkeypatch: pytest.MonkeyPatch) -> None:
    """By an emulator, which is no proof for the service itself."""
    from gcp_storage_emulator.server import create_server  # noqa: PLC0415 - it is not there on each Python

    server = create_server("127.0.0.1", 0, in_memory=True, default_bucket="tables")
    server.start()
    try:
        port = server._api._httpd.server_address[1]
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
        fsspec.get_filesystem_class("gs").clear_instance_cache()
        cm.write_table(FRAME, "gs://tables/deep/t.parquet")
        assert_frame_equal(cm.read_table("gs://tables/deep/t.parquet"), FRAME, check_dtype=False)
        with pytest.raises(DataError, match=r"gs://tables/none\.csv cannot be read: "):
            cm.read_table("gs://tables/none.csv")
    finally:
        server.stop()
        fsspec.get_filesystem_class("gs").clear_instance_cache()


def test_a_web_server_is_read(tmp_path: Path) -> None:
    """Also a Parquet file, whose end is read first; user, password and signature of the URL are in no message."""
    FRAME.to_parquet(tmp_path / "t.parquet")
    handler = partial(SimpleHTTPRequestHandler, directory=str(tmp_path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        place = f"127.0.0.1:{server.server_address[1]}"
        assert_frame_equal(cm.read_table(f"http://{place}/t.parquet"), FRAME, check_dtype=False)
        with pytest.raises(DataError, match=rf"^http://{place}/none\.csv cannot be read: ") as caught:
            cm.read_table(f"http://me:{SECRET}@{place}/none.csv?signature={SECRET}")
        server.shutdown()
    assert SECRET not in str(caught.value)
