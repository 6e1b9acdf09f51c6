"""Extractors in words: names of their values, facts for `inspect`, and when they can carry speech."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

from anomsdk.core.bands import BandsPlan
from anomsdk.core.days import N_QUARTERS, DaysPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.figures import Figure
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import FEATURES, MotionPlan


class Speech(Enum):
    """Condition under which the features of an extractor can carry speech."""

    ALWAYS = "at any rate"
    ABOVE_LIMIT = "above a number of values a second"
    NEVER = "no features of sound, or nothing is known of them"


@dataclass(frozen=True)
class ExtractorInWords:
    """Words for one kind of extractor in reports.

    Parameters
    ----------
    speech : condition under which its features can carry speech
    values : plan section -> a name for each value of a frame, (n_features,)
    facts : plan section, samples a second, samples of a hop -> facts that only this kind has, for `inspect`
    scratch : what a call computes with, for the retention table
    keeps_window : a window holds samples of the sensor; False: a window is one row of features
    kept_samples : plan section -> samples that are kept for more than a window
    """

    speech: Speech
    values: Callable[[Any], list[str]]
    facts: Callable[[Any, float, int], dict[str, Any]]
    scratch: str
    keeps_window: bool = True
    kept_samples: Callable[[Any], int] = lambda extractor: 0


def milliseconds(samples: int, rate_hz: float) -> float:
    """Convert a number of samples to ms, rounded to the nearest microsecond."""
    return round(samples * 1000 / rate_hz, 3)


def _no_facts(extractor: ExtractorPlan, rate_hz: float, hop: int) -> dict[str, Any]:
    return {}


def _numbered(word: str, n: int) -> list[str]:
    return [f"{word} {number}" for number in range(1, n + 1)]


def _logmel_values(extractor: LogmelPlan) -> list[str]:
    return _numbered("mel", extractor.n_features)


def _bands_values(extractor: BandsPlan) -> list[str]:
    return [*_numbered("band", extractor.filterbank.n_bands), "loudness", "impulses"]


def _bands_facts(extractor: BandsPlan, rate_hz: float, hop: int) -> dict[str, Any]:
    hops = extractor.hops_per_frame
    return {"hops_per_frame": hops, "frame_ms": milliseconds(hops * hop, rate_hz)}


def _motion_values(extractor: MotionPlan) -> list[str]:
    widths = [(name, FEATURES[name].width(extractor.spectrum.n_bands)) for name in extractor.features]
    return [name if n == 1 else f"{name} {i + 1}" for name, n in widths for i in range(n)]


def _motion_facts(extractor: MotionPlan, rate_hz: float, hop: int) -> dict[str, Any]:
    first = extractor.spectrum.first_bin.tolist()
    return {
        "select": list(extractor.features),
        "gravity_ms": milliseconds(extractor.gravity, rate_hz),
        "bands_hz": [f"{bin * rate_hz / extractor.window:g}" for bin in first],
    }


def _external_values(extractor: ExtractorPlan) -> list[str]:
    return _numbered("value", extractor.n_features)


def _days_values(extractor: DaysPlan) -> list[str]:
    n = len(extractor.judged)
    slots = [
        f"slot {slot}" + (f" column {i + 1}" if n > 1 else "") for slot in range(extractor.slots) for i in range(n)
    ]
    totals = ["total"] if n == 1 else _numbered("total", n)
    figures = [figure.name.lower() for figure in Figure]
    trends = ["3 days", "8 days", "anchor"]
    return [*slots, *totals, *(f"figure {name}" for name in figures), *_numbered("quarter", N_QUARTERS), *trends]


def _days_facts(extractor: DaysPlan, rate_hz: float, hop: int) -> dict[str, Any]:
    profile = extractor.profile
    return {
        "slots": extractor.slots,
        "judged": [int(column) for column in extractor.judged],
        "mature_days": profile.mature,
        "profile_hold_slots": profile.hold,
        "missing_slots": extractor.most_missing,
        "off_body_slots": extractor.off_body,
    }


EXTRACTORS = {
    "logmel": ExtractorInWords(
        Speech.ALWAYS, _logmel_values, _no_facts, "spectrum, band energies and levels of a window"
    ),
    "bands": ExtractorInWords(
        Speech.ABOVE_LIMIT, _bands_values, _bands_facts, "spectrum, band energies and levels of a window"
    ),
    "motion": ExtractorInWords(
        Speech.NEVER, _motion_values, _motion_facts, "levels, band energies and a series of a window"
    ),
    "days": ExtractorInWords(
        Speech.NEVER,
        _days_values,
        _days_facts,
        "levels of a day and its slots in order",
        keeps_window=False,
        kept_samples=lambda extractor: extractor.slots,
    ),
    "external": ExtractorInWords(Speech.NEVER, _external_values, _no_facts, "levels of a row", keeps_window=False),
}
"""Kind of extractor -> words for it."""
