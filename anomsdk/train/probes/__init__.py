"""Probes: generated anomalies on which candidates are judged."""
