"""LitServe: one API process, one worker process."""

import os
import sys
from typing import Any

import joblib
import litserve
import pandas as pd


class Titanic(litserve.LitAPI):
    """The pipeline behind LitServe's four hooks."""

    def setup(self, device: str) -> None:  # noqa: ARG002 - LitServe's own signature
        """Load the pipeline in the worker."""
        self.pipeline = joblib.load(os.environ["PICKLE"])

    def decode_request(self, request: dict[str, Any]) -> pd.DataFrame:
        """Make a frame of the rows."""
        return pd.DataFrame(request["inputs"])

    def predict(self, x: pd.DataFrame) -> Any:
        """Predict probabilities."""
        return self.pipeline.predict_proba(x)

    def encode_response(self, output: Any) -> dict[str, Any]:
        """Make lists of the array."""
        return {"probabilities": output.tolist()}


if __name__ == "__main__":
    server = litserve.LitServer(Titanic(), accelerator="cpu", workers_per_device=1, timeout=False)
    server.run(
        host="127.0.0.1",
        port=int(sys.argv[1]),
        num_api_servers=1,
        generate_client_file=False,
        log_level="warning",
        access_log=False,
    )
