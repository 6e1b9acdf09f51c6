"""File formats: each module reads one family of formats, or one part of it; `anomsdk.sources` makes recordings of them."""
