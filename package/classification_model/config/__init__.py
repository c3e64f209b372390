"""The problem file: what it may say, how it is read, how it is drafted from a table."""
