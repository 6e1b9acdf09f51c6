"""The sentence that the reports of evaluate and diff lead with says what is known, and no more."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk import compare, evaluate
from anomsdk.compare.difference import _detection, _rates
from anomsdk.compare.finding import sentence_of as change_found
from anomsdk.compare.matching import match_alarms
from anomsdk.compare.recordings import ComparedRecording
from anomsdk.evaluate.clip_sets import Known, LeftOut
from anomsdk.evaluate.evaluation import Evaluation
from anomsdk.evaluate.figures import figures_of
from anomsdk.evaluate.finding import sentence_of
from anomsdk.runtime.judged_share import Judged

NONE = LeftOut((), (), ())
NOTHING_KNOWN = Known((), (), (), 0, is_whole=True, says=True)


def clip(i, peak, group=None, *, hours=0.5, raised=(), **more):
    times = np.arange(1.0, 4.0)
    return evaluate.ScoredClip(
        f"{i}.wav", group or f"g{i}", 3600 * hours, np.array([1, peak, 1], np.uint32), times, raised, **more
    )


def evaluation(normal, anomalous, **more):
    given = {
        "known_normal": NOTHING_KNOWN,
        "known_anomalous": NOTHING_KNOWN,
        "unknown": None,
        "left_out_anomalous": NONE,
        "judged_normal": Judged(10, 10),
        "by_snr": {},
    }
    return Evaluation(
        plan=anomsdk.reference_model("audio_scene"),
        engine="reference",
        seed=0,
        figures=figures_of(normal, anomalous, raise_s=1.0),
        normal=tuple(normal),
        anomalous=tuple(anomalous),
        recordings=tuple(normal),
        piece_s=None,
        by_label_normal=(),
        by_label_anomalous=(),
        label_keys=(),
        left_out_normal=NONE,
        decide_s=1.0,
        cut_s=0.0,
        clipped=0,
        judged_anomalous=Judged(10, 10),
        **{**given, **more},
    )


NORMAL = [clip(i, 5, raised=(2.0,) if i < 3 else ()) for i in range(24)]
ODD = [clip(100 + i, 9, raised=(2.0,) if i < 21 else ()) for i in range(24)]


def test_one_sentence_leads_the_text_and_the_page():
    found = evaluation(NORMAL, ODD)
    said = sentence_of(found)
    assert said == (
        "In 12 h of normal recordings, the plan would have raised 3 false alarms (6.0 a day, 95 % interval 1.2 to 18), "
        "and it flagged 21 of 24 anomalous clips (sensitivity 87.5%, 95 % interval 67.6% to 100.0%)."
    )
    text = evaluate.as_text(found)
    assert " ".join(text.split("\n\n")[0].split()) == said
    page = re.sub(r"<script>.*?</script>", "", evaluate.as_html(found), flags=re.S)
    assert re.search(r"<h1>.*?</h1>\s*<p[^>]*>(.*?)</p>", page, re.S)[1] == said
    assert page.index(said) < page.index("plotly-graph-div") < page.index('<table class="figures">')


@pytest.mark.parametrize(
    ("normal", "anomalous", "more", "words"),
    [
        (NORMAL, [], {}, ["3 false alarms", "no anomalous clips were given, so its sensitivity is unknown"]),
        ([], ODD, {}, ["No normal recording could be judged, so its false alarms are unknown", "flagged 21 of 24"]),
        (NORMAL, [], {"left_out_anomalous": LeftOut((), (), ("a", "b"))}, ["could not judge any of the 2 anomalous"]),
        (NORMAL, ODD, {"left_out_anomalous": LeftOut((), (), ("a",))}, ["21 of 24", "1 more was left out"]),
        (NORMAL, ODD, {"judged_normal": Judged(3, 4)}, ["In the 12 h that could be judged (75.0% of the time) of"]),
        (
            [clip(i, 5, "Ann") for i in range(3)],
            ODD,
            {},
            ["normal recordings, all of one group,", "no false alarm (0 "],
        ),
        (NORMAL, [clip(i, 9, "Ann") for i in range(3)], {}, ["flagged 0 of 3 anomalous clips, all of one group"]),
        (NORMAL, [*ODD, clip(1, 2, padded=True)], {}, ["flagged 21 of 25", "; 1 of them cannot be judged"]),
        (
            NORMAL,
            ODD,
            {"known_normal": Known(tuple(each.name for each in NORMAL), (), (), 24, is_whole=True, says=True)},
            ["24 of these recordings made the plan, so this is no evidence."],
        ),
        (
            NORMAL,
            ODD,
            {
                "known_normal": Known(("0.wav",), (), (), 24, is_whole=True, says=True),
                "unknown": figures_of(NORMAL[1:], ODD),
                "judged_normal": Judged(3, 4),
            },
            ["Leaving out the recordings that made the plan, in the 11.5 h that could be judged of", "2 false alarms"],
        ),
        (
            NORMAL,
            [replace(each, snr_db=ratio, scene="0.wav") for each in ODD[-2:] for ratio in (10.0, 0.0)],
            {"by_snr": {"10": figures_of(NORMAL, ODD[-2:]), "0": figures_of(NORMAL, ODD[-2:])}},
            ["flagged 0 of 4 mixes of a sound into a normal recording at 10 and 0 dB"],
        ),
    ],
)
def test_what_is_not_known_is_said_in_the_sentence(normal, anomalous, more, words):
    said = sentence_of(evaluation(normal, anomalous, **more))
    for each in words:
        assert each in said
    assert said.endswith(".") and "\n" not in said and "None" not in said and "(-" not in said
    assert ("sensitivity 8" in said or "sensitivity 0" in said) == bool(anomalous)
    assert (" a day, 95 % interval" in said or "an hour, 95 % interval" in said) == bool(normal)


def test_one_group_is_said_of_what_is_left_without_the_recordings_that_made_the_plan():
    known = Known(("0.wav",), (), (), 4, is_whole=True, says=True)
    normal = [clip(0, 5, "Bob"), *(clip(i, 5, "Ann") for i in range(1, 4))]
    odd = [clip(0, 9, "Eve"), *(clip(i, 9, "Tom") for i in range(1, 4))]
    unknown = figures_of(normal[1:], odd[1:])
    said = sentence_of(evaluation(normal, odd, known_normal=known, known_anomalous=known, unknown=unknown))
    assert "of normal recordings, all of one group," in said and "of 3 anomalous clips, all of one group" in said
    mixes = [replace(each, snr_db=10.0, scene=each.name) for each in odd]
    said = sentence_of(evaluation(normal, mixes, known_normal=known, unknown=unknown, by_snr={"10": unknown}))
    assert "of 3 mixes of a sound into a normal recording at 10 dB, all of one group" in said
    heard = [recording(0, group="Bob"), *(recording(i, group="Ann") for i in range(1, 4))]
    left = _rates(heard[1:], 0, same=False)
    said = change_found(difference(heard, known_normal=(NOTHING_KNOWN, known), unknown=left))
    assert "of normal recordings, all of one group," in said


def recording(i, old=(), new=(), *, short=False, group=None):
    alarms = match_alarms(old, new, 2.0)
    return ComparedRecording(f"{i}.wav", group or f"g{i}", 1800.0, 1800.0, alarms, old == new, short, short)


def difference(normal, anomalous=(), **more):
    plan = anomsdk.reference_model("audio_scene")
    rates = _rates(normal, 0, same=False)
    given = {
        "old": plan,
        "new": anomsdk.reference_model("human_motion"),
        "unknown": None,
        "known_normal": (NOTHING_KNOWN, NOTHING_KNOWN),
        "known_anomalous": (NOTHING_KNOWN, NOTHING_KNOWN),
        "judged_old": Judged(1, 1),
    }
    return compare.Difference(
        engine="reference",
        seed=0,
        match_s=2.0,
        normal=tuple(normal),
        anomalous=tuple(anomalous),
        left_out_normal=NONE,
        left_out_anomalous=NONE,
        old_rate=rates.old,
        new_rate=rates.new,
        rate_change=rates.change,
        detection=_detection(anomalous, 0, same=False) if anomalous else None,
        cut_s=0.0,
        judged_new=Judged(1, 1),
        **{**given, **more},
    )


HEARD = [recording(0, (9.0,), (9.0, 40.0)), recording(1, (), (5.0,)), *(recording(i) for i in range(2, 24))]
FOUND = [recording(i, (3.0,), (3.0,) if i else ()) for i in range(8)]


def test_one_sentence_leads_the_text_of_a_comparison():
    found = difference(HEARD, FOUND)
    said = change_found(found)
    assert said.startswith(
        "In 12 h of normal recordings, the new plan would have raised 3 false alarms and the old one 1 "
        "(2 added, 0 lost, 0 moved; change +4.0 a day, 95 % interval "
    )
    assert "; of 8 anomalous recordings, the new plan flagged 7 (sensitivity 87.5%, 95 % interval 47." in said
    assert said.endswith("and the old one 8 (0 gained, 1 missed).")
    assert " ".join(compare.as_text(found).split("\n\n")[0].split()) == said


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (difference(HEARD), ["no anomalous recordings were given, so the change in sensitivity is unknown."]),
        (difference([recording(i, group="Ann") for i in range(3)]), ["normal recordings, all of one group,"]),
        (difference(HEARD, judged_old=Judged(1, 2)), ["In the 12 h that could be judged (50.0% of the time) of"]),
        (
            difference(HEARD, [*FOUND, recording(9, short=True)]),
            ["of 9 anomalous recordings", "; 1 of them is too short for one of the plans to judge."],
        ),
        (
            difference(HEARD, [recording(9, short=True)]),
            ["of 1 anomalous recording, ", "; 1 of them is too short for one of the plans to judge."],
        ),
        (difference(HEARD, new=anomsdk.reference_model("audio_scene")), ["ids are equal", "nothing can differ"]),
        (
            difference(HEARD, known_normal=(NOTHING_KNOWN, Known(("0.wav",), (), (), 24, is_whole=True, says=True))),
            ["these normal recordings made a plan, so their figures are no evidence."],
        ),
        (
            difference(
                HEARD,
                known_normal=(NOTHING_KNOWN, Known(("0.wav",), (), (), 24, is_whole=True, says=True)),
                unknown=_rates(HEARD[1:], 0, same=False),
            ),
            ["Leaving out the recordings that made a plan, in 11.5 h", "raised 1 false alarm and the old one 0"],
        ),
        (
            difference(HEARD, FOUND, known_anomalous=(NOTHING_KNOWN, Known((), (), ("1.wav",), 8, True, True))),
            ["some of the anomalous recordings made a plan."],
        ),
    ],
)
def test_what_a_comparison_cannot_know_is_said_in_its_sentence(given, words):
    said = change_found(given)
    for each in words:
        assert each in said
    assert said.endswith(".") and "None" not in said and "(-" not in said


def test_a_figure_is_one_line_on_a_phone():
    """Name, value and interval of every figure fit 360 pixels: about 52 characters of the size that a phone gets."""
    page = re.sub(
        r"<script>.*?</script>", "", evaluate.as_html(evaluation(NORMAL, [*ODD, clip(1, 2, padded=True)])), flags=re.S
    )
    tables = re.findall(r'<table class="figures">.*?<tbody>(.*?)</tbody>', page, re.S)
    rows = [re.findall(r">([^<]+)</t[hd]>", row) for table in tables for row in re.findall(r"<tr>(.*?)</tr>", table)]
    assert len(rows) >= 14 and all(len(row) == 4 for row in rows)
    for name, value, interval, rests_on in rows:
        assert len(name) <= 28 and len(f"{name}  {value}  {interval}") <= 52, (name, value, interval)
        assert f"<dd>{rests_on}</dd>" in page, "what it rests on is said below"
    phone = page[page.index("@media screen and (max-width: 44rem)") : page.index("@media print")]
    assert "white-space: nowrap" in phone and ".figures .rests { display: none; }" in phone
