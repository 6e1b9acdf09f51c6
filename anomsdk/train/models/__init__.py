"""Models that training may choose from, and their int8 form."""
