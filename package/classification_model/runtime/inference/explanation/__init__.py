"""Why a row is predicted as it is: what each of its values adds to the prediction of a baseline row.

`Explainer` explains rows; `coalitions` holds the arithmetic, which knows nothing of models.
"""

from classification_model.runtime.inference.explanation.explainer import Explainer

__all__ = ["Explainer"]
