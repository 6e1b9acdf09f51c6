"""Plans on disk: plan files, reference models, the .tflite file of the model, and plans in words."""
