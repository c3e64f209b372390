"""Models in operation: the base class `MLEModel`, what is served, and the verdict on logged accuracy."""
