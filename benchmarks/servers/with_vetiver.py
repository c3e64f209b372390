"""vetiver: its own API around the pipeline, with its check of each row, and an endpoint for probabilities."""

import os

import joblib
import pandas as pd
from passenger import Passenger
from vetiver import VetiverAPI, VetiverModel
from vetiver.prototype import vetiver_create_prototype

# What vetiver makes of a frame of examples allows no missing values; it takes other types of prototypes by this hook.
vetiver_create_prototype.register(type(Passenger), lambda data: data)

pipeline = joblib.load(os.environ["PICKLE"])


def predict_proba(frame: pd.DataFrame) -> list[list[float]]:
    """Predict probabilities; the endpoint that vetiver makes by itself answers with classes alone."""
    probabilities: list[list[float]] = pipeline.predict_proba(frame).tolist()
    return probabilities


api = VetiverAPI(VetiverModel(pipeline, "titanic", prototype_data=Passenger), check_prototype=True)
api.vetiver_post(predict_proba)
app = api.app
