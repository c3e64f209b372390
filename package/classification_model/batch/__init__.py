"""Predict files of any size in constant memory: CSV, Parquet and JSON, in batches, on all cores.

Begin with `predict_file`: a source yields pieces of a file, threads read and score them (`scoring`), and an output
writes them in order. Needs the extra ``[batch]``.
"""
