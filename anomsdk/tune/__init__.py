"""Levels with evidence that they keep a budget of alarms, for a device or a herd."""

from anomsdk.core.downlink import LevelOrder
from anomsdk.core.export import Export
from anomsdk.stats.budgets import Budget
from anomsdk.stats.promises import bound, certified, days_needed, pooled_certified, pooled_days_needed, pooled_evidence
from anomsdk.tune.certificates import Certificate, choose
from anomsdk.tune.ladders import MergedLadder, merge

__all__ = [
    "Budget",
    "Certificate",
    "Export",
    "LevelOrder",
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
