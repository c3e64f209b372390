"""Read and write tables in files and databases, in blocks of Arrow columns."""
