"""The pendant of the how-to: its C, on an emulated core, gives what the pipeline in Python gives for the same script."""

from __future__ import annotations

import re
import runpy

import pytest

import anomsdk
from anomsdk.core.alarm import Annunciation
from anomsdk.core.event import Event, Input, Kind, State
from tests.support.pages import DOCS, run_page

PAGE = DOCS / "how-to" / "an-alarm-on-a-pendant.md"
BUZZER = {"off": 0, "chirps": Annunciation.TEST, "beeps": Annunciation.PREALARM, "on": Annunciation.SOUND}
BUZZER["loud"] = Annunciation.SOUND | Annunciation.ESCALATED
LAMP = {"off": 0, "red": Annunciation.LIGHT, "yellow": Annunciation.FAULT}
LAMP["red and yellow"] = Annunciation.LIGHT | Annunciation.FAULT
SHOWN = Annunciation.SOUND | Annunciation.ESCALATED | Annunciation.TEST | Annunciation.PREALARM


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The page's folder after all of its commands and programs."""
    folder = tmp_path_factory.mktemp("pendant")
    run_page(PAGE, folder)
    return folder / "pendant"


@pytest.fixture(scope="module")
def log(place):
    """What came out of the emulated board: (milliseconds, event, or the buzzer's and the lamp's bits).

    The transcript leaves out the plan's tag, which `twin.py` of the page compares, too.
    """
    found, tag = [], anomsdk.read_plan(place / "plan.json").tag.to_bytes(2, "little")
    for line in (place / "transcript.txt").read_text().splitlines():
        seconds, said = re.fullmatch(r" *([\d.]+) s  (.*)", line).groups()
        if outputs := re.fullmatch(r"buzzer (\w+), lamp (.*)", said):
            what = BUZZER[outputs[1]] | LAMP[outputs[2]]
        else:
            what = bytes.fromhex(said.split()[0]) + tag
        found.append((round(1000 * float(seconds)), what))
    return found


def twin_of(place):
    """The same script through engine reference, written anew."""
    script = runpy.run_path(str(place / "scenario.py"))
    found, outputs, silent, last = [], None, 3, None

    def note(ms, results):
        nonlocal outputs
        found.extend((ms, bytes(event)) for result in results for event in result.events)
        now = pipeline.annunciation
        if not now & Annunciation.SOUND:
            now &= ~Annunciation.ESCALATED
        if now & Annunciation.SOUND:  # the buzzer has one voice
            now &= ~(Annunciation.PREALARM | Annunciation.TEST)
        now &= SHOWN | Annunciation.LIGHT | Annunciation.FAULT
        if now != outputs:
            found.append((ms, now))
        outputs = now

    with anomsdk.Pipeline(anomsdk.read_plan(place / "plan.json"), "reference") as pipeline:
        note(0, pipeline.process(script["samples"][:0]))
        for i, row in enumerate(script["samples"]):
            ms, pressed = 50 * (i + 1), script["buttons"][i]
            silent, last = (0, row) if script["present"][i] else (silent + 1, last)
            note(ms, pipeline.process(last[None]) if silent <= 3 else pipeline.missing(50))
            if ms % 10_000 == 0:
                note(ms, pipeline.clock(ms))
            for bit, call in ((1, pipeline.cancel), (2, pipeline.acknowledge), (4, pipeline.test)):
                if pressed & bit:
                    note(ms, call())
    return found


def test_the_board_does_what_the_pipeline_says(place, log):
    assert log == twin_of(place)


def test_the_transcript_tells_the_story(log):
    """Fall and cancel; fall, alarm, nobody comes, louder, acknowledged; a dead sensor and its return; a heartbeat."""
    events = [Event.from_bytes(what) for _, what in log if isinstance(what, bytes)]
    states = [event.state for event in events if event.kind in (Kind.ANOMALY, Kind.OPERATOR)]
    prealarm, alarm, returned = State.PREALARM, State.UNACK_ALARM, State.RTN_UNACK
    normal = State.NORMAL
    assert states == [normal, prealarm, normal, prealarm, alarm, returned, returned, normal]
    inputs = [event.input for event in events if event.kind == Kind.OPERATOR]
    assert inputs == [Input.TEST, Input.CANCEL, Input.ACKNOWLEDGE]
    faults = [(*event.words, event.active) for event in events if event.kind == Kind.TECHNICAL]
    assert ("missing", True) in faults and ("missing", False) in faults
    assert faults[-1][1] is False, "at the end nothing is wrong any more"
    assert sum(event.kind == Kind.HEARTBEAT for event in events) == 1
    outputs = [what for _, what in log if not isinstance(what, bytes)]
    assert {*BUZZER.values()} <= {what & SHOWN for what in outputs} and outputs[-1] == 0
    assert Annunciation.FAULT in outputs


def test_the_page_shows_what_comes_out(place):
    """`run_page` compares but for numbers; here, to the byte."""
    shown = re.search(r"\$ cat pendant/transcript.txt\n(.*?)```", PAGE.read_text(), re.S)[1]
    assert shown == (place / "transcript.txt").read_text()
