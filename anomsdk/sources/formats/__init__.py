"""File formats: each module reads one family of formats, or one part of it."""
