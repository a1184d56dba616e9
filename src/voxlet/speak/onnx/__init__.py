"""Read and check an ONNX file without the package `onnx`, before anything in it is run."""
