"""Comparison of two plans on the same recordings, and the limits that a release has to keep."""

from anomsdk.compare.difference import Detection, Difference, Rates, diff
from anomsdk.compare.gate import Judgement, Limits, judge
from anomsdk.compare.matching import AlarmChanges, match_alarms
from anomsdk.compare.recordings import ComparedRecording
from anomsdk.compare.report_json import as_json
from anomsdk.compare.report_text import as_text

__all__ = [
    "AlarmChanges",
    "ComparedRecording",
    "Detection",
    "Difference",
    "Judgement",
    "Limits",
    "Rates",
    "as_json",
    "as_text",
    "diff",
    "judge",
    "match_alarms",
]
