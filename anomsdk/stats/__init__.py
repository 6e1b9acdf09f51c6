"""Statistics of detection: counts in, figures with intervals out."""
