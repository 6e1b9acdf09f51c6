"""Alert: votes, delays and the alarm level, in ticks and score steps."""

from __future__ import annotations

import math

from anomsdk.core.checks import require
from anomsdk.core.rung import MAX_TICKS, TimingPlan
from anomsdk.errors import InputError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration, Certified, Tolerated, alert_without_level
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.tables import rounded


def timing_plan(spec: PipelineSpec) -> TimingPlan:
    """Plan the timing of the alert: votes and delays in ticks, ratios of its levels in q16."""
    alert = spec.alert
    return TimingPlan(
        m=alert.m,
        n=alert.n,
        on_delay=ticks(alert.on_delay_s, spec.tick_s, "alert.on_delay_s"),
        off_delay=ticks(alert.off_delay_s, spec.tick_s, "alert.off_delay_s"),
        cooldown=ticks(alert.cooldown_s, spec.tick_s, "alert.cooldown_s"),
        clear_ratio_q16=max(1, rounded(alert.clear_ratio * 65536)),
        high_ratio_q16=rounded(alert.high_ratio * 65536),
        clear_after=ticks(alert.clear_after_s, spec.tick_s, "alert.clear_after_s") or None,
    )


def ticks(seconds: float, tick_s: float, name: str) -> int:
    """Convert a duration in seconds to whole ticks, rounded up; an error names the key ``name``."""
    n = math.ceil(seconds / tick_s - 1e-9)
    require(n <= MAX_TICKS, f"{name}: {seconds:g} s is {n} ticks, more than {MAX_TICKS}; shorten it")
    return n


def raise_score(spec: PipelineSpec, timing: TimingPlan, calibration: Calibration | None) -> int:
    """Return the alarm level: the number in the spec, or the level that calibration.json has for this alert."""
    if spec.alert.raise_score != "calibrated":
        return spec.alert.raise_score
    if calibration is None:
        raise InputError(
            f'alert.raise_score is "calibrated", but there is no {CALIBRATION_FILE}: train first, or give a number'
        )
    if calibration.certified is not None:
        return _certified_level(spec, calibration.certified)
    if calibration.tolerated is not None:
        return _tolerant_level(spec, calibration.tolerated)
    return calibrated_level(timing, calibration)


def calibrated_level(timing: TimingPlan, calibration: Calibration) -> int:
    """Return the lowest alarm level at which the calibration recordings raise no alarm."""
    return calibration.alarm_levels.raise_score(timing.m, timing.n, timing.on_delay, timing.high_ratio_q16 / 65536)


def _certified_level(spec: PipelineSpec, certified: Certified) -> int:
    """Return the level that is certified; its rungs have no cooldown, so that the alert may have any."""
    what, again = f"is certified for {certified.budget}", f"`budget='{certified.budget}'`"
    _check_alert(spec, certified, what, again, leaving_out="cooldown_s")
    return certified.raise_score


def _tolerant_level(spec: PipelineSpec, tolerated: Tolerated) -> int:
    """Return the level that tolerates alarms."""
    _check_alert(spec, tolerated, f"tolerates {tolerated.alarms} alarms", f"`tolerate={tolerated.alarms}`")
    return tolerated.raise_score


def _check_alert(
    spec: PipelineSpec, counted: Certified | Tolerated, what: str, again: str, leaving_out: str = ""
) -> None:
    """Refuse an alert other than the one that the alarms at a level were counted with.

    Parameters
    ----------
    spec : has the alert
    counted : the level, and the alert that it was counted with
    what : says what the level does, behind "the level that"
    again : parameter that calibrates for it again
    leaving_out : key of the alert that may differ
    """
    for key, value in alert_without_level(spec).items():
        was = counted.alert.get(key)
        if key != leaving_out and was != value:
            raise InputError(
                f"alert.{key} is {value:g}, but the level that {what} was counted at "
                f"{'another' if was is None else f'{was:g}'}: calibrate again with {again}, or set alert.raise_score "
                f"(it was {counted.raise_score})"
            )
