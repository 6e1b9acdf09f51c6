"""Levels with evidence: at most so many alarms in so many days, of a device or a herd."""

from anomsdk.stats.promises import (
    Budget,
    bound,
    certified,
    days_needed,
    pooled_certified,
    pooled_days_needed,
    pooled_evidence,
)
from anomsdk.tune.certificates import Certificate, choose
from anomsdk.tune.ladders import MergedLadder, merge

__all__ = [
    "Budget",
    "Certificate",
    "MergedLadder",
    "bound",
    "certified",
    "choose",
    "days_needed",
    "merge",
    "pooled_certified",
    "pooled_days_needed",
    "pooled_evidence",
]
