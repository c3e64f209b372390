"""The runtime, which a base install runs: input, predictions, model folders, stores and logs, without training."""
