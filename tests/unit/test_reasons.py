"""Reasons: groups, their gains, and words that fit a line; what runs is held by vectors and parity."""

import dataclasses
import itertools
import json

import numpy as np
import pytest

import anomsdk
from anomsdk.core.event import Event, Kind, State
from anomsdk.core.reasons import Direction, Group, ReasonsPlan, band_groups, marks, part_groups, words
from anomsdk.planner.score import reasons_plan
from anomsdk.planner.tables import reason_gains
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.sinks.console import Lines
from tests.support.make import BANDS, SPECS, lively, make_folder

LOW, MID, HIGH = Group.LOW_BANDS, Group.MID_BANDS, Group.HIGH_BANDS
PLAN = ReasonsPlan(
    np.array([0x90, 0x31, 0x02], np.uint8), np.array([1, 63, 19], np.uint8), np.array([1, 9, 1 << 30], np.int32)
)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"groups": np.array([0, 1, 3], np.uint8)}, "a group that is not there"),
        ({"groups": np.array([0, 1], np.uint8)}, "groups: is uint8"),
        ({"groups": np.array([0, 1, 2], np.int32)}, "groups: is int32"),
        ({"codes": np.array([1, 64, 19], np.uint8)}, "a code is not 1 to 63"),
        ({"codes": np.array([0, 2, 19], np.uint8)}, "a code is not 1 to 63"),
        ({"codes": np.array([1, 19, 19], np.uint8)}, "a code stands there twice"),
        ({"codes": np.zeros(0, np.uint8)}, "0 groups, not 1 to 16"),
        ({"codes": np.arange(1, 18, dtype=np.uint8)}, "17 groups, not 1 to 16"),
        ({"gain": np.array([1, 0, 1], np.int32)}, "a gain is not 1 to"),
        ({"gain": np.array([1, 1, (1 << 30) + 1], np.int32)}, "a gain is not 1 to"),
        ({"gain": np.array([1, 1], np.int32)}, "gain: is int32"),
    ],
)
def test_what_cannot_be_named_is_refused(changes, says):
    PLAN.check(3)
    with pytest.raises(anomsdk.InputError, match=f"reasons: .*{says}"):
        dataclasses.replace(PLAN, **changes).check(3)


def test_thirds_of_bands():
    assert band_groups(1) == (MID,)
    assert band_groups(2) == (LOW, HIGH)
    assert band_groups(4) == (LOW, MID, MID, HIGH)
    assert [band_groups(16).count(third) for third in (LOW, MID, HIGH)] == [5, 6, 5]
    for n in range(3, 257):
        found = band_groups(n)
        assert list(found) == sorted(found) == list(found[::-1].__class__(4 - g for g in found[::-1]))
        assert max(found.count(third) for third in (LOW, MID, HIGH)) <= -(-n // 3) + (n % 3 > 0)


@pytest.mark.parametrize(("n", "width", "last"), [(1, 1, 1), (16, 1, 16), (17, 2, 9), (1024, 64, 16)])
def test_parts_of_a_row(n, width, last):
    found = part_groups(n)
    assert len(found) == n and found[0] == Group.PART_1 and found[-1] == Group.PART_1 + last - 1
    assert max(found.count(part) for part in set(found)) == width


def test_groups_of_a_summary_and_of_a_stack():
    groups, codes = marks((Group.POSTURE, Group.JERK, Group.POSTURE), (False, True))
    assert codes.tolist() == [Group.JERK, Group.POSTURE]
    assert groups.tolist() == [0x01, 0x90, 0x01, 0x31, 0x30, 0x31]
    groups, _ = marks((Group.JERK,), (False,) * 3)
    assert groups.tolist() == [0x90] * 3


def test_planned_groups(plans):
    for plan in plans.values():
        n = plan.extractor.n_features
        assert len(plan.extractor.groups) == n and len(plan.reasons.groups) == plan.n_inputs
        of_features = [plan.extractor.groups[i % n] for i in range(plan.n_inputs)]
        assert plan.reasons.codes[plan.reasons.groups & 15].tolist() == of_features
    bands = plans["bands"]
    assert (bands.reasons.groups[18:36] >> 4 == Direction.UNSTEADY).all() and bands.context.statistics[1] == "deviation"
    assert bands.extractor.groups[-2:] == (Group.LOUDNESS, Group.IMPULSES)


def test_gains_make_normal_levels_equal():
    normal = [400.0, 25.0, 1000.0]
    gains = reason_gains(normal, [1, 1, 1])
    assert gains[1] == 1 << 30 and np.allclose(gains * np.array(normal), 25 * 2**30, rtol=1e-6)
    assert reason_gains([0.01, 400.0], [7, 3]).tolist() == [1 << 30, round(2**30 * 7 / 400)]  # not below one step


def test_levels_of_the_calibration_are_used_where_they_are(tmp_path):
    folder = make_folder(tmp_path / "room", BANDS)
    path, before = folder / "calibration.json", anomsdk.plan(folder)
    tree = json.loads(path.read_text())
    assert before.reasons.gain.tolist() == reason_gains([0] * 5, [15, 18, 15, 3, 3]).tolist()
    del tree["group_levels"]  # as written before there were any
    path.write_text(json.dumps(tree))
    assert anomsdk.plan(folder) == before
    names = ["low_bands", "mid_bands", "high_bands", "loudness", "impulses"]
    tree["group_levels"] = dict(zip(names, (90, 80, 70, 60, 50.5), strict=True))
    path.write_text(json.dumps(tree))
    after = anomsdk.plan(folder)
    assert after.reasons.gain.tolist() == reason_gains([90, 80, 70, 60, 50.5], [15, 18, 15, 3, 3]).tolist()
    assert after.score_id == before.score_id and after.id != before.id
    del tree["group_levels"]["loudness"]
    path.write_text(json.dumps(tree))
    with pytest.raises(anomsdk.InputError, match="group_levels has no 'loudness'; train again"):
        anomsdk.plan(folder)


def test_a_group_without_weight_can_be_planned(plans):
    plan = plans["external"]
    score = dataclasses.replace(plan.score, weights=(np.arange(18) % 6 > 0).astype(np.uint8))
    made = reasons_plan(plan.extractor, plan.context, score, None)
    made.check(18)
    assert made.gain.tolist() == [1 << 30, *[round(2**30 / 3)] * 5]


@pytest.mark.parametrize("kind", SPECS)
def test_only_a_raise_has_reasons(following, kind, engine):
    with anomsdk.Pipeline(following[kind], engine) as pipeline:
        events = [event for result in pipeline.process(lively(following[kind])) for event in result.events]
    raises = [event for event in events if event.state == State.UNACK_ALARM]
    assert raises and (len(raises) < len(events) or kind == "logmel")  # whose alarm lasts
    assert all(event.reasons == (0, 0, 0) and event.words == () for event in events if event not in raises)
    codes = set(following[kind].reasons.codes.tolist())
    for event in raises:
        assert len(event.words) == 3 and {reason & 63 for reason in event.reasons} <= codes
        assert Event.from_bytes(bytes(event)).words == event.words


def test_words():
    assert words((1 | 1 << 6, 5 | 3 << 6, 63)) == ("low bands high", "impulses unsteady", "part 16 changed")
    assert words((40 | 2 << 6, 0, 0)) == ("group 40 low",)
    assert words((0, 0, 0)) == ()


def test_a_line_of_watch_fits_100_columns(plans, capsys):
    lines = Lines(plans["bands"], 1)
    audio = [Group(code) for code in range(1, 6)]
    for reasons in itertools.permutations([group | Direction.UNSTEADY << 6 for group in audio], 3):
        event = Event(Kind.ANOMALY, State.UNACK_ALARM, False, 0, 0, 0, 0, reasons, 0)
        lines.alert(AlarmChange("room.wav", 35999.9, 0, "alarm", False, 9999, 1, event))
    printed = capsys.readouterr().out.splitlines()
    assert printed[0] == "room.wav" and len(printed) == 61
    assert printed[1].endswith("  low bands unsteady, mid bands unsteady, high bands unsteady")
    assert max(map(len, printed)) <= 100
