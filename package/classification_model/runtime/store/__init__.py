"""The model store: versions of a model, of which one is current."""
