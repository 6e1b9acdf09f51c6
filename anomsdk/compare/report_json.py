"""Difference of two plans as JSON values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from anomsdk.compare.difference import Difference
from anomsdk.compare.gate import Judgement
from anomsdk.compare.recordings import ComparedRecording, counts_of
from anomsdk.core.plan import Plan
from anomsdk.evaluate.clip_sets import LeftOut
from anomsdk.stats.intervals import CONFIDENCE, RESAMPLES


def as_json(difference: Difference, judged: Sequence[Judgement] = ()) -> dict[str, Any]:
    """Convert a difference and its gate to JSON values; undefined values are null.

    Parameters
    ----------
    difference : result of `diff`
    judged : result of `judge`

    Returns
    -------
    ``alarms`` {"old", "new", "same", "added", "lost", "moved"}; ``false_alarms_per_hour`` {"old", "new", "change"} and,
    with anomalous recordings, ``detection``, each figure {"value", "low", "high"}; ``normal`` and ``anomalous``, each
    with ``alarms``, ``recordings`` that changed, with times in seconds, and ``n_unchanged``; ``gate``: ``passed`` and
    each limit; ``made_from``: recordings that the plans were made from; the figures without them; plans, engine, seed
    and what was left out
    """
    detection = difference.detection
    return {
        "alarms": counts_of(difference.recordings),
        "false_alarms_per_hour": {
            "old": asdict(difference.old_rate),
            "new": asdict(difference.new_rate),
            "change": asdict(difference.rate_change),
        },
        "detection": None if detection is None else asdict(detection),
        "normal": _corpus(difference.normal, difference.left_out_normal),
        "anomalous": _corpus(difference.anomalous, difference.left_out_anomalous),
        "gate": _gate(judged) if judged else None,
        "made_from": {
            which: {
                "known": normal.says,
                "all_listed": normal.is_whole,
                "normal": asdict(normal),
                "anomalous": asdict(anomalous),
            }
            for which, normal, anomalous in zip(
                ("old", "new"), difference.known_normal, difference.known_anomalous, strict=True
            )
        },
        "without_recordings_that_made_a_plan": None if difference.unknown is None else asdict(difference.unknown),
        "same_plan": difference.same_plan,
        "same_score_id": difference.old.score_id == difference.new.score_id,
        "old": _plan(difference.old),
        "new": _plan(difference.new),
        "match_s": difference.match_s,
        "confidence": CONFIDENCE,
        "resamples": RESAMPLES,
        "engine": difference.engine,
        "seed": difference.seed,
        "constant_s_cut": difference.cut_s,
        "judged_share": {"old": difference.judged_old.share, "new": difference.judged_new.share},
    }


def _gate(judged: Sequence[Judgement]) -> dict[str, Any]:
    return {
        "passed": all(each.kept for each in judged),
        "limits": [{**asdict(each), "kept": each.kept} for each in judged],
    }


def _corpus(recordings: Sequence[ComparedRecording], left_out: LeftOut) -> dict[str, Any]:
    changed = [each for each in recordings if each.alarms.changed]
    return {
        "n": len(recordings),
        "n_groups": len({each.group for each in recordings}),
        "n_unchanged": len(recordings) - len(changed),
        "n_same_scores": sum(each.same_scores for each in recordings),
        "hours": {
            "old": sum(each.old_s for each in recordings) / 3600,
            "new": sum(each.new_s for each in recordings) / 3600,
        },
        "alarms": counts_of(recordings),
        "recordings": [_recording(each) for each in changed],
        "left_out": {"n": left_out.n, **asdict(left_out)},
    }


def _recording(recording: ComparedRecording) -> dict[str, Any]:
    alarms = recording.alarms
    return {
        "name": recording.name,
        "group": recording.group,
        "old": recording.n_old,
        "new": recording.n_new,
        "added_s": list(alarms.added),
        "lost_s": list(alarms.lost),
        "moved_s": [{"old": old, "new": new} for old, new in alarms.moved],
    }


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "name": plan.name,
        "id": plan.id,
        "score_id": plan.score_id,
        "raise_score": plan.levels.raise_score,
        "rate_hz": plan.rate_hz,
    }
