"""`evaluate`: score normal and anomalous clips with a plan, and compute its figures."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, all_or_none
from anomsdk.evaluate.alarms_by_label import LabelAlarms, alarms_of_labels
from anomsdk.evaluate.clip_scores import ScoredClip, samples_to_decide, samples_to_raise
from anomsdk.evaluate.clip_sets import ClipSet, Known, LeftOut, refuse_same, usable
from anomsdk.evaluate.figures import Figures, figures_of
from anomsdk.evaluate.jobs import SURVEY, TOTAL, Jobs, Progress, ScoredRecording, mixed_length, mixes
from anomsdk.evaluate.labels import MarkedClip
from anomsdk.evaluate.segments import pads, piece_length
from anomsdk.plans.recording_digests import known_recordings
from anomsdk.runtime.judged_share import Judged
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.parallel import checked_jobs
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.clips import Clip, Clips
from anomsdk.synthetic.mixing import checked_snr


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Result of `evaluate`: scored clips, figures, and what limits them.

    Parameters
    ----------
    plan : plan that was evaluated
    engine, seed : as given to `evaluate`
    figures : figures over all anomalous clips, or over the mixes at all signal-to-noise ratios together
    by_snr : signal-to-noise ratio in dB as text, e.g. "20" -> figures over the mixes at it; empty without mixing
    normal, anomalous : scored clips whose highest scores are compared: segments of normal recordings where these are
        cut; with mixing, ``anomalous`` holds the mixes
    recordings : whole normal recordings, whose alarms are counted
    piece_s : approximate length of the segments of normal recordings, seconds; None: nothing is cut
    by_label_normal, by_label_anomalous : one row for each label; empty where no recording has a label
    label_keys : sources of the labels: names of arrays, or "folder"
    left_out_normal, left_out_anomalous : clips that were left out
    decide_s : seconds after the end of an event during which an alarm still counts for it: a full context, m votes and
        the on-delay
    cut_s : seconds of digitally constant samples that were cut out, both sides together
    clipped : number of clipped samples on both sides, as `anomsdk.sources.dropouts.ConstantCutter` counts them
    known_normal, known_anomalous : recordings that the plan was made from
    unknown : figures without the recordings that the plan was made from; None: there are none, or nothing else is left
    judged_normal, judged_anomalous : share of the time of whole recordings that was judged; with mixing, the anomalous
        one is empty
    """

    plan: Plan
    engine: str
    seed: int
    figures: Figures
    by_snr: Mapping[str, Figures]
    normal: tuple[ScoredClip, ...]
    anomalous: tuple[ScoredClip, ...]
    recordings: tuple[ScoredClip, ...]
    piece_s: float | None
    by_label_normal: tuple[LabelAlarms, ...]
    by_label_anomalous: tuple[LabelAlarms, ...]
    label_keys: tuple[str, ...]
    left_out_normal: LeftOut
    left_out_anomalous: LeftOut
    decide_s: float
    cut_s: float
    clipped: int
    known_normal: Known
    known_anomalous: Known
    unknown: Figures | None

    @property
    def raise_s(self) -> float:
        """Seconds that a fresh pipeline needs before it can raise an alarm: a shorter event cannot be judged."""
        return samples_to_raise(self.plan) / self.plan.rate_hz

    judged_normal: Judged
    judged_anomalous: Judged


@wiping()
def evaluate(
    plan: Plan,
    normal: Clips,
    anomalous: Clips,
    *,
    snr: Sequence[float] | None = None,
    piece_s: float | None = None,
    engine: str | None = None,
    seed: int = 0,
    skip_bad: bool = False,
    jobs: int | None = None,
    progress: Progress = lambda done, total: None,
) -> Evaluation:
    """Score normal and anomalous clips, and compute the figures of a plan on them.

    Every stretch of a clip between gaps runs through a fresh pipeline. The score of a clip is the highest one of its
    ticks. Nothing is adjusted to the labels: an alarm counts where it was raised.

    The highest score of a clip grows with its length. Normal recordings can therefore be cut into segments as long as
    the anomalous clips, and the highest scores of these segments are compared. Alarms and hours are those of the whole
    recordings, as on a device.

    Parameters
    ----------
    plan : plan to evaluate
    normal, anomalous : clips of `anomsdk.sources.clips` at the plan's rate and width; ``anomalous`` may be empty. Clips
        of `open_marked` have labels, and events with times
    snr : signal-to-noise ratios, dB, for sound only. Each anomalous clip is then an event: its loudest second is mixed
        into normal clips at every ratio. Every event and every normal clip is used at least once. Normal clips are
        taken in an order that ``seed`` shuffles, and of each its longest stretch between gaps
    piece_s : length of the segments that normal recordings are cut into, seconds. Segments of a stretch are equal, as
        near to this length as possible, and never reach across a gap. 0: no cutting. None: the median length of the
        anomalous clips for motion, no cutting otherwise. Motion that is too short for a tick, and other rows that are
        cut, are padded: the first and the last sample are repeated
    engine : as `anomsdk.Pipeline`
    seed : seed of the places in mixes and of the bootstrap, 0 or more
    skip_bad : leave damaged clips out; by default they are an error
    jobs : number of clips that are scored at once, one thread each; by default one for each available processor
    progress : called with the work done and the whole work, in units of `anomsdk.evaluate.jobs.TOTAL`

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError : clips that do not fit the plan, damaged or constant clips, the same clip on both sides, a parameter
        out of range, or an engine that is not available

    Examples
    --------
    >>> clips = [open_clips(path, StreamFormat(16_000)) for path in ("normal/", "odd/")]  # doctest: +SKIP
    >>> evaluate(anomsdk.read_plan("plan.json"), *clips).figures.auc  # doctest: +SKIP
    """
    with Pipeline(plan, engine) as pipeline:  # an engine that is missing shows before hours of work
        engine = pipeline.engine
    if snr is not None:
        snr = checked_snr(tuple(snr), ",".join(f"{ratio:g}" for ratio in snr))
        if plan.sensor.kind != "audio":
            raise InputError(
                f"`snr`: only sound can be mixed, and this plan takes {plan.sensor.kind} rows; leave it out"
            )
        if piece_s:
            raise InputError(
                "`piece_s`: with `snr` every mix is as long as its normal recording; leave one of them out"
            )
        if any(isinstance(clip, MarkedClip) and clip.event_s for clip in anomalous.clips):
            raise InputError("`events`: with `snr` an event is where it was mixed in; leave one of them out")
    if seed < 0:
        raise InputError(f"`seed={seed}`: give 0 or more")
    at_once = checked_jobs(jobs)
    n = max(1, len(normal.clips) + len(anomalous.clips))

    def read(before: int) -> Callable[[int], None]:
        return lambda done: progress(SURVEY * (before + done) // n, TOTAL)

    scenes, others = all_or_none(
        lambda: usable(plan, normal, "normal", skip_bad, read(0)),
        lambda: usable(plan, anomalous, "anomalous", skip_bad, read(len(normal.clips))),
    )
    refuse_same(scenes, others)
    piece = 0 if snr is not None else piece_length(plan, piece_s, [facts.kept for facts in others.facts])
    work = Jobs(plan, engine, at_once, pads(plan, piece_s), progress)
    work.expect(scenes.kept + (others.kept if snr is None else mixed_length(plan, scenes, others, len(snr))))
    scored = work.recordings(scenes, piece)
    odd = work.events(others) if snr is None else work.mixes(mixes(plan, scenes, others, snr, seed))
    heard = tuple(each.whole for each in scored if each.whole is not None)
    compared = tuple(clip for each in scored for clip in each.pieces)
    found = tuple(clip for clip in odd if clip is not None)
    level = plan.levels.raise_score
    raise_s, tick_s = samples_to_raise(plan) / plan.rate_hz, plan.samples_per_tick / plan.rate_hz
    figures = partial(figures_of, raise_s=raise_s, tick_s=tick_s, seed=seed)
    listed = known_recordings(plan.provenance)
    known = Known.of(scenes, listed), Known.of(others, listed)
    left = _unknown(known, scenes, scored, found)
    return Evaluation(
        plan=plan,
        engine=engine,
        seed=seed,
        figures=figures(compared, found, recordings=heard),
        by_snr={f"{ratio:g}": figures(heard, [clip for clip in found if clip.snr_db == ratio]) for ratio in snr or ()},
        normal=compared,
        anomalous=found,
        recordings=heard,
        piece_s=piece / plan.rate_hz if piece else None,
        by_label_normal=alarms_of_labels(heard, compared, level, raise_s),
        by_label_anomalous=alarms_of_labels(found, found, level, raise_s),
        label_keys=_label_keys(scenes.clips + others.clips),
        left_out_normal=scenes.left_out(plan, [each.whole for each in scored]),
        left_out_anomalous=others.left_out(plan, odd if snr is None else ()),
        decide_s=samples_to_decide(plan) / plan.rate_hz,
        cut_s=(scenes.cut + others.cut) / plan.rate_hz,
        clipped=scenes.clipped + others.clipped,
        known_normal=known[0],
        known_anomalous=known[1],
        unknown=None if left is None else figures(left[0], left[1], recordings=left[2]),
        judged_normal=scenes.judged(plan, [each.whole for each in scored]),
        judged_anomalous=others.judged(plan, odd) if snr is None else Judged(),
    )


def _unknown(
    known: tuple[Known, Known], scenes: ClipSet, scored: Sequence[ScoredRecording], found: Sequence[ScoredClip]
) -> tuple[list[ScoredClip], list[ScoredClip], list[ScoredClip]] | None:
    """Select normal segments, anomalous clips and whole normal recordings that the plan was not made from.

    A mix counts as made from its normal recording: of the event it holds no more than the loudest second.

    Returns
    -------
    None where the plan was made from none of them, or where no normal recording is left
    """
    normal, odd = (each.names for each in known)
    if not normal and (not odd or any(clip.scene is not None for clip in found)):
        return None
    rest = [each for clip, each in zip(scenes.clips, scored, strict=True) if clip.name not in normal]
    whole = [each.whole for each in rest if each.whole is not None]
    others = [clip for clip in found if (clip.name not in odd if clip.scene is None else clip.scene not in normal)]
    return None if not whole else ([clip for each in rest for clip in each.pieces], others, whole)


def _label_keys(clips: Sequence[Clip]) -> tuple[str, ...]:
    keys = {clip.label_key for clip in clips if isinstance(clip, MarkedClip)}
    return tuple(sorted(key for key in keys if key is not None))
