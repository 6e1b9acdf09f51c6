"""Tables as text and .parquet: dialect, headings, units, numbers and lists in cells."""
