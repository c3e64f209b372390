"""The log copied to a table of a database, or to Parquet files by day, each record exactly once.

Begin with `ship`: parts of the log's files (`parts`) go to a target (`databases`, `parquet_folders`), which keeps with
them how far each file was shipped. Needs the extra ``[batch]``, and ``[sql]`` or that of an object store.
"""
