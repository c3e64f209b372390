"""A fitted pipeline as ONNX: each step has a converter, and what comes out is proved equal to what went in."""
