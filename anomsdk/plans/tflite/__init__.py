"""The .tflite files that hold the model: a strict reader and a writer."""
