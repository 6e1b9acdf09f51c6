"""Statistics of detection: counts and scores in, figures with intervals out. Imports numpy and scipy only."""
