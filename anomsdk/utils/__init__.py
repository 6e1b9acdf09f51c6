"""Files, text and the terminal: what is not about anomaly detection."""
