"""Report on a model in operation: accuracy, calibration and drift."""
