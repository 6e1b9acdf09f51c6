"""Where alerts and scores go: lines for people, JSON lines, score files."""
