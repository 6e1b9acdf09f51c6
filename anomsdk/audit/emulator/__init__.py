"""Emulator: a compiled pipeline is run on two signals, and every byte and register that differs is looked at."""
