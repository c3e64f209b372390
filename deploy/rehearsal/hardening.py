"""What a container may do: nothing but its work."""

from __future__ import annotations

from engine import inspect, podman
from stack import Stack
from story import Story, expect


def check_hardened(story: Story, stack: Stack) -> None:
    """See that no service is root, writes to its root, has a capability, or may take more than its limits."""
    with story.step("every service: not root, a read-only root, no capabilities, limits of memory and processes"):
        for service in stack.services:
            name = stack.container(service)
            listed = podman("ps", "--all", "--format={{.Names}}", f"--filter=name=^{name}$").strip()
            if not listed:
                continue
            _check_options(name, service)
            if podman("ps", "--format={{.Names}}", f"--filter=name=^{name}$").strip():
                _check_process(name, service)


def _check_options(name: str, service: str) -> None:
    found = inspect("container", name)
    host, user = found["HostConfig"], found["Config"]["User"]
    expect(host["ReadonlyRootfs"], f"a read-only root of {service}", "one that can be written")
    expect(host["Memory"] > 0 and host["PidsLimit"] > 0, f"limits of {service}", host)
    expect(user not in {"", "0", "root"}, f"{service} not to be root", user)
    expect(
        not found["EffectiveCaps"] and not found["BoundingCaps"], f"no capabilities of {service}", found["BoundingCaps"]
    )


def _check_process(name: str, service: str) -> None:
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
