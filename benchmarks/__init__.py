"""Measurements that README and docs quote; `make bench` prints them, the tests hold their bounds."""
