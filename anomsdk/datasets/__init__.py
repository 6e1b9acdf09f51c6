"""Data sets: what devices counted and said, by day, as Parquet in hive partitions."""
