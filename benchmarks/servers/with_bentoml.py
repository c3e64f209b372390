"""BentoML: a service with one worker."""

import os
from typing import Any

import bentoml
import joblib
import pandas as pd


class Titanic:
    """The pipeline behind one API."""

    def __init__(self) -> None:
        self.pipeline = joblib.load(os.environ["PICKLE"])

    @bentoml.api  # type: ignore[untyped-decorator]
    def predict(self, inputs: list[dict[str, Any]]) -> list[list[float]]:
        """Predict probabilities."""
        probabilities: list[list[float]] = self.pipeline.predict_proba(pd.DataFrame(inputs)).tolist()
        return probabilities


service = bentoml.service(workers=1, traffic={"timeout": 120})(Titanic)
