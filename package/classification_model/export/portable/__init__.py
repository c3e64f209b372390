"""The portable model: one ONNX graph from raw columns to labels, for other runtimes."""
