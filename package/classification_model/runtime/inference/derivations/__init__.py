"""Derived features, computed row by row: the same functions for training and for prediction.

The transformers of the pipeline and the compiled model both call them. As nothing here is learned from data, nothing
is compiled; what is learned becomes an ONNX graph (`export`).
"""

from classification_model.runtime.inference.derivations.plan import Derivation, Plan

__all__ = ["Derivation", "Plan"]
