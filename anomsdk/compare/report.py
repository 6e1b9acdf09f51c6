"""A difference as text."""

from __future__ import annotations

from collections.abc import Sequence

from anomsdk.compare.difference import Difference
from anomsdk.compare.gate import Judgement
from anomsdk.compare.running import ComparedRecording, counts_of
from anomsdk.display import clock, counted, duration, table
from anomsdk.errors import printable
from anomsdk.evaluate.metrics import RESAMPLES, Figure

_WIDEST_NAME = 40


def as_text(difference: Difference, judged: Sequence[Judgement] = ()) -> str:
    """What `anomsdk diff` prints: what was compared, what changed and where, the figures, the limits.

    Parameters
    ----------
    difference : of `diff`
    judged : of `judge`

    Returns
    -------
    lines of at most about 100 characters, printable
    """
    lines = [*_summary(difference), ""]
    for what, recordings in (("normal", difference.normal), ("anomalous", difference.anomalous)):
        if recordings:
            lines += [*_changes(what, recordings), ""]
    lines += [table(_figure_rows(difference), right=(1, 2, 3)), ""]
    if judged:
        lines += [table(_gate_rows(judged), right=(1, 2)), ""]
    lines += _footnotes(difference)
    lines += [each.note for each in judged if each.note]
    if judged:
        lines.append("failed" if not all(each.kept for each in judged) else "passed")
    return "\n".join(printable(line) if "\n" not in line else line for line in lines)


def failed_limits(judged: Sequence[Judgement]) -> str:
    """Limits that are exceeded, on one line; empty when there are none.

    Parameters
    ----------
    judged : of `judge`
    """
    return ", ".join(f"{each.what}: {each.value:.4g}, at most {each.limit:g}" for each in judged if not each.kept)


def _summary(difference: Difference) -> list[str]:
    old, new = difference.old, difference.new
    lines = [
        f"{which} {plan.name} {plan.id[:12]}, raise level {plan.levels.raise_score:,}"
        for which, plan in (("old", old), ("new", new))
    ]
    recordings = difference.recordings
    equal = sum(each.same_scores for each in recordings)
    if difference.same_plan:
        lines.append("the same plan: ids are equal, nothing can differ on any recording")
    elif old.score_id == new.score_id:
        lines.append("equal score_id: nothing but the alarm levels differs")
    share = f"all {len(recordings):,}" if equal == len(recordings) else f"{equal:,} of {len(recordings):,}"
    lines.append(f"scores are equal in {share} recordings")
    if old.rate_hz != new.rate_hz:
        lines.append(f"each plan hears the recordings at its own rate: {old.rate_hz:g} and {new.rate_hz:g} Hz")
    lines.append(f"of normal recordings judged: {difference.judged_old} by old, {difference.judged_new} by new")
    if difference.cut_s:
        lines.append(f"{duration(difference.cut_s)} of digitally constant samples cut out; times do not count them")
    return lines


def _changes(what: str, recordings: Sequence[ComparedRecording]) -> list[str]:
    """A line for each recording that changed, and a total; those that did not are counted."""
    changed = [each for each in recordings if each.alarms.changed]
    seconds = max(sum(each.old_s for each in recordings), sum(each.new_s for each in recordings))
    heard = f"{counted(len(recordings), f'{what} recording')} ({duration(seconds)})"
    if not changed:
        return [f"{heard}: no alarm changed, {counted(counts_of(recordings)['same'], 'alarm')} in both"]
    heading = ("recording", "old", "new", "added", "lost", "moved", "first change")
    rows = [(_short(each.name), *_cells([each]), _first_change(each)) for each in changed]
    rows.append(
        ("total", *_cells(recordings), f"{counted(len(recordings) - len(changed), 'recording')} without change")
    )
    return [heard, table([heading, *rows], right=(1, 2, 3, 4, 5))]


def _first_change(recording: ComparedRecording) -> str:
    alarms = recording.alarms
    changes = [(t, f"added {clock(t)}") for t in alarms.added] + [(t, f"lost {clock(t)}") for t in alarms.lost]
    for old, new in alarms.moved:
        later = "later" if new > old else "earlier"
        changes.append((old, f"moved {clock(old)}, {duration(abs(new - old))} {later}"))
    return min(changes)[1]


def _figure_rows(difference: Difference) -> list[tuple[str, ...]]:
    detection, hours = difference.detection, difference.hours
    counts = counts_of(difference.normal)
    rows: list[tuple[str, ...]] = [
        ("figure", "value", "95 % low", "high", "rests on"),
        ("false alarms an hour, old", *_numbers(difference.old_rate), _in_hours(counts["old"], hours[0])),
        ("false alarms an hour, new", *_numbers(difference.new_rate), _in_hours(counts["new"], hours[1])),
        ("change", *_numbers(difference.rate_change, "+"), f"{counts['added']:,} added, {counts['lost']:,} lost"),
    ]
    if detection is not None:
        n = len(difference.anomalous)
        rows += [
            ("anomalous recordings found, old", *_numbers(detection.old), f"{detection.n_old:,} of {n:,}"),
            ("anomalous recordings found, new", *_numbers(detection.new), f"{detection.n_new:,} of {n:,}"),
            (
                "change",
                *_numbers(detection.change, "+"),
                f"{detection.gained:,} gained, {detection.missed:,} missed (p {detection.p_value:.2g})",
            ),
        ]
    return rows


def _gate_rows(judged: Sequence[Judgement]) -> list[tuple[str, ...]]:
    return [
        ("limit", "found", "at most", ""),
        *((each.what, f"{each.value:.4g}", f"{each.limit:g}", "" if each.kept else "exceeded") for each in judged),
    ]


def _footnotes(difference: Difference) -> list[str]:
    lines = [
        f"moved: raised by both, at most {duration(difference.match_s)} apart. When alarms clear is not compared",
        f"change: the wider interval of {RESAMPLES:,} resamples of whole groups and of exact counts. It does not",
        "cover other places or devices",
    ]
    if difference.detection is None:
        lines.append("no anomalous recordings: nothing here says whether the new plan still finds what it should")
    if len({each.group for each in difference.normal}) == 1:
        lines.append("one group of normal recordings: the interval of the change takes alarms as independent")
    equal_scores = all(each.same_scores for each in difference.recordings)
    if difference.old.score_id == difference.new.score_id and not equal_scores:
        lines.append("scores: an alarm holds the baseline still, so those after one may differ at another level")
    for which, n in (
        ("old", sum(not each.old_s for each in difference.recordings)),
        ("new", sum(not each.new_s for each in difference.recordings)),
    ):
        if n:
            lines.append(f"{counted(n, 'recording')} too short for a tick of the {which} plan alone")
    return lines + difference.left_out_normal.lines("normal") + difference.left_out_anomalous.lines("anomalous")


def _cells(recordings: Sequence[ComparedRecording]) -> list[str]:
    counts = counts_of(recordings)
    return [f"{counts[what]:,}" for what in ("old", "new", "added", "lost", "moved")]


def _in_hours(alarms: int, hours: float) -> str:
    return f"{counted(alarms, 'alarm')} in {hours:.3g} h"


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _WIDEST_NAME else f"...{name[3 - _WIDEST_NAME :]}"


def _numbers(figure: Figure, sign: str = "") -> tuple[str, str, str]:
    low, value, high = ("-" if x is None else f"{x:{sign}.3f}" for x in (figure.low, figure.value, figure.high))
    return value, low, high
