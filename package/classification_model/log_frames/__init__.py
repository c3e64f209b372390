"""Read the log of predictions and labels as data frames."""
