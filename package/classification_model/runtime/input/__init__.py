"""Read values, rows and columns, and check them against the input schema of a model."""
