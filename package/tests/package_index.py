"""A package index on loopback, on which strangers hold newer packages of names that are ours."""

from __future__ import annotations

import io
import tarfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from classification_model.runtime.wheel.archive import write_wheel


class Index:
    """An index as PEP 503 has it, of the files in a folder.

    Attributes
    ----------
    url
        Its address, for pip.
    asked
        The paths that were asked for, in order.
    """

    def __init__(self, address: str) -> None:
        self.url = f"{address}/simple/"
        self.asked: list[str] = []

    def was_asked_for(self, name: str) -> bool:
        """Tell whether somebody looked for a distribution."""
        return f"/simple/{name}/" in self.asked


class _Pages(SimpleHTTPRequestHandler):
    """Serve a folder, whose listings are the pages of the index."""

    def __init__(self, asked: list[str], *arguments: object, directory: str) -> None:
        self.asked = asked
        super().__init__(*arguments, directory=directory)  # type: ignore[arg-type] # as the server gives them

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, *_: object) -> None:
        """Keep the output of the tests clean."""


@contextmanager
def serving(folder: Path) -> Iterator[Index]:
    """Serve ``folder/simple`` on a free port of loopback."""
    with ThreadingHTTPServer(("127.0.0.1", 0), SimpleHTTPRequestHandler) as server:
        index = Index(f"http://127.0.0.1:{server.server_port}")
        server.RequestHandlerClass = partial(_Pages, index.asked, directory=str(folder))
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield index
        finally:
            server.shutdown()
            thread.join()


def add_stranger(folder: Path, name: str, version: str, marker: Path) -> None:
    """Put a wheel and a newer sdist on an index; what of them runs, on installing or importing, writes a marker."""
    module, place = name.replace("-", "_"), folder / "simple" / name
    place.mkdir(parents=True, exist_ok=True)
    betray = f"from pathlib import Path\nPath({str(marker)!r}).open('a').write({name + ' ran. '!r})\n".encode()
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n".encode()
    wheel = b"Wheel-Version: 1.0\nGenerator: stranger\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = {f"{module}/__init__.py": betray, f"{module}.pth": f"import {module}\n".encode()}
    write_wheel(place / f"{module}-{version}-py3-none-any.whl", files, {"METADATA": metadata, "WHEEL": wheel}, 0)
    with tarfile.open(place / f"{module}-{version}.1.tar.gz", "w:gz") as sdist:
        setup = betray + f"from setuptools import setup\nsetup(name={name!r}, version='{version}.1')\n".encode()
        for path, content in (("setup.py", setup), ("PKG-INFO", metadata.strip() + b".1\n")):
            entry = tarfile.TarInfo(f"{module}-{version}.1/{path}")
            entry.size = len(content)
            sdist.addfile(entry, io.BytesIO(content))
