"""Generated sound and motion, and mixing one sound into another."""
