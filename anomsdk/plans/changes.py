"""Differences between two plans, key by key: what an edit of a spec changed, or that it changed nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from anomsdk.core.plan import Plan, canonical_tree
from anomsdk.plans.supervision import heartbeat_s
from anomsdk.utils.text import duration

_TICKS = ("timing.on_delay", "timing.off_delay", "timing.clear_after", "timing.cooldown", "baseline.hold")
_SAMPLES = ("duty.on", "duty.every")
_HOPS = (
    "alarm.cancel",
    "alarm.escalate_after",
    "alarm.escalate_every",
    "alarm.repeat",
    "alarm.test",
    "alarm.heartbeat",
)
_LONGEST = 60
"""Largest number of characters of a value in a line."""
_FOR_TRAIN = ("model.max_macs, max_ram and max_flash", "features.allow_speech_features", "comments")
"""Contents of a spec that no plan has."""
_NO_LINES = 40
"""Largest number of changes that are listed; further ones are counted, as those of another model."""


def changes(old: Plan, new: Plan) -> list[str]:
    """List every key whose value differs, as ``key: old -> new``, sorted by key; empty if none does.

    Parameters
    ----------
    old, new : any two plans

    Examples
    --------
    >>> import anomsdk
    >>> from dataclasses import replace
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> changes(plan, replace(plan, name="kitchen"))
    ['name: audio_scene -> kitchen']
    >>> changes(plan, plan)
    []
    """
    before, after = (_values(plan) for plan in (old, new))
    found = []
    for key in sorted({*before, *after}):
        was, now = before.get(key, "none"), after.get(key, "none")
        if was != now:
            found.append(f"{key}: {_change(key, was, now)}")
    if len(found) > _NO_LINES:
        found[_NO_LINES:] = [f"and {len(found) - _NO_LINES} more"]
    return found


def as_text(old: Plan, new: Plan) -> str:
    """Return the changes between two plans as lines of text, and which of the two ids changed."""
    found = changes(old, new)
    if not found:
        tick = duration(new.samples_per_tick / new.rate_hz)
        hold = () if new.baseline.is_on else ("score.baseline_hold_s of a score that is not followed",)
        return (
            "nothing changed: every value of the plan is what it was, and so are both ids\n"
            f"  no part of a plan: {', '.join((*_FOR_TRAIN, *hold))}; seconds count in whole ticks of {tick}"
        )
    ids = ", ".join(
        f"{name} {'same' if getattr(old, name) == getattr(new, name) else 'changed'}" for name in ("id", "score_id")
    )
    return "\n".join([f"changed  {ids}", *(f"  {line}" for line in found)])


def _values(plan: Plan) -> dict[str, Any]:
    """Return the values of a plan by their keys; a heartbeat with a part of a hop is one value in seconds."""
    found = dict(_leaves("", canonical_tree(plan)))
    if found.pop("alarm.heartbeat_rest_q16", None) is not None:
        found["alarm.heartbeat"] = f"{found['alarm.heartbeat']} hops and a part, {heartbeat_s(plan):.9g} s"
    return found


def _leaves(key: str, tree: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(tree, dict) and "data" not in tree:
        for name, value in tree.items():
            yield from _leaves(f"{key}.{name}" if key else name, value)
    elif isinstance(tree, list) and any(isinstance(item, dict) for item in tree):
        for index, item in enumerate(tree):
            yield from _leaves(f"{key}.{index + 1}", item)
    else:
        yield key, tree


def _change(key: str, was: Any, now: Any) -> str:
    if isinstance(was, dict) or isinstance(now, dict):  # a table of integers
        return " -> ".join(_table(value) for value in (was, now)) + ", other values"
    units = {" ticks": _TICKS, " hops": _HOPS, " samples": _SAMPLES}
    unit = next((unit for unit, keys in units.items() if key in keys and isinstance(now, int)), "")
    return f"{_shown(was)} -> {_shown(now)}{unit}"


def _table(value: Any) -> str:
    return " x ".join(map(str, value["shape"])) + " integers" if isinstance(value, dict) else _shown(value)


def _shown(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
