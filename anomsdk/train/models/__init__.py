"""Models that training may choose, and their int8 form."""
