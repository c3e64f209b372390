"""`GET /model/reports`: the reports in the folder of the served model, verified whenever they are read."""

from __future__ import annotations

import gc
import hashlib
import os
import shutil
from pathlib import Path

import httpx
import pytest
from classification_model.runtime.model_folder.artifact import read_manifest, read_model, write_model_folder
from classification_model.runtime.model_folder.packaged import packaged_model
from classification_model.runtime.store.store import ModelStore
from clocked import StartClocked
from conftest import KEY, Serve, Server
from other_versions import make_version
from raw_http import check_problem, eventually, exchange, get

#: Further reports that a model folder may have, with the media types that they are served as.
OTHERS = {
    "eda.html": (b"<!doctype html><title>EDA</title>", "text/html; charset=utf-8"),
    "eda.pdf": (b"%PDF-1.7\n", "application/pdf"),
    "leaderboard.csv": (b"estimator,log_loss\nlinear,0.4\n", "text/csv; charset=utf-8"),
    "notes & more.odt": (b"PK", "application/octet-stream"),
}
REPORT = "/model/reports/report.html"


def with_reports(folder: Path, reports: dict[str, bytes], model_folder: Path | None = None) -> Path:
    """Copy a model, the packaged one by default, with further reports."""
    model = read_model(model_folder or packaged_model())
    contents = model.contents | {f"reports/{name}": content for name, content in reports.items()}
    write_model_folder(folder, model.manifest, contents)
    return folder


def test_the_reports_of_the_packaged_model_are_served(server: Server) -> None:
    """Each report of the list is served, byte for byte, with its media type and size; GET /model has the same links."""
    listed = server.client.get("/model/reports").json()
    assert listed["version"] == read_manifest(packaged_model()).version
    assert {link["name"]: link["title"] for link in listed["reports"]}.items() >= {
        "report.html": "Training report",
        "model_card.md": "Model card",
    }.items()
    for link in listed["reports"]:
        reply = server.client.get(link["url"])
        assert reply.content == (packaged_model() / "reports" / link["name"]).read_bytes()
        assert int(reply.headers["content-length"]) == link["size"] == len(reply.content)
        assert reply.headers["content-type"] == link["media_type"]
    assert server.client.get("/model").json()["reports"] == listed["reports"]


def test_every_kind_of_report_has_its_media_type(clocked: StartClocked, tmp_path: Path) -> None:
    """A file of an unknown kind is served as bytes, and a name that a URL cannot hold is quoted."""
    folder = with_reports(tmp_path / "model", {name: content for name, (content, _) in OTHERS.items()})
    server = clocked(model_folder=folder)
    urls = {link["name"]: link["url"] for link in server.client.get("/model/reports").json()["reports"]}
    for name, (content, media_type) in OTHERS.items():
        reply = server.client.get(urls[name])
        assert (reply.content, reply.headers["content-type"]) == (content, media_type)
        assert reply.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in server.client.get(urls["eda.html"]).headers["content-security-policy"]
    assert "sandbox" not in server.client.get(urls["eda.pdf"]).headers["content-security-policy"]


def test_the_documentation_page_links_to_the_reports(server: Server) -> None:
    """The description of the OpenAPI document has a link to each of them, relative to the page."""
    described = server.client.get("/openapi.json").json()["info"]["description"]
    for link in server.client.get("/model/reports").json()["reports"]:
        assert f"[{link['title']}]({link['url'].removeprefix('/')})" in described


def test_a_model_without_reports_has_no_links(clocked: StartClocked, tmp_path: Path) -> None:
    """The list is empty, and the description says nothing of reports."""
    model = read_model(packaged_model())
    contents = {name: content for name, content in model.contents.items() if not name.startswith("reports/")}
    write_model_folder(tmp_path / "model", model.manifest, contents)
    client = clocked(model_folder=tmp_path / "model").client
    assert client.get("/model/reports").json()["reports"] == client.get("/model").json()["reports"] == []
    document = client.get("/openapi.json").json()
    assert "Read more" not in document["info"]["description"]
    named, *_ = document["paths"]["/model/reports/{report}"]["get"]["parameters"][1:]
    assert named["schema"] == {"type": "string"}


@pytest.mark.parametrize(
    "name", ["manifest.json", "../manifest.json", "%2e%2e/core.onnx", "..%2Fcore.onnx", "core.onnx", "", "report.html/"]
)
def test_nothing_but_reports_is_served(server: Server, name: str) -> None:
    """Other files of the folder, and paths out of it, are not found."""
    check_problem(exchange(server, get(f"/model/reports/{name}")), 404, "not_found")


def test_a_copy_is_revalidated(server: Server) -> None:
    """The ETag is the hash of the file; a client that names it gets 304, and one that names another gets the file."""
    reply = server.client.get(REPORT)
    tag = reply.headers["etag"]
    assert tag == f'"{hashlib.sha256(reply.content).hexdigest()}"'
    assert reply.headers["cache-control"] == "private, no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}'):
        again = server.client.get(REPORT, headers={"if-none-match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert server.client.get(REPORT, headers={"if-none-match": '"other"'}).content == reply.content


def test_a_stranger_gets_no_report(locked: Server) -> None:
    """Where keys are asked for, the list and the reports need one, whether there is such a report or not."""
    for path in ("/model/reports", REPORT, "/model/reports/none.html"):
        assert locked.client.get(path).status_code == 401
    for path in ("/model/reports", REPORT):
        assert locked.client.get(path, headers={"x-api-key": KEY}).status_code == 200


@pytest.mark.parametrize("damage", ["changed", "longer", "missing", "link", "folder gone"])
def test_a_report_that_is_not_the_verified_one_is_withheld(clocked: StartClocked, tmp_path: Path, damage: str) -> None:
    """The reply is a problem without a path; predictions and the other reports go on."""
    folder = with_reports(tmp_path / "model", {})
    server = clocked(model_folder=folder)
    report = folder / "reports" / "report.html"
    content = report.read_bytes()
    if damage == "folder gone":
        shutil.rmtree(folder)
    else:
        report.unlink()
    if damage == "changed":
        report.write_bytes(content.replace(b"e", b"a", 1))
    elif damage == "longer":
        report.write_bytes(content + b" ")
    elif damage == "link":
        report.symlink_to(packaged_model() / "reports" / "report.html")
    reply = server.client.get(REPORT)
    check_problem(reply, 503, "report_unavailable")
    assert "retry-after" in reply.headers
    assert "etag" not in reply.headers
    other = server.client.get("/model/reports/model_card.md")
    assert other.status_code == (503 if damage == "folder gone" else 200)
    assert server.client.get("/model").status_code == server.post().status_code == 200


@pytest.mark.slow
def test_a_report_that_changes_while_it_is_sent_does_not_arrive_whole(clocked: StartClocked, tmp_path: Path) -> None:
    """A client that reads slowly gets all but the end, and can tell from the length that there was more."""
    large = b"a" * 2**25
    folder = with_reports(tmp_path / "model", {"large.txt": large})
    server = clocked(model_folder=folder, limit_receive_seconds=600)
    with server.client.stream("GET", "/model/reports/large.txt") as reply:
        assert reply.status_code == 200
        blocks = reply.iter_raw()
        received = len(next(blocks))
        with (folder / "reports" / "large.txt").open("r+b") as file:
            file.seek(-1, 2)
            file.write(b"b")
        with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
            received += sum(map(len, blocks))
    assert 0 < received < len(large)


@pytest.mark.slow
def test_the_file_is_closed_when_the_client_leaves(clocked: StartClocked, tmp_path: Path) -> None:
    """A client that takes a part of a report and closes its connection leaves no descriptor open."""
    folder = with_reports(tmp_path / "model", {"large.txt": b"a" * 2**25})
    server = clocked(model_folder=folder)

    def is_open() -> bool:
        return any(os.path.realpath(link).endswith("large.txt") for link in Path("/proc/self/fd").iterdir())

    gc.disable()  # which would close it some day
    try:
        with server.connect() as connection:
            connection.sendall(get("/model/reports/large.txt"))
            assert connection.recv(1000).startswith(b"HTTP/1.1 200")
            assert is_open()
        eventually(lambda: not is_open())
    finally:
        gc.enable()


@pytest.mark.slow
def test_reports_are_those_of_the_version_that_serves(serve: Serve, tmp_path: Path) -> None:
    """A promotion replaces list, links and bytes; the ETag of the old version gets the new file."""
    store = ModelStore(tmp_path / "store")
    store.add(packaged_model())
    reports = {"report.html": b"of 1.0.1", "eda.html": b"more"}
    store.add(with_reports(tmp_path / "model", reports, make_version(tmp_path, "1.0.1", 0.9)))
    store.promote("1.0.0")
    client = serve(MODEL_STORE=str(store.folder)).client
    tag = client.get(REPORT).headers["etag"]
    store.promote("1.0.1")
    eventually(lambda: client.get("/model/reports").json()["version"] == "1.0.1")
    assert [link["name"] for link in client.get("/model/reports").json()["reports"]] == [
        "eda.html",
        "leaderboard.csv",
        "model_card.md",
        "report.html",
    ]
    assert client.get(REPORT, headers={"if-none-match": tag}).content == b"of 1.0.1"
