"""The alarm's life: one row of the table a test."""

import pytest

from anomsdk.core.alert import Alert
from anomsdk.core.event import State, score_log2_q8
from anomsdk.core.rung import LevelPlan, TimingPlan, levels
from anomsdk.errors import InputError

RAISE, LOW, HIGH = 1000, 100, 4000


def make(m=1, n=1, on_delay=0, off_delay=0, cooldown=0, high=4.0):
    timing = TimingPlan(m, n, on_delay, off_delay, cooldown, round(0.8 * 65536), round(high * 65536))
    timing.check()
    level = levels(RAISE, timing)
    level.check(timing)
    return Alert(timing, level, 0xBEEF)


def run(alert, scores):
    """States after each tick, and the events as (tick, state, high)."""
    states, events = [], []
    for tick, score in enumerate(scores):
        for event in alert.step(score, tick):
            events.append((tick, event.state, event.high))
        states.append(alert.state)
    return states, events


def test_score_at_raise_raises_and_below_clear_clears():
    _, events = run(make(), [999, 1000, 800, 799])
    assert events == [(1, State.UNACK_ALARM, False), (3, State.NORMAL, False)]


def test_hysteresis_scores_between_clear_and_raise_change_nothing():
    assert run(make(), [900, 900, 1000, 900, 900])[1] == [(2, State.UNACK_ALARM, False)]
    assert run(make(), [900] * 5)[1] == []


def test_m_of_n_counts_hits_in_the_last_n_ticks():
    assert run(make(m=3, n=5), [1000, 0, 1000, 0, 1000])[1] == [(4, State.UNACK_ALARM, False)]
    assert run(make(m=3, n=5), [1000, 0, 1000, 0, 0, 1000, 0, 0])[1] == []


def test_on_delay_needs_the_votes_for_that_many_more_ticks_in_a_row():
    states, events = run(make(on_delay=2), [1000, 1000, 0, 1000, 1000, 1000])
    assert events == [(5, State.UNACK_ALARM, False)]
    assert states[:3] == [State.PENDING, State.PENDING, State.NORMAL]


def test_off_delay_needs_quiet_for_that_many_more_ticks_in_a_row():
    _, events = run(make(off_delay=2), [1000, 0, 0, 900, 0, 0, 0])
    assert events == [(0, State.UNACK_ALARM, False), (6, State.NORMAL, False)]


def test_cooldown_holds_back_that_many_ticks_from_clear():
    _, events = run(make(cooldown=3), [1000, 0, 1000, 1000, 1000, 1000])
    assert events == [(0, State.UNACK_ALARM, False), (1, State.NORMAL, False), (5, State.UNACK_ALARM, False)]


def test_a_clear_forgets_the_hits_so_old_ones_raise_nothing():
    _, events = run(make(m=1, n=5), [1000, 0, 0, 0, 0, 0, 0])
    assert events == [(0, State.UNACK_ALARM, False), (1, State.NORMAL, False)]


def test_on_delay_runs_on_during_the_cooldown():
    _, events = run(make(on_delay=2, cooldown=3), [1000] * 3 + [0] + [1000] * 4)
    assert events[-1] == (7, State.UNACK_ALARM, False)


def test_high_level_raises_at_once_even_in_a_cooldown():
    assert run(make(m=3, n=5, on_delay=9), [HIGH])[1] == [(0, State.UNACK_ALARM, True)]
    _, events = run(make(cooldown=9), [1000, 0, 1000, HIGH])
    assert events[-1] == (3, State.UNACK_ALARM, True)
    assert run(make(m=3, n=5), [HIGH - 1])[1] == []


def test_high_level_off():
    assert run(make(m=3, n=5, high=0), [2**32 - 1])[1] == []


def test_events_count_and_carry_the_tick():
    alert = make()
    (first,) = alert.step(1000, 7)
    (second,) = alert.step(0, 8)
    assert (first.sequence, first.hop, second.sequence, second.hop) == (0, 7, 1, 8)
    assert first.score_log2_q8 == score_log2_q8(1000) == 2551
    assert first.plan_tag == 0xBEEF


def test_sequence_wraps():
    alert = make()
    events = [e for tick in range(2**17 + 2) for e in alert.step(1000 if tick % 2 == 0 else 0, tick)]
    assert [e.sequence for e in events[65535:65538]] == [65535, 0, 1]


def test_gap_forgets_what_was_counted_in_a_row_but_not_the_alarm():
    alert = make(m=2, n=3, off_delay=2)
    run(alert, [1000])
    alert.gap(0)
    assert run(alert, [1000])[1] == []
    assert run(alert, [1000, 0, 0])[1] == [(0, State.UNACK_ALARM, False)]
    alert.gap(100)
    assert run(alert, [0, 0, 0])[1] == [(2, State.NORMAL, False)]


def test_gap_lets_the_cooldown_run_on():
    alert = make(cooldown=10)
    run(alert, [1000, 0])
    alert.gap(4)
    assert run(alert, [1000] * 7)[1] == [(6, State.UNACK_ALARM, False)]


def test_reset_forgets_everything():
    alert = make(cooldown=5)
    run(alert, [1000, 0])
    alert.reset()
    (event,) = alert.step(1000, 0)
    assert event.sequence == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"m": 0}, "m of n"),
        ({"m": 4}, "m of n"),
        ({"n": 17}, "m of n"),
        ({"on_delay": -1}, "on_delay"),
        ({"cooldown": 2**31}, "cooldown"),
        ({"clear_ratio_q16": 65537}, "clear_ratio_q16"),
        ({"clear_ratio_q16": 0}, "clear_ratio_q16"),
        ({"high_ratio_q16": 65536}, "high_ratio_q16"),
    ],
)
def test_timing_that_cannot_be_is_refused(change, words):
    good = {"m": 3, "n": 3, "on_delay": 0, "off_delay": 0, "cooldown": 0, "clear_ratio_q16": 1, "high_ratio_q16": 0}
    with pytest.raises(InputError, match=words):
        TimingPlan(**{**good, **change}).check()


def test_levels_follow_from_raise():
    timing = TimingPlan(1, 1, 0, 0, 0, 52429, 4 << 16)
    assert vars(levels(1000, timing)) == {"raise_score": 1000, "clear_score": 800, "high_score": 4000}
    assert levels(2**32 - 1, timing).high_score == 2**32 - 1
    assert levels(1, timing).clear_score == 1
    with pytest.raises(InputError, match="do not follow"):
        LevelPlan(1000, 900, 4000).check(timing)
