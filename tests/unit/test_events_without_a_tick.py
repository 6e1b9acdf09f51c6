"""Events without a tick and void ticks, in whatever uses results: watch, score, evaluate, diff, calibrate."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

import anomsdk
from anomsdk import compare
from anomsdk.compare.report_text import as_text as comparison_text
from anomsdk.core.event import Event, Kind, State
from anomsdk.demo import alarm as demo
from anomsdk.errors import CheckError
from anomsdk.evaluate import evaluation
from anomsdk.evaluate.clip_scores import samples_to_decide, samples_to_raise, score_clip
from anomsdk.evaluate.report_json import as_json
from anomsdk.evaluate.report_text import as_text
from anomsdk.runtime.judged_share import Judged, require_judged
from anomsdk.sources.clips import Clips, clip_from_array
from anomsdk.sources.recording import Recording
from anomsdk.synthetic.sound import RATE_HZ, bed, siren_of
from anomsdk.synthetic.sound import as_int16 as in_counts
from anomsdk.watch.alarm_change import AlarmChange
from anomsdk.watch.score_files import score_and_judge
from anomsdk.watch.session import Watch, watch_recordings
from anomsdk.watch.sinks.console import Lines
from anomsdk.watch.sinks.event_words import flags, heading
from anomsdk.watch.sinks.jsonl import JsonLines
from tests.support.command_line import anomsdk_command

ENGINE = "reference"
ALERT_KEYS = ["type", "recording", "time_s", "hop", "state", "high", "score", "raise_score", "event", "reasons"]
MORE_KEYS = ["kind", "condition", "active", "input", "promise", "argument", "level_tag", "health", "flags"]
MORE_KEYS += ["event_score", "judged_share"]


@pytest.fixture(scope="module")
def plan():
    """The reference model with a life cycle, health and a heartbeat every 3 s."""
    made = demo.plan()
    return replace(made, alarm=replace(made.alarm, heartbeat=round(3 * RATE_HZ / made.framer.hop)), folder=None)


@pytest.fixture(scope="module")
def sounds():
    """Rain of 8 s; the same with a siren; with 3 s clipped; and its first 1.5 s."""
    rain = in_counts(bed(np.random.default_rng(3), 8))
    siren, clipped = rain.copy(), rain.copy()
    siren[3 * RATE_HZ : 5 * RATE_HZ] = in_counts(siren_of(2))
    square = np.where(np.arange(len(rain)) // 40 % 2, 32767, -32768).astype(np.int16)
    clipped[3 * RATE_HZ : 6 * RATE_HZ] = square[: 3 * RATE_HZ]
    return {"rain": rain, "siren": siren, "clipped": clipped, "short": rain[:24_000]}


def recording(name, *blocks):
    length = sum(len(block) for block in blocks if not isinstance(block, int))
    return Recording(name, (), length, RATE_HZ, name, lambda: map(_own, blocks))


def _own(block):
    """A block as a file gives it: it is wiped after use."""
    return block if isinstance(block, int) else block.copy()


def results_of(plan, samples):
    with anomsdk.Pipeline(plan, ENGINE) as pipeline:
        return pipeline.process(samples)


def clips(name, *sounds):
    return Clips(tuple(clip_from_array(f"{name}{i}", f"{name}{i}", x.copy()) for i, x in enumerate(sounds)))


def warm(plan):
    """The plan with a warm-up of 2 s, in which all ticks of a recording of 1.5 s are void."""
    return replace(plan, health=replace(plan.health, warm_up=125))


def test_a_watch_counts_ticks_and_alarms_and_hands_on_every_event(plan, sounds, tmp_path):
    path = tmp_path / "scores.npy"
    with Watch(plan, ENGINE, scores=path) as watch:
        alerts = {name: list(watch.hear(recording(name, x))) for name, x in sounds.items()}
        found = watch.summary()
    wanted = {name: results_of(plan, x) for name, x in sounds.items()}
    ticks = [result for results in wanted.values() for result in results if result.judged]
    assert np.load(path).tolist() == [tick.score for tick in ticks], "an event without a tick has no score"
    for name, results in wanted.items():
        assert [alert.event for alert in alerts[name]] == [event for result in results for event in result.events]
    assert len(ticks) == found.ticks == sum(plan.ticks_in(len(x)) for x in sounds.values())
    void = sum(tick.void for tick in ticks)
    assert void > 10 and found.judged == Judged(len(ticks) - void, len(ticks), void)
    assert f"void {void / len(ticks):.1%}" in str(found.judged)
    alarms = [event for result in ticks for event in result.events if event.raised]
    assert found.alarms == len(alarms) == 2, "the restart, the faults and the heartbeats are no alarms"
    assert {alert.event.kind for each in alerts.values() for alert in each} == {
        *(Kind.ANOMALY, Kind.TECHNICAL, Kind.HEARTBEAT, Kind.RESTART)
    }


def test_a_watch_hands_on_what_a_gap_sends(plan, sounds):
    """With the time at which the gap ends, and not twice."""
    rain = sounds["rain"][: 2 * RATE_HZ]
    with Watch(plan, ENGINE) as watch:
        alerts = list(watch.hear(recording("gaps", rain, 5 * RATE_HZ, rain)))
    with anomsdk.Pipeline(plan, ENGINE) as pipeline:
        results = [pipeline.process(rain), pipeline.gap(5 * RATE_HZ), pipeline.process(rain)]
    assert any(result.events for result in results[1])
    wanted = [event for each in results for result in each for event in result.events]
    assert [alert.event for alert in alerts] == wanted
    at_gap = [alert.time_s for alert in alerts if alert.event in {e for r in results[1] for e in r.events}]
    assert set(at_gap) == {7.0}
    assert alerts[0].event.kind == Kind.RESTART and alerts[0].time_s == 0


def test_news_of_a_level_in_both_kinds_of_lines(plan, capsys):
    """A level event is no alarm: for people it has no bar, for programs it is of type event."""
    event = Event.from_bytes(bytes.fromhex("2700450010000000000000026d000000"))
    change = AlarmChange("a.wav", 2.0, 16, "normal", False, 0, 300, event)
    Lines(plan, 1).alert(change)
    assert capsys.readouterr().out == "a.wav\n  0:00:02.0  level  no level certified, 109 more days needed\n"
    JsonLines(plan, ENGINE).alert(replace(change, event=replace(event, reasons=(1, 0), level_tag=24)))
    found = json.loads(capsys.readouterr().out)
    assert (found["type"], found["kind"], found["promise"], found["argument"]) == (
        "event",
        "level",
        "level certified",
        0,
    )
    assert (found["level_tag"], found["reasons"], found["condition"]) == (24, [], None)


def test_lines_for_programs(plan, sounds, capsys):
    """Plans with layout 1 give the keys that they have always given; layout 2 gives more, and a type of its own."""
    plain = replace(plan, alarm=None, health=None)
    for each, more in ((plain, []), (plan, MORE_KEYS)):
        with Watch(each, ENGINE) as watch:
            sink = JsonLines(each, ENGINE)
            watch_recordings(watch, [recording(name, sounds[name]) for name in ("siren", "clipped")], sink)
            sink.end(watch.summary(), stopped=False)
        *alerts, summary = map(json.loads, capsys.readouterr().out.splitlines())
        assert {tuple(alert) for alert in alerts} == {(*ALERT_KEYS, *more)}
        assert ("void_share" in summary) == ("faults" in summary) == bool(more)
        if not more:
            assert {alert["type"] for alert in alerts} == {"alert"}
    events = [Event.from_bytes(bytes.fromhex(alert["event"])) for alert in alerts]
    for alert, event in zip(alerts, events, strict=True):
        assert (alert["type"] == "alert") == (event.kind == Kind.ANOMALY)
        assert alert["kind"] == event.kind.word and alert["health"] == event.health
        assert alert["flags"] == list(flags(event))
        assert alert["condition"] == (event.words[0] if event.kind == Kind.TECHNICAL else None)
    faults = [(alert["condition"], alert["active"]) for alert in alerts if alert["kind"] == "technical"]
    assert ("clipped", True) in faults and ("clipped", False) in faults
    raised = next(alert for alert, event in zip(alerts, events, strict=True) if event.raised)
    assert raised["event_score"] == pytest.approx(raised["score"], rel=0.01)
    assert summary["alarms"] == sum(event.raised for event in events)
    assert summary["faults"] == sum(active for _, active in faults) > 0


def test_lines_for_people(plan, sounds, capsys):
    with Watch(plan, ENGINE) as watch:
        sink = Lines(plan, 2)
        watch_recordings(watch, [recording(name, sounds[name]) for name in ("siren", "clipped")], sink)
        sink.end(watch.summary(), stopped=False)
    shown = capsys.readouterr().out
    assert shown.count("  ALARM  ") == 2 and shown.count("  FAULT  clipped") == 1
    assert shown.count("  fault over  clipped") == 1 and shown.count("restart") == 2
    assert shown.count("  heartbeat  judged ") == 4
    assert " ticks, 2 alarms, 2 faults; judged " in shown, "warm-up is no fault; the square wave also repeats"
    assert "2 recordings" in shown and ", void " in shown


def event(kind, state, codes=(0, 0), **more):
    return Event(kind, state, False, 0, 0, 0, 0, codes, 0, layout=2, **more)


@pytest.mark.parametrize(
    ("kind", "state", "codes", "marked", "wanted"),
    [
        (Kind.ANOMALY, State.UNACK_ALARM, (0, 0), False, "ALARM"),
        (Kind.ANOMALY, State.UNACK_ALARM, (0, 0), True, "ESCALATED"),
        (Kind.ANOMALY, State.RTN_UNACK, (0, 0), True, "ESCALATED"),
        (Kind.ANOMALY, State.PREALARM, (0, 0), False, "PREALARM"),
        (Kind.ANOMALY, State.RTN_UNACK, (0, 0), False, "clear"),
        (Kind.ANOMALY, State.NORMAL, (0, 0), False, "clear"),
        (Kind.TECHNICAL, State.UNACK_ALARM, (1, 1), False, "FAULT"),
        (Kind.TECHNICAL, State.NORMAL, (1, 0), False, "fault over"),
        (Kind.TECHNICAL, State.NORMAL, (13, 0), False, "ready"),
        (Kind.REPEAT, State.UNACK_ALARM, (0, 0), False, "STILL ALARM"),
        (Kind.HEARTBEAT, State.UNACK_ALARM, (0, 0), False, "heartbeat"),
        (Kind.OPERATOR, State.ACK_ALARM, (1, 0), False, "acknowledged"),
        (Kind.OPERATOR, State.UNACK_ALARM, (7, 0), True, "test"),
        (Kind.RESTART, State.NORMAL, (0, 0), False, "restart"),
    ],
)
def test_each_event_has_its_word(kind, state, codes, marked, wanted):
    """Above all: nothing but the begin of an alarm reads as one."""
    made = event(kind, state, codes, marked=marked)
    assert heading(made) == wanted
    assert made.raised == (wanted == "ALARM") and made.cleared == (wanted == "clear")


def test_scores_of_files_have_no_rows_for_events(plan, sounds, tmp_path):
    for name in ("rain", "clipped"):
        np.save(tmp_path / f"{name}.npy", sounds[name])
    found, share = score_and_judge(plan, [tmp_path], engine=ENGINE)
    for name in ("rain", "clipped"):
        ticks = [result for result in results_of(plan, sounds[name]) if result.judged]
        assert found[f"{name}.npy"].tolist() == [tick.score for tick in ticks]
    void = sum(tick.void for x in ("rain", "clipped") for tick in results_of(plan, sounds[x]))
    n = 2 * plan.ticks_in(8 * RATE_HZ)
    assert share == Judged(n - void, n, void)
    assert [s.tolist() for s in anomsdk.score_many(plan, [sounds["clipped"]], engine=ENGINE)] == [
        found["clipped.npy"].tolist()
    ]


def test_a_watch_in_which_all_is_void_fails_and_says_why(plan, sounds, tmp_path):
    anomsdk.write_plan(replace(plan, health=replace(plan.health, warm_up=100_000)), tmp_path / "plan.json")
    np.save(tmp_path / "x.npy", sounds["rain"])
    arguments = [tmp_path / "x.npy", "--plan", tmp_path / "plan.json", "--engine", ENGINE]
    for done in (
        anomsdk_command("watch", *arguments),
        anomsdk_command("score", *arguments, "--out", tmp_path / "scores.npz"),
    ):
        assert done.status == 1 and "a technical condition was active at every tick" in done.stderr
        assert ("see which one with watch" in done.stderr) == ("score: " in done.stderr)
        assert "judged 0% of the time, void 100%" in done.stdout
    with pytest.raises(CheckError, match="no stretch without a gap"):
        require_judged("watch", Judged(0, 5))


def test_a_clip_has_the_scores_that_count(plan, sounds):
    """Void ticks take part in no figure, and are no time."""
    clip = clips("c", sounds["clipped"]).clips[0]
    found = score_clip(plan, clip.blocks(), "c", "g", engine=ENGINE)
    ticks = [result for result in results_of(plan, sounds["clipped"]) if result.judged]
    counted = [tick for tick in ticks if not tick.void]
    assert found.scores.tolist() == [tick.score for tick in counted] and len(counted) < len(ticks)
    assert found.seconds == len(counted) * plan.samples_per_tick / RATE_HZ
    hop, window = plan.framer.hop, plan.framer.window
    assert found.times_s.tolist() == [(tick.hop * hop + window) / RATE_HZ for tick in counted]


def test_an_alarm_after_a_prealarm_counts_once(plan, sounds):
    """At the end of the cancel window, which is part of the time to decide; the prealarm itself is none."""
    waiting = replace(plan, alarm=replace(plan.alarm, cancel=60))
    one, two = (
        score_clip(each, clips("c", sounds["siren"]).clips[0].blocks(), "c", "g", engine=ENGINE)
        for each in (plan, waiting)
    )
    assert len(one.raised_s) == len(two.raised_s) == 1
    cancel_s = 60 * plan.framer.hop / RATE_HZ
    assert two.raised_s[0] == pytest.approx(one.raised_s[0] + cancel_s)
    assert samples_to_decide(waiting) - samples_to_decide(plan) == 60 * plan.framer.hop
    assert samples_to_raise(waiting) - samples_to_raise(plan) == 60 * plan.framer.hop


@pytest.mark.parametrize("warm_up", [0, 1, 63, 64, 65, 100, 101])
def test_the_time_to_raise_knows_the_warm_up(plan, sounds, warm_up):
    """The first tick that is not void ends with the last of these samples, at whatever hop the warm-up ends."""
    warm = replace(plan, health=replace(plan.health, warm_up=warm_up))
    needed = samples_to_raise(warm)
    assert needed == min(needed, samples_to_decide(warm))
    first = next(tick for tick in results_of(warm, sounds["rain"]) if tick.judged and not tick.void)
    assert needed == first.hop * plan.framer.hop + plan.framer.window


def test_evaluation_leaves_void_recordings_out_and_says_so(plan, sounds):
    plan = warm(plan)
    normal, odd = clips("n", sounds["rain"], sounds["clipped"], sounds["short"]), clips("o", sounds["siren"])
    found = evaluation.evaluate(plan, normal, odd, engine=ENGINE, jobs=1)
    assert found.left_out_normal.void == ("n2",) and found.left_out_normal.too_short == ()
    ticks = [t for x in ("rain", "clipped", "short") for t in results_of(plan, sounds[x]) if t.judged]
    void = sum(tick.void for tick in ticks)
    assert found.judged_normal == Judged(len(ticks) - void, len(ticks), void)
    text = as_text(found)
    assert "left out, normal, void, a technical condition was active at every tick: 1 (n2)" in text
    assert f", void {void / len(ticks):.1%}, of normal clips" in text
    assert as_json(found)["left_out"]["normal"]["void"] == ["n2"]


def test_two_plans_are_compared_without_void_time(plan, sounds):
    normal = clips("n", sounds["rain"], sounds["clipped"], sounds["short"])
    plan, plain = warm(plan), replace(plan, alarm=None, health=None)
    found = compare.diff(plain, plan, normal, engine=ENGINE, jobs=1)
    ticks = [t for x in ("rain", "clipped", "short") for t in results_of(plan, sounds[x]) if t.judged]
    void = sum(tick.void for tick in ticks)
    assert found.judged_old == Judged(len(ticks), len(ticks))
    assert found.judged_new == Judged(len(ticks) - void, len(ticks), void)
    assert ", void " in comparison_text(found)
    layouts = "events: layout 1 of the old plan, 2 of the new one; receivers must decode both"
    assert layouts in comparison_text(found)
    both = compare.diff(plan, plan, normal, engine=ENGINE, jobs=1)
    assert both.left_out_normal.void == ("n2",) and "receivers must decode" not in comparison_text(both)
