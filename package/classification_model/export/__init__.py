"""Compile a fitted pipeline to ONNX, step by step, and verify that both predict the same."""
