"""Search for a known signal in the memory of the commands and classes that people run."""
