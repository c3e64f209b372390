"""Decide on retraining, and collect the rows for it."""
