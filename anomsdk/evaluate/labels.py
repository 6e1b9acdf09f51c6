"""Labels of recordings, and the times of their events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from anomsdk.errors import InputError, quoted
from anomsdk.sources.clips import Clip, Clips, open_clips
from anomsdk.sources.files import open_files
from anomsdk.sources.groups import labels
from anomsdk.sources.stream_format import ReadOptions, StreamFormat


@dataclass(frozen=True)
class MarkedClip(Clip):
    """Clip with a label and the times of its event.

    Parameters
    ----------
    label : content of the clip, e.g. an activity; None: unknown
    label_key : source of the label: the name of an array, or "folder"; None: no label
    event_s : start and stop of its event, seconds from its beginning; None: the whole clip is the event
    """

    label: str | None = None
    label_key: str | None = None
    event_s: tuple[float, float] | None = None


def marked(
    clip: Clip,
    *,
    label: str | None = None,
    label_key: str | None = None,
    event_s: tuple[float, float] | None = None,
) -> MarkedClip:
    """Copy a clip and give the copy a label and the times of its event.

    Parameters
    ----------
    clip : clip to copy; a label and times that it had before are dropped
    label, label_key, event_s : as `MarkedClip`

    Raises
    ------
    InputError : an event that stops before it starts, or starts before the clip

    Examples
    --------
    >>> import numpy as np
    >>> from anomsdk.sources.clips import clip_from_array
    >>> clip = clip_from_array("stairs", "Ann", np.zeros((500, 3), np.int16), kind="motion", rate_hz=50)
    >>> marked(clip, label="fall", event_s=(4.5, 6.0)).label
    'fall'
    """
    if event_s is not None and not 0 <= event_s[0] < event_s[1] < float("inf"):
        raise InputError(
            f"{clip.name}: an event from {event_s[0]:g} to {event_s[1]:g} s; start it at 0 or later, "
            "and stop it after that"
        )
    kept = {field.name: getattr(clip, field.name) for field in fields(Clip) if field.init}
    return MarkedClip(**kept, label=label, label_key=label_key, event_s=event_s)


def label_of(clip: Clip) -> str | None:
    """Label of a clip; None where it has none."""
    return clip.label if isinstance(clip, MarkedClip) else None


def open_marked(
    path: str | Path,
    stream_format: StreamFormat,
    *,
    label: str | None = None,
    events: Mapping[str, tuple[float, float]] | None = None,
    reading: ReadOptions | None = None,
    group: str | None = None,
    skip_bad: bool = False,
) -> Clips:
    """Open clips as `anomsdk.sources.clips.open_clips` does, with labels and the times of events.

    Parameters
    ----------
    path, stream_format, reading, group, skip_bad : as `anomsdk.sources.clips.open_clips`
    label : source of the labels: the name of an array of the .npz with one entry for each recording, or "folder" for
        the name of the folder that the file lies in. None: the first array of the .npz among activity, label, class and
        behaviour, and the folder where there is none
    events : name of a recording, as reports print it -> start and stop of its event, seconds from its beginning

    Returns
    -------
    Clips; each of them is a `MarkedClip`

    Raises
    ------
    InputError : as `anomsdk.sources.clips.open_clips`; no such array; events of recordings that do not exist

    Examples
    --------
    >>> open_marked("falls/", StreamFormat(50, "motion", 3), label="folder")  # doctest: +SKIP
    """
    clips = open_clips(path, stream_format, reading=reading, group=group, skip_bad=skip_bad)
    found = dict[str, tuple[str, str]]()
    left_out, divided = set[str](), tuple[str, ...]()  # recordings that were not chosen may have events, too
    for file in open_files(path, stream_format, reading=reading, on_bad=lambda message: None):
        key, values = labels(file, label)
        found |= {recording.name: (key, value) for recording, value in zip(file.recordings, values, strict=True)}
        left_out |= {f"{file.name}[{index}]" for index in range(file.stored)} - set(found)
        divided += (f"{file.name}[",) if file.values else ()
    unknown = sorted(each for each in set(events or ()) - set(found) - left_out if not each.startswith(divided))
    if unknown and not clips.bad:
        raise InputError(
            f"`events`: no recording is called {quoted(unknown[0])} ({len(unknown)} in all); write names as "
            f"reports do, e.g. {clips.clips[0].name}"
        )
    with_marks = []
    for clip in clips.clips:
        key, value = found[clip.name]
        times = None if events is None else events.get(clip.name)
        with_marks.append(marked(clip, label=value, label_key=key, event_s=times))
    return Clips(tuple(with_marks), clips.bad)
