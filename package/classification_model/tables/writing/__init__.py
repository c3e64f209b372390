"""Write tables in blocks, under a temporary name until they are complete."""
