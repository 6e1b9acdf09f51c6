"""Difference of two plans as a text report."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence

from anomsdk.compare.difference import Detection, Difference
from anomsdk.compare.finding import sentence_of
from anomsdk.compare.gate import Judgement
from anomsdk.compare.recordings import ComparedRecording, counts_of
from anomsdk.core.event import VERSION, VERSION_2
from anomsdk.errors import printable
from anomsdk.evaluate.report_text import LINE
from anomsdk.stats.intervals import RESAMPLES, Figure
from anomsdk.utils.text import a_unit, clock, counted, duration, figure, in_hours, rate_in, rate_unit, table

_WIDEST_NAME = 40


def as_text(difference: Difference, judged: Sequence[Judgement] = ()) -> str:
    """Write the report that `anomsdk diff` prints.

    It begins with the sentence of `anomsdk.compare.finding`. Plans and recordings, changes of each recording, figures,
    limits and notes follow.

    Parameters
    ----------
    difference : result of `diff`
    judged : result of `judge`

    Returns
    -------
    printable lines of about 100 characters at most
    """
    lines = [
        *textwrap.wrap(printable(sentence_of(difference)), LINE, break_on_hyphens=False),
        "",
        *_summary(difference),
        "",
    ]
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
    """Name the limits that are exceeded, on one line; empty when all are kept.

    Parameters
    ----------
    judged : result of `judge`
    """
    return ", ".join(f"{each.what}: {_value(each)}, at most {each.limit:g}" for each in judged if not each.kept)


def _summary(difference: Difference) -> list[str]:
    old, new = difference.old, difference.new
    lines = [
        f"{which} {plan.name} {plan.id[:12]}, alarm level {plan.levels.raise_score:,}"
        for which, plan in (("old", old), ("new", new))
    ]
    recordings = difference.recordings
    equal = sum(each.same_scores for each in recordings)
    if difference.same_plan:
        lines.append("the same plan: ids are equal, so nothing can differ on any recording")
    elif old.score_id == new.score_id:
        lines.append("equal score_id: only the alert settings, alarm levels and the [alarm] section may differ")
    if old.is_supervised != new.is_supervised:
        was, now = (VERSION_2 if plan.is_supervised else VERSION for plan in (old, new))
        lines.append(f"events: layout {was} of the old plan, {now} of the new one; receivers must decode both")
    share = f"all {len(recordings):,}" if equal == len(recordings) else f"{equal:,} of {len(recordings):,}"
    lines.append(f"scores are equal in {share} recordings")
    if old.rate_hz != new.rate_hz:
        lines.append(f"each plan takes the recordings at its own rate: {old.rate_hz:g} and {new.rate_hz:g} Hz")
    for which, normal, anomalous in zip(
        ("old", "new"), difference.known_normal, difference.known_anomalous, strict=True
    ):
        lines += [line for line in (normal.line("normal", f"the {which} plan"),) if line]
        lines += [line for line in (anomalous.line("anomalous", f"the {which} plan"),) if line]
    if any(known.names for known in difference.known_normal):
        left = difference.unknown
        lines.append("no others are left" if left is None else f"figures without them: {counted(left.n, 'recording')}")
    comma = "," if difference.judged_old.void else ""
    lines.append(
        f"judged: {difference.judged_old}{comma} of normal recordings by the old plan, "
        f"{difference.judged_new}{',' if difference.judged_new.void else ''} by the new one"
    )
    if difference.cut_s:
        lines.append(f"{duration(difference.cut_s)} of digitally constant samples cut out; times do not count them")
    return lines


def _changes(what: str, recordings: Sequence[ComparedRecording]) -> list[str]:
    """Write one line for each recording whose alarms changed, and a total; recordings without change are counted."""
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
    detection, counts = difference.detection, counts_of(difference.normal)
    rates = (difference.old_rate, difference.new_rate, difference.rate_change)
    rows = [("figure", "value", "95 % low", "high", "rests on"), *_rate_rows(rates, counts, difference.hours)]
    if (left := difference.unknown) is not None:
        without = _rate_rows((left.old, left.new, left.change), left.alarms, left.hours)
        rows += [(f"{name}, without recordings that made a plan", *cells) for name, *cells in without]
    if detection is not None:
        rows += _detection_rows(detection)
        if detection.judged is not None:
            rows += [(f"{name}, judged recordings only", *cells) for name, *cells in _detection_rows(detection.judged)]
    return rows


def _detection_rows(found: Detection) -> list[tuple[str, ...]]:
    changed = f"{found.gained:,} gained, {found.missed:,} missed (p {_p_value(found.p_value)})"
    return [
        ("anomalous recordings found, old", *_numbers(found.old), _found(found.n_old, found.n_short_old, found.n)),
        ("anomalous recordings found, new", *_numbers(found.new), _found(found.n_new, found.n_short_new, found.n)),
        ("change", *_numbers(found.change, signed=True), changed),
    ]


def _found(n_found: int, n_short: int, n: int) -> str:
    """Count the recordings found, and the missed ones that are too short to raise an alarm in."""
    shown = f"{n_found:,} of {n:,}"
    return f"{shown}; {n_short:,} of the {n - n_found:,} missed too short to judge" if n_short else shown


def _p_value(p: float) -> str:
    """Write a p-value with two digits; it reads as 0 or 1 only where it is."""
    shown = f"{p:.2g}" if p > 1e-99 else "<1e-99"
    return figure(p) if shown == "1" != f"{p:.9g}" else shown


def _rate_rows(
    rates: tuple[Figure, Figure, Figure], counts: Mapping[str, int], hours: tuple[float, float]
) -> list[tuple[str, ...]]:
    """Return rows for the false alarms of both plans and the change, all in one unit of time."""
    old, new, change = rates
    highest = max((old, new), key=lambda each: each.value or 0.0)
    unit = rate_unit(highest.value, highest.high)
    return [
        (f"false alarms {a_unit(unit)}, old", *_rates(old, unit), _in_hours(counts["old"], hours[0])),
        (f"false alarms {a_unit(unit)}, new", *_rates(new, unit), _in_hours(counts["new"], hours[1])),
        ("change", *_rates(change, unit, signed=True), f"{counts['added']:,} added, {counts['lost']:,} lost"),
    ]


def _gate_rows(judged: Sequence[Judgement]) -> list[tuple[str, ...]]:
    return [
        ("limit", "found", "at most", ""),
        *((each.what, _value(each), f"{each.limit:g}", "" if each.kept else "exceeded") for each in judged),
    ]


def _value(judged: Judgement) -> str:
    """Write a value with four digits, or with all where four would seem to keep a limit that is exceeded."""
    shown = f"{judged.value:.4g}"
    return shown if judged.kept or float(shown) > judged.limit else f"{judged.value:.15g}"


def _footnotes(difference: Difference) -> list[str]:
    lines = [
        f"moved: alarms that both plans raised, at most {duration(difference.match_s)} apart",
        "times at which alarms clear are not compared",
        f"change: the wider interval of {RESAMPLES:,} resamples of whole groups and of exact counts",
        "no interval covers other places or devices",
    ]
    if difference.detection is None:
        lines.append("no anomalous recordings: this comparison cannot show whether the new plan still finds anomalies")
    if len({each.group for each in difference.normal}) == 1:
        lines.append("one group of normal recordings: the interval of the change takes alarms as independent")
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
    return f"{counted(alarms, 'alarm')} in {in_hours(hours)}"


def _short(name: str) -> str:
    name = printable(name)
    return name if len(name) <= _WIDEST_NAME else f"...{name[3 - _WIDEST_NAME :]}"


def _numbers(of: Figure, *, signed: bool = False) -> tuple[str, str, str]:
    value, low, high = (figure(each, signed=signed) for each in (of.value, of.low, of.high))
    return value, low, high


def _rates(of: Figure, unit: str, *, signed: bool = False) -> tuple[str, str, str]:
    value, low, high = (rate_in(each, unit, signed=signed) for each in (of.value, of.low, of.high))
    return value, low, high
