"""True labels from files and databases, joined with logged predictions."""
