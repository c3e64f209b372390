"""Rows and comparisons to verify that a compiled model predicts the same as its pipeline."""
