"""Files of any size, predicted in constant memory: CSV, Parquet and JSON, streamed in batches over all cores.

`predicting` is where it comes together: a source gives pieces of a file, threads read and score them (`scoring`), and
an output takes them in the order of the file. Needs the extra ``[batch]``.
"""
