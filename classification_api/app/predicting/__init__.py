"""From a request for predictions to its reply."""
