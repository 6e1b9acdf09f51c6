"""Stored samples as rows of values, one family of formats a file; `anomsdk.sources` makes recordings of them."""
