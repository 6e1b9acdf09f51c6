"""A herd on one day, for the person who looks after it."""

from anomsdk.herd.common_mode import HerdShare
from anomsdk.herd.levels import Levels, read_levels
from anomsdk.herd.overview import AlarmedDevice, AlertRate, FaultyDevice, HerdDay, SilentDevice, SparseDevice, herd_day

__all__ = [
    "AlarmedDevice",
    "AlertRate",
    "FaultyDevice",
    "HerdDay",
    "HerdShare",
    "Levels",
    "SilentDevice",
    "SparseDevice",
    "herd_day",
    "read_levels",
]
