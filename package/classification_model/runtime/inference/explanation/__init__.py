"""Explain predictions by the contribution of each value, relative to a baseline row.

`Explainer` explains rows; `coalitions` holds the arithmetic, independent of models.
"""

from classification_model.runtime.inference.explanation.explainer import Explainer

__all__ = ["Explainer"]
