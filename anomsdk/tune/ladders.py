"""Ladders of devices: exports of their periods of service, added up."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import astuple, dataclass
from itertools import pairwise

from anomsdk.core.checks import require
from anomsdk.core.export import Export
from anomsdk.core.ladder import RungCounts
from anomsdk.errors import printable


@dataclass(frozen=True)
class MergedLadder:
    """Counts of one device over all of its periods of service.

    Parameters
    ----------
    device : number of the device, or the name of one whose scores were at hand
    score_tag : first 8 bytes of the plan's score_id
    ticks : of service
    days : complete days of service
    episode_gap : quiet days after which an alarm-day begins an episode; 0: none are counted
    counts : of each rung
    """

    device: int | str
    score_tag: bytes
    ticks: int
    days: int
    episode_gap: int
    counts: tuple[RungCounts, ...]


def merge(exports: Iterable[Export | bytes], *, names: Sequence[str] | None = None) -> dict[int, MergedLadder]:
    """Add up the exports of devices, in any order.

    Periods of one device and boot that follow one another are added, as are those of other boots. A period within a
    longer one, such as an earlier export from the first tick, is counted by the longer one, so that reading a device
    twice does not count twice.

    Parameters
    ----------
    exports : of any devices, all of plans with the same score_id; also as the bytes of `anomsdk.Pipeline.export`
    names : of the exports in messages, such as their files; None: export 1, export 2, ...

    Returns
    -------
    number of a device -> its ladder, in the order of the numbers

    Raises
    ------
    InputError : periods overlap in part, counts of one period differ, a longer period counts less than one within it,
        or plans have another score_id; names both exports

    Examples
    --------
    >>> from anomsdk.core.ladder import RungCounts
    >>> def export(first, last, days):
    ...     return Export(7, 1, bytes(8), 0, 0, 0, first, last, days, 0, (RungCounts(days=days), RungCounts()))
    >>> merged = merge([export(0, 100, 1), export(0, 300, 3), export(300, 400, 1), export(300, 400, 1)])
    >>> merged[7].ticks, merged[7].days, merged[7].counts[0].days
    (400, 4, 4)
    """
    given = [Export.from_bytes(each) if isinstance(each, bytes) else each for each in exports]
    called = [f"export {i}" for i in range(1, len(given) + 1)] if names is None else [printable(name) for name in names]
    require(len(called) == len(given), f"merge: {len(called)} `names` for {len(given)} exports; give one for each")
    named = sorted(zip(called, given, strict=True), key=lambda each: (_key(each[1]), each[0]))
    _check_same_plan(named)
    lives: dict[tuple[int, int], list[tuple[str, Export]]] = {}
    for name, export in named:
        lives.setdefault((export.device, export.boot), []).append((name, export))
    kept: dict[int, list[Export]] = {}
    for (device, _), life in lives.items():
        kept.setdefault(device, []).extend(_longest(life))
    return {device: _sum(parts) for device, parts in kept.items()}


def _key(export: Export) -> tuple[int, int, int, int, int, tuple[tuple[int, ...], ...]]:
    """Order exports by device, boot and start, the longest period of a start first."""
    counts = tuple(astuple(each) for each in export.counts)
    return export.device, export.boot, export.first, -export.last, export.days, counts


def _check_same_plan(named: Sequence[tuple[str, Export]]) -> None:
    for (name, export), (other_name, other) in pairwise(named):
        require(
            (export.score_tag, len(export.counts), export.episode_gap)
            == (other.score_tag, len(other.counts), other.episode_gap),
            f"{name} and {other_name}: devices {export.device} and {other.device} have plans of score_id "
            f"{export.score_tag.hex()} and {other.score_tag.hex()}; counts of one score_id add up, tune each by itself",
        )


def _longest(life: Sequence[tuple[str, Export]]) -> list[Export]:
    """Select the periods of one device and boot that lie within no other; refuse those that overlap in part."""
    found: list[tuple[str, Export]] = []
    before: tuple[str, Export] | None = None
    for name, export in life:
        if not found or export.first >= found[-1][1].last:
            found.append((name, export))
        else:
            longer_name, longer = found[-1]
            both = f"{longer_name} and {name}: device {export.device}, boot {export.boot}:"
            require(
                export.last <= longer.last,
                f"{both} ticks {longer.first} to {longer.last} and {export.first} to {export.last} overlap; give "
                "exports from the first tick, or differences that follow one another",
            )
            _check_counts(longer_name, longer, name, export)
            if before is not None and before[1].first == export.first:
                _check_counts(*before, name, export)
        before = name, export
    return [export for _, export in found]


def _check_counts(longer_name: str, longer: Export, name: str, export: Export) -> None:
    """Refuse a longer period that counts less than one within it, and other counts of the same period."""
    both = f"{longer_name} and {name}: device {export.device}, boot {export.boot}:"
    if (export.first, export.last) == (longer.first, longer.last):
        require(
            (export.days, export.counts) == (longer.days, longer.counts),
            f"{both} the counts of ticks {export.first} to {export.last} differ; two devices with one number?",
        )
    fewer = any(
        more < less
        for a, b in zip(longer.counts, export.counts, strict=True)
        for more, less in zip(astuple(a), astuple(b), strict=True)
    )
    require(
        not fewer and longer.days >= export.days,
        f"{both} ticks {longer.first} to {longer.last} count less than ticks {export.first} to {export.last}; a clock "
        "that goes backwards, or two devices with one number",
    )


def _sum(parts: Sequence[Export]) -> MergedLadder:
    one = parts[0]
    counts = tuple(
        RungCounts(*map(sum, zip(*(astuple(part.counts[rung]) for part in parts), strict=True)))
        for rung in range(len(one.counts))
    )
    ticks, days = sum(part.ticks for part in parts), sum(part.days for part in parts)
    return MergedLadder(one.device, one.score_tag, ticks, days, one.episode_gap, counts)
