"""Tuned herd as a tree for JSON."""

from __future__ import annotations

from typing import Any

from anomsdk.tune.assumptions import doubts
from anomsdk.tune.herd import Tuned
from anomsdk.tune.report_text import sentence
from anomsdk.tune.table import cells


def as_json(tuned: Tuned) -> dict[str, Any]:
    """Return the sentence, the settings and one row for each device."""
    pooled = tuned.pooled
    causes = [
        None if row.cause is None else {"recording": row.cause.recording, "second": round(row.cause.second, 3)}
        for row in tuned.rows
    ]
    return {
        "finding": sentence(tuned),
        "budget": str(tuned.budget),
        "confidence": tuned.confidence,
        "method": tuned.method,
        "max_alarm_fraction": tuned.max_alarm_fraction,
        "plan": tuned.given.id,
        "score_id": tuned.given.score_id,
        "pooled": None
        if pooled is None
        else {
            "independent": pooled.independent,
            "days": pooled.days,
            "device_days": pooled.device_days,
            "dispersion": round(pooled.dispersion, 6),
        },
        "doubts": list(doubts(tuned)),
        "devices": [
            {name: value for name, value in row.items() if name not in ("plan", "score_id")} | {"set_by": cause}
            for row, cause in zip(cells(tuned), causes, strict=True)
        ],
    }
