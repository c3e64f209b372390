"""Evaluate predictions: metrics with intervals, on all rows and on slices of them."""
