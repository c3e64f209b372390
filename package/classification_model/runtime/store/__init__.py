"""The model store: versions, which of them serves, and what may take its place."""
