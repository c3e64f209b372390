"""The story of compose.yml: a company's database, from its sales to predictions, and to the next model."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from engine import podman
from hardening import check_hardened
from http_client import ask, free_ports, wait_for
from stack import Stack
from story import RehearsalError, Story, expect

TOKEN = "rehearsed-token"  # noqa: S105 - of a container that is gone afterwards
PASSWORDS = {
    f"{name}_PASSWORD": f"rehearsed{number}"
    for number, name in enumerate(("POSTGRES", "DE_USER", "DS_USER", "APP_USER", "ANALYST"))
}
PROBLEM, MLFLOW = "Repeat purchases", "/api/2.0/mlflow"
CUSTOMER: dict[str, Any] = {"recency_days": 12, "frequency": 9, "monetary": 214.5, "tenure_days": 400}
A_CUSTOMER = """
SELECT prediction_key, recency_days, frequency, monetary, tenure_days FROM feature_store WHERE frequency > 3 LIMIT 1
"""


class Company:
    """The services of compose.yml, and what a team does with them in its first weeks.

    Parameters
    ----------
    story
        Where each step is told.
    images
        Variables that name the images.
    """

    def __init__(self, story: Story, images: Mapping[str, str]) -> None:
        self._story = story
        self.database, self.api, self.eda, self.jupyter, self.mlflow = free_ports(5)
        ports = {
            "DATABASE_PORT": self.database,
            "API_PORT": self.api,
            "EDA_PORT": self.eda,
            "JUPYTER_PORT": self.jupyter,
            "MLFLOW_PORT": self.mlflow,
        }
        variables = {**images, **PASSWORDS, "JUPYTER_TOKEN": TOKEN} | {name: str(port) for name, port in ports.items()}
        files = ("compose.yml", "compose.host.yml")
        self.stack = Stack(files, "rehearsed-company", variables, ("operation", "mlflow"))
        self._key = ""

    def tell(self) -> None:
        """Start every service, and do what each is for."""
        self.stack.down()  # of a rehearsal that was killed
        try:
            self._first_model()
            self._served()
            self._labels()
            self._shipped()
            self._retrained()
            self._read()
            self._tracked()
            check_hardened(self._story, self.stack)
            self._failures()
        finally:
            self.stack.down()

    def _first_model(self) -> None:
        stack = self.stack
        with self._story.step("database: an empty volume gets roles, tables and privileges; the analyst can log in"):
            stack.up("database")
            stack.wait("database")
            expect(self._sql("SELECT count(*) FROM customers", "analyst") == ["0"], "no customers yet", "others")
        with self._story.step("training: gives up with exit code 3 where no features come"):
            self._expect_exit(3, "training", WAIT_SECONDS="1")
        with self._story.step("etl: two years of sales, and their features"):
            said = stack.run_once("etl")
            self._story.note(said.strip().splitlines()[-1])
        with self._story.step("training: waits for the features, trains, and publishes into the volume"):
            stack.up("training")
            stack.wait("training", "service_completed_successfully")
            self._story.note(stack.logs("training").strip().splitlines()[-1])

    def _served(self) -> None:
        with self._story.step("api: ready, healthy, and predicting"):
            self.stack.up("api")
            wait_for(self.api, "/health/ready")
            seconds = time.time() - self.stack.started("api")
            self.stack.wait("api")
            key, *values = self._sql(A_CUSTOMER)[0].split("|")
            self._key = key
            row = dict(zip(CUSTOMER, map(float, values), strict=True))
            reply = ask(self.api, "/predict", {"inputs": [row], "index": [key]}).json()
            self._story.note(f"{key} {reply['predictions'][0]}: {reply['probabilities'][0]}")
        self._story.note(f"ready {seconds:.1f} s after its start; 3 are allowed where nothing else runs")

    def _labels(self) -> None:
        with self._story.step("labels: what became of the customer is joined, and decides about retraining"):
            said = self.stack.run_once("labels")
            expect("match 1 of 1 predictions" in said, "one label of one prediction", said)
            expect("\nwait: 1 of 1 labelled" in said, "the verdict to wait for more labels", said)
            self._story.note(said.strip().splitlines()[0])

    def _shipped(self) -> None:
        with self._story.step("shipping: the prediction is in the database"):
            self.stack.up("shipping")
            self._eventually(
                lambda: self._sql("SELECT index FROM predictions", "analyst") == [self._key],
                "the prediction in its table",
            )

    def _retrained(self) -> None:
        with self._story.step("etl and training again: the API takes the new version, and no request fails"):
            before = ask(self.api, "/health").json()["model_version"]
            started = self.stack.started("api")
            with _Requests(self.api) as requests:
                self.stack.run_once("etl", "python", "-m", "data_engineering.etl", "--days", "740")
                self.stack.run_once("training")
                self._eventually(
                    lambda: ask(self.api, "/health").json()["model_version"] != before, "another version in the API"
                )
            expect(len(requests.versions) == 2, "answers of both versions", sorted(requests.versions))
            expect(not requests.failures, "no failed request", requests.failures[:3])
            expect(self.stack.started("api") == started, "that the API was not restarted", "another start")
        self._story.note(f"{requests.count} requests meanwhile, by {' and '.join(sorted(requests.versions))}")

    def _read(self) -> None:
        with self._story.step("eda: the reports of the version that serves, as pages and as PDF"):
            self.stack.up("eda")
            self.stack.wait("eda")
            version = ask(self.api, "/health").json()["model_version"]
            expect(version.encode() in ask(self.eda, "/").content, version, "another version")
            for name in ("eda", "report"):
                expect(b"<svg" in ask(self.eda, f"/{name}.html").content, "a page with plots", "none")
                expect(ask(self.eda, f"/{name}.pdf").content.startswith(b"%PDF"), "a PDF", "something else")
            for path in (
                "/.",
                "/..",
                "/.pdf",
                "/%2e%2e",
                "/eda.html.pdf",
                "/leaderboard.pdf",
                "/..%2f..%2fetc%2fpasswd",
            ):
                ask(self.eda, path, expected=404)
            zombies = podman("exec", self.stack.container("eda"), "sh", "-c", "cat /proc/[0-9]*/stat")
            expect(not re.search(r"\) Z ", zombies), "no process of the browser that is left", zombies)
        with self._story.step("jupyter: asks for the token, and runs a notebook against the database"):
            self.stack.up("jupyter")
            self.stack.wait("jupyter")
            ask(self.jupyter, "/api/contents", expected=403)
            listed = ask(self.jupyter, "/api/contents/notebooks", headers={"authorization": f"token {TOKEN}"}).json()
            expect(len(listed["content"]) == 3, "three notebooks", listed)
            podman("exec", self.stack.container("jupyter"), "jupyter", "execute", "companydata/eda.ipynb")
            podman("exec", self.stack.container("jupyter"), "classification-model", "list")

    def _tracked(self) -> None:
        with self._story.step("mlflow: has the run, its trials and the registered version, the champion"):
            self.stack.up("mlflow")
            self.stack.wait("mlflow")
            self.stack.run_once("etl", "python", "-m", "data_engineering.etl", "--days", "750")
            uri = {"MLFLOW_TRACKING_URI": f"http://mlflow:{self.mlflow}"}
            self.stack.run_once("training", **uri)
            champion = self._mlflow("registered-models/alias", {"name": PROBLEM, "alias": "champion"})["model_version"]
            found = self._mlflow("experiments/get-by-name", {"experiment_name": PROBLEM})
            search = {"experiment_ids": [found["experiment"]["experiment_id"]]}
            runs = ask(self.mlflow, f"{MLFLOW}/runs/search", search).json()["runs"]
            trials = [run for run in runs if run["info"]["run_id"] != champion["run_id"]]
            parents = {
                tag["value"] for run in trials for tag in run["data"]["tags"] if tag["key"] == "mlflow.parentRunId"
            }
            expect(trials and parents == {champion["run_id"]}, "trials inside the run of the champion", parents)
            pull = ("store", "pull", f"mlflow://{PROBLEM}@champion", "--store", "/tmp/pulled")  # noqa: S108 - of the container
            self.stack.run_once("training", "classification-model", *pull, **uri)
        self._story.note(f"{len(trials)} trials; version {champion['version']}, the champion, was pulled into a store")

    def _mlflow(self, route: str, parameters: Mapping[str, str]) -> dict[str, Any]:
        return dict(ask(self.mlflow, f"{MLFLOW}/{route}?{urlencode(parameters)}").json())

    def _failures(self) -> None:
        with self._story.step("training: exit code 2 for a wrong password; the store stays as it is"):
            before = ask(self.api, "/health").json()["model_version"]
            self._expect_exit(2, "training", DS_USER_PASSWORD="wrong")  # noqa: S106 - it is
            expect(ask(self.api, "/health").json()["model_version"] == before, before, "another version")
        with self._story.step("eda: a report that was changed in the volume is not shown"):
            change = "for page in /models/versions/*/reports/eda.html; do echo changed >> $page; done"
            self.stack.run_once("training", "sh", "-c", change)
            ask(self.eda, "/eda.html", expected=503)
        with self._story.step("api: answers what it has in hand, then ends with exit code 0"):
            self.stack.stop("api")
            code = podman("inspect", "--format={{.State.ExitCode}}", self.stack.container("api")).strip()
            expect(code == "0", "exit code 0", code)
        logs = "".join(map(self.stack.logs, ("database", "training", "api", "eda", "jupyter", "shipping", "mlflow")))
        found = [name for name, password in PASSWORDS.items() if password in logs] + ["JUPYTER_TOKEN"] * (TOKEN in logs)
        expect(not found, "no secret in a log", ", ".join(found))

    def _expect_exit(self, code: int, service: str, **variables: str) -> None:
        try:
            self.stack.run_once(service, **variables)
        except RehearsalError as error:
            expect(f"exit code {code}" in str(error).splitlines()[0], f"exit code {code}", error)
        else:
            expect(False, f"exit code {code}", "0")

    def _sql(self, query: str, role: str = "postgres") -> list[str]:
        password = PASSWORDS["POSTGRES_PASSWORD" if role == "postgres" else f"{role.upper()}_PASSWORD"]
        url = f"postgresql://{role}:{password}@127.0.0.1:{self.database}/companydata"
        said = podman("exec", self.stack.container("database"), "psql", "--no-align", "--tuples-only", url, "-c", query)
        return said.split("\n")[:-1]

    def _eventually(self, holds: Any, expected: str, patience: float = 60) -> None:
        end = time.monotonic() + patience
        while not holds():
            expect(time.monotonic() < end, f"{expected} within {patience:g} s", "none")
            time.sleep(0.1)


class _Requests:
    """A client that asks without a pause for the time of a block.

    Attributes
    ----------
    versions
        Versions that answered.
    failures
        Replies without a prediction, and errors.
    count
        Requests that were sent.
    """

    def __init__(self, port: int) -> None:
        self._port = port
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._go_on)
        self.versions: set[str] = set()
        self.failures: list[object] = []
        self.count = 0

    def __enter__(self) -> _Requests:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        time.sleep(0.5)  # of the new version too
        self._is_over.set()
        self._thread.join()

    def _go_on(self) -> None:
        while not self._is_over.is_set():
            self.count += 1
            try:
                reply = ask(self._port, "/predict", {"inputs": [CUSTOMER]}, expected=None)
                if reply.status == 200:
                    self.versions.add(reply.json()["version"])
                else:
                    self.failures.append(reply)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is no prediction
                self.failures.append(error)
