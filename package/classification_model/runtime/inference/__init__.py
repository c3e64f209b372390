"""Inference: derived features, the compiled graph, classes from probabilities, and explanations."""
