"""Measurements that the README and the documentation quote. `make bench` prints them; the tests hold their bounds."""
