"""A user's own build, looked at without running it: objects, archives, linked programs and dumps of memory."""
