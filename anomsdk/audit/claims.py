"""Register of claims: each sentence that README, docs and headers promise, and the checks that show it.

The register is docs/claims.toml in the repository; it comes with the package.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from anomsdk.audit.check import Finding, Verdict
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.plans.file import reference_model
from anomsdk.utils.files import packaged_folder, read_limited

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_LARGEST = 1 << 20
_REFERENCE = "reference model "

ABOUT: dict[str, tuple[Callable[[Plan], bool], str]] = {
    "signal": (
        lambda plan: plan.sensor.kind != "diary",
        "the plan that was audited is of days, which keeps rows for 24 hours",
    ),
    "motion": (lambda plan: plan.sensor.kind == "motion", "the plan that was audited is not of motion"),
    "days": (lambda plan: plan.sensor.kind == "diary", "the plan that was audited is not of days"),
    "health": (lambda plan: plan.health is not None, "the plan that was audited has no health section"),
    "ladder": (lambda plan: plan.ladder is not None, "the plan that was audited has no ladder section"),
    "sections": (
        lambda plan: plan.is_supervised,
        "the plan that was audited has no alarm, health or ladder section",
    ),
}
"""Kind of plans that a claim can be about -> whether a plan is of it, and the reason why others show nothing.

Beside these, ``reference model NAME``.
"""


@dataclass(frozen=True)
class Claim:
    """A sentence that users rely on.

    Parameters
    ----------
    id : short name in kebab case
    sentence : the claim, word for word
    places : files of the repository that make it
    checks : ids of the checks that show it, which ``anomsdk audit`` runs
    by : tests of the repository that show it where no check can, ``file::function``
    limits : what the claim does not cover, a sentence each
    about : kind of plans that the claim is about, see `ABOUT`; empty: every plan
    """

    id: str
    sentence: str
    places: tuple[str, ...]
    checks: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    limits: tuple[str, ...] = ()
    about: str = ""


@dataclass(frozen=True)
class Judged:
    """A claim with the verdict of its checks.

    Parameters
    ----------
    claim : Claim
    verdict : `Verdict.FAILED` if a check failed, `Verdict.SHOWN` if all of its checks showed it
    why : reason of a verdict other than `Verdict.SHOWN`; empty for that one
    """

    claim: Claim
    verdict: Verdict
    why: str


def read_claims() -> tuple[Claim, ...]:
    """Read the register.

    Raises
    ------
    InputError : the register is missing from this installation, or damaged
    """
    path = packaged_folder("register") / "claims.toml"
    try:
        tables = tomllib.loads(read_limited(path, _LARGEST, advice="reinstall anomsdk").decode())["claim"]
        return tuple(_claim(table) for table in tables)
    except (ValueError, KeyError, TypeError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: the register of claims is damaged; reinstall anomsdk") from None


def _claim(table: Mapping[str, Any]) -> Claim:
    lists = {name: tuple(table.get(name, ())) for name in ("places", "checks", "by", "limits")}
    return Claim(id=table["id"], sentence=table["sentence"], about=table.get("about", ""), **lists)


def judge(
    claims: Sequence[Claim], findings: Mapping[str, Finding], left_out: Mapping[str, str], plan: Plan | None
) -> tuple[Judged, ...]:
    """Give each claim the verdict that follows from its checks.

    Parameters
    ----------
    claims : the register
    findings : id of a check that was run -> what it found
    left_out : id of a check that was not run -> the reason
    plan : plan that was audited; None: only a build was
    """
    return tuple(_judged(claim, findings, left_out, plan) for claim in claims)


def _judged(claim: Claim, findings: Mapping[str, Finding], left_out: Mapping[str, str], plan: Plan | None) -> Judged:
    if plan is not None and (why := _why_of_another(claim, plan)):
        return Judged(claim, Verdict.NOT_SHOWN, why)
    ran = {check: findings[check] for check in claim.checks if check in findings}
    failed = [f"{check}: {found.result}" for check, found in ran.items() if found.verdict is Verdict.FAILED]
    if failed:
        return Judged(claim, Verdict.FAILED, "; ".join(failed))
    if not claim.checks:
        tests = f"; these tests of the repository show it: {', '.join(claim.by)}" if claim.by else ""
        return Judged(claim, Verdict.NOT_SHOWN, f"no check looks at it{tests}")
    missing: dict[str, list[str]] = {}
    for check in claim.checks:
        if check not in findings:
            missing.setdefault(left_out.get(check, "was not run"), []).append(check)
        elif findings[check].verdict is Verdict.NOT_SHOWN:
            missing.setdefault(findings[check].result, []).append(check)
    reasons = [f"{', '.join(checks)}: {why}" for why, checks in missing.items()]
    return Judged(claim, Verdict.NOT_SHOWN if missing else Verdict.SHOWN, "; ".join(reasons))


def _why_of_another(claim: Claim, plan: Plan) -> str:
    """Say why a plan shows nothing about a claim; empty if the claim is about it."""
    if claim.about.startswith(_REFERENCE):
        name = claim.about.removeprefix(_REFERENCE)
        return "" if plan.id == reference_model(name).id else f"it is said of the reference model {name}"
    if not claim.about:
        return ""
    is_of_it, why = ABOUT[claim.about]
    return "" if is_of_it(plan) else why
