"""Champion against challenger, on the same rows: what is measured, and who is to serve."""

from classification_model.comparison.measuring import features_of, latency_of, outcome_of
from classification_model.comparison.paired import SharedRows
from classification_model.comparison.verdict import Comparison, compare

__all__ = ["Comparison", "SharedRows", "compare", "features_of", "latency_of", "outcome_of"]
