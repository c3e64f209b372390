"""An environment for each peer that ``make bench-serving`` measures: ``make bench-peers``.

Each holds the peer, pinned, and the package with what unpickles its pipeline, in the versions of the environment that
this runs in where the peer allows them. One that cannot be made is left out, and the reason printed.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from servers_measured import PEERS, SERVERS, Server

PACKAGE = Path(__file__).resolve().parents[1] / "package"
#: What the pickled pipeline's predictions and speed come from.
LIBRARIES = ("scikit-learn", "feature-engine", "pandas", "numpy", "scipy", "joblib")

VERSIONS = """
import json, sys
from importlib.metadata import version
print(json.dumps({name: version(name) for name in sys.argv[1:]}))
"""


def main() -> None:
    """Make the environments that are not there, or those that are named."""
    names = [server.name for server in SERVERS if server.distributions]
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="PEER", help=", ".join(names))
    parser.add_argument("--fresh", action="store_true", help="make those anew that are there")
    arguments = parser.parse_args()
    for server in SERVERS:
        if server.name in arguments.only:
            print(f"{server.name}: {make(server, fresh=arguments.fresh)}", flush=True)


def make(server: Server, *, fresh: bool) -> str:
    """Make the environment of a peer, and say what became of it."""
    home = PEERS / server.name
    if fresh:
        shutil.rmtree(home, ignore_errors=True)
    found = installed_versions(server) or {}
    if [f"{name}=={found.get(name)}" for name in peer_names(server)] != list(server.distributions):
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)  # noqa: S603 - Python itself
        reason = _install(server, ours=True) and _install(server, ours=False)
        if reason is not None:
            shutil.rmtree(home)
            return f"left out: {reason}"
    return describe(server)


def installed_versions(server: Server) -> dict[str, str] | None:
    """Return the versions that matter in a peer's environment, or None where it is not complete."""
    try:
        done = subprocess.run(  # noqa: S603 - Python itself
            [str(server.bin / "python"), "-c", VERSIONS, *peer_names(server), *LIBRARIES, "classification-model"],
            capture_output=True,
            text=True,
            check=True,
        )
    except (OSError, subprocess.CalledProcessError):
        return None
    versions: dict[str, str] = json.loads(done.stdout)
    return versions


def peer_names(server: Server) -> list[str]:
    """Return the names of a peer's distributions, without versions."""
    return [pin.partition("==")[0] for pin in server.distributions]


def describe(server: Server) -> str:
    """Say which versions a peer runs with."""
    versions = installed_versions(server) or {}
    peer = " ".join(f"{name} {versions[name]}" for name in peer_names(server))
    other = [f"{name} {versions[name]} for {version(name)}" for name in LIBRARIES if versions[name] != version(name)]
    return f"{peer}, {'with ' + ', '.join(other) if other else 'libraries as here'}"


def _install(server: Server, *, ours: bool) -> str | None:
    """Install a peer beside the package, with or without insisting on our versions; return what hindered it."""
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("".join(f"{name}=={version(name)}\n" for name in LIBRARIES if ours))
        options = ["--disable-pip-version-check", "--quiet", "--constraint", str(constraints)]
        done = subprocess.run(  # noqa: S603 - pip
            [
                str(server.bin / "python"),
                "-m",
                "pip",
                "install",
                *options,
                "--editable",
                f"{PACKAGE}[train]",
                *server.distributions,
            ],
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    faults = [line.removeprefix("ERROR: ") for line in done.stderr.splitlines() if line.startswith("ERROR")]
    return None if done.returncode == 0 else (faults or ["pip failed"])[-1][:200]


if __name__ == "__main__":
    main()
