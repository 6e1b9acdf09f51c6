"""Receiver: what stands, what is silent and what was lost, from events of many devices over a lossy radio."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from anomsdk import Annunciation, Condition, Event, Input, InputError, Kind, Pipeline, Receiver, State
from anomsdk.core.event import Promise, Restart
from anomsdk.receive import rounds
from anomsdk.receive.news import decoded, news_of
from anomsdk.receive.reports import Counts, Taken
from anomsdk.receive.rows import BYTES_PER_DEVICE
from anomsdk.receive.summary import COUNTED
from benchmarks import receiver as bench
from tests.support.radio import Simulated, over_the_radio
from tests.support.tiny_plans import events_of, give, tiny_plan


def event(number: int, kind: Kind = Kind.HEARTBEAT, state: State = State.NORMAL, **fields: object) -> Event:
    """An event of layout 2; heartbeats differ by their hop, which goes with the number."""
    base = Event(kind, state, False, number & 0xFFFF, 10 * number & 0xFFFFFFFF, 512, 0, (0, 0), 0xABCD, layout=2)
    return replace(base, **fields)


def restart(number: int, beginning: Restart = Restart.ANEW, **fields: object) -> Event:
    return event(number, Kind.RESTART, reasons=(int(beginning), 0), **fields)


def first_layout(number: int, state: State = State.UNACK_ALARM, **fields: object) -> Event:
    return event(number, Kind.ANOMALY, state, layout=1, reasons=(0x44, 0x13, 0), **fields)


def technical(number: int, condition: Condition, active: bool, health: int) -> Event:
    return event(number, Kind.TECHNICAL, reasons=(int(condition), int(active)), health=health)


def taken(*events: Event, receiver: Receiver | None = None) -> tuple[Receiver, list[Taken]]:
    """A receiver that took events of device "a", a second apart."""
    receiver = Receiver() if receiver is None else receiver
    return receiver, [receiver.take("a", each, float(at)) for at, each in enumerate(events)]


def counts(receiver: Receiver, **expected: int) -> None:
    """Hold counts of device "a" that are named; those that are not must be 0, events apart."""
    found = receiver.device("a").counts
    assert {name: getattr(found, name) for name in COUNTED if name != "events"} == {
        name: expected.get(name, 0) for name in COUNTED if name != "events"
    }


# Numbers


def test_numbers_in_order_lose_nothing_also_where_they_wrap():
    receiver, found = taken(*map(event, range(65500, 65700)))
    assert all(each.new and each.lost == 0 for each in found)
    counts(receiver)
    assert receiver.device("a").number == 65699 & 0xFFFF and receiver.totals().events == 200


def test_lost_numbers_are_counted_and_taken_back_when_they_come_late():
    receiver, found = taken(event(65530), event(4))
    assert found[1].lost == 9
    counts(receiver, lost=9)
    assert receiver.take("a", event(65533), 2.0).late
    counts(receiver, lost=8, late=1)
    assert receiver.take("a", event(65533), 3.0).repeated
    counts(receiver, lost=8, late=1, repeated=1)


def test_an_event_before_the_first_one_extends_what_is_known():
    receiver, found = taken(event(10), event(7), event(8))
    assert found[1].late and found[2].late
    counts(receiver, late=2, lost=1)


@pytest.mark.parametrize("back", [1, 62, 63])
def test_the_window_holds_64_numbers(back):
    receiver, found = taken(event(1000 - back), *(event(n) for n in range(1001 - back, 1001)), event(1000 - back))
    assert found[-1].repeated
    counts(receiver, repeated=1)


def test_a_number_behind_the_window_is_a_restart_whose_event_was_lost():
    """In layout 1, which has no restart event, and in layout 2."""
    for make in (event, first_layout):
        receiver, found = taken(*map(make, range(100, 200)), *map(make, range(3, 6)))
        assert found[100].restart and found[100].new and found[100].lost == 0 and not found[101].restart
        counts(receiver, restarts=1)


@pytest.mark.parametrize("ahead", [65, 32767])
def test_a_jump_ahead_is_a_loss(ahead):
    receiver, found = taken(event(5), event(5 + ahead), event(6 + ahead))
    assert found[1].lost == ahead - 1
    counts(receiver, lost=ahead - 1)
    receiver, found = taken(event(5), event(5 + 32768))
    assert found[1].restart


def test_both_forms_of_an_event_are_one_event():
    for each in (event(3), technical(3, Condition.CLIPPED, True, 2), first_layout(3), event(3, hop=0xFFFFFFFF)):
        receiver, found = taken(each, each.compacted(), each)
        assert [one.repeated for one in found] == [False, True, True]
        counts(receiver, repeated=2)


# Restarts


def test_a_restored_device_goes_on_1024_numbers_further_and_has_lost_nothing():
    receiver, found = taken(event(20), event(21), restart(1045, Restart.RESTORED), event(1046), event(1048))
    assert found[2].restart and found[2].lost == 0 and found[4].lost == 1
    counts(receiver, restarts=1, lost=1)


@pytest.mark.parametrize("beginning", [Restart.ANEW, Restart.REFUSED])
@pytest.mark.parametrize("last", [5, 63, 64, 500, 40000, 65535])
def test_a_device_that_begins_anew_starts_at_0(last, beginning):
    receiver, found = taken(*map(event, range(last - 5, last + 1)), restart(0, beginning), event(1), event(2))
    assert [each.restart for each in found[6:]] == [True, False, False]
    assert all(each.new and each.lost == 0 for each in found[6:])
    counts(receiver, restarts=1)


def test_a_device_that_restarts_again_and_again_is_never_taken_for_repeated_events():
    life = [restart(0), event(1, Kind.ANOMALY, State.UNACK_ALARM), event(2)]
    receiver, found = taken(*life, *life, *life)
    assert all(each.new for each in found)
    counts(receiver, restarts=3)


def test_a_restart_event_that_comes_twice_in_a_row_is_one():
    receiver, _ = taken(event(500), restart(0), restart(0).compacted(), event(1))
    counts(receiver, restarts=1, repeated=1)


def test_a_restart_event_that_comes_again_much_later_is_undone_by_the_next_event():
    receiver, _ = taken(restart(0), *map(event, range(1, 20)), restart(0), event(20), event(21))
    counts(receiver, restarts=1, repeated=1)
    assert receiver.conflicts() == []


def test_a_restart_event_behind_its_followers_is_one_restart():
    receiver, found = taken(event(500), event(1), restart(0), event(2))
    assert found[1].restart and found[2].late and not found[2].restart
    counts(receiver, restarts=1, late=1)


def test_a_restart_event_behind_its_followers_takes_the_jump_back():
    receiver, found = taken(event(500), event(1526), restart(1524, Restart.RESTORED), event(1527))
    assert found[1].lost == 1025 and found[2].late and found[2].restart
    counts(receiver, restarts=1, late=1, lost=1)


def test_events_of_the_run_before_a_restart_may_come_late_or_again():
    receiver, found = taken(event(499), event(502), restart(0), event(500), event(502), event(1), event(500))
    assert [each.new for each in found] == [True, True, True, False, False, True, False]
    counts(receiver, restarts=1, late=1, repeated=2, lost=1)


def test_a_restart_whose_event_was_lost_is_seen_within_the_window_by_its_other_bytes():
    """Otherwise up to 64 events, alarms among them, would pass for repeated ones."""
    life = [event(n, hop=n) for n in range(4, 9)]
    receiver, found = taken(*map(event, range(30)), event(3, Kind.ANOMALY, State.UNACK_ALARM, hop=3), *life)
    assert all(each.new for each in found) and found[30].conflict
    assert len(receiver.standing()) == 0 and receiver.device("a").number == 8
    counts(receiver, conflicts=1)


# Two devices with one id


@pytest.mark.parametrize("other", [3, 900, 20000, 40000, 65000])
def test_two_devices_that_share_an_id_are_listed(other):
    pairs = [each for n in range(30) for each in (event(1000 + n), event(other + n, hop=n))]
    receiver, found = taken(*pairs)
    assert sum(each.conflict for each in found) >= 57
    (conflict,) = receiver.conflicts()
    assert conflict.device == "a" and conflict.conflicts >= 57 and conflict.last_s == 59.0
    assert receiver.device("a").counts.lost == 0 and all(each.new for each in found)


def test_one_number_with_two_contents_is_a_conflict():
    receiver, found = taken(event(7), event(7, hop=3), event(8), event(8, hop=4))
    assert [each.conflict for each in found] == [False, True, False, True] and found[1].new
    counts(receiver, conflicts=2)


# What stands


def test_what_stands_is_sorted_by_urgency():
    receiver = Receiver()
    alarm = event(1, Kind.ANOMALY, State.UNACK_ALARM, reasons=(0x44, 0x13), score_log2_q8=2560, latched=True)
    for at, name in enumerate(("late", "early", "acknowledged", "grown", "normal", "returned", "cancelled")):
        receiver.take(name, alarm, 100.0 - at)
    receiver.take("acknowledged", event(2, Kind.OPERATOR, State.ACK_ALARM, reasons=(1, 0), silenced=True), 200.0)
    receiver.take("grown", event(2, Kind.ANOMALY, State.UNACK_ALARM, marked=True, score_log2_q8=2816), 200.0)
    receiver.take("normal", event(2, Kind.ANOMALY), 200.0)
    receiver.take("returned", event(2, Kind.ANOMALY, State.RTN_UNACK), 200.0)
    receiver.take("cancelled", event(2, Kind.OPERATOR, reasons=(int(Input.CANCEL), 0)), 200.0)
    found = receiver.standing(now_s=150.0)
    assert [each.device for each in found] == ["grown", "returned", "early", "late", "acknowledged"]
    grown, returned, _, late, acknowledged = found
    assert grown.escalated and grown.highest_log2 == 11 and grown.raised_log2 == 10 and grown.since_s == 97
    assert grown.reasons == ("loudness high", "posture changed") and grown.age_s == 53
    assert late.latched and late.unacknowledged and returned.state == State.RTN_UNACK and returned.unacknowledged
    assert acknowledged.silenced and not acknowledged.unacknowledged and acknowledged.state == State.ACK_ALARM
    assert receiver.standing(now_s=3.0)[0].age_s == 0, "ages are never negative"
    assert receiver.standing()[0].age_s is None


def test_an_alarm_whose_raise_was_lost_stands_by_any_later_event():
    receiver, _ = taken(event(1), event(3, Kind.HEARTBEAT, State.UNACK_ALARM))
    (alarm,) = receiver.standing()
    assert alarm.since_s == 1 and alarm.raised_log2 is None and alarm.reasons == ()


def test_an_alarm_whose_clear_was_lost_is_another_one_when_it_is_raised_again():
    alarm = {"kind": Kind.ANOMALY, "state": State.UNACK_ALARM, "reasons": (0x44, 0)}
    receiver, _ = taken(event(1, **alarm, score_log2_q8=4000), event(3, **alarm))
    (found,) = receiver.standing()
    assert found.since_s == 1 and found.highest_log2 == 2


def test_an_escalation_is_over_when_the_alarm_is_acknowledged():
    grown = event(1, Kind.ANOMALY, State.UNACK_ALARM, marked=True)
    receiver, _ = taken(grown, event(2, Kind.REPEAT, State.UNACK_ALARM))
    assert receiver.standing()[0].escalated
    receiver.take("a", event(3, Kind.OPERATOR, State.ACK_ALARM, reasons=(int(Input.ACKNOWLEDGE), 0)), 3.0)
    assert not receiver.standing()[0].escalated


def test_an_alarm_that_comes_again_unacknowledged_is_the_same_alarm_with_another_score():
    alarm = event(1, Kind.ANOMALY, State.UNACK_ALARM, reasons=(0x44, 0), score_log2_q8=2560)
    again = replace(alarm, sequence=3, reasons=(0x13, 0), score_log2_q8=2304)
    receiver, _ = taken(alarm, event(2, Kind.ANOMALY, State.RTN_UNACK, score_log2_q8=2816), again)
    (found,) = receiver.standing()
    assert (found.since_s, found.raised_log2, found.highest_log2) == (0, 9, 11)
    assert found.reasons == ("posture changed",) and found.state == State.UNACK_ALARM


def test_a_prealarm_becomes_an_alarm_that_keeps_its_begin_and_reasons():
    prealarm = event(1, Kind.ANOMALY, State.PREALARM, reasons=(0x44, 0))
    receiver, _ = taken(prealarm, event(2, Kind.ANOMALY, State.UNACK_ALARM))
    (alarm,) = receiver.standing()
    assert alarm.state == State.UNACK_ALARM and alarm.since_s == 0 and alarm.reasons == ("loudness high",)


def test_late_and_repeated_events_change_nothing_that_stands():
    receiver, _ = taken(event(1), event(3))
    before = replace(receiver.device("a"), counts=Counts())
    receiver.take("a", event(2, Kind.ANOMALY, State.UNACK_ALARM, health=255), 9.0)
    receiver.take("a", event(3), 9.0)
    assert replace(receiver.device("a"), counts=Counts()) == before
    counts(receiver, late=1, repeated=1)


# Technical conditions, service, tests


def test_technical_conditions_and_the_health_byte():
    receiver, _ = taken(
        technical(1, Condition.STUCK, True, 1),
        technical(2, Condition.CLIPPED, True, 3),
        event(4, health=0b10000011),
    )
    (found,) = receiver.technical()
    assert found.conditions == (Condition.STUCK, Condition.CLIPPED) and found.others == ((Condition.SUPPLY,),)
    assert found.since_s == 0 and found.health == 0b10000011
    assert found.words == ("stuck", "clipped", "supply")
    receiver.take("a", event(6, health=2), 7.0)  # the events that cleared two of them were lost
    assert receiver.technical()[0].conditions == (Condition.CLIPPED,) and receiver.technical()[0].others == ()
    receiver.take("a", technical(7, Condition.CLIPPED, False, 0), 8.0)
    assert receiver.technical() == [] and receiver.standing() == []


def test_two_conditions_of_one_bit_are_told_apart():
    receiver, _ = taken(
        technical(1, Condition.GAP, True, 16),
        technical(2, Condition.RATE, True, 16),
        technical(3, Condition.GAP, False, 16),
    )
    assert receiver.technical()[0].conditions == (Condition.RATE,)


def test_a_device_that_only_warms_up_is_not_at_fault():
    receiver, _ = taken(restart(0, health=64))
    assert receiver.technical() == []
    receiver.take("a", event(1, health=66), 1.0)
    assert receiver.technical()[0].others == ((Condition.CLIPPED,),) and receiver.technical()[0].since_s == 1
    assert receiver.technical()[0].conditions == (Condition.WARM_UP,)
    receiver.take("a", technical(2, Condition.WARM_UP, False, 0), 2.0)
    assert receiver.technical() == []


def test_a_device_that_learns_may_also_have_failed_its_test():
    """After the warm-up, the bit that stays is a profile that is learnt, or a failed self-test whose event was lost."""
    receiver, _ = taken(restart(0, health=64), technical(1, Condition.WARM_UP, False, 64))
    assert receiver.technical()[0].words == ("warm-up or learning or self-test failed",)
    receiver.take("a", technical(2, Condition.SELF_TEST, True, 64), 2.0)
    assert receiver.technical()[0].words == ("self-test failed",)
    receiver.take("a", event(3, health=0), 3.0)
    assert receiver.technical() == []


def test_a_restart_forgets_conditions_unless_they_were_restored():
    on = technical(1, Condition.STUCK, True, 1)
    assert taken(on, restart(1025, Restart.RESTORED, health=1))[0].technical()[0].conditions == (Condition.STUCK,)
    for begun in (restart(0, Restart.ANEW, health=1), restart(0, Restart.REFUSED, health=1)):
        assert taken(on, begun)[0].technical()[0].conditions == ()


def test_devices_out_of_service_and_in_test_are_told_apart():
    receiver, _ = taken(event(1, Kind.OPERATOR, reasons=(int(Input.OUT_OF_SERVICE), 0), out_of_service=True))
    assert receiver.out_of_service() == ["a"] and receiver.device("a").out_of_service
    receiver.take("a", event(2, Kind.OPERATOR, reasons=(int(Input.TEST), 0), marked=True), 8.0)
    assert receiver.out_of_service() == [] and receiver.device("a").tested_s == 8 and receiver.standing() == []


def test_hop_and_plan_tag_of_compact_events():
    receiver, _ = taken(event(1, hop=0x01FFFFFE), event(2, hop=0x02000003).compacted())
    found = receiver.device("a")
    assert found.hop == 0x02000003 and found.whole_hop and found.plan_tag == 0xABCD and found.whole_tag
    receiver.take("a", event(3, hop=0x02000004, plan_tag=0x1234).compacted(), 3.0)
    found = receiver.device("a")
    assert found.plan_tag == 0x34 and not found.whole_tag and found.whole_hop
    receiver.take("a", event(4, hop=0x02000005, plan_tag=0x1234), 4.0)
    assert receiver.device("a").plan_tag == 0x1234 and receiver.device("a").whole_tag
    receiver.take("a", restart(0, hop=0).compacted(), 5.0)
    assert receiver.device("a").hop == 0 and not receiver.device("a").whole_hop


def test_the_judged_share_of_the_last_heartbeat():
    receiver, _ = taken(event(1))
    assert receiver.device("a").judged_share == 0
    receiver.take("a", event(2, reasons=(255, 255)), 1.0)
    receiver.take("a", event(3, Kind.REPEAT, State.UNACK_ALARM), 1.0)
    assert receiver.device("a").judged_share == 1


def news_of_level(number: int, level: int, **fields: object) -> Event:
    return event(number, Kind.LEVEL, reasons=(int(Promise.CERTIFIED), 0), level_tag=level, **fields)


def test_the_level_of_a_device_is_that_of_its_last_whole_event():
    """A compact event tells no level: what was told before it holds, unless the level may have changed since."""
    receiver, _ = taken(event(1).compacted())
    assert receiver.device("a").level_tag is None
    for number, each, level in (
        (2, event(2), 0),
        (3, news_of_level(3, 7), 7),
        (4, event(4).compacted(), 7),
        (5, news_of_level(5, 6).compacted(), None),
        (6, event(6).compacted(), None),
        (7, event(7, level_tag=6), 6),
        (8, event(8, Kind.ANOMALY, State.UNACK_ALARM, level_tag=24), 24),
        (9, restart(0).compacted(), None),
    ):
        receiver.take("a", each, float(number))
        assert receiver.device("a").level_tag == level, number


def test_a_device_of_layout_1_has_no_level():
    receiver, _ = taken(news_of_level(1, 7), first_layout(2))
    assert receiver.device("a").level_tag is None


def test_news_of_a_level_leave_the_alarm_alone():
    receiver, _ = taken(event(1, Kind.ANOMALY, State.UNACK_ALARM, score_log2_q8=1024, reasons=(0x44, 0)))
    receiver.take("a", news_of_level(2, 3, state=State.UNACK_ALARM, score_log2_q8=4000), 5.0)
    (standing,) = receiver.standing()
    assert (standing.raised_log2, standing.highest_log2, standing.reasons) == (4.0, 4.0, ("loudness high",))


# Silence and time


def test_silent_devices_and_those_that_never_spoke():
    receiver = Receiver(heartbeat_s=100, late_after=2)
    receiver.expect(["never", "a"])
    receiver.expect(["later", "never"], at_s=50.0)
    receiver.indices(["known, not expected"])
    receiver.take("a", event(1), 100.0)
    receiver.take("b", event(1), 90.0)
    assert [(s.device, s.never) for s in receiver.silent(290.0)] == [("never", True), ("later", True)]
    found = receiver.silent(300.5)
    assert [(s.device, s.since_s, s.age_s) for s in found] == [
        ("never", None, None),
        ("later", 50.0, 250.5),
        ("b", 90.0, 210.5),
        ("a", 100.0, 200.5),
    ]
    receiver.take("a", event(1), 310.0)  # a repeated event is no sign of life
    assert "a" in {s.device for s in receiver.silent(320.0)}
    assert [s.device for s in Receiver().silent(1e9)] == []


def test_a_clock_that_goes_back_is_counted_and_ages_stay_positive():
    receiver = Receiver(heartbeat_s=10)
    receiver.take("a", event(1), 1000.0)
    receiver.take("a", event(2, Kind.ANOMALY, State.UNACK_ALARM), 400.0)
    found = receiver.device("a")
    assert found.last_s == 1000 and found.counts.clock_backwards == 1 and receiver.totals().clock_backwards == 1
    assert receiver.standing(now_s=500.0)[0].age_s == 0 and receiver.standing()[0].since_s == 1000
    assert receiver.silent(500.0) == []


# Input that is refused


def state_of(receiver: Receiver) -> tuple[object, ...]:
    return (
        receiver.totals(),
        len(receiver),
        repr(receiver._heard.tolist()),
        receiver._checks[: len(receiver)].tobytes(),
        tuple(receiver._names),
    )


GOOD = np.frombuffer(bytes(event(2)) * 3, np.uint8).reshape(3, 16)
WRONG: list[tuple[Callable[[Receiver], object], str]] = [
    (lambda r: r.take("a", b"\x21", 1.0), "event: 1 bytes, not 16 or 11"),
    (lambda r: r.take("a", bytes(16), 1.0), "event: version 0"),
    (lambda r: r.take("a", "21" * 16, 1.0), "event: str, neither bytes nor Event"),
    (lambda r: r.take("a", event(2, score_log2_q8=-1), 1.0), "event: a field is out of the range"),
    (lambda r: r.take("a", event(2), float("nan")), "the time nan is not a finite number"),
    (lambda r: r.take("a", event(2), float("inf")), "the time inf is not"),
    (lambda r: r.take("a", event(2), None), "the time None is not"),
    (lambda r: r.take("a", event(2), 10**400), "is not a finite number"),
    (lambda r: r.take("", event(2), 1.0), "the id of a device is '', not text of 1 to 64"),
    (lambda r: r.take("x" * 65, event(2), 1.0), "the id of a device is"),
    (lambda r: r.take(7, event(2), 1.0), "the id of a device is '7'"),
    (lambda r: r.take("b", event(2), 1.0), "2 devices, more than `max_devices=1`"),
    (lambda r: r.expect(["a", ""]), "the id of a device"),
    (lambda r: r.expect(["b"]), "more than `max_devices=1`"),
    (lambda r: r.expect(["a"], at_s=float("nan")), "the time nan"),
    (lambda r: r.expect("a"), "`devices` is str; give a list of ids"),
    (lambda r: r.expect(None), "`devices` is NoneType; give a list of ids"),
    (lambda r: r.indices("a"), "`devices` is str"),
    (lambda r: r.indices(b"a"), "`devices` is bytes"),
    (lambda r: r.take_many("aaa", GOOD, 1.0), "`devices` is str"),
    (lambda r: r.take_many(None, GOOD, 1.0), "`devices` is NoneType"),
    (lambda r: r.take_many(["a"], None, 1.0), "`events` is NoneType"),
    (lambda r: r.take_many(["a"] * 16, bytes(event(2)), 1.0), "`events` is bytes"),
    (lambda r: r.take_many(["a"] * 3, "abc", 1.0), "`events` is str"),
    (lambda r: r.silent(float("nan")), "the time nan"),
    (lambda r: r.standing(float("inf")), "the time inf"),
    (lambda r: r.device("b"), "Receiver.device: b is unknown"),
    (lambda r: r.take_many(["a"], GOOD, 1.0), "1 devices and 3 events"),
    (lambda r: r.take_many(["a"] * 3, GOOD.astype(np.int16), 1.0), "`events` is int16"),
    (lambda r: r.take_many(["a"] * 3, GOOD[:, :12], 1.0), "must be uint8 (n, 16) or (n, 11)"),
    (lambda r: r.take_many(["a"] * 3, GOOD, np.zeros(2)), "`at_s` has shape (2,), must be (3,)"),
    (lambda r: r.take_many(["a"] * 3, GOOD, "now"), "`at_s` is not a number"),
    (lambda r: r.take_many(["a"] * 3, GOOD, np.array([0, 1, np.nan])), "row 2: Receiver: the time nan"),
    (lambda r: r.take_many(["a", "a", ""], GOOD, 1.0), "row 2: Receiver: the id of a device is ''"),
    (lambda r: r.take_many(["a", "a", "b"], GOOD, 1.0), "more than `max_devices=1`"),
    (lambda r: r.take_many(np.array([0, 0, 1]), GOOD, 1.0), "row 2: device number 1 is not one that `indices` gave"),
    (lambda r: r.take_many(np.array([0, -1, 0]), GOOD, 1.0), "row 1: device number -1"),
    (lambda r: r.take_many(np.zeros((3, 1), int), GOOD, 1.0), "`devices` has shape (3, 1)"),
    (lambda r: r.take_many(["a"] * 3, np.where(np.arange(3)[:, None] == 1, 0, GOOD).astype(np.uint8), 1.0), "row 1: event: version 0"),
    (lambda r: r.take_many(["a"] * 2, [bytes(event(2)), b"123"], 1.0), "row 1: event: 3 bytes"),
    (lambda r: r.take_many(["a"] * 2, [bytes(event(2)), "x"], 1.0), "row 1: event: str, not bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "says"), WRONG)
def test_what_is_refused_changes_nothing(call, says):
    receiver, _ = taken(event(1), receiver=Receiver(max_devices=1))
    before = state_of(receiver)
    with pytest.raises(InputError) as error:
        call(receiver)
    assert says in str(error.value) and "\n" not in str(error.value)
    assert state_of(receiver) == before


@pytest.mark.parametrize(
    "wrong",
    [
        {"heartbeat_s": 0},
        {"heartbeat_s": float("nan")},
        {"heartbeat_s": "3600"},
        {"heartbeat_s": True},
        {"heartbeat_s": 10**400},
        {"late_after": -1.0},
        {"late_after": None},
        {"max_devices": 0},
        {"max_devices": 2**31},
        {"max_devices": 1.5},
        {"max_devices": True},
    ],
)
def test_parameters_out_of_range(wrong):
    with pytest.raises(InputError, match=f"`{next(iter(wrong))}`"):
        Receiver(**wrong)


def test_bad_rows_are_left_out_and_counted():
    """The state is that of a loop that goes on behind each error."""
    events = [bytes(event(1)), b"", bytes(16), bytes(event(2).compacted()), bytes(event(3)), bytes(event(4))]
    devices, times = ["a", "only bad", "b", "b", "x" * 65, "c"], np.array([1, 1, 1, 2, 3, np.inf])
    many, loop = Receiver(), Receiver()
    assert many.take_many(devices, events, times, skip_bad=True) == Counts(events=2, bad=4)
    for device, each, at in zip(devices, events, times, strict=True):
        try:
            loop.take(device, each, float(at))
        except InputError:
            continue
    assert state_of(many)[1:] == state_of(loop)[1:] and many.totals().bad == 4
    data = np.frombuffer(b"".join([bytes(event(5)), bytes(16)]), np.uint8).reshape(2, 16)
    assert many.take_many(np.array([1, 1]), data, 5.0, skip_bad=True).bad == 1
    assert many.take_many(np.array([9, 1]), data[:1].repeat(2, 0), 5.0, skip_bad=True).bad == 1
    assert many.take_many([], [], 5.0) == Counts()


def test_a_receiver_in_use_by_another_thread_refuses_the_call():
    receiver, _ = taken(event(1))
    with receiver._used("test"):
        found = []

        def use():
            for call in (lambda: receiver.take("a", event(2), 1.0), receiver.standing, receiver.totals):
                try:
                    call()
                except InputError as error:
                    found.append(str(error))

        thread = threading.Thread(target=use)
        thread.start()
        thread.join()
    assert len(found) == 3 and all("in use by another thread" in each for each in found)
    assert receiver.take("a", event(2), 1.0).new


# Many at once equal one by one


def test_every_event_is_decoded_and_refused_alike_by_both_ways():
    rng = np.random.default_rng(0)
    for length in (16, 11):
        data = rng.integers(0, 256, (6000, length)).astype(np.uint8)
        data[:, 0] = rng.choice([0x11, *range(0x21, 0x27)], len(data))
        data[:1500, 0] = rng.integers(0, 256, 1500)
        data[:4000, 11 if length == 16 else 9] &= 15
        news, good = decoded(data)
        for row, fields, is_good in zip(data, news.tolist(), good.tolist(), strict=True):
            if is_good:
                assert tuple(news_of(row.tobytes())) == fields
            else:
                with pytest.raises(InputError):
                    Event.from_bytes(row.tobytes())
        assert 1500 < good.sum() < 5500


def stream(rng: np.random.Generator, devices: int, events: int) -> list[tuple[str, bytes]]:
    """Events of devices of all kinds over a radio, in the order of their arrival."""
    queues = []
    for _ in range(devices):
        device = Simulated(
            rng,
            layout=int(rng.integers(1, 3)),
            number=int(rng.choice([0, 5, 65500])),
            restarts=float(rng.choice([0, 0.02, 0.2])),
        )
        said = [device.say() for _ in range(events)]
        if rng.random() < 0.2:
            other = Simulated(rng, number=int(rng.choice([1, 10, 20000, 60000])))
            said = [each for pair in zip(said, [other.say() for _ in said], strict=True) for each in pair]
        queues.append(over_the_radio(said, rng, lost=float(rng.choice([0.05, 0.9], p=[0.9, 0.1]))))
    turns = rng.permutation(np.repeat(np.arange(devices), [len(queue) for queue in queues]))
    waiting = [iter(queue) for queue in queues]
    return [(f"device {turn}", next(waiting[turn])) for turn in turns]


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    devices=st.integers(1, 70),
    events=st.integers(1, 60),
    longest=st.integers(1, 3000),
    fewest=st.sampled_from([1, 3, 48]),
)
def test_many_at_once_give_the_state_of_one_by_one(seed, devices, events, longest, fewest):
    rng = np.random.default_rng(seed)
    arrived = stream(rng, devices, events)
    at_s = np.cumsum(rng.normal(1, 3, len(arrived)))
    loop, many = Receiver(heartbeat_s=10), Receiver(heartbeat_s=10)
    taken = [loop.take(device, each, float(at)) for (device, each), at in zip(arrived, at_s, strict=True)]
    batches = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "FEWEST", fewest)
        while len(arrived):
            n = int(rng.integers(1, longest + 1))
            batch, arrived = arrived[:n], arrived[n:]
            times, at_s = at_s[:n], at_s[n:]
            names, data = [device for device, _ in batch], [each for _, each in batch]
            batches.append(many.take_many(many.indices(names) if rng.integers(2) else names, data, times))
    for name in loop._heard.dtype.names:
        np.testing.assert_array_equal(loop._heard[name], many._heard[name], err_msg=name)
    assert state_of(loop) == state_of(many)
    assert loop.standing() == many.standing() and loop.technical() == many.technical()
    # Counts add up
    totals = loop.totals()
    assert totals.events == len(taken) == sum(each.new + each.repeated + each.late for each in taken)
    assert totals.late == sum(each.late for each in taken)
    for name in COUNTED:
        assert getattr(totals, name) == sum(getattr(batch, name) for batch in batches)
        assert getattr(totals, name) == sum(getattr(loop.device(d).counts, name) for d in loop._names) >= 0


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), number=st.sampled_from([0, 100, 65500]))
def test_what_was_lost_is_exact_while_a_device_does_not_restart(seed, number):
    rng = np.random.default_rng(seed)
    device = Simulated(rng, number=number, restarts=0)
    arrived = over_the_radio([device.say() for _ in range(300)], rng, lost=0.2, repeated=0.1, delayed=0.1)
    receiver = Receiver()
    for each in arrived:
        receiver.take("a", each, 1.0)
    distinct = {(Event.from_bytes(each).sequence - number) & 0xFFFF for each in arrived}
    found = receiver.device("a").counts
    assert found.lost == max(distinct) - min(distinct) + 1 - len(distinct)
    assert found.repeated == len(arrived) - len(distinct) and found.restarts == found.conflicts == 0


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), repeated=st.sampled_from([0, 0.3]))
def test_without_loss_what_stands_is_what_the_devices_say(seed, repeated):
    rng = np.random.default_rng(seed)
    devices = {f"device {i}": Simulated(rng, number=int(rng.integers(65536)), restarts=0.05) for i in range(8)}
    receiver, restarts = Receiver(), 0
    for at in range(400):
        name = f"device {int(rng.integers(8))}"
        said = devices[name].say()
        restarts += Event.from_bytes(said).kind == Kind.RESTART
        for _ in range(1 + (rng.random() < repeated)):
            receiver.take(name, said, float(at))
    standing = {alarm.device: alarm.state for alarm in receiver.standing()}
    assert standing == {name: each.state for name, each in devices.items() if each.state != State.NORMAL}
    technical = {each.device: set(each.conditions) for each in receiver.technical()}
    assert technical == {name: each.conditions for name, each in devices.items() if each.conditions}
    assert all(not each.others for each in receiver.technical())
    totals = receiver.totals()
    assert (totals.lost, totals.late, totals.conflicts, totals.restarts) == (0, 0, 0, restarts)


# Real pipelines


WORDS = (
    "low",
    "middle",
    "hit",
    "hit",
    "grown",
    "top",
    "fault",
    "acknowledge",
    "cancel",
    "out",
    "in",
    "test",
    "silence 2",
)


@pytest.mark.parametrize("seed", range(3))
def test_after_a_heartbeat_of_each_the_list_is_that_of_the_pipelines(seed):
    rng = np.random.default_rng(seed)
    plan = tiny_plan(latch=1, cancel=2, escalate_ratio_q16=2 << 16, repeat=4, off_delay=1, heartbeat=7)
    receiver, at_s = Receiver(heartbeat_s=7), 0.0
    pipelines = {f"pendant {i}": Pipeline(plan, "reference") for i in range(20)}
    for name, pipeline in pipelines.items():
        said = []
        for _ in range(60):
            said += events_of(give(pipeline, str(rng.choice(WORDS, p=[0.25, 0.1, *[0.65 / 11] * 11]))))
        sent = [bytes(each if rng.random() < 0.5 else each.compacted()) for each in said]
        for each in over_the_radio(sent, rng, lost=0.3, repeated=0.1, delayed=0.2, farthest=10):
            at_s += 1
            receiver.take(name, each, at_s)
        beat: list[Event] = []
        while not any(each.kind == Kind.HEARTBEAT for each in beat):
            beat = events_of(give(pipeline, "middle"))
        receiver.take_many([name] * len(beat), [bytes(each) for each in beat], at_s)
    alarms = {alarm.device: alarm for alarm in receiver.standing()}
    faults = {each.device: each for each in receiver.technical()}
    assert 3 <= len(alarms) < 20 and receiver.totals().lost > 100
    for name, pipeline in pipelines.items():
        now, alarm = pipeline.annunciation, alarms.get(name)
        assert (alarm is not None) == bool(now & Annunciation.LIGHT)
        assert (name in faults) == bool(now & Annunciation.FAULT) and (pipeline.health > 0) == (name in faults)
        assert (name in receiver.out_of_service()) == bool(now & Annunciation.OUT_OF_SERVICE)
        if alarm is not None:
            assert (alarm.unacknowledged and not alarm.silenced) == bool(now & Annunciation.SOUND)
            assert (alarm.state == State.PREALARM and not alarm.silenced) == bool(now & Annunciation.PREALARM)
            assert alarm.silenced == bool(now & Annunciation.SILENCED)
        pipeline.close()


# Memory


def test_a_device_costs_the_same_bytes_whatever_it_says():
    receiver = Receiver()
    data = np.frombuffer(b"".join(bytes(event(n)) for n in range(5000)), np.uint8).reshape(-1, 16)
    receiver.take_many(["a"] * len(data), data, 1.0)
    rows = receiver._rows.nbytes + receiver._checks.nbytes
    for at in range(3):
        receiver.take_many(["a"] * len(data), data, float(at))
    assert receiver._rows.nbytes + receiver._checks.nbytes == rows
    assert BYTES_PER_DEVICE <= 512


def test_the_benchmark_measures_what_it_says(monkeypatch, capsys):
    events = bench.arrivals(4000, 100)
    n = len(events.devices)
    assert 0.95 * 4000 < n < 4000
    receiver, seconds = bench.batches(events, bench.ids(100), 500)
    totals = receiver.totals()
    assert totals.events == n and seconds > 0 and min(totals.lost, totals.late, totals.repeated) > 20
    assert totals.restarts == totals.conflicts == 0
    monkeypatch.setattr(bench, "DEVICES", (50,))
    monkeypatch.setattr(bench, "BATCHES", (500,))
    shown = Console(width=200)
    monkeypatch.setattr(bench, "RATE", 1)
    assert bench.measure(shown, 2000, 400, turns=1)
    monkeypatch.setattr(bench, "RATE", 10**9)
    assert not bench.measure(shown, 2000, 400, turns=1)
    assert "MISSED" in capsys.readouterr().out


def test_memory_of_many_devices_is_bounded():
    assert 20_000 * BYTES_PER_DEVICE / 1e6 < bench.memory_mb(20_000, 20_000) < bench.MEMORY_MB / 2


@pytest.mark.parametrize("seed", range(2))
def test_power_cuts_lose_no_number_and_no_alarm(seed):
    """A pipeline goes on from its record at random places, or begins anew; the radio loses nothing."""
    rng = np.random.default_rng(seed)
    plan = tiny_plan(latch=1, escalate_ratio_q16=2 << 16, repeat=4, off_delay=1, heartbeat=7)
    receiver, restarts = Receiver(), 0
    for i in range(8):
        name, pipeline, record, said = f"pendant {i}", Pipeline(plan, "reference"), b"", []
        for _ in range(150):
            if rng.random() < 0.03:
                record, pipeline = pipeline.state(), Pipeline(plan, "reference")
                if rng.random() < 0.8:
                    said += events_of(pipeline.restore(record))
            said += events_of(give(pipeline, str(rng.choice(WORDS, p=[0.25, 0.1, *[0.65 / 11] * 11]))))
        said += events_of(give(pipeline, "middle"))
        restarts += sum(each.kind == Kind.RESTART for each in said)
        for at, each in enumerate(said):
            assert receiver.take(name, each, float(at)).new
        now = pipeline.annunciation
        assert (receiver.device(name).standing is not None) == bool(now & Annunciation.LIGHT)
        assert (receiver.device(name).technical is not None) == bool(now & Annunciation.FAULT)
        assert receiver.device(name).state == said[-1].state
    totals = receiver.totals()
    assert (totals.lost, totals.late, totals.conflicts, totals.restarts) == (0, 0, 0, restarts) and restarts > 12
