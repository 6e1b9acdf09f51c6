"""Extractors in the C port: the fields that their plans have in C only, and the memory that they need."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anomsdk.core.bands import BandsPlan
from anomsdk.core.days import DaysPlan, state_bytes
from anomsdk.core.external import ExternalPlan
from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import FEATURES, MotionPlan
from anomsdk.cport.fields import Address, Fields

SAMPLE, LEVEL, COMPLEX, ENERGY = 2, 4, 8, 8
"""Bytes of int16_t, int32_t, anom_complex and anom_energy."""
_GATHERED = 8
"""Bytes of the counters that anom_bands keeps beside its sums."""


@dataclass(frozen=True)
class CExtractor:
    """One kind of extractor in the C port.

    Parameters
    ----------
    fields : plan section -> fields of anom_<kind>_plan that the section in Python lacks
    state_bytes : plan section -> bytes that are kept for the next frame, as `state_bytes` of anom_<kind>
    scratch_bytes : plan section -> bytes that one window needs, as `scratch_bytes` of anom_<kind>
    sums : plan section -> energies in the struct ``gathered`` that is kept for the next frame; 0: nothing is kept
    learnt_bytes : plan section -> bytes at the beginning of the state that a record has; 0: it learns nothing
    """

    fields: Callable[[Any], Fields]
    state_bytes: Callable[[Any], int]
    scratch_bytes: Callable[[Any], int]
    sums: Callable[[Any], int] = lambda extractor: 0
    learnt_bytes: Callable[[Any], int] = lambda extractor: 0


def rounded_up(n: int) -> int:
    """Round up to a multiple of 8: buffers begin at addresses that fit any type."""
    return (n + 7) & ~7


def _nothing(extractor: ExtractorPlan) -> int:
    return 0


def _levels(extractor: ExtractorPlan) -> int:
    return rounded_up(extractor.n_features * LEVEL)


def _spectrum(extractor: LogmelPlan | BandsPlan) -> int:
    return (extractor.fft.length // 2 + 1) * COMPLEX


def _logmel_scratch(extractor: LogmelPlan) -> int:
    return _spectrum(extractor) + extractor.filterbank.n_bands * ENERGY


def _bands_sums(extractor: BandsPlan) -> int:
    return extractor.filterbank.n_bands + 1


def _bands_state(extractor: BandsPlan) -> int:
    return _GATHERED + _bands_sums(extractor) * ENERGY


def _bands_scratch(extractor: BandsPlan) -> int:
    return max(_spectrum(extractor), _levels(extractor)) + extractor.filterbank.n_bands * ENERGY


def _motion_fields(extractor: MotionPlan) -> Fields:
    chosen = [FEATURES[name] for name in extractor.features]
    return {
        "features": sum(1 << feature.bit for feature in chosen),
        "n_features": extractor.n_features,
        "transform": Address("anom_spectrum_run") if any(feature.spectral for feature in chosen) else None,
    }


def _motion_scratch(extractor: MotionPlan) -> int:
    return rounded_up((extractor.n_features + extractor.spectrum.n_bands) * LEVEL + extractor.window * SAMPLE)


def _external_fields(extractor: ExternalPlan) -> Fields:
    return {"n_features": extractor.n_features}


def _days_fields(extractor: DaysPlan) -> Fields:
    return {"n_judged": len(extractor.judged), "n_features": extractor.n_features}


def _days_rows(extractor: DaysPlan) -> int:
    return rounded_up(extractor.slots * len(extractor.judged) * SAMPLE)


def _days_state(extractor: DaysPlan) -> int:
    """Bytes of all that a record has, and of the alarm, which no record has."""
    return rounded_up(state_bytes(extractor) + 1)


def _days_scratch(extractor: DaysPlan) -> int:
    """Bytes of the levels, of the figures of the day, and of the day with its missing slots filled in."""
    return rounded_up(extractor.n_features * LEVEL) + _days_rows(extractor)


EXTRACTORS = {
    "logmel": CExtractor(lambda extractor: {}, _nothing, _logmel_scratch),
    "bands": CExtractor(lambda extractor: {}, _bands_state, _bands_scratch, _bands_sums),
    "motion": CExtractor(_motion_fields, _nothing, _motion_scratch),
    "external": CExtractor(_external_fields, _nothing, _levels),
    "days": CExtractor(_days_fields, _days_state, _days_scratch, learnt_bytes=state_bytes),
}
"""Kind of extractor -> its description for the C port."""
