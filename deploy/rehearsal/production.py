"""The story of compose.prod.yml: published images behind a proxy that holds back slow clients."""

from __future__ import annotations

import hashlib
import socket
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from company import CUSTOMER, PASSWORDS
from engine import ROOT, inspect
from hardening import check_hardened
from http_client import ask, free_ports, wait_for
from on_host import write_for_host
from stack import Stack
from story import Story, expect

KEY = "a-key-of-the-rehearsal"
#: Connections that send the begin of a request and no more.
SLOW = 80
#: Connections of one address that the proxy allows.
MOST = 100


def tell_production(story: Story, images: Mapping[str, str]) -> None:
    """Train, serve through the proxy, and hold connections of slow clients open meanwhile."""
    database, api, proxy = free_ports(3)
    hashed = hashlib.sha256(KEY.encode()).hexdigest()
    variables = {**images, **PASSWORDS, "API_KEY_HASHES": hashed}
    with TemporaryDirectory() as folder:
        files = ("compose.prod.yml", str(_write_for_host(Path(folder), database, api, proxy)))
        stack = Stack(files, "rehearsed-production", variables, ("training",))
        stack.down()  # of a rehearsal that was killed
        try:
            with story.step("compose.prod.yml: trained, served with keys, shipped into the database"):
                stack.up("database")
                stack.wait("database")
                stack.run_once("etl")
                stack.run_once("training")
                stack.up("proxy", "shipping")
                wait_for(proxy, "/health/ready")
                ask(proxy, "/predict", {"inputs": [CUSTOMER]}, expected=401)
                ask(proxy, "/predict", {"inputs": [CUSTOMER]}, headers={"x-api-key": KEY})
                ask(proxy, "/metrics", expected=404)
            with story.step(
                f"proxy: {SLOW} clients that stop in the middle of a request reach the API with none of it"
            ):
                _hold_back(proxy, api)
            check_hardened(story, stack)
            for service in ("database", "api", "proxy", "shipping"):
                host = inspect("container", stack.container(service))["HostConfig"]
                expect(
                    host["RestartPolicy"]["Name"] == "unless-stopped", f"a restart of {service}", host["RestartPolicy"]
                )
                expect(host["LogConfig"]["Size"] == "10MB", f"rotated logs of {service}", host["LogConfig"])
        finally:
            stack.down()


def _write_for_host(folder: Path, database: int, api: int, proxy: int) -> Path:
    """Write the changes for the network of this machine, and the configuration of the proxy for its ports there."""
    config = (ROOT / "deploy/proxy/nginx.conf").read_text(encoding="utf-8")
    (folder / "nginx.conf").write_text(
        config.replace("api:8002", f"api:{api}").replace("listen 8080", f"listen {proxy}"), encoding="utf-8"
    )
    (folder / "nginx.conf").chmod(0o644)
    folder.chmod(0o755)
    url = {"environment": {"DATABASE_URL": f"postgresql://database:{database}"}}
    changes: dict[str, dict[str, Any]] = {
        "database": {"environment": {"PGPORT": str(database)}},
        "api": {"environment": {"PORT": str(api)}},
        "proxy": {"volumes": [f"{folder / 'nginx.conf'}:/etc/nginx/nginx.conf:ro"]},
        "etl": url,
        "training": url,
        "shipping": url,
    }
    write_for_host("compose.prod.yml", folder / "host.yml", changes)
    return folder / "host.yml"


def _hold_back(proxy: int, api: int) -> None:
    """Open connections that stop in the middle of headers or body; see what arrives, and that others are served."""
    begun = (
        b"POST /predict HTTP/1.1\r\nHost: x\r\n",
        b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{",
    )
    with ExitStack() as stack:
        for number in range(SLOW):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", proxy)))
            connection.sendall(begun[number % 2])
        for _ in range(20):
            ask(proxy, "/predict", {"inputs": [CUSTOMER]}, headers={"x-api-key": KEY})
        open_now = connections_to(api)
        expect(open_now <= 33, "no more connections to the API than the proxy keeps open", open_now)
        held = connections_to(proxy)
        expect(held >= SLOW, f"{SLOW} connections to the proxy", held)
        for _ in range(SLOW, 2 * MOST):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", proxy)))
            connection.sendall(begun[1])
        ask(proxy, "/health/live", expected=429)


def connections_to(port: int) -> int:
    """Return how many connections to a port of this machine are established."""
    lines = [
        line.split() for path in ("/proc/net/tcp", "/proc/net/tcp6") for line in Path(path).read_text().splitlines()[1:]
    ]
    return sum(line[1].endswith(f":{port:04X}") and line[3] == "01" for line in lines)
