"""Checks that a plan gives the same integers in Python, in TensorFlow Lite and in C."""

from __future__ import annotations

from anomsdk.audit.check import Check, Finding, Subject, Verdict
from anomsdk.audit.verify import verify
from anomsdk.errors import InputError
from anomsdk.utils.text import counted

_HOPS = 200
"""Hops of each random stream; ``anomsdk verify`` runs longer ones."""


def _same_integers(subject: Subject) -> Finding:
    """Run all engines over the golden stream and random streams, and count the differences."""
    assert subject.plan is not None
    reports = [verify(subject.plan, hops=_HOPS, seed=seed) for seed in subject.seeds]
    first = reports[0]
    missing = dict(first.missing)
    if "native" in missing:
        raise InputError(missing["native"])
    compared = sum(each.compared for report in reports for each in report.comparisons)
    differences = sum(report.differences for report in reports)
    engines = sorted({each.against for each in first.comparisons})
    evidence = {
        "engines": ["reference", *engines],
        "missing": sorted(missing),
        "compared": compared,
        "differences": differences,
        "golden_digest": first.digest,
        "golden_ticks": first.golden_ticks,
    }
    found = f"{counted(differences, 'difference')} in {compared:,} integers of engines reference, {', '.join(engines)}"
    return Finding(
        Verdict.FAILED if differences else Verdict.SHOWN,
        found + (f"; {', '.join(missing)} is missing here" if missing else ""),
        evidence,
        {"plan": subject.plan.id},
        {"missing": missing},
    )


CHECKS = (
    Check(
        "engines.same-integers",
        "The same plan gives the same features, outputs, scores and events in Python and in C.",
        "All engines run the golden stream and random streams in pieces of random length; every integer is compared "
        "with ==.",
        (
            "It is shown for these streams and for this machine; a microcontroller shows it by the self-test of the "
            "emitted firmware.",
        ),
        _same_integers,
        quick=True,
    ),
)
"""Checks of the engines."""
