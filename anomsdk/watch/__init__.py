"""Watching and scoring recordings: from files or standard input to alerts and scores."""
