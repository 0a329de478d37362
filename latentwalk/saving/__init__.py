"""What is left on a disk: options as JSON, a model as a folder, a model as ONNX."""
