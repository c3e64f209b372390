"""The model in use: derivations, the compiled graph, classes from probabilities, explanations."""
