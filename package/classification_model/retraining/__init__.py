"""Whether to retrain, and what a retraining learns from."""
