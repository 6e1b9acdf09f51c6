"""Generated anomalies that candidates are judged on."""
