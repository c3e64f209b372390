"""What a table looks like: its columns, gaps and classes, and what goes with what."""
