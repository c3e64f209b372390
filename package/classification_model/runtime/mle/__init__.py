"""Models in operation: `MLEModel`, `ServedModel`, and the rule for logged accuracy."""
