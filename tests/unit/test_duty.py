"""Duty cycles: spec, plan and ids, which gaps are declared pauses, alarms and heartbeats of a device that sleeps."""

from __future__ import annotations

import math
import re
import shutil
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

import anomsdk
from anomsdk import InputError, Kind, Pipeline, PipelineSpec, State
from anomsdk.core.alarm import MAX_HOPS, AlarmPlan
from anomsdk.core.duty import MAX_EVERY, DutyPlan, due_q31, is_pause
from anomsdk.core.rung import TimingPlan, levels
from anomsdk.core.supervisor import Supervisor
from anomsdk.planner.alarm import alarm_plan
from anomsdk.plans.changes import as_text, changes
from anomsdk.plans.describe import describe
from anomsdk.plans.file import parse_plan, reference_models_folder
from anomsdk.runtime.native_module import why_missing
from tests import scalar
from tests.support.command_line import anomsdk_command
from tests.support.make import FOLLOWED, SPECS
from tests.support.tiny_plans import events_of, give_all, tiny_plan

ENGINES = pytest.mark.parametrize("engine", ["reference", "tflite", "native"], indirect=True)
TINY_ENGINES = pytest.mark.parametrize("engine", ["reference", "native"], indirect=True)  # no model file
DUTY = "duty = {on_s = 10, every_s = 60}"


@pytest.fixture
def engine(request):
    """Each engine by its name."""
    if request.param == "native" and (reason := why_missing()):
        pytest.skip(reason)
    return request.param


def folder_of(folder, name, sensor="", alert="", more=""):
    """A reference model with more keys in its spec."""
    made = folder / name
    shutil.copytree(reference_models_folder() / name, made)
    text = (made / "spec.toml").read_text(encoding="utf-8")
    for section, line in (("sensor", sensor), ("alert", alert)):
        if line:
            key = line.split(" ")[0]
            text = re.sub(rf"^{key} = .*\n", "", text, flags=re.M)
            text = text.replace(f"[{section}]\n", f"[{section}]\n{line}\n")
    (made / "spec.toml").write_text(f"{text}\n{more}\n", encoding="utf-8")
    return made


# Alarms of a device that samples ten seconds a minute

EVENTS = (4, 14, 24)
"""Minutes in which something happens."""


def minutes(plan, engine, n=30):
    """States that events tell, and the minute of each, of a device that samples ten seconds a minute."""
    rng, told = np.random.default_rng(1), []
    on, off = round(10 * plan.rate_hz), round(50 * plan.rate_hz)
    with Pipeline(plan, engine) as pipeline:
        for minute in range(n):
            rows = rng.normal(0, 20, (on, plan.columns))
            rows[:, 2] += plan.sensor.counts_per_kilo_g / 1000
            if minute in EVENTS:
                rows += rng.normal(0, 6000, rows.shape)
            results = pipeline.process(rows.clip(-32768, 32767).astype(np.int16)) + pipeline.gap(off)
            told += [(minute, event.state) for event in events_of(results) if event.kind == Kind.ANOMALY]
    return told


@ENGINES
@pytest.mark.parametrize("more", ["", "[alarm]\nheartbeat_s = 0"])
@pytest.mark.parametrize("name", ["cattle_collar", "human_motion"])
def test_ten_seconds_a_minute_raise_and_clear_each_of_three_events(tmp_path, engine, name, more):
    plan = anomsdk.plan(folder_of(tmp_path, name, DUTY, "clear_after_s = 60", more))
    told = minutes(plan, engine)
    assert [state for _, state in told] == [State.UNACK_ALARM, State.NORMAL] * 3
    assert tuple(minute for minute, state in told if state == State.UNACK_ALARM) == EVENTS
    assert all(0 < cleared - raised <= 2 for (raised, _), (cleared, _) in zip(told[::2], told[1::2], strict=True))


@ENGINES
def test_without_a_duty_the_first_alarm_of_a_collar_hides_all_others(tmp_path, engine):
    """It would clear after 21 quiet ticks in a row, and a minute has 9 of them."""
    plan = anomsdk.plan(folder_of(tmp_path, "cattle_collar"))
    assert plan.timing.off_delay > plan.ticks_in(round(10 * plan.rate_hz))
    assert minutes(plan, engine) == [(4, State.UNACK_ALARM)]


@TINY_ENGINES
def test_a_tiny_device_raises_and_clears_each_of_three_events_only_with_its_duty(engine):
    words = [*["low", "low", "gap 10"] * 2, *["hit", "hit", "gap 10"], *["low", "low", "gap 10"] * 3] * 3
    for duty, expected in ((DutyPlan(2, 12), [State.UNACK_ALARM, State.NORMAL] * 3), (None, [State.UNACK_ALARM])):
        plan = tiny_plan(off_delay=5, clear_after=15 if duty else None, duty=duty)
        with Pipeline(plan, engine) as pipeline:
            events = events_of(give_all(pipeline, words))
        assert [event.state for event in events if event.kind == Kind.ANOMALY] == expected


# Which gaps are declared


@given(st.integers(2, MAX_EVERY), st.data())
def test_a_pause_is_between_half_of_what_is_declared_and_a_16th_of_the_period_more(every, data):
    on = data.draw(st.integers(1, every - 1))
    duty = DutyPlan(on, every)
    duty.check()
    off = every - on
    near = [off // 2 - 1, off // 2, off // 2 + 1, off, off + every // 16, off + every // 16 + 1]
    for n in [*near, data.draw(st.integers(0, 2**31 - 1))]:
        assert is_pause(duty, n) == scalar.is_pause({"on": on, "every": every}, n)
        assert is_pause(duty, n) == (off <= 2 * n and 16 * (n - off) <= every)
    assert is_pause(duty, off) and not is_pause(None, off)


@given(st.integers(1, 4096), st.integers(1, 300), st.integers(1, 2**31 - 1), st.data())
def test_ticks_that_are_due_are_never_fewer_than_the_duty_declares(hop, per_tick, every, data):
    on = data.draw(st.integers(0, every))
    ticks_on = on // (hop * per_tick)
    found = due_q31(DutyPlan(on, every), ticks_on, hop, per_tick)
    assert ticks_on * hop << 31 <= found * every < (ticks_on * hop << 31) + every
    assert found <= 1 << 31
    assert due_q31(None, 0, hop, per_tick) == -(-(1 << 31) // per_tick)


# Heartbeats


def supervisor_of(alarm):
    timing = TimingPlan(1, 1, 0, 0, 0, clear_ratio_q16=52429, high_ratio_q16=0)
    return Supervisor(alarm, None, timing, levels(1000, timing), 1, 1, 1 << 31, 0)


def spec_with(heartbeat_s, rate_hz, hop):
    """A spec of sound, whose hop is given in samples; a real one checks the rate."""

    class Given:
        hop_s = hop / rate_hz
        alarm = PipelineSpec.from_toml(SPECS["external"] + "\n[alarm]\n").alarm.model_copy(
            update={"heartbeat_s": heartbeat_s}
        )

    return Given


@given(
    st.floats(0.01, 384_000),
    st.integers(1, 4096),
    st.floats(0.001, 2_592_000),
    st.integers(1, 300_000),
    st.integers(0, 9),
)
@example(7999.7, 256, 3600.0, 81_000, 3)
@example(0.7, 1, 1.0, 1_814_400, 1)
@settings(max_examples=200, deadline=None)
def test_heartbeats_do_not_drift(rate_hz, hop, heartbeat_s, hops, pieces):
    """As many as whole periods have passed, where the period is rounded once, to 1/65536 of a hop."""
    period = heartbeat_s * rate_hz / hop
    if round(period * 65536) < 65536 or period > MAX_HOPS:
        return  # less than a hop: a heartbeat each hop
    alarm = alarm_plan(spec_with(heartbeat_s, rate_hz, hop))
    period_q16 = alarm.heartbeat * 65536 + (alarm.heartbeat_rest_q16 or 0)
    assert abs(period_q16 - period * 65536) <= 0.5 + 1e-6 * period
    supervisor, beats, at, passed = supervisor_of(alarm), 0, 0, 0
    due = [-(-number * period_q16 // 65536) for number in range(1, 1 + min(2000, hops * 65536 // period_q16))]
    for hop_at in [*due, *([hops] if len(due) < 2000 else [])]:
        step = hop_at - at
        for part in (step - 1, 1) if step > 1 else (step,):  # not one hop before it is due
            if part:
                supervisor.gap(part, part)
            passed += part
            beats += sum(event.kind == Kind.HEARTBEAT for event in supervisor.due(passed % 2**32))
            assert beats == passed * 65536 // period_q16
        at = hop_at


@pytest.mark.parametrize(("rate_hz", "hop"), [(25.6, 13), (99.7, 100), (10, 7), (16000, 511)])
def test_heartbeats_of_30_days_stay_with_the_clock(rate_hz, hop):
    """2,592 heartbeats, one each 1,000 s: the last one is within 2,592 halves of 1/65536 of a hop, and one hop."""
    alarm = alarm_plan(spec_with(1000.0, rate_hz, hop))
    supervisor, beats, hops = supervisor_of(alarm), [], 0
    hop_s = hop / rate_hz
    while hops * hop_s < 30 * 86_400:
        step = max(1, int((1000 * (1 + len(beats)) - hops * hop_s) / hop_s) - 1)
        supervisor.gap(step, step)
        hops += step
        beats += [hops for event in supervisor.due(0) if event.kind == Kind.HEARTBEAT]
    assert len(beats) in (2591, 2592)
    for number, at in enumerate(beats, 1):
        assert -hop_s * number / 131072 - 1e-6 <= at * hop_s - 1000 * number < hop_s * (1 + number / 131072) + 1e-6


@TINY_ENGINES
@pytest.mark.parametrize("lost", [4, 5, 7, 9, 14])
def test_a_late_heartbeat_takes_nothing_from_the_next(engine, lost):
    """It leaves once, behind the gap that made it late; the next one is due where it would have been due anyway."""
    with Pipeline(tiny_plan(heartbeat=4), engine) as pipeline:
        late = events_of(give_all(pipeline, ["nothing", f"gap {lost}"]))
        assert [event.kind for event in late] == [Kind.RESTART, Kind.HEARTBEAT]
        events = [events_of(give_all(pipeline, ["low"])) for _ in range(12)]
    beats = [lost + number for number, found in enumerate(events, 1) if found]
    assert beats == [at for at in range(lost + 1, lost + 13) if at % 4 == 0]


@TINY_ENGINES
def test_a_device_that_keeps_its_duty_reports_that_all_was_judged(engine):
    plan = tiny_plan(duty=DutyPlan(3, 10), heartbeat=20)
    with Pipeline(plan, engine) as pipeline:
        events = events_of(give_all(pipeline, ["low", "low", "low", "gap 7"] * 6))
        late = events_of(give_all(pipeline, ["low", "gap 19"]))
    assert [event.judged_share for event in events if event.kind == Kind.HEARTBEAT] == [1.0] * 3
    assert [round(event.judged_share, 3) for event in late if event.kind == Kind.HEARTBEAT] == [round(1 / 6, 3)]


def test_the_shortest_time_of_sampling_gives_a_tick_wherever_in_a_hop_it_begins(tmp_path):
    """Its clock is not exact: a pause that is some samples longer is declared, too, and must cost no tick."""
    plan = anomsdk.plan(folder_of(tmp_path, "cattle_collar", "duty = {on_s = 6.4, every_s = 60}"))
    rng, on = np.random.default_rng(4), plan.duty.on
    for longer in range(plan.framer.hop):
        with Pipeline(plan) as pipeline:
            for _ in range(8):
                ticks = [each.judged for each in pipeline.process(rng.integers(-99, 99, (on, 6)).astype(np.int16))]
                assert sum(ticks) == 1, longer
                pipeline.gap(plan.duty.every - on + longer)


# Spec, plan and ids


@pytest.mark.parametrize("kind", FOLLOWED)
def test_the_keys_are_written_and_read_back(kind):
    tree = PipelineSpec.from_toml(SPECS[kind]).model_dump(mode="json")
    tree["sensor"]["duty"] = {"on_s": 2.5, "every_s": 60.0}
    tree["alert"]["clear_after_s"] = 90.0
    spec = PipelineSpec.from_dict(tree)
    text = spec.to_toml()
    assert re.search(r"^duty = \{on_s = 2.5, every_s = 60\}", text, re.M)
    assert re.search(r"^clear_after_s = 90\b", text, re.M)
    assert PipelineSpec.from_toml(text) == spec
    without = PipelineSpec.from_toml(SPECS[kind])
    completed = without.completed(SPECS[kind])
    assert PipelineSpec.from_toml(completed) == without
    assert re.search(r'^duty = "none"', completed, re.M) and re.search(r"^clear_after_s = 0\b", completed, re.M)


def test_a_plan_with_a_duty_is_read_back(tmp_path):
    plan = anomsdk.plan(folder_of(tmp_path, "cattle_collar", DUTY, "clear_after_s = 60", "[alarm]\nheartbeat_s = 100"))
    assert (plan.duty, plan.timing.clear_after) == (DutyPlan(100, 600), 120)
    assert parse_plan(plan.canonical_bytes, name="plan.json") == plan
    assert scalar.score_id(scalar.read(plan.canonical_bytes)) == plan.score_id


def test_which_id_depends_on_what(tmp_path):
    """What the score or its timing depends on is in score_id; the life cycle is in the plan's id only."""
    plain = anomsdk.reference_model("cattle_collar")
    made = {
        name: anomsdk.plan(folder_of(tmp_path / name, "cattle_collar", *keys))
        for name, keys in {
            "as it was": (),
            "off": ("", "clear_after_s = 0"),
            "duty": (DUTY,),
            "clear": ("", "clear_after_s = 60"),
            "alarm": ("", "", "[alarm]\nheartbeat_s = 3600"),
            "rest": ("", "", "[alarm]\nheartbeat_s = 3600.01"),
        }.items()
    }
    assert made["as it was"].id == made["off"].id == plain.id
    assert len({made[name].id for name in ("off", "duty", "clear", "alarm", "rest")}) == 5
    assert len({made[name].score_id for name in ("off", "duty", "clear")}) == 3
    assert made["alarm"].score_id == made["rest"].score_id == plain.score_id
    assert made["rest"].alarm.heartbeat_rest_q16 is not None


def test_inspect_and_diff_tell_them_in_the_units_of_a_person(tmp_path):
    alarm = "[alarm]\nheartbeat_s = 100.03"
    plain = anomsdk.plan(folder_of(tmp_path / "a", "cattle_collar", more="[alarm]\nheartbeat_s = 100"))
    plan = anomsdk.plan(folder_of(tmp_path / "b", "cattle_collar", DUTY, "clear_after_s = 60", alarm))
    facts = describe(plan)
    assert (facts["sensor"]["duty_on_s"], facts["sensor"]["duty_every_s"], facts["sensor"]["duty_ticks"]) == (10, 60, 9)
    assert facts["sensor"]["declared_pause_s"] == ["25.000", "53.700"]
    assert (facts["alert"]["clear_after_ticks"], facts["alert"]["clear_after_s"]) == (120, 60)
    assert math.isclose(facts["alarm"]["heartbeat_s"], 100.03, abs_tol=1e-3)
    assert not {"duty_on_s", "clear_after_s"} & {*describe(plain)["sensor"], *describe(plain)["alert"]}
    found = changes(plain, plan)
    assert "duty.on: none -> 100 samples" in found and "duty.every: none -> 600 samples" in found
    assert "timing.clear_after: none -> 120 ticks" in found
    (heartbeat,) = (line for line in found if "heartbeat" in line)
    assert re.fullmatch(r"alarm.heartbeat: \d+ -> \d+ hops and a part, 100.0\d+ s", heartbeat), heartbeat
    assert "id changed, score_id changed" in as_text(plain, plan)


# What is refused, in one line


@pytest.mark.parametrize(
    ("duty", "said"),
    [
        ("{on_s = 60, every_s = 60}", "on_s 60 is not shorter than every_s 60, so there is no pause"),
        ("{on_s = 61, every_s = 60}", "on_s 61 is not shorter than every_s 60, so there is no pause"),
        ("{on_s = 0, every_s = 60}", "sensor.duty.on_s"),
        ("{on_s = -1, every_s = 60}", "sensor.duty.on_s"),
        ("{on_s = 10, every_s = 86401}", "sensor.duty.every_s"),
        ("{on_s = 10}", "every_s"),
        ("{on_s = 10, every_s = 60, off_s = 50}", "off_s"),
        ("{on_s = nan, every_s = 60}", "on_s"),
        ("10", "sensor.duty: must be on_s and every_s in seconds, as in {on_s = 10, every_s = 60}"),
        ("true", "sensor.duty: must be on_s and every_s in seconds"),
        ('"always"', "sensor.duty: must be on_s and every_s in seconds"),
        ("{on_s = 5.9, every_s = 60}", "sensor.duty: on_s is 59 samples, but a tick may need 64"),
        ("{on_s = 6.3, every_s = 60}", "on_s is 63 samples, but a tick may need 64, as a pause may end within a hop"),
        ("{on_s = 0.01, every_s = 60}", "sensor.duty: 0.01 of 60 s is 0 of 600 samples; lengthen both"),
        ("{on_s = 59.99, every_s = 60}", "sensor.duty: 59.99 of 60 s is 600 of 600 samples; lengthen both"),
    ],
)
def test_a_duty_that_no_device_can_keep_is_refused_in_one_line(tmp_path, duty, said):
    folder = folder_of(tmp_path, "cattle_collar", f"duty = {duty}")
    before = sorted(path.name for path in folder.iterdir()), (folder / "plan.json").read_bytes()
    ended = anomsdk_command("plan", folder)
    assert (ended.status, ended.stdout) == (2, "")
    text = " ".join(ended.stderr.split())
    assert said in text and "Traceback" not in text and len(text) < 400, text
    assert (sorted(path.name for path in folder.iterdir()), (folder / "plan.json").read_bytes()) == before


@pytest.mark.parametrize(
    ("sections", "said"),
    [
        ({"sensor": {"duty": {"on_s": 0.1, "every_s": 60}}}, "sensor.duty: on_s is 1 samples, but a tick may need 2"),
        ({"sensor": {"rate_hz": 1000}, "alert": {"off_delay_s": 2592000}}, "off_delay"),
        ({"sensor": {"rate_hz": 1000}, "alarm": {"repeat_s": 2592000}}, "repeat"),
    ],
)
def test_training_refuses_it_before_it_begins(tmp_path, sections, said):
    tree = {
        "format": 1,
        "name": "meter",
        "sensor": {"kind": "external", "rate_hz": 10},
        "features": {"kind": "external", "n_features": 3},
        "context": {"kind": "stack", "frames": 2},
    }
    done = []
    with pytest.raises(InputError, match=re.escape(said)):
        spec = PipelineSpec.from_dict(
            {**tree, **{name: {**tree.get(name, {}), **keys} for name, keys in sections.items()}}
        )
        recordings = [np.zeros((600, 3), np.int16)] * 4
        anomsdk.train.fit(spec, recordings, out=tmp_path / "meter", report=done.append, doing=done.append)
    assert done == [] and not (tmp_path / "meter").exists()


@pytest.mark.parametrize("duty", ["{on_s = 6.4, every_s = 60}", "{on_s = 86399.9, every_s = 86400}", '"none"'])
def test_a_duty_at_its_limits_is_planned(tmp_path, duty):
    assert anomsdk_command("plan", folder_of(tmp_path, "cattle_collar", f"duty = {duty}")).status == 0


@pytest.mark.parametrize(
    ("key", "value"), [("clear_after_s", -1), ("clear_after_s", "nan"), ("clear_after_s", '"off"')]
)
def test_an_end_by_time_that_is_no_time_is_refused(tmp_path, key, value):
    ended = anomsdk_command("plan", folder_of(tmp_path, "cattle_collar", alert=f"{key} = {value}"))
    assert ended.status == 2 and key in ended.stderr


@pytest.mark.parametrize(
    ("section", "values", "said"),
    [
        ("duty", DutyPlan(5, 5), "on is 5 samples, not 1 to 4"),
        ("duty", DutyPlan(0, 5), "on is 0 samples"),
        ("duty", DutyPlan(1, 1), "every is 1 samples"),
        ("duty", DutyPlan(1, MAX_EVERY + 1), "every is 2147483648 samples"),
        ("alarm", {"heartbeat_rest_q16": 0, "heartbeat": 1}, "heartbeat_rest_q16 is 0"),
        ("alarm", {"heartbeat_rest_q16": 65536, "heartbeat": 1}, "heartbeat_rest_q16 is 65536"),
        ("alarm", {"heartbeat_rest_q16": 1, "heartbeat": 0}, "not 1 to 65535 beside a heartbeat"),
        ("timing", {"clear_after": 0}, "clear_after is 0 ticks, not 1 to 2147483647"),
        ("timing", {"clear_after": 2**31}, "clear_after is 2147483648 ticks"),
    ],
)
def test_a_plan_out_of_range_is_refused(section, values, said):
    plan = tiny_plan()
    value = replace(getattr(plan, section), **values) if isinstance(values, dict) else values
    with pytest.raises(InputError, match=said):
        replace(plan, **{section: value}).check()


def test_a_heartbeat_that_cannot_be_counted_names_its_key():
    with pytest.raises(InputError, match=r"heartbeat_s"):
        alarm_plan(spec_with(2_592_000.0, 384_000, 1))


def test_the_shortest_heartbeat_is_a_hop():
    assert alarm_plan(spec_with(0.001, 10, 100)).heartbeat == 1
    assert alarm_plan(spec_with(0.0, 10, 100)).heartbeat == 0
    assert isinstance(alarm_plan(spec_with(15.0, 10, 100)), AlarmPlan)
    assert alarm_plan(spec_with(15.0, 10, 100)).heartbeat_rest_q16 == 1 << 15
