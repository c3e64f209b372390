"""Check that the regular expressions of a model are quick on any text."""
