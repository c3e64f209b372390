"""The proof that a compiled model predicts what its pipeline predicts."""
