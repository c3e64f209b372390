"""Make a model folder from your own estimator or your own model class."""
