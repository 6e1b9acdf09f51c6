"""Search for a known signal, and for everything that a plan makes of it, in the memory of another process."""
