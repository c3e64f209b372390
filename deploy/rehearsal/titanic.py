"""The story of compose.titanic.yml: a model and its pages, without a database."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from http_client import ask, free_ports, wait_for
from on_host import write_for_host
from stack import Stack
from story import Story, expect

PASSENGER: dict[str, Any] = {
    "pclass": 3,
    "name": "Kelly, Mr. James",
    "sex": "male",
    "sibsp": 0,
    "parch": 0,
    "ticket": "330911",
}


def tell_titanic(story: Story, images: Mapping[str, str]) -> None:
    """Start every service before there is a model, then train."""
    api, eda = free_ports(2)
    with TemporaryDirectory() as folder:
        file = Path(folder) / "host.yml"
        ports = {"api": {"environment": {"PORT": str(api)}}, "eda": {"environment": {"PORT": str(eda)}}}
        write_for_host("compose.titanic.yml", file, ports)
        stack = Stack(("compose.titanic.yml", str(file)), "rehearsed-titanic", images)
        stack.down()  # of a rehearsal that was killed
        try:
            with story.step("compose.titanic.yml: the API waits for the first model, and needs no restart"):
                stack.up("api", "eda")
                wait_for(api, "/health/live")
                ask(api, "/health/ready", expected=503)
                wait_for(eda, "/health", expected=503)
                stack.up("training")
                stack.wait("training", "service_completed_successfully")
                wait_for(api, "/health/ready")
                ask(eda, "/")
                reply = ask(api, "/predict", {"inputs": [PASSENGER]}).json()
                story.note(f"{PASSENGER['name']} {reply['predictions'][0]}, by version {reply['version']}")
            with story.step("compose.titanic.yml: a second training finds that none is needed"):
                said = stack.run_once("training")
                expect("not needed" in said, "that no training is needed", said)
        finally:
            stack.down()
