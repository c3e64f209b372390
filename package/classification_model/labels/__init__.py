"""What turned out to be true: labels from files and databases, joined with the predictions on record."""
