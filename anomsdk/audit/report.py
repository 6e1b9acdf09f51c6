"""Report of an audit: claims, checks and what they looked at, as a statement in the form of in-toto and as text.

A statement is the same, byte for byte, whenever the same audit comes to the same findings. Addresses, times and counts
of the machine are in a part of their own.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from anomsdk.audit.check import Check, Finding, Verdict
from anomsdk.audit.claims import Judged
from anomsdk.utils.text import counted

VERSION = 1
"""Version of the predicate; a reader refuses others."""
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:anomsdk:audit-report:v1"


@dataclass(frozen=True)
class Outcome:
    """A check that was run.

    Parameters
    ----------
    check : Check
    finding : Finding
    seconds : time that it took on this machine
    """

    check: Check
    finding: Finding
    seconds: float


@dataclass(frozen=True)
class Report:
    """All that an audit found.

    Parameters
    ----------
    subjects : name of what was looked at -> its SHA-256 as 64 hex digits
    configuration : options and versions
    claims : the register, judged
    outcomes : checks that were run, in their order
    left_out : id of a check that was not run -> the reason
    host : facts of the machine and the run, on which no verdict rests
    """

    subjects: Mapping[str, str]
    configuration: Mapping[str, Any]
    claims: tuple[Judged, ...]
    outcomes: tuple[Outcome, ...]
    left_out: Mapping[str, str]
    host: Mapping[str, Any]

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Checks that found their claim to be false."""
        return tuple(outcome for outcome in self.outcomes if outcome.finding.verdict is Verdict.FAILED)


def evidence_files(report: Report) -> dict[str, bytes]:
    """Return name and contents of a file of evidence for each check that has any."""
    return {
        f"evidence/{outcome.check.id}.json": canonical(
            {"looked_at": outcome.finding.looked_at, "evidence": outcome.finding.evidence}
        )
        for outcome in report.outcomes
        if outcome.finding.evidence or outcome.finding.looked_at
    }


def statement(report: Report) -> dict[str, Any]:
    """Make the in-toto statement (Statement v1): subjects by SHA-256, and a predicate with claims and checks."""
    evidence = {name: hashlib.sha256(data).hexdigest() for name, data in evidence_files(report).items()}
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": name, "digest": {"sha256": digest}} for name, digest in sorted(report.subjects.items())],
        "predicateType": PREDICATE_TYPE,
        "predicate": {
            "version": VERSION,
            "verdicts": verdicts(report),
            "configuration": report.configuration,
            "claims": [_claim(judged) for judged in report.claims],
            "checks": [_check(outcome, evidence) for outcome in report.outcomes],
            "not_run": dict(report.left_out),
        },
    }


def host_part(report: Report) -> dict[str, Any]:
    """Return addresses, times and counts of the machine, by check."""
    return {
        **report.host,
        "seconds": {outcome.check.id: round(outcome.seconds, 2) for outcome in report.outcomes},
        "checks": {outcome.check.id: outcome.finding.host for outcome in report.outcomes if outcome.finding.host},
    }


def canonical(tree: Any) -> bytes:
    """Write a tree as JSON, always in the same bytes."""
    return (json.dumps(tree, indent=1, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def verdicts(report: Report) -> dict[str, dict[str, int]]:
    """Count claims and checks by verdict."""
    of_claims = Counter(judged.verdict.value for judged in report.claims)
    of_checks = Counter(outcome.finding.verdict.value for outcome in report.outcomes)
    return {
        name: {verdict.value: counts[verdict.value] for verdict in Verdict}
        for name, counts in (("claims", of_claims), ("checks", of_checks))
    }


def as_text(report: Report) -> str:
    """Format a report as ``anomsdk audit`` prints it: a verdict and its reason for each check, then the claims."""
    lines: list[str] = []
    for finding, outcomes in groupby(
        report.outcomes, lambda outcome: (outcome.finding.verdict, outcome.finding.result)
    ):
        verdict, result = finding
        lines += [f"{verdict.value:14}  {outcome.check.id}" for outcome in outcomes]
        lines.append(f"    because {result}" if verdict is Verdict.NOT_SHOWN else f"    {result}")
    lines += ["", "claims of README, documentation and headers"]
    by_verdict = verdicts(report)["claims"]
    lines += [f"{name:14}  {n}" for name, n in by_verdict.items()]
    lines += [f"    {j.claim.id} failed: {j.claim.sentence}" for j in report.claims if j.verdict is Verdict.FAILED]
    lines.append("")
    lines += [f"{counted(n, 'check')} not run: {why}" for why, n in Counter(report.left_out.values()).items()]
    lines.append(
        "What is not shown is not known. Each check and each claim has limits: `out` writes a report with all of them."
    )
    return "\n".join(lines)


def _claim(judged: Judged) -> dict[str, Any]:
    claim = judged.claim
    return {
        "id": claim.id,
        "sentence": claim.sentence,
        "places": claim.places,
        "checks": claim.checks,
        "tests": claim.by,
        "limits": claim.limits,
        "verdict": judged.verdict.value,
        "because": judged.why,
    }


def _check(outcome: Outcome, evidence: Mapping[str, str]) -> dict[str, Any]:
    check, finding = outcome.check, outcome.finding
    name = f"evidence/{check.id}.json"
    return {
        "id": check.id,
        "title": check.title,
        "method": check.method,
        "command": check.command,
        "verdict": finding.verdict.value,
        "result": finding.result,
        "limits": check.limits,
        "looked_at": finding.looked_at,
        "evidence": {"file": name, "sha256": evidence[name]} if name in evidence else None,
    }
