"""Trainings in MLflow: runs, registered models, the alias of the current one, and models pulled into a store."""
