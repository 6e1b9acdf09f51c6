"""Sinks of a session: lines for people, JSON lines, score files."""
