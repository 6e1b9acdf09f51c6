"""Motion in tables and arrays, as rows in the units of a plan."""
