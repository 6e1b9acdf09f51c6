"""Retention: what each byte of a pipeline's memory holds and for how long, and what leaves the device."""
