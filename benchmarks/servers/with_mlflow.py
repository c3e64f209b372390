"""MLflow: save the pipeline as MLflow keeps models; ``mlflow models serve`` then serves the folder.

Run as ``with_mlflow.py PICKLE FOLDER``.
"""

import sys
from typing import get_args

import joblib
import mlflow
from mlflow.models import ModelSignature
from mlflow.types import ColSpec, Schema
from passenger import Passenger

_, pickle, folder = sys.argv
kinds = {name: get_args(field.annotation) or (field.annotation,) for name, field in Passenger.model_fields.items()}
inputs = Schema(
    [
        ColSpec("string" if str in kind else "double", name, required=type(None) not in kind)
        for name, kind in kinds.items()
    ]
)
mlflow.sklearn.save_model(
    joblib.load(pickle),
    folder,
    serialization_format="cloudpickle",
    pyfunc_predict_fn="predict_proba",
    signature=ModelSignature(inputs=inputs),
    pip_requirements=[],
)
