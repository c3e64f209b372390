"""What is written in an afternoon: FastAPI, a typed row, and the pickled pipeline on a pandas frame."""

import os
from typing import Any

import joblib
import pandas as pd
from fastapi import FastAPI
from passenger import Passengers

pipeline = joblib.load(os.environ["PICKLE"])
app = FastAPI()


def predict(body: Passengers) -> dict[str, Any]:
    """Predict in FastAPI's pool of threads, so that the event loop stays free."""
    frame = pd.DataFrame([row.model_dump() for row in body.inputs])
    return {"probabilities": pipeline.predict_proba(frame).tolist()}


app.post("/predict")(predict)
