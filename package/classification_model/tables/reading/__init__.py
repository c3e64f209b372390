"""Read tables in blocks: CSV, JSON and Parquet from files, URLs and standard input, and queries of databases."""
