"""Sentence that the report of a comparison leads with."""

from __future__ import annotations

from collections.abc import Mapping

from anomsdk.compare.difference import Detection, Difference
from anomsdk.compare.recordings import counts_of
from anomsdk.evaluate.finding import hours_in_words, rate_in_words, recordings_in_words, share_in_words
from anomsdk.stats.intervals import Figure
from anomsdk.utils.text import a_unit, counted, in_hours, rate_in, rate_unit


def sentence_of(difference: Difference) -> str:
    """Say in one sentence how many false alarms both plans raised, how these differ, and what each plan flagged.

    Normal recordings that a plan was made from are left out of it where others remain; where none remain, the sentence
    says so. It also says which part could not be judged, which side is a single group, and which side is missing.

    Parameters
    ----------
    difference : result of `diff`

    Returns
    -------
    a sentence on one line
    """
    if difference.same_plan:
        rate = difference.old_rate
        alarms = counted(counts_of(difference.normal)["old"], "false alarm")
        return (
            "Both plans are the same (their ids are equal), so nothing can differ on any recording; "
            f"in {_hours(difference)} it would have raised {alarms} ({rate_in_words(rate)})."
        )
    words = f"{_normal_part(difference)}; {_anomalous_part(difference)}"
    made = [known.names for known in difference.known_normal if known.names]
    if made and difference.unknown is None:
        words += "; these normal recordings made a plan, so their figures are no evidence"
    if any(known.names for known in difference.known_anomalous):
        words += "; some of the anomalous recordings made a plan"
    return f"{words[0].upper()}{words[1:]}."


def _normal_part(difference: Difference) -> str:
    left = difference.unknown
    if left is None:
        lead = ""
        counts: Mapping[str, int] = counts_of(difference.normal)
        old, new, change = difference.old_rate, difference.new_rate, difference.rate_change
    else:
        lead, counts = "leaving out the recordings that made a plan, ", left.alarms
        old, new, change = left.old, left.new, left.change
    if old.value is None or new.value is None:
        return f"{lead}no normal recording could be judged by both plans, so the change in false alarms is unknown"
    raised = f"the new plan would have raised {counted(counts['new'], 'false alarm')} and the old one {counts['old']:,}"
    which = f"{counts['added']:,} added, {counts['lost']:,} lost, {counts['moved']:,} moved"
    return f"{lead}in {_hours(difference)}, {raised} ({which}{_change(old, new, change)})"


def _hours(difference: Difference) -> str:
    """Write the hours of normal recordings that the plans judged."""
    left = difference.unknown
    old, new = map(in_hours, difference.hours if left is None else left.hours)
    hours = new if old == new else f"{new} (old plan: {old})"
    least = min(difference.judged_new, difference.judged_old, key=lambda each: each.share)
    hours = hours_in_words(hours, least, of_all=left is None)
    made = difference.known_normal[0].names | difference.known_normal[1].names if left is not None else frozenset[str]()
    groups = [each.group for each in difference.normal if each.name not in made]
    return f"{hours} of {recordings_in_words('normal recordings', groups, len(groups))}"


def _change(old: Figure, new: Figure, change: Figure) -> str:
    """Write the change in the rate and its interval, in the unit of time that suits the higher rate."""
    highest = max((old, new), key=lambda each: each.value or 0.0)
    unit = rate_unit(highest.value, highest.high)
    value, low, high = (rate_in(each, unit, signed=True) for each in (change.value, change.low, change.high))
    interval = "" if change.low is None or change.high is None else f", 95 % interval {low} to {high}"
    return f"; change {value} {a_unit(unit)}{interval}"


def _anomalous_part(difference: Difference) -> str:
    found = difference.detection
    if found is None:
        left_out = difference.left_out_anomalous.n
        why = f"the {counted(left_out, 'anomalous recording')} could not be judged" if left_out else ""
        return f"{why or 'no anomalous recordings were given'}, so the change in sensitivity is unknown"
    groups = [each.group for each in difference.anomalous]
    what = recordings_in_words(counted(found.n, "anomalous recording"), groups, found.n)
    words = f"of {what}, the new plan flagged {found.n_new:,} (sensitivity {share_in_words(found.new)}) and "
    words += f"the old one {found.n_old:,} ({found.gained:,} gained, {found.missed:,} missed)"
    return words + _not_judged(found)


def _not_judged(found: Detection) -> str:
    """Count the anomalous recordings in which one of the plans can raise no alarm; empty where there are none."""
    n = max(found.n_short_old, found.n_short_new) if found.judged is None else found.n - found.judged.n
    return f"; {n:,} of them {'is' if n == 1 else 'are'} too short for one of the plans to judge" if n else ""
