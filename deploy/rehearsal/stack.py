"""The services of a compose file, started by podman-compose in the order and under the conditions of the file."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from engine import GLOBAL_OPTIONS, ROOT, inspect, podman, run
from story import RehearsalError, expect

#: Seconds for a service to become healthy, or to end.
PATIENCE = 180


class Stack:
    """A compose file and the one for the host's network after it.

    podman 4.3 cannot wait for a condition, and has its health checks scheduled by systemd, so both is done here.

    Parameters
    ----------
    files
        Names in deploy/, in their order.
    project
        Prefix of the names of all that is started.
    variables
        What a user writes into ``.env``.
    profiles
        Profiles that are asked for.
    """

    def __init__(
        self, files: Sequence[str], project: str, variables: Mapping[str, str], profiles: Sequence[str] = ()
    ) -> None:
        self._variables = dict(variables)
        self._project = project
        options = [f"--podman-args={' '.join(GLOBAL_OPTIONS)}", "--in-pod=0", f"--project-name={project}"]
        options += [f"--file={ROOT / 'deploy' / name}" for name in files]
        options += [f"--profile={name}" for name in profiles]
        self._command: tuple[str | Path, ...] = (Path(sys.executable).with_name("podman-compose"), *options)
        self.services: dict[str, Any] = yaml.safe_load(self._compose("config"))["services"]

    def _compose(self, *arguments: str) -> str:
        return run(*self._command, *arguments, variables=self._variables)

    def container(self, service: str) -> str:
        """Return the name of a service's container."""
        return f"{self._project}_{service}_1"

    def up(self, *services: str) -> None:
        """Start services, after those on which they depend, when the conditions for it hold."""
        for service in services:
            for name, how in self.services[service].get("depends_on", {}).items():
                if not self._is_running(name):
                    self.up(name)
                self.wait(name, how["condition"])
            self._compose("up", "--detach", "--no-deps", "--no-build", service)

    def run_once(self, service: str, *command: str, **variables: str) -> str:
        """Run a service that ends, or another command in its place; return what it prints."""
        given = [f"--env={name}={value}" for name, value in variables.items()]
        return self._compose("run", "--rm", "--no-deps", "-T", *given, service, *command)

    def wait(self, service: str, condition: str = "service_healthy") -> None:
        """Wait until a condition of compose holds for a service that was started."""
        if condition == "service_completed_successfully":
            self._wait_for_end(service)
        elif condition == "service_healthy":
            self._wait_for_health(service)

    def _wait_for_health(self, service: str) -> None:
        name, end = self.container(service), time.monotonic() + PATIENCE
        while not self.is_healthy(service):
            if time.monotonic() > end or not self._is_running(service):
                msg = f"expected {service} to become healthy, found it {inspect('container', name)['State']['Status']}"
                raise RehearsalError(f"{msg}:\n{self.logs(service)}")
            time.sleep(0.3)

    def _wait_for_end(self, service: str) -> None:
        end = time.monotonic() + PATIENCE
        while self._is_running(service):
            expect(time.monotonic() < end, f"{service} to end", f"it running:\n{self.logs(service)}")
            time.sleep(0.2)
        code = inspect("container", self.container(service))["State"]["ExitCode"]
        expect(code == 0, f"exit code 0 of {service}", f"{code}:\n{self.logs(service)}")

    def is_healthy(self, service: str) -> bool:
        """Run the health check of a service once."""
        done = subprocess.run(
            ["podman", *GLOBAL_OPTIONS, "healthcheck", "run", self.container(service)], capture_output=True, check=False
        )
        return done.returncode == 0

    def _is_running(self, service: str) -> bool:
        listed = podman("ps", "--format={{.Names}}", f"--filter=name=^{self.container(service)}$")
        return bool(listed.strip())

    def started(self, service: str) -> float:
        """Return the time when a service was last started, in seconds since 1970."""
        text = inspect("container", self.container(service))["State"]["StartedAt"]  # with nanoseconds
        return datetime.fromisoformat(re.sub(r"(\.\d{1,6})\d*", r"\1", text)).timestamp()

    def logs(self, service: str) -> str:
        """Return what a service printed, on both streams."""
        done = subprocess.run(
            ["podman", "logs", self.container(service)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        return done.stdout.decode(errors="replace")

    def stop(self, service: str) -> None:
        """Stop a service, as an upgrade does."""
        self._compose("stop", service)

    def down(self) -> None:
        """Stop all and remove it, with its volumes."""
        run(*self._command, "down", "--volumes", check=False, variables=self._variables)
