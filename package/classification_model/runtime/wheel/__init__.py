"""Build a wheel from a model folder: its name, its metadata and its files."""
