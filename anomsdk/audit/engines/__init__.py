"""Checks that all engines give the same integers."""
