"""What is odd about the rows to learn from: leaks, repeated rows, rare classes, columns that say little."""
