"""The data of training: recordings as features, excerpts of them, and the maps to the inputs of a model."""
