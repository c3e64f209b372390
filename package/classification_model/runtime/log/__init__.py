"""The log of predictions, labels and decisions, in lines with checksums."""
