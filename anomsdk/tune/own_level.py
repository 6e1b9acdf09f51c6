"""Plan with a tuned level as its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from anomsdk.core.plan import MAX_PROVENANCE, Plan
from anomsdk.core.rung import levels
from anomsdk.errors import CheckError, InputError, printable
from anomsdk.tune.certificates import rungs_of
from anomsdk.tune.herd import Tuned
from anomsdk.utils.text import counted

PROVENANCE = "tuned"
"""Key of the provenance that says where the level comes from."""


def check_plan_place(path: Path) -> None:
    """Refuse a place that a plan cannot be written to, before any work."""
    where = printable(path)
    if path.suffix.lower() != ".json":
        raise InputError(f"{where}: a plan is written as .json; give a name that ends so")
    if path.is_dir() or not path.parent.is_dir():
        raise InputError(f"{where}: cannot be written: no such folder, or this is a folder; choose another place")


def with_own_level(tuned: Tuned) -> Plan:
    """Make the plan whose own level is the tuned one: that of one device, or the one that 90 % are at or below.

    Its id is another one, its score_id the same.

    Raises
    ------
    CheckError : no device is certified
    """
    plan, rung = tuned.given, tuned.own_rung
    if rung is None:
        raise CheckError(
            f"tune: no device is certified for {tuned.budget}, so there is no level to write: {_why(tuned)}"
        )
    n = tuned.number("certified")
    level = int(rungs_of(tuned.plan).raise_scores[rung])
    kind = "" if tuned.pooled is None else ", pooled" if not tuned.pooled.independent else ", independent device-days"
    words = (
        f"level {level} (level tag {rung + 1}) for {tuned.budget}, confidence {tuned.confidence:g}, "
        f"{tuned.method}{kind}: {counted(n, 'certified device')} of {len(tuned.rows)}"
    )
    provenance = {**plan.provenance, PROVENANCE: words}
    if len(provenance) > MAX_PROVENANCE:
        raise InputError(f"plan {plan.name}: its provenance has no room for another entry; calibrate anew")
    made = replace(plan, levels=levels(level, plan.timing), provenance=provenance)
    made.check()
    return made


def _why(tuned: Tuned) -> str:
    missing = [tuned.missing_time(row) for row in tuned.rows if row.missing_days]
    if missing:
        return f"needs {tuned.budget.time(min(missing), 'more ')}"
    return "even the highest rung is over it, or in alarm for too much of the time"
