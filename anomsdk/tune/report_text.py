"""Tuned herd in words: one sentence, what set the levels, and what a certificate does not say."""

from __future__ import annotations

from collections.abc import Iterator

from anomsdk.tune.assumptions import doubts
from anomsdk.tune.certificates import Status
from anomsdk.tune.herd import Row, Tuned
from anomsdk.tune.inputs import named
from anomsdk.utils.text import counted, figure, percent, table

MOST_ROWS = 30
"""Devices that are listed before the rest is counted."""


def sentence(tuned: Tuned) -> str:
    """Say in one sentence how many devices are certified, and how many of these may be over the budget."""
    n = len(tuned.rows)
    words: dict[Status, str] = {
        "certified": "certified",
        "provisional": "provisional, with the level of the group",
        "more days": f"in need of more {'hours' if tuned.budget.in_hours else 'days'}",
        "fails": "over the budget, or too long in alarm, even at the highest rung",
    }
    parts = [
        f"{tuned.number(status):,} {word}"
        for status, word in words.items()
        if tuned.number(status) or status == "certified"
    ]
    doubt = 1 - tuned.confidence
    if tuned.pooled is not None:
        return _pooled(tuned)
    share = percent(doubt, digits=1).replace(".0", "")
    being = "ever being" if tuned.method == "anytime" else "being, at the one look,"
    return (
        f"{counted(n, 'device')} for {tuned.budget}: {', '.join(parts)}; each device has a chance of at most {share} "
        f"of {being} certified at a level that is over the budget"
        + (f": of {n:,} at most {doubt * n:.3g} on average" if n > 1 else "")
    )


def _pooled(tuned: Tuned) -> str:
    pooled = tuned.pooled
    assert pooled is not None
    row = tuned.rows[0]
    kind = "independent device-days" if pooled.independent else "calendar days"
    over = f"{counted(len(tuned.rows), 'device')}, {pooled.days:,} calendar days, {pooled.device_days:,} device-days"
    if row.status == "certified":
        found = f"level {row.level:,} is certified for their mean, not for each of them"
    elif row.status == "more days":
        found = f"needs {counted(row.missing_days, 'more calendar day')} without an alarm"
    else:
        found = "even the highest rung is over it; the plan's own level stays"
    return (
        f"{tuned.budget}, pooled by {kind}: {found} ({over}); the daily share of devices in alarm varies "
        f"{figure(pooled.dispersion)} times as much as with independent devices"
    )


def as_text(tuned: Tuned, *more: str) -> str:
    """Write the report.

    Parameters
    ----------
    tuned : Tuned
    more : further parts, such as the table of other votes and delays
    """
    parts = [sentence(tuned), _devices(tuned), *causes(tuned), *misfits(tuned), *doubts(tuned), *more, *limits(tuned)]
    return "\n".join(part for part in parts if part)


def causes(tuned: Tuned) -> Iterator[str]:
    """Yield what set the level of each device whose scores are at hand."""
    with_cause = [row for row in tuned.rows if row.cause is not None]
    for row in with_cause[:MOST_ROWS]:
        if row.status == "certified":
            yield f"device {row.device}: set by {row.cause}, which raises an alarm at the next lower rung"
        else:
            ladder = tuned.herd.ladders[row.device]
            share = percent(ladder.counts[-1].ticks / ladder.ticks)
            yield (
                f"device {row.device}: {row.count:,} counted and {share} of the time in alarm at the highest rung; the "
                f"strongest alarm is {row.cause}"
            )
    if len(with_cause) > MOST_ROWS:
        yield f"and {len(with_cause) - MOST_ROWS:,} more devices"


def misfits(tuned: Tuned) -> Iterator[str]:
    """Yield which devices do not fit their group."""
    for words, rows in (
        (
            "above the level that 90 % of the certified devices of the group are at or below",
            [row for row in tuned.rows if not row.fits and row.status == "certified"],
        ),
        (
            "provisional, with more alarms at the level of the group than the budget allows: look at them before you "
            "use it",
            [row for row in tuned.rows if not row.fits and row.status == "provisional"],
        ),
        (
            "over the budget, or in alarm for too much of the time, even at the highest rung; the plan's own level "
            "stays: see why they alarm, or train on recordings of them",
            [row for row in tuned.rows if row.status == "fails"],
        ),
    ):
        if rows:
            yield f"{counted(len(rows), 'device')} {words}: {named([row.device for row in rows])}"


def limits(tuned: Tuned) -> Iterator[str]:
    """Yield what the certificates do not say."""
    yield "what a certificate does not say:"
    if tuned.pooled is not None:
        yield "- it is about the average of these devices: one of them may have far more alarms"
    else:
        yield "- it is about the device that was watched, no other; a provisional level is borrowed, without evidence"
    yield "- it is about days like those that were watched: not another season, place or wearer"
    yield "- it is about too many alarms only: not that an alarm is right, nor that anything is found"
    yield "- the budget is an average over a long time: one month may have more"
    if tuned.herd.exports or tuned.herd.data is not None:
        yield ("- counts do not tell what trained or calibrated the plan, or placed its rungs: leave out such days")
    if tuned.given.ladder is None:
        yield "- the plan has no ladder, so its rungs are the default ones; with [ladder] a device counts itself"
    if tuned.method == "fixed":
        yield "- the bounds hold for a number of days that was fixed before, and not where somebody looked earlier"
    if any(unit in str(tuned.budget) for unit in (" alarm/", " alarms/")):
        yield "- alarms are taken to come independently of one another; where they come in clusters, count alarm-days"


def _devices(tuned: Tuned) -> str:
    unit = "hours" if tuned.budget.in_hours else "days"
    rows = [["device", "group", "status", "level", "tag", "bound", f"missing {unit}", "count", unit]]
    rows += [_line(tuned, row) for row in tuned.rows[:MOST_ROWS]]
    text = table(rows, right=range(3, 9))
    rest = len(tuned.rows) - MOST_ROWS
    return text + (f"\nand {rest:,} more devices; `out` writes all" if rest > 0 else "")


def _line(tuned: Tuned, row: Row) -> list[str]:
    bound = "" if row.bound is None else figure(row.bound)
    hours = tuned.budget.in_hours
    missing = f"{24 * tuned.missing_time(row):.3g}" if hours else f"{row.missing_days:,}"
    time = f"{24 * row.days:.2f}" if hours else f"{row.days:.3f}".rstrip("0").rstrip(".")
    return [
        str(row.device),
        row.group,
        f"more {'hours' if hours else 'days'}" if row.status == "more days" else row.status,
        f"{row.level:,}",
        str(row.level_tag),
        bound,
        missing if row.missing_days else "",
        f"{row.count:,}",
        time,
    ]
