"""Receiving events of devices, on a gateway or in a backend."""
