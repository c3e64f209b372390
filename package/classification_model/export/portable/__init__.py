"""The whole model as one ONNX graph that takes raw columns and gives labels, for runtimes other than ours."""
