"""How a model does in operation: accuracy, calibration and drift, as a report."""
