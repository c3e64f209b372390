"""Features computed row by row from others: one definition for training, for one row and for columns of many.

Nothing here is learned from data, so nothing here is compiled: the transformers of the pipeline and the compiled
model call the same functions. What is learned becomes a graph (`export`).
"""

from classification_model.runtime.inference.derivations.plan import Derivation, Plan

__all__ = ["Derivation", "Plan"]
