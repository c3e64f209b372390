"""What a base install runs: reading input, predicting, model folders, the store, the log. Nothing of training."""
