"""Local calibration: normal recordings of one device set its alarm level, and on request its normalisation."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import checked_cast, require
from anomsdk.core.fixed import Ints
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError
from anomsdk.planner.calibration import CALIBRATION_FILE, Calibration, Normalisation, signal_sections
from anomsdk.planner.planner import plan_from
from anomsdk.plans.recording_digests import entries_of, known_recordings, without
from anomsdk.runtime.judged_share import Judged, judged_of_pieces
from anomsdk.runtime.memory import wiping
from anomsdk.runtime.pipeline import Pipeline
from anomsdk.sources.clips import Clip
from anomsdk.sources.dropouts import ConstantCutter
from anomsdk.stats.budgets import Budget
from anomsdk.train.alarm_levels import MOST_TOLERATED, alarm_levels_from, first_tick_s, place_alarm_level, tolerated_of
from anomsdk.train.alarm_simulation import ScoredPiece
from anomsdk.train.certified_level import certified_level, no_promise, with_ladder
from anomsdk.train.data.corpus import clips_of, gather
from anomsdk.train.data.input_maps import InputMaps
from anomsdk.train.folder import claimed
from anomsdk.train.trained_folder import TrainedFolder, check_new
from anomsdk.utils.text import counted, in_hours

FEWEST_TICKS = 100
"""Fewest ticks that an alarm level or a normalisation may rest on."""
_WIDTHS = (0.5, 2.0)
"""Smallest and largest factor by which a half-width may change: quiet minutes must not make a device too sensitive."""

Samples = NDArray[np.int16]
Scores = NDArray[np.uint32]
Report = Callable[[str], None]


@wiping()
def calibrate(
    folder: str | Path,
    recordings: Iterable[Samples],
    *,
    out: str | Path,
    groups: Sequence[object] | None = None,
    normalisation: bool = False,
    tolerate: int = 0,
    budget: str | Budget | None = None,
    confidence: float = 0.95,
    report: Report = lambda line: None,
) -> Plan:
    """Set the alarm level of a plan, and on request its normalisation, from normal recordings of one device or place.

    The model stays as it is.

    Parameters
    ----------
    folder : folder with spec.toml, the model and calibration.json, as training writes it
    recordings : int16 (n,) or (n, columns) each, at the rate of the plan; normal behaviour only
    out : folder to write, new or empty: spec.toml, the model, calibration.json, plan.json
    groups : one label for each recording, as `anomsdk.train.fit`; the report says so where all are of one group. By
        default each recording is a group of its own
    normalisation : also learn the centre of each feature anew, and its width between half and twice the old one
    tolerate : number of alarms that the level may raise on these recordings, 0 to 1000
    budget : of alarms, such as "1 alarm-day/30d": the level is the lowest rung of a ladder that these recordings
        certify for it (`anomsdk.tune.choose`), and everything else stays. The rungs are those of the spec's ladder
        section, or else the default ones. Recordings that the plan was made from are left out. None: the level lies
        just above these recordings
    confidence : of the certificate, 0.5 to 0.999
    report : called with lines on what was done

    Returns
    -------
    Plan, as read back from the folder

    Raises
    ------
    InputError : a folder that training did not write, recordings that do not fit it, or too few of them
    CheckError : the recordings certify no level for ``budget``; says how many days are missing. Nothing is written

    Examples
    --------
    >>> import anomsdk, numpy as np, tempfile
    >>> from anomsdk.plans.file import reference_models_folder
    >>> hum = np.random.default_rng(0).normal(0, 500, 16_000 * 60).astype(np.int16)
    >>> with tempfile.TemporaryDirectory() as here:
    ...     made = anomsdk.train.calibrate(reference_models_folder() / "audio_scene", [hum], out=f"{here}/mine")
    >>> made.score_id == anomsdk.reference_model("audio_scene").score_id
    False
    """
    parts = TrainedFolder.of(Path(folder))
    clips = list(clips_of(parts.spec, recordings, groups, "recording"))
    require(groups is None or len(groups) == len(clips), "calibrate: `groups` must have one label for each recording")
    return _calibrated_by(
        parts, clips, Path(out), normalisation, tolerate, budget, confidence, report, lambda samples: None
    )


@wiping()
def calibrate_clips(
    folder: str | Path,
    clips: Sequence[Clip],
    *,
    out: str | Path,
    normalisation: bool = False,
    tolerate: int = 0,
    budget: str | Budget | None = None,
    confidence: float = 0.95,
    report: Report = lambda line: None,
    progress: Callable[[int], None] = lambda samples: None,
) -> Plan:
    """Calibrate as `calibrate` does, on clips.

    Parameters
    ----------
    folder, out, normalisation, tolerate, budget, confidence, report : as `calibrate`
    clips : normal recordings, as `anomsdk.sources.clips.open_clips` returns them
    progress : called with the number of samples processed so far
    """
    parts = TrainedFolder.of(Path(folder))
    return _calibrated_by(parts, clips, Path(out), normalisation, tolerate, budget, confidence, report, progress)


def _calibrated_by(
    parts: TrainedFolder,
    clips: Sequence[Clip],
    out: Path,
    normalisation: bool,
    tolerate: int,
    budget: str | Budget | None,
    confidence: float,
    report: Report,
    progress: Callable[[int], None],
) -> Plan:
    if budget is None:
        with claimed(out):
            return _calibrated(parts, clips, out, normalisation, tolerate, report, progress)
    parsed = Budget.parse(budget)
    other = "normalisation" if normalisation else "tolerate"
    require(
        not normalisation and tolerate == 0,
        f"`budget`: and `{other}` exclude each other: what was chosen on these recordings is not certified by them; "
        "calibrate twice, on different days",
    )
    with claimed(out):
        return _certified(parts, clips, out, parsed, confidence, report, progress)


def _certified(
    parts: TrainedFolder,
    clips: Sequence[Clip],
    out: Path,
    budget: Budget,
    confidence: float,
    report: Report,
    progress: Callable[[int], None],
) -> Plan:
    """Certify a level, and write the folder with it; the rest of the calibration stays."""
    check_new(out)
    spec, then = parts.spec, parts.calibration
    before = plan_from(spec, parts.model, then)
    laddered = plan_from(with_ladder(spec, budget, confidence), parts.model, then)
    share = 0.05 if spec.ladder is None else spec.ladder.max_alarm_fraction
    level = certified_level(laddered, clips, budget, confidence, max_alarm_fraction=share, progress=progress)
    words = (
        f"level certified for {budget} on {counted(level.recordings, 'recording')} of its own, {level.days:.5g} days"
    )
    provenance = {**then.provenance, "certified": words}
    made_from = then.model_copy(update={"certified": level.entry(spec), "provenance": provenance})
    made = plan_from(spec, parts.model, made_from)
    report(f"alarm level {made.levels.raise_score:,}, before {before.levels.raise_score:,}")
    for line in level.lines():
        report(line)
    return parts.write(out, made_from, made)


def _calibrated(
    parts: TrainedFolder,
    clips: Sequence[Clip],
    out: Path,
    normalisation: bool,
    tolerate: int,
    report: Report,
    progress: Callable[[int], None],
) -> Plan:
    check_new(out)
    require(0 <= tolerate <= MOST_TOLERATED, f"`tolerate={tolerate}`: give 0 to {MOST_TOLERATED} alarms")
    calibration = _renormalised(parts, clips) if normalisation else parts.calibration
    pieces, share, digests = _raw_scores(parts, calibration, clips, progress)
    ticks = sum(len(piece.scores) for piece in pieces)
    void = f" (judged {share})" if share.void else ""
    require(
        ticks >= FEWEST_TICKS,
        f"calibrate: {counted(ticks, 'tick')} in {counted(len(clips), 'recording')}{void}, "
        f"at least {FEWEST_TICKS} are needed; record for longer",
    )
    spec = parts.spec
    start, levels = alarm_levels_from([piece.scores for piece in pieces], spec)
    level = place_alarm_level(pieces, spec, tolerate)
    hours, heard = level.hours, level.recordings
    made_from = calibration.model_copy(
        update={
            "baseline_start": start,
            "alarm_levels": levels,
            "tolerated": tolerated_of(level, spec, tolerate),
            "certified": None,
            "recordings": heard,
            "hours": hours,
            "provenance": {
                **_without_certificate(without(calibration.provenance, "calibrated")),
                "calibrated": f"{heard} recordings of its own, {in_hours(hours)}",
                **entries_of("calibrated", digests),
            },
        }
    )
    before = plan_from(spec, parts.model, parts.calibration).levels.raise_score
    made = plan_from(spec, parts.model, made_from)
    report(f"alarm level {made.levels.raise_score:,}, before {before:,}")
    for line in level.lines(tolerate, spec.sensor.kind, made.levels.raise_score):
        report(line)
    report(f"judged {share}")
    report(no_promise(hours))
    trained = known_recordings(calibration.provenance)
    if taught := sum("trained" in trained.purposes(digest) for digest in digests):
        report(f"{taught} of {heard} recordings also trained the model, which knows them: the level may be too low")
    return parts.write(out, made_from, made)


def _without_certificate(provenance: dict[str, str]) -> dict[str, str]:
    return {key: text for key, text in provenance.items() if key != "certified"}


def _raw_scores(
    parts: TrainedFolder, calibration: Calibration, clips: Sequence[Clip], progress: Callable[[int], None]
) -> tuple[list[ScoredPiece], Judged, list[str]]:
    """Score each piece of the clips that has a tick, before the baseline is subtracted.

    Returns
    -------
    pieces : scores of each piece
    share : ticks, and those that the whole time would have given
    digests : sha256 of the samples of each clip with a tick
    """
    score = parts.spec.score.model_copy(update={"baseline_s": 0.0})
    spec = parts.spec.model_copy(update={"score": score})
    unfollowed = plan_from(spec, parts.model, calibration.model_copy(update={"signal": signal_sections(spec)}))
    found, heard, share, digests = list[ScoredPiece](), 0, Judged(), list[str]()
    for clip in clips:
        cutter, digest, ticks, lengths = clip.cutter(), hashlib.sha256(), 0, list[int]()
        for index, (scores, judged_ticks, n) in enumerate(_scores_of(unfollowed, clip, cutter, digest)):
            heard += n
            progress(heard)
            lengths.append(n)
            ticks += len(scores)
            if len(scores):
                start_s = first_tick_s(spec, cutter.starts[index])
                found.append(ScoredPiece(clip.name, clip.group, start_s, scores, judged_ticks))
        digests += [digest.hexdigest()] if ticks else []
        length = cutter.kept + cutter.cut + cutter.missing
        share += judged_of_pieces(unfollowed, ticks, lengths, length)
    return found, share, digests


def _scores_of(
    of: Plan, clip: Clip, cutter: ConstantCutter, digest: hashlib._Hash
) -> Iterator[tuple[Scores, Ints, int]]:
    """Yield the scores of each piece of a clip, their ticks, and the number of samples of the piece.

    Each piece goes through a fresh pipeline. Void ticks are left out: neither the alarm nor the baseline counts them.
    """
    pipeline: Pipeline | None = None
    scores, ticks, given, n = list[int](), list[int](), 0, 0
    try:
        for new_piece, block in clip.blocks(cutter):
            if new_piece and pipeline is not None:
                yield checked_cast(scores, "u4", "scores"), np.array(ticks, np.int64), n
                pipeline.close()
                pipeline, scores, ticks, given, n = None, [], [], 0, 0
            if pipeline is None:
                pipeline = Pipeline(of)
            digest.update(np.ascontiguousarray(block).data)
            results = [result for result in pipeline.process(block) if result.judged]
            scores += [result.score for result in results if not result.void]
            ticks += [given + at for at, result in enumerate(results) if not result.void]
            given += len(results)
            n += len(block)
        yield checked_cast(scores, "u4", "scores"), np.array(ticks, np.int64), n
    finally:
        if pipeline is not None:
            pipeline.close()


def _renormalised(parts: TrainedFolder, clips: Sequence[Clip]) -> Calibration:
    then = parts.calibration
    if then.deviations is None:
        raise InputError(
            f"{parts.folder / CALIBRATION_FILE}: was written before it said how wide its ranges are; train again, or "
            "calibrate without `normalisation`"
        )
    corpus = gather(parts.spec, clips, seed=0, excerpts=0)
    pieces = [piece for recording in corpus.recordings for piece in recording.pieces]
    maps = InputMaps(parts.spec, pieces, then.deviations)
    inputs = None if then.inputs is None or maps.inputs is None else _bounded(then.inputs, maps.inputs)
    return then.model_copy(update={"features": _bounded(then.features, maps.features), "inputs": inputs})


def _bounded(then: Normalisation, now: Normalisation) -> Normalisation:
    least, most = (np.array(then.half_width) * share for share in _WIDTHS)
    widths = np.round(np.clip(now.half_width, least, most), 6)
    return Normalisation(centre=now.centre, half_width=tuple(widths.tolist()))
