"""Tables read in blocks: CSV, JSON and Parquet from files, URLs and standard input; queries of databases."""
