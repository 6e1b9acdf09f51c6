"""What the vectors of all extractors share: windows and gaps to frames of features."""

from __future__ import annotations

from typing import Any

from anomsdk.core.pipeline import extractor_for
from tests import scalar
from tests.support.stems import Given, Json
from tests.support.stems.fft import tables
from tests.support.stems.sections import EXTRACTORS, Native, c_extractor, core_plan, rows_of

OPERATIONS = ("window", "gap")
LIMITS = {"floor_q10": -37418, "range_q10": 27213}


def by_scalar(given: Given) -> list:
    section = given["extractor"]
    extractor = scalar.EXTRACTORS[section["kind"]](section)
    return [_in_scalars(extractor, section, *step) for step in given["steps"]]


def _in_scalars(extractor: Any, section: Json, operation: str, *what: Json) -> Json:
    if operation == "gap":
        return extractor.gap()
    columns = c_extractor(section)["columns"]
    rows = [what[0][i : i + columns] for i in range(0, len(what[0]), columns)]
    return extractor.hop(rows if section["kind"] in ("motion", "external") else what[0])


def by_core(given: Given) -> list:
    section = given["extractor"]
    plan = core_plan(EXTRACTORS[section["kind"]], section)
    plan.check()
    extractor, found = extractor_for(plan), []
    for operation, *what in given["steps"]:
        if operation == "gap":
            extractor.restart()
            found.append(None)
        else:
            features, _ = extractor.push(rows_of(what[0]).reshape(1, -1, plan.columns))
            found.append(features[0].tolist() if len(features) else None)
    return found


def by_native(given: Given) -> list:
    native = Native()
    plan = native.struct("anom_extractor_plan", c_extractor(given["extractor"]))
    state, scratch = (
        native.new("uint64_t[]", size(plan.tables) // 8 + 1)
        for size in (plan.type.state_bytes, plan.type.scratch_bytes)
    )
    extractor = native.struct("anom_extractor", {})
    native.lib.anom_extractor_init(extractor, plan, state, scratch)
    return [_in_c(native, extractor, *step) for step in given["steps"]]


def _in_c(native: Native, extractor: Any, operation: str, *what: Json) -> Json:
    if operation == "gap":
        return native.lib.anom_extractor_restart(extractor)
    features = native.new("int8_t[]", extractor.plan.n_features)
    complete = native.lib.anom_extractor_push(extractor, native.new("int16_t[]", what[0]), features)
    return list(features) if complete else None


def c_case(given: Given, expect: list) -> dict[str, Any]:
    steps = [
        {"operation": OPERATIONS.index(operation), "samples": what[0] if what else None, "features": found}
        for (operation, *what), found in zip(given["steps"], expect, strict=True)
    ]
    return {"plan": c_extractor(given["extractor"]), "n_steps": len(steps), "steps": steps}


# Sections


def exact(centres: list[int], low: int = -127) -> dict[str, Any]:
    """A map that shows each level to the last bit: a step a q10, from its centre."""
    biases = [1 - 2 * centre for centre in centres]
    n = len(centres)
    return {"gain": [2] * n, "bias": biases, "shift": [1] * n, "low": low, "high": 127}


def hearing(kind: str, filterbank: Json, normalisation: Json, length: int = 64, **others: Any) -> dict[str, Any]:
    """The section of an extractor that hears."""
    section = {"kind": kind, "fft": tables(length), "filterbank": filterbank, "limits": LIMITS, **others}
    return section | {"normalisation": normalisation}


def levels_of(section: Json, steps: Json) -> list[list[int]]:
    """The levels of each frame, before their map to int8."""
    extractor = scalar.EXTRACTORS[section["kind"]](section)
    extractor.normalisation.features = lambda values: values
    frames = [_in_scalars(extractor, section, *step) for step in steps]
    return [frame for frame in frames if frame is not None]


def seen_exactly(section: Json, steps: Json, frame: int = 0) -> Given:
    """The case, with a map that is centred on the levels of one of its frames, each a few steps off."""
    levels = levels_of(section, steps)[frame]
    centres = [level + 5 * i - 40 for i, level in enumerate(levels)]
    return {"extractor": section | {"normalisation": exact(centres)}, "steps": steps}
