"""Data of training: feature levels of recordings, excerpts of them, and maps to the inputs of a model."""
