"""Plans and rows of days for tests."""

import numpy as np

from anomsdk import PipelineSpec
from anomsdk.core.affine import AffinePlan
from anomsdk.core.days import MISSING, DaysPlan, largest_levels
from anomsdk.core.profile import ProfilePlan

SLOTS, MATURE, HOLD = 24, 7, 72


def days_plan(columns=1, slots=SLOTS, mature=MATURE, hold=HOLD, shift=0, off_body=4, most_missing=6):
    largest = largest_levels(slots, columns)
    n = len(largest)
    normalisation = AffinePlan(np.ones(n, "<i4"), np.zeros(n, "<i4"), np.full(n, 8, "u1"), -127, 127)
    made = DaysPlan(
        columns=columns,
        judged=np.arange(columns, dtype="u1"),
        shift=np.full(columns, shift, "u1"),
        cos_q14=np.rint(16384 * np.cos(2 * np.pi * np.arange(slots) / slots)).astype("<i2"),
        profile=ProfilePlan(slots, columns, mature, hold),
        most_missing=most_missing,
        off_body=off_body,
        normalisation=normalisation,
    )
    made.check()
    return made


def rhythm(n_days, seed=0, scale=1000.0, slots=SLOTS):
    """Rows (n_days * slots,) of an animal with a rhythm of its own."""
    rng = np.random.default_rng(seed)
    shape = 1 + 0.8 * np.sin(2 * np.pi * (np.arange(slots) - 6) / slots)
    noise = rng.gamma(8, 1 / 8, (n_days, slots))
    return np.rint(scale * shape * noise).astype(np.int64).ravel()


def herd_rows(n, n_days, slots=SLOTS, columns=1):
    """Rows int16 (n_days * slots, columns) of n animals; a few slots are missing."""
    found = []
    for animal in range(n):
        rows = np.stack([rhythm(n_days, 100 * animal + c, 800 + 100 * animal, slots) for c in range(columns)], axis=1)
        rows[np.random.default_rng(animal).integers(0, len(rows), len(rows) // 100)] = MISSING
        found.append(rows.astype(np.int16))
    return found


def days_spec(slots=SLOTS, columns=1, **sections):
    """Spec of a plan of days; other sections, or keys of the features, may be given."""
    named = [{"name": f"activity_{i + 1}", "largest": 8191} for i in range(columns)]
    tree = {
        "format": 1,
        "name": "animals",
        "sensor": {"kind": "diary", "slot_s": 86_400 // slots, "columns": named},
        "features": {"kind": "days", "mature_days": 3, **sections.pop("features", {})},
        "context": {"kind": "stack", "frames": 1},
        "alert": {"m": 2, "n": 3, "off_delay_s": 0, "cooldown_s": 0, "high_ratio": 0},
    }
    return PipelineSpec.from_dict({**tree, **sections})
