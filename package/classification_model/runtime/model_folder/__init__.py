"""A model folder: its files, its manifest, the libraries that made it."""
