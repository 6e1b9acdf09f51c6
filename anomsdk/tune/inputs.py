"""Inputs of tuning: ladder exports, scores or recordings, told apart by what they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from anomsdk.core.plan import Plan
from anomsdk.datasets.default_ladder import with_rungs
from anomsdk.datasets.reading import check_alone, is_data_set, pending_below
from anomsdk.errors import InputError, printable
from anomsdk.sources.clips import Clip, noticed, open_clips
from anomsdk.sources.stream_format import ReadOptions, StreamFormat
from anomsdk.stats.budgets import Budget
from anomsdk.tune.certificates import score_tag_of
from anomsdk.tune.data_sets import AddUp, left_out_words, read_data_sets
from anomsdk.tune.device_scores import ScoredDevice, is_scores, read_scores, score_devices
from anomsdk.tune.exports import FiledExport, is_exports, read_exports
from anomsdk.tune.herd import Herd
from anomsdk.utils.text import counted


def open_herd(
    plan: Plan,
    sources: Sequence[str | Path],
    budget: Budget,
    confidence: float = 0.95,
    *,
    reading: ReadOptions | None = None,
    group: str | None = None,
    engine: str | None = None,
    jobs: int | None = None,
    on_bad: Callable[[str], None] | None = None,
    add: AddUp | None = None,
    report: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Herd:
    """Read devices from ladder exports, scores and recordings, and score the recordings.

    Parameters
    ----------
    plan : Plan; without a ladder it gets the default one for scores and recordings (`with_rungs`)
    sources : folders of data sets that scoring wrote, .ladder files with exports, folders of them, .npz files that
        scoring wrote (one device an array), or recordings and folders of them (one device a group)
    budget, confidence : of the promise
    reading : how recordings are read
    group : as `anomsdk.sources.clips.open_clips`
    engine, jobs : as `anomsdk.score_many`
    on_bad : called with one line for each input that cannot be read, which is left out; None: they are an error. Of a
        data set the devices with a row that cannot be right are left out, and one line for each of its files tells
        how many such rows it has
    add : adds up data sets somewhere else; None: in this process
    report : called with lines on recordings
    progress : called with the recordings scored, or the files of data sets read so far, and their number

    Raises
    ------
    InputError : as `check_alone`, `read_exports`, `read_scores`, `read_data_sets`, `score_devices` and `Herd.of`, a
        ladder of another plan, or a plan without a ladder
    """
    given, plan = plan, with_rungs(plan, budget, confidence)
    exports, scored, clips = list[FiledExport](), list[ScoredDevice](), list[Clip]()
    data_sets = [Path(source) for source in sources if is_data_set(Path(source))]
    for path in data_sets:
        check_alone(path)
        if pending := pending_below(path):
            report(
                f"{printable(path)}: {counted(pending, 'file')} not written to the end, whose rows do not count: wait "
                "for score to end, or score again, which completes them"
            )
    for source in sources:
        path = Path(source)
        if path in data_sets:
            continue
        if is_exports(path):
            exports += read_exports(path, on_bad)
        elif is_scores(path):
            scored += read_scores(path, plan)
            report(
                f"{printable(path)}: does not tell which recordings its scores are of: those that the plan was made "
                "from certify nothing, leave them out"
            )
            if plan.health is not None:
                report(
                    f"{printable(path)}: does not tell which ticks were void: they count as service, at their scores"
                )
        else:
            clips += _clips(plan, source, reading, group, on_bad)
    tag = score_tag_of(plan)
    for each in exports:
        if each.export.score_tag != tag:
            raise InputError(
                f"{each.name}: device {each.export.device} counted scores of score_id {each.export.score_tag.hex()}, "
                f"and the plan's is {tag.hex()}; give the plan that the device runs"
            )
    for line in noticed(clips):
        report(line)
    if clips:
        clips = _named(clips, report)
        scored += score_devices(plan, clips, engine=engine, jobs=jobs, on_bad=on_bad, report=report, progress=progress)
    data = None
    if data_sets:
        data = read_data_sets(
            plan, data_sets, budget.unit, skip_bad=on_bad is not None, on_bad=on_bad, add=add, progress=progress
        )
        if line := left_out_words(data):
            report(line)
    return Herd.of(plan, exports, scored, lambda device: device.ladder(plan), given, data)


def _clips(
    plan: Plan,
    source: str | Path,
    reading: ReadOptions | None,
    group: str | None,
    on_bad: Callable[[str], None] | None,
) -> Sequence[Clip]:
    stream_format = StreamFormat.of(plan.sensor, plan.columns, plan.duty)
    found = open_clips(source, stream_format, reading=reading, group=group, skip_bad=on_bad is not None)
    for line in found.bad:
        assert on_bad is not None
        on_bad(line)
    return found.clips


def _named(clips: Sequence[Clip], report: Callable[[str], None]) -> list[Clip]:
    """Name recordings that nothing groups without the path of their source, where that tells them apart."""
    names = Counter(clip.name for clip in clips)
    alone = [clip for clip in clips if clip.group.endswith("/" + clip.name)]
    if len(alone) > 1:
        report(
            f"{len(alone):,} recordings are a device each, as nothing groups them; put those of one device into a "
            "folder of its own, or give `group`"
        )
    single = {id(clip) for clip in alone if names[clip.name] == 1}
    return [replace(clip, group=clip.name) if id(clip) in single else clip for clip in clips]


def named(devices: Sequence[object], most: int = 5) -> str:
    """Name the first devices of a list, and count the rest."""
    shown = ", ".join(printable(device) for device in devices[:most])
    return shown + (f" and {len(devices) - most:,} more" if len(devices) > most else "")
