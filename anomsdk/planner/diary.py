"""Diary section of a spec, and its plan: the slot in hops and the scale of movement."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from anomsdk.core.checks import require
from anomsdk.core.diary import COLUMNS, MAX_COLUMNS, MOVEMENT, DiaryPlan
from anomsdk.core.plan import SLOT_S, MotionSensorPlan, Plan
from anomsdk.errors import quoted
from anomsdk.planner.sections import Section
from anomsdk.planner.tables import rounded

_TENTHS_OF_MG = 10_000_000
"""Units of 0.1 mg in 1,000 g."""


class DiarySection(Section):
    """Diary section: ticks and movement, summed over a slot into a row of numbers.

    A spec may leave the section out.
    """

    slot_s: Annotated[int, Field(ge=SLOT_S[0], le=SLOT_S[1])] = 3600
    """Length of a slot in seconds, 900 to 7200."""
    columns: Annotated[tuple[str, ...], Field(strict=False, min_length=1, max_length=MAX_COLUMNS)] | None = None
    """Names of the columns of a row, in their order; None: scores, movement where the features have it, coverage."""

    @model_validator(mode="after")
    def _known(self) -> DiarySection:
        names = self.columns or ()
        unknown = next((name for name in names if name not in COLUMNS), None)
        if unknown is not None:
            raise ValueError(f"columns has {quoted(repr(unknown))}; choose from {', '.join(COLUMNS)}")
        if len(set(names)) != len(names):
            raise ValueError("columns names one twice; remove it")
        return self


def diary_plan(section: DiarySection | None, made: Plan) -> DiaryPlan | None:
    """Plan the diary; None for a spec without the section.

    Parameters
    ----------
    section : of the spec
    made : the rest of the plan
    """
    if section is None:
        return None
    sensor = made.sensor
    columns = section.columns or tuple(name for name in COLUMNS if made.has_movement or name not in MOVEMENT)
    gain_q16 = 0
    if any(name in MOVEMENT for name in columns):
        require(
            made.has_movement and isinstance(sensor, MotionSensorPlan),
            "diary.columns: vedba_mean and jerk_mean need the features of these names; select both, or leave them out",
        )
        assert isinstance(sensor, MotionSensorPlan)
        gain_q16 = rounded(_TENTHS_OF_MG * 65536 / sensor.counts_per_kilo_g)
    return DiaryPlan(rounded(section.slot_s * 65536 * made.rate_hz / made.framer.hop), gain_q16, columns)
