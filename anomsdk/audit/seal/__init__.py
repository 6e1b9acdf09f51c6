"""Seal: the kernel takes from this process every way to keep or send what it reads."""
