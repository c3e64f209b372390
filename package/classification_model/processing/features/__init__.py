"""Transformers of our own: each appends columns that are computed row by row from columns before it.

They follow scikit-learn's contract: ``__init__`` only stores, ``fit`` validates, what is learned ends in an
underscore, the input is never changed. A transformer whose `variables` are left out works on all columns, so that it
also serves outside of this package's pipelines.
"""

from classification_model.processing.features.dates import DateParts
from classification_model.processing.features.numbers import LogOnePlus, Ratio, Sum
from classification_model.processing.features.text import Combine, TextContains, TextPattern

__all__ = ["Combine", "DateParts", "LogOnePlus", "Ratio", "Sum", "TextContains", "TextPattern"]
