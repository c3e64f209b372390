"""The log of predictions, labels and decisions: lines that tell whether they are whole."""
