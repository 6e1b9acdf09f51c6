"""Default ladder of a plan without one: rungs that the calibration.json beside the plan places."""

from __future__ import annotations

from dataclasses import replace

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration
from anomsdk.planner.ladder import ladder_plan
from anomsdk.planner.planner import SPEC_FILE
from anomsdk.planner.spec import PipelineSpec
from anomsdk.runtime.blocks import NO_LADDER
from anomsdk.stats.budgets import Budget
from anomsdk.train.certified_level import with_ladder

_ANY_BUDGET = Budget.parse("1 alarm-day/30d"), 0.95
"""Budget and confidence of a ladder whose promises are left out: the rungs do not depend on them."""


def counting(plan: Plan) -> Plan | None:
    """Return a plan whose ladder counts scores at hand: the given one, or one with the default rungs; None: no rungs.

    Parameters
    ----------
    plan : Plan

    Raises
    ------
    InputError : the calibration.json beside the plan is damaged, or of another model
    """
    if plan.ladder is None and not _is_calibrated(plan):
        return None
    return with_rungs(plan, *_ANY_BUDGET)


def with_rungs(plan: Plan, budget: Budget, confidence: float) -> Plan:
    """Return a plan that has a ladder: the given one, or a copy with the default rungs, for scores at hand.

    Parameters
    ----------
    plan : Plan
    budget, confidence : of the promise

    Raises
    ------
    InputError : the plan has no ladder, and there is no calibration.json of its own beside it that places rungs
    """
    if plan.ladder is not None:
        return plan
    none = NO_LADDER.format(plan.name)
    if plan.folder is None or not _is_calibrated(plan):
        raise InputError(f"{none}, or give a plan in the folder that train wrote")
    calibration = Calibration.from_file(plan.folder / CALIBRATION_FILE)
    if calibration.model_sha256 != plan.model.sha256:
        raise InputError(f"{none}: the {CALIBRATION_FILE} beside the plan is of another model")
    spec = with_ladder(PipelineSpec.from_file(plan.folder / SPEC_FILE), budget, confidence)
    return replace(plan, ladder=ladder_plan(spec, plan, calibration), promises=())


def _is_calibrated(plan: Plan) -> bool:
    """Return True if the files that place rungs are beside the plan."""
    return plan.folder is not None and all((plan.folder / name).is_file() for name in (CALIBRATION_FILE, SPEC_FILE))
