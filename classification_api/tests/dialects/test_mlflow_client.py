"""MLflow's own client, unchanged, talks to the API; in a process of its own, since importing it warns."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from classification_model.predict import make_prediction
from conftest import PATIENCE, Server

pytestmark = pytest.mark.slow


CLIENT = """
import json
import sys

import pandas as pd
from mlflow.pyfunc.scoring_server.client import ScoringServerClient

client = ScoringServerClient("127.0.0.1", int(sys.argv[1]))
client.wait_server_ready()
frame = pd.DataFrame(json.load(sys.stdin))
answer = client.invoke(frame).get_predictions()
try:
    client.invoke(frame.assign(age="old"))
    refusal = ""
except Exception as error:
    refusal = str(error)
print(json.dumps({"version": client.get_version(), "answer": answer[0].tolist(), "refusal": refusal}))
"""


def test_mlflows_client_gets_the_predictions_of_the_package(server: Server) -> None:
    """A frame with gaps is answered as the package answers it; a wrong one is refused with MLflow's error code."""
    rows = [
        {"pclass": 1, "name": "Allen, Miss. Elisabeth", "sex": "female", "age": 29.0, "sibsp": 0, "parch": 0,
         "ticket": "24160", "fare": 211.34, "cabin": "B5"},
        {"pclass": 3, "name": "Kelly, Mr. James", "sex": "male", "age": None, "sibsp": 0, "parch": 0,
         "ticket": "330911", "fare": 7.83, "cabin": None},
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CLIENT, str(server.port)],
        input=json.dumps(rows), capture_output=True, text=True, check=False, timeout=PATIENCE,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["answer"] == make_prediction(input_data=rows)["predictions"]
    assert told["version"]
    assert "BAD_REQUEST" in told["refusal"]
