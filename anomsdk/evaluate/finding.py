"""Sentence that the reports of an evaluation lead with."""

from __future__ import annotations

from collections.abc import Iterable

from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import Figures
from anomsdk.runtime.judged_share import Judged
from anomsdk.stats.intervals import CONFIDENCE, Figure
from anomsdk.utils.text import a_unit, counted, in_hours, percent, rate_in, rate_unit


def sentence_of(evaluation: Evaluation) -> str:
    """Say in one sentence how many false alarms there were and how many anomalous clips were flagged.

    Recordings that the plan was made from are left out of it where others remain; where none remain, the sentence says
    so. It also says which part could not be judged, which side is a single group, and which side is missing.

    Parameters
    ----------
    evaluation : result of `evaluate`

    Returns
    -------
    a sentence on one line
    """
    figures = evaluation.figures if evaluation.unknown is None else evaluation.unknown
    lead = "" if evaluation.unknown is None else "leaving out the recordings that made the plan, "
    words = f"{lead}{_normal_part(evaluation, figures)}, and {_anomalous_part(evaluation, figures)}"
    made = evaluation.known_normal.names | evaluation.known_anomalous.names
    if made and evaluation.unknown is None:
        words += f"; {len(made):,} of these recordings made the plan, so this is no evidence"
    return f"{words[0].upper()}{words[1:]}."


def rate_in_words(rate: Figure) -> str:
    """Write a rate and its interval in the unit of time that suits it.

    Parameters
    ----------
    rate : events an hour; its value is known

    Examples
    --------
    >>> rate_in_words(Figure(0.25, 0.05, 0.73)), rate_in_words(Figure(0.0, 0.0, 0.37))
    ('6.0 a day, 95 % interval 1.2 to 18', '0 a day, 95 % interval 0 to 8.9')
    """
    unit = rate_unit(rate.value, rate.high)
    shown = f"{rate_in(rate.value, unit)} {a_unit(unit)}"
    return f"{shown}{_interval(rate_in(rate.low, unit), rate_in(rate.high, unit))}"


def share_in_words(share: Figure) -> str:
    """Write a share and its interval in percent.

    Parameters
    ----------
    share : 0 to 1; its value is known

    Examples
    --------
    >>> share_in_words(Figure(0.875, 0.676, 0.973)), share_in_words(Figure(1.0))
    ('87.5%, 95 % interval 67.6% to 97.3%', '100.0%')
    """
    return f"{percent(share.value)}{_interval(percent(share.low), percent(share.high))}"


def recordings_in_words(what: str, groups: Iterable[str], n: int) -> str:
    """Name the recordings of one side, and say so where all are of one group, which limits what they show.

    Parameters
    ----------
    what : their name in the plural
    groups : group of each
    n : how many there are

    Examples
    --------
    >>> recordings_in_words("normal recordings", ["Ann", "Ann"], 2)
    'normal recordings, all of one group'
    """
    return what if n < 2 or len(set(groups)) != 1 else f"{what}, all of one group"


def hours_in_words(hours: str, judged: Judged, *, of_all: bool) -> str:
    """Write the hours that were judged, and say so where that was not the whole time.

    Parameters
    ----------
    hours : judged, as text
    judged : ticks of all recordings of a side, and the ticks that their whole time would have given
    of_all : the hours are those of all these recordings, so that the judged share is theirs, too
    """
    if judged.share == 1:
        return hours
    return f"the {hours} that could be judged" + (f" ({judged})" if of_all else "")


def _interval(low: str, high: str) -> str:
    return "" if "-" in (low, high) else f", {CONFIDENCE:.0%} interval {low} to {high}".replace("95%", "95 %")


def _normal_part(evaluation: Evaluation, figures: Figures) -> str:
    rate = figures.false_alarms_per_hour
    if rate.value is None:
        return "no normal recording could be judged, so its false alarms are unknown"
    made = evaluation.known_normal.names if figures is evaluation.unknown else frozenset[str]()
    groups = [clip.group for clip in evaluation.recordings if clip.name not in made]
    where = recordings_in_words("normal recordings", groups, figures.n_recordings)
    alarms = "no false alarm" if figures.n_false_alarms == 0 else counted(figures.n_false_alarms, "false alarm")
    hours = hours_in_words(
        in_hours(figures.normal_hours), evaluation.judged_normal, of_all=figures is evaluation.figures
    )
    return f"in {hours} of {where}, the plan would have raised {alarms} ({rate_in_words(rate)})"


def _anomalous_part(evaluation: Evaluation, figures: Figures) -> str:
    left_out = evaluation.left_out_anomalous.n
    if figures.n_anomalous == 0:
        if evaluation.anomalous:
            return "no anomalous clip is left, so its sensitivity is unknown"
        if left_out:
            clips = "the anomalous clip" if left_out == 1 else f"any of the {left_out:,} anomalous clips"
            return f"it could not judge {clips}, so its sensitivity is unknown"
        return "no anomalous clips were given, so its sensitivity is unknown"
    what = f"{figures.n_anomalous:,} mixes of a sound into a normal recording" if evaluation.by_snr else ""
    what = what or counted(figures.n_anomalous, "anomalous clip")
    if evaluation.by_snr:
        what += f" at {' and '.join(evaluation.by_snr)} dB"
    known = evaluation.known_anomalous.names if figures is evaluation.unknown else frozenset[str]()
    scenes = evaluation.known_normal.names if figures is evaluation.unknown else frozenset[str]()
    groups = [
        clip.group
        for clip in evaluation.anomalous
        if (clip.name not in known if clip.scene is None else clip.scene not in scenes)
    ]
    words = f"it flagged {figures.n_found:,} of {recordings_in_words(what, groups, figures.n_anomalous)}"
    words += f" (sensitivity {share_in_words(figures.recall)})"
    unjudged = []
    if figures.n_too_short:
        unjudged.append(f"{figures.n_too_short:,} of them cannot be judged")
    if left_out:
        unjudged.append(f"{left_out:,} more {'was' if left_out == 1 else 'were'} left out")
    return words + (f"; {' and '.join(unjudged)}" if unjudged else "")
