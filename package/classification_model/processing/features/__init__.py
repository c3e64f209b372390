"""Transformers for derived features: each appends columns that are computed row by row.

They follow scikit-learn's contract, and can be used in any pipeline: ``__init__`` only stores its parameters, ``fit``
validates them, learned attributes end in an underscore, and the input is never changed. By default a transformer works
on all columns.
"""

from classification_model.processing.features.dates import DateParts
from classification_model.processing.features.numbers import LogOnePlus, Ratio, Sum
from classification_model.processing.features.text import Combine, TextContains, TextPattern

__all__ = ["Combine", "DateParts", "LogOnePlus", "Ratio", "Sum", "TextContains", "TextPattern"]
