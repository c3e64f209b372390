"""Infer the kind of each column of an unknown table, and how its values are written."""
