"""Trained networks outside of Python: graphs of ONNX, proven equal to what they are of."""
