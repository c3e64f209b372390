"""What a container may do: nothing but its work."""

from __future__ import annotations

from engine import inspect, podman
from stack import Stack
from told import Story, expect


def check_hardened(story: Story, stack: Stack) -> None:
    """See that no running service is root, writes to its root, has a capability, or may take more than its limits."""
    with story.step("every service: not root, a read-only root, no capabilities, limits of memory and processes"):
        for service, given in stack.services.items():
            name = stack.container(service)
            if podman("ps", "--format={{.Names}}", f"--filter=name=^{name}$").strip():
                _check(name, service)
            for limit in ("mem_limit", "pids_limit"):
                expect(given.get(limit), f"{limit} of {service}", "none")


def _check(name: str, service: str) -> None:
    host = inspect("container", name)["HostConfig"]
    expect(host["ReadonlyRootfs"], f"a read-only root of {service}", "one that can be written")
    expect(host["Memory"] > 0 and host["PidsLimit"] > 0, f"limits of {service}", host)
    status = podman("exec", name, "cat", "/proc/1/status")
    found = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    expect(found["Uid"].split()[0] != "0", f"{service} not to be root", "root")
    expect(
        int(found["CapEff"], 16) == 0 and int(found["CapBnd"], 16) == 0,
        f"no capabilities of {service}",
        found["CapBnd"],
    )
    expect(found["NoNewPrivs"].strip() == "1", f"no new privileges of {service}", "some")
    podman("exec", name, "sh", "-c", "! touch /x 2>/dev/null && ! touch /opt/x 2>/dev/null")
