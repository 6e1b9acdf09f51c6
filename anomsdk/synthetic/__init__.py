"""Generated sound and motion, and mixing of one sound into another."""
