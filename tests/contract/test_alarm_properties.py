"""Properties of the life cycle of an alarm that hold for any plan, any stream and any inputs, in Python and in C."""

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from anomsdk import InputError, Pipeline
from anomsdk.core.alarm import Annunciation
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import SHARE_ONE, Condition, Event, Input, Kind, Restart, State, score_log2_q8
from anomsdk.core.record import Record
from anomsdk.runtime.native_module import why_missing
from tests.support.tiny_plans import ROOTS, SCORES, events_of, give, give_all, row, tiny_plan

ROWS = (*ROOTS, "fault")
OTHERS = (
    "acknowledge",
    "cancel",
    "out",
    "in",
    "test",
    "supply low",
    "supply well",
    "silence 0",
    "silence 1",
    "silence 3",
)
GAPS = ("gap 1", "gap 2", "gap 5")
RATIOS = (0, 1 << 16, 3 << 15, 2 << 16)
DUTIES = st.sampled_from([None, None, DutyPlan(1, 3), DutyPlan(3, 7), DutyPlan(4, 5)])


def plans(**fixed):
    """Any tiny plan with what is fixed."""
    changes = dict.fromkeys(
        ("on_delay", "off_delay", "cooldown", "cancel", "escalate_after", "escalate_every", "repeat", "test"),
        st.integers(0, 3),
    )
    changes |= {"latch": st.integers(0, 1), "escalate_ratio_q16": st.sampled_from(RATIOS)}
    changes |= {"heartbeat": st.integers(0, 6), "stride": st.integers(1, 3)}
    changes |= {
        "clear_after": st.none() | st.integers(1, 6),
        "duty": DUTIES,
        "rest": st.sampled_from([None, 1, 1 << 15]),
    }
    changes |= {name: st.just(value) for name, value in fixed.items()}
    return st.builds(
        lambda m, spare, rest, **changes: tiny_plan(
            m=m, n=m + spare, heartbeat_rest_q16=rest if changes["heartbeat"] else None, **changes
        ),
        m=st.integers(1, 3),
        spare=st.integers(0, 2),
        **changes,
    )


PLANS = plans()
WORD = st.one_of(st.sampled_from(ROWS), st.sampled_from(ROWS), st.sampled_from(OTHERS + GAPS))
WORDS = st.lists(WORD, max_size=10) | st.lists(WORD, min_size=20, max_size=40)
ANY = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
RAISING = tiny_plan(
    latch=1, cancel=2, escalate_ratio_q16=1 << 16, escalate_after=3, escalate_every=2, repeat=2, heartbeat=3
)
LIFE = [
    "hit",
    "hit",
    "grown",
    "low",
    "top",
    "acknowledge",
    "fault",
    "top",
    "low",
    "hit",
    "low",
    "low",
    "acknowledge",
    "hit",
    "hit",
]


@pytest.fixture(params=["reference", "native"])
def engine(request):
    """Each engine by its name."""
    if request.param == "native" and (reason := why_missing()):
        pytest.skip(reason)
    return request.param


def without_restarts(results, of):
    """What tells the events of a restored pipeline from those of one that ran on: restarts, and the sequence."""
    kept = [result for result in results if not any(event.kind == Kind.RESTART for event in result.events)]
    return [replace(r, events=tuple(replace(e, sequence=of) for e in r.events)) for r in kept]


class Receiver:
    """Knows the alarm from its events only, and the stream from its results."""

    def __init__(self, plan):
        self.plan, self.state = plan, State.NORMAL
        self.silenced = self.out_of_service = False
        self.clock = 0  # hops
        self.peak = 0
        self.escalated_at = None
        self.open = False  # a raise without a clear, an escalation, a cancel or out of service since
        self.sequence = 0
        self.beat_at_q16, self.judged, self.highest = 0, 0, 0
        self.beats = 0

    def take(self, word, results):
        """Take what one input gave."""
        name, _, argument = word.partition(" ")
        self.clock += 1 if name in ROWS else int(argument) if name == "gap" else 0
        for result in results:
            assert result.judged or (result.score == 0 and len(result.events) == 1)
            assert not (result.void and result.events), "a void tick leads to nothing"
            if result.judged and not result.void:
                self.judged += 1
                self.highest = max(self.highest, result.score)
                if self.state in (State.PREALARM, State.UNACK_ALARM, State.ACK_ALARM):
                    self.peak = max(self.peak, result.score)
            for event in result.events:
                self.hear(event, result)

    def hear(self, event, result):
        """Take one event."""
        assert Event.from_bytes(bytes(event)) == event
        assert event.sequence == self.sequence % 65536
        assert event.hop == result.hop and event.plan_tag == self.plan.tag and event.level_tag == 0
        self.sequence += 1
        begins = self.state == State.NORMAL and event.state != State.NORMAL
        if begins or (event.raised and self.state == State.RTN_UNACK):
            assert event.kind == Kind.ANOMALY and result.judged
            self.peak = result.score
        if event.raised:
            assert not self.open, "two raises and nothing between"
            self.open = True
        elif event.kind in (Kind.ANOMALY, Kind.RESTART) or event.input in (Input.CANCEL, Input.OUT_OF_SERVICE):
            self.open = False
        self.check_score(event)
        if event.escalated:
            assert event.state in (State.UNACK_ALARM, State.RTN_UNACK), "it takes an acknowledged alarm back"
            apart = None if self.escalated_at is None else self.clock - self.escalated_at
            assert apart is None or apart >= self.plan.alarm.escalate_every
            self.escalated_at = self.clock
        if event.kind == Kind.HEARTBEAT:
            self.check_heartbeat(event)
        if self.state != event.state:
            assert event.kind == Kind.ANOMALY or event.input in (Input.ACKNOWLEDGE, Input.CANCEL, Input.OUT_OF_SERVICE)
        if self.state == State.RTN_UNACK and event.state == State.NORMAL:
            assert event.input in (Input.ACKNOWLEDGE, Input.OUT_OF_SERVICE), "latched until acknowledged"
        self.state, self.silenced, self.out_of_service = event.state, event.silenced, event.out_of_service

    def check_score(self, event):
        """Events of an alarm that stands carry its highest score."""
        if event.kind in (Kind.ANOMALY, Kind.REPEAT, Kind.OPERATOR):
            stood = self.state != State.NORMAL or event.state != State.NORMAL
            assert event.score_log2_q8 == score_log2_q8(self.peak if stood else 0)
        elif event.kind != Kind.HEARTBEAT:
            assert event.score_log2_q8 == 0

    def check_heartbeat(self, event):
        """A heartbeat is in time, and says the share of ticks that were judged of those due in its whole periods."""
        periods = ((self.clock << 16) - self.beat_at_q16) // self.period_q16
        assert periods >= 1
        hops = periods * self.period_q16 >> 16
        due = max(1, hops * self.plan.due_q31 >> 31)
        assert event.judged_share == min(SHARE_ONE, self.judged * SHARE_ONE // due) / SHARE_ONE
        assert event.score_log2_q8 == score_log2_q8(self.highest)
        self.beat_at_q16 += periods * self.period_q16
        self.judged = self.highest = 0

    @property
    def period_q16(self):
        """From one heartbeat to the next, in parts of a hop."""
        return self.plan.alarm.heartbeat << 16 | (self.plan.alarm.heartbeat_rest_q16 or 0)

    def sounds(self, signals):
        """What the buzzer does agrees with what the events have told."""
        alarms = self.state in (State.UNACK_ALARM, State.RTN_UNACK)
        assert bool(signals & Annunciation.SOUND) == (alarms and not self.silenced)
        assert bool(signals & Annunciation.LIGHT) == (self.state != State.NORMAL)
        assert bool(signals & Annunciation.SILENCED) == self.silenced
        assert bool(signals & Annunciation.OUT_OF_SERVICE) == self.out_of_service

    def check_signals(self, signals):
        """The buzzer agrees with the events, and no heartbeat is overdue."""
        self.sounds(signals)
        waits_q16 = (self.clock << 16) - self.beat_at_q16
        assert self.period_q16 == 0 or waits_q16 < self.period_q16, "a heartbeat is overdue"


@ANY
@example(RAISING, LIFE)
@given(PLANS, WORDS)
def test_the_events_tell_the_whole_life_of_an_alarm(engine, plan, words):
    receiver = Receiver(plan)
    with Pipeline(plan, engine) as pipeline:
        receiver.take("nothing", give(pipeline, "nothing"))
        for word in words:
            receiver.take(word, give(pipeline, word))
            receiver.check_signals(pipeline.annunciation)


@ANY
@given(PLANS, WORDS)
def test_a_technical_fault_never_reads_as_normal(engine, plan, words):
    clipped, low = False, False
    with Pipeline(plan, engine) as pipeline:
        for word in words:
            results = give(pipeline, word)
            clipped = word == "fault" if word in ROWS else clipped
            low = word == "supply low" if word.startswith("supply") else low
            byte = clipped << Condition.CLIPPED.bit | low << Condition.SUPPLY.bit
            assert pipeline.health == byte
            assert bool(pipeline.annunciation & Annunciation.FAULT) == (byte > 0)
            assert all(event.health == byte for event in events_of(results) if event.kind != Kind.RESTART)
            assert all(result.void == (word == "fault") for result in results if result.judged)


@ANY
@given(PLANS, WORDS, st.integers(1, 4))
def test_a_silence_expires(engine, plan, words, ticks):
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, words)
        pipeline.silence(ticks)
        for _ in range(ticks * plan.context.stride):
            assume(pipeline.annunciation & Annunciation.SILENCED)  # an escalation may have ended it
            results = give(pipeline, "middle")
        assert not pipeline.annunciation & Annunciation.SILENCED
        told = [event for event in events_of(results) if not event.silenced]
        assert any(event.input == Input.SILENCE_OVER or event.escalated for event in told)


@ANY
@given(plans(latch=1), WORDS, st.lists(WORD.filter(lambda word: word not in ("acknowledge", "out")), max_size=20))
def test_latched_stays_until_it_is_acknowledged(engine, plan, words, others):
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, [*words, "in", *["top"] * 4])
        assume(pipeline.test()[-1].events[0].latched)  # it may be acknowledged
        assert all(event.latched for event in events_of(give_all(pipeline, others)))
        assert pipeline.annunciation & Annunciation.LIGHT
        last = events_of(pipeline.acknowledge())[-1]
        assert last.input == Input.ACKNOWLEDGE and not last.latched


def cut(engine, plan, words, parts):
    """Results of the words, where rows in a row are given as blocks of these lengths."""
    found, block, lengths = [], [], iter(parts)
    with Pipeline(plan, engine) as pipeline:
        length = next(lengths, 1)
        for word in [*words, "nothing"]:
            if word in ROWS:
                block.append(row(word))
            if block and (word not in ROWS or len(block) >= length):
                found += pipeline.process(np.array(block, np.int16))
                block, length = [], next(lengths, 1)
            if word not in ROWS:
                found += give(pipeline, word)
        return found, pipeline.annunciation, pipeline.health


@ANY
@given(PLANS, WORDS, st.lists(st.integers(1, 30), max_size=10))
def test_results_are_equal_however_blocks_are_cut_between_inputs(engine, plan, words, parts):
    assert cut(engine, plan, words, parts) == cut(engine, plan, words, [])


@settings(ANY, max_examples=400)
@given(PLANS, WORDS, st.lists(st.integers(1, 30), max_size=10))
def test_python_and_c_give_the_same(native, plan, words, parts):
    assert cut("native", plan, words, parts) == cut("reference", plan, words, [])


@pytest.mark.parametrize("plan", [RAISING, tiny_plan(cooldown=3, escalate_after=2, latch=1, heartbeat=5)])
def test_counters_wrap_past_2_to_the_32_hops(engine, plan):
    """Half of all hops are lost three times, in each state; what follows is what follows a long gap anyway."""
    far = "gap 2147483647"
    for words in (["low"], ["hit"], ["hit", "hit", "low"], ["hit", "hit", "acknowledge"], ["hit", "silence 3"]):
        receiver, results = Receiver(plan), []
        with Pipeline(plan, engine) as pipeline:
            receiver.take("nothing", give(pipeline, "nothing"))
            for word in [*words, far, far, far, *LIFE]:
                got = give(pipeline, word)
                receiver.take(word, got)
                receiver.check_signals(pipeline.annunciation)
                results += got
        rows = sum(word in ROWS for word in [*words, *LIFE])
        assert receiver.clock == rows + 3 * (2**31 - 1) > 2**32
        assert [result.hop for result in results if result.judged][-1] == (receiver.clock - 1) % 2**32


@pytest.mark.parametrize("word", ["gap 3", "acknowledge", "missing 250", "low"])
def test_the_restart_leaves_before_all_else_at_hop_0(engine, word):
    with Pipeline(tiny_plan(), engine) as pipeline:
        first = events_of(give(pipeline, word))[0]
    assert (first.kind, first.hop, first.sequence) == (Kind.RESTART, 0, 0)


def test_the_longest_silence_ends_in_a_gap(engine):
    with Pipeline(tiny_plan(stride=3), engine) as pipeline:
        give_all(pipeline, ["hit", f"silence {2**31 - 1}", "gap 2147483647", "gap 2147483647"])
        assert pipeline.annunciation & Annunciation.SILENCED
        assert events_of(give(pipeline, "gap 1"))[0].input == Input.SILENCE_OVER


def test_the_sequence_wraps_past_65536_events(engine):
    with Pipeline(tiny_plan(), engine) as pipeline:
        events = events_of(give_all(pipeline, ["nothing", "hit", *["test"] * 65_540]))
    assert [event.sequence for event in events] == [i % 65536 for i in range(65_542)]


@pytest.mark.parametrize(("word", "score"), [(word, SCORES[word]) for word in ("grown", "top")])
def test_an_alarm_that_grows_by_less_than_the_ratio_does_not_escalate(engine, word, score):
    """The ratio must be exceeded, by whole scores in 64 bits."""
    exact = score * (1 << 16) // SCORES["hit"]
    for ratio, escalates in ((exact, False), (exact - 1, True)):
        with Pipeline(tiny_plan(escalate_ratio_q16=ratio), engine) as pipeline:
            events = events_of(give_all(pipeline, ["hit", word]))
        assert events[-1].escalated == escalates


# Going on from a record


def told(plan, engine, words, restores):
    """Results of words, where before those numbered in ``restores`` the pipeline goes on from its own record.

    In the other case there is a declared pause of no sample instead: only time that samples began is lost.
    """
    found = []
    with Pipeline(plan, engine) as pipeline:
        for number, word in enumerate([*words, "nothing"]):
            if number in restores:
                found += give(pipeline, "restore")
            found += give(pipeline, word)
        return without_restarts(found, 0), pipeline.annunciation


@ANY
@given(plans(stride=1), WORDS, st.sets(st.integers(0, 40), max_size=4))
def test_a_restored_pipeline_goes_on_as_if_nothing_had_happened(engine, plan, words, restores):
    """In a plan whose hop is a sample and whose context is a frame nothing is lost with the samples."""
    assume("gap" not in " ".join(words) or plan.duty is None)  # behind a restore a pause is a gap until a tick came
    words = [word for word in words if word != "fault"]  # a block that a restore divides is decided anew
    assert told(plan, engine, words, restores) == told(plan, engine, words, ())


@ANY
@given(plans(), WORDS)
def test_a_second_save_is_equal_but_for_the_sequence(engine, plan, words):
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, words)
        once = Record.from_bytes(pipeline.state())
        results = pipeline.restore(bytes(once))
        again = Record.from_bytes(pipeline.state())
    assert events_of(results)[0].sequence == (once.sequence + 1024) % 65536
    assert again.sequence == (once.sequence + 1024 + len(events_of(results))) % 65536
    assert replace(again, sequence=once.sequence) == once


@ANY
@given(plans(), WORDS, st.binary(max_size=200), st.integers(0, 135), st.integers(1, 255))
def test_a_refused_record_leaves_a_fresh_pipeline(engine, plan, words, noise, at, flip):
    fresh = Pipeline(plan, engine)
    with Pipeline(plan, engine) as pipeline, fresh:
        give_all(pipeline, words)
        torn = bytearray(pipeline.state())
        torn[at] ^= flip
        for bad in (bytes(torn), bytes(torn)[:at], noise):
            with pytest.raises(InputError, match=r"^Pipeline.restore: record: .*; the pipeline begins anew$"):
                pipeline.restore(bad)
        (restart,) = events_of(give(pipeline, "nothing"))
        assert (restart.restart, restart.sequence, restart.hop) == (Restart.REFUSED, 0, 0)
        give(fresh, "nothing")
        assert give_all(pipeline, LIFE) == give_all(fresh, LIFE)


@ANY
@given(plans(), plans(), WORDS, WORDS)
def test_events_tell_the_alarm_over_a_restore_under_another_life_cycle(engine, plan, other, words, others):
    """Plans of one score_id: the receiver's state is the restart's, and from then on the events tell all."""
    other = replace(other, timing=plan.timing, duty=plan.duty, context=plan.context, levels=plan.levels)
    with Pipeline(plan, engine) as pipeline:
        give_all(pipeline, words)
        record = pipeline.state()
    with Pipeline(other, engine) as pipeline:
        results = pipeline.restore(record)
        receiver = Receiver(other)
        first = events_of(results)[0]
        assert first.restart == Restart.RESTORED
        assert not (first.latched or first.state == State.RTN_UNACK) or other.alarm.latch == 1
        for left in chain([results], (give(pipeline, word) for word in others)):
            for event in events_of(left):
                receiver.state, receiver.silenced = event.state, event.silenced
                receiver.out_of_service = event.out_of_service
            receiver.sounds(pipeline.annunciation)
