"""Every reachable state of tiny supervised plans and every input in it: what must hold in each, and Python == C."""

from itertools import pairwise
from typing import NamedTuple

import pytest

from anomsdk.core.alarm import Annunciation
from anomsdk.core.event import Condition, Event, Input, Kind, State, score_log2_q8
from anomsdk.core.plan import Plan
from anomsdk.runtime.native_module import why_missing
from tests.support.alarm_states import PLANS, NativeMachine, PythonMachine, Step, explored
from tests.support.tiny_plans import SCORES, tiny_plan

NORMAL, PREALARM, UNACK, ACK, RTN = (
    State.NORMAL,
    State.PREALARM,
    State.UNACK_ALARM,
    State.ACK_ALARM,
    State.RTN_UNACK,
)
BEGINS = {(NORMAL, PREALARM), (NORMAL, UNACK), (PREALARM, UNACK), (RTN, UNACK)}
ENDS = {(UNACK, NORMAL), (UNACK, RTN), (ACK, NORMAL)}
ESCALATES = {(UNACK, UNACK), (ACK, UNACK), (RTN, RTN)}
OPERATED = {
    Input.ACKNOWLEDGE: {(UNACK, ACK), (RTN, NORMAL)},
    Input.CANCEL: {(PREALARM, NORMAL)},
    Input.OUT_OF_SERVICE: {(state, NORMAL) for state in (NORMAL, PREALARM, UNACK, ACK, RTN)},
}
"""State before an event and state in it, for each kind that changes it; all other events leave it as it is."""


def changes_of(event: Event) -> set[tuple[State, State]]:
    if event.kind == Kind.ANOMALY:
        return ESCALATES if event.escalated else BEGINS | ENDS
    if event.input in OPERATED:
        return OPERATED[event.input]
    if event.kind == Kind.REPEAT:
        return {(UNACK, UNACK), (ACK, ACK)}
    return {(event.state, event.state)}


class Checks(NamedTuple):
    """What must hold of one input in one state of a plan."""

    plan: Plan
    step: Step

    def all(self) -> None:
        self.states_change_by_events_only()
        self.sequence_numbers_follow_each_other()
        self.annunciation_is_that_of_the_state()
        self.faults_never_read_as_normal()
        self.out_of_service_raises_nothing()
        self.highest_scores_are_reported()
        self.silences_expire()
        self.escalations_keep_their_distance()
        self.alarms_clear_in_time()
        self.a_declared_pause_and_a_restore_forget_nothing()

    @property
    def is_row(self) -> bool:
        return self.step.word in SCORES or self.step.word == "fault"

    def states_change_by_events_only(self) -> None:
        """A receiver that takes the state from events knows it at all times; a reset is told by the next restart."""
        state = self.step.before.state
        for event in self.step.given.events:
            assert (state, event.state) in changes_of(event)
            state = event.state
        assert state == self.step.after.state or self.step.word == "reset"

    def sequence_numbers_follow_each_other(self) -> None:
        events = self.step.given.events
        assert all((a.sequence + 1) % 65536 == b.sequence for a, b in pairwise(events))

    def annunciation_is_that_of_the_state(self) -> None:
        after, signals = self.step.after, self.step.given.annunciation
        heard = not after.silenced
        assert bool(signals & Annunciation.SOUND) == (heard and after.state in (UNACK, RTN))
        assert bool(signals & Annunciation.PREALARM) == (heard and after.state == PREALARM)
        assert bool(signals & Annunciation.LIGHT) == (after.state != NORMAL)
        assert bool(signals & Annunciation.SILENCED) == after.silenced
        assert bool(signals & Annunciation.OUT_OF_SERVICE) == after.out_of_service
        assert not signals & Annunciation.ESCALATED or after.state in (UNACK, RTN)
        for event in self.step.given.events:
            assert event.latched == (self.plan.alarm.latch == 1 and event.state in (UNACK, RTN))
        if self.step.given.events:
            last = self.step.given.events[-1]
            assert (last.silenced, last.out_of_service) == (after.silenced, after.out_of_service)

    def faults_never_read_as_normal(self) -> None:
        given, fault = self.step.given, 1 << Condition.CLIPPED.bit
        warm_up = self.plan.health.warm_up and 1 << Condition.WARM_UP.bit  # else its bit is that of the self-test
        faulty = given.health & ~warm_up != 0
        assert bool(given.annunciation & Annunciation.FAULT) == faulty
        if given.events and self.step.word != "reset":
            assert given.events[-1].health == given.health
        if self.step.word == "fault":
            assert given.health & fault
            assert all(event.health & fault for event in given.events if event.kind != Kind.RESTART)
            assert not any(event.state == NORMAL and event.kind == Kind.ANOMALY for event in given.events)
            assert self.step.before.state != NORMAL or self.step.after.state == NORMAL, "a void tick raises nothing"
        elif self.is_row:
            assert not given.health & fault
        if self.is_row and given.health & self.plan.health.void_mask:
            assert self.step.after.votes == self.step.before.votes, "votes and delays stand"

    def out_of_service_raises_nothing(self) -> None:
        if self.step.after.out_of_service:
            assert self.step.after.state == NORMAL
            assert not any(event.kind == Kind.ANOMALY for event in self.step.given.events)

    def highest_scores_are_reported(self) -> None:
        """What ends an alarm, or takes it over, carries its highest score."""
        before = self.step.before
        highest = max(before.peak, SCORES.get(self.step.word, 0))
        for event in self.step.given.events:
            ends = event.kind == Kind.ANOMALY and (event.escalated or event.state in (NORMAL, RTN))
            closes = event.input in OPERATED and before.state != NORMAL
            if before.state != NORMAL and (ends or closes):
                late = event.escalated and event.score_log2_q8 == score_log2_q8(before.peak)
                assert event.score_log2_q8 == score_log2_q8(highest) or late

    def silences_expire(self) -> None:
        before, after = self.step.before, self.step.after
        assert after.silenced == (after.silence > 0) or not after.silenced
        if self.is_row and before.silenced:
            assert not after.silenced or after.silence == before.silence - 1

    def escalations_keep_their_distance(self) -> None:
        escalations = [event for event in self.step.given.events if event.escalated]
        if escalations:
            hops = {"gap 3": 3}.get(self.step.word, 1)
            assert len(escalations) == 1 or self.plan.alarm.escalate_every == 0
            assert self.step.before.hold <= hops
            assert self.step.after.hold == self.plan.alarm.escalate_every

    def alarms_clear_in_time(self) -> None:
        """No alarm stands at a judged tick once as much calm as `clear_after` has passed, and none ends in a pause."""
        after, is_tick = self.plan.timing.clear_after, self.is_row and self.plan.context.stride == 1
        if after is not None and is_tick and not self.step.given.health & self.plan.health.void_mask:
            assert self.step.after.state not in (UNACK, ACK) or self.step.after.calm < after
        if self.step.word.startswith("gap") or self.step.word == "restore":
            assert not any(event.kind == Kind.ANOMALY and event.state in (NORMAL, RTN) for event in self.cleared)

    @property
    def cleared(self) -> list[Event]:
        """Events of an alarm that clears; an escalation of one that is latched is none."""
        return [event for event in self.step.given.events if not event.escalated]

    def a_declared_pause_and_a_restore_forget_nothing(self) -> None:
        before, after = self.step.before, self.step.after
        hits, in_row, in_alarm, cooldown = before.votes
        pauses = self.step.word == "gap 3" and after.votes[:3] == before.votes[:3]
        if self.step.word == "restore":
            assert after == before
            assert self.step.given.events[0].kind == Kind.RESTART
        elif self.step.word.startswith("gap") and not pauses:
            assert after.votes[:3] == (0, 0, in_alarm), "a gap forgets hits and what was in a row"
            assert after.calm == before.calm, "lost time is no calm"
        elif self.step.word == "gap 3" and self.plan.duty is None:
            assert (hits, in_row) == (0, 0), "without a duty there is no pause"
        if self.step.word.startswith("gap") and not self.step.given.health:
            passed = int(self.step.word[4:]) // self.plan.context.stride
            assert after.votes[3] == max(0, cooldown - passed)


STATES = {
    "no section but test": 1041,
    "latch": 307,
    "cancel": 232,
    "latch, cancel, late": 304,
    "ratio, at most every 2": 375,
    "ratio of 1, latch, late": 230,
    "votes, delays, cooldown": 401,
    "votes, cancel, cooldown": 201,
    "heartbeat": 77,
    "two rows a tick": 501,
    "repeat": 604,
    "warm-up, missing": 613,
    "self-test": 29,
    "clear by time": 49,
    "duty": 273,
    "duty, cancel, late, heartbeat": 1711,
    "duty, two rows a tick, repeat": 691,
    "restore": 905,
    "all": 1051,
}
"""Name of a plan -> states that it can reach; each is given every input. A change of the life cycle shows here."""


@pytest.mark.parametrize("name", PLANS)
def test_every_input_in_every_state(name):
    """Checks each step in Python, and in C where it was built; a failure says how to get there."""
    changes, words = PLANS[name]
    plan, steps = tiny_plan(**changes), 0
    twin = None if why_missing() else NativeMachine(plan)
    for step, other in explored(PythonMachine(plan), words, twin):
        steps += 1
        try:
            Checks(plan, step).all()
            assert other is None or other == step.given
        except AssertionError as error:
            raise AssertionError(f"after {', '.join(step.path())}: {step.given}, C: {other}") from error
    assert steps == STATES[name] * len(words)


def test_c_was_there(native):
    """Skips, with the reason, where the states were visited in Python only."""
