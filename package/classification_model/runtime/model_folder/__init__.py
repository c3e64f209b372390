"""The model folder: its files, its manifest, and the versions of the libraries that made it."""
