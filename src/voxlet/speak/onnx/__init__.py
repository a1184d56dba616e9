"""An ONNX file read and checked without the package `onnx`, before anything in it is run."""
