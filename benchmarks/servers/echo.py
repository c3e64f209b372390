"""FastAPI without a model: reads and checks the same body, and answers a constant."""

from typing import Any

from fastapi import FastAPI
from passenger import Passengers

ANSWER = {
    "predictions": ["survived"],
    "probabilities": [{"died": 0.25, "survived": 0.75}],
    "version": "1.0.0",
    "warnings": [],
    "errors": None,
}

app = FastAPI()


async def predict(body: Passengers) -> dict[str, Any]:  # noqa: ARG001 - that it is checked is the point
    """Answer a constant."""
    return ANSWER


app.post("/predict")(predict)
