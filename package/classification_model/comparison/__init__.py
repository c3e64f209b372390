"""Compare a challenger with the champion on the same rows, and decide whether it replaces the champion."""

from classification_model.comparison.measuring import features_of, latency_of, outcome_of
from classification_model.comparison.paired import SharedRows
from classification_model.comparison.verdict import Comparison, compare

__all__ = ["Comparison", "SharedRows", "compare", "features_of", "latency_of", "outcome_of"]
