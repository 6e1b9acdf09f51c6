"""Step of one device with one event: the reference that `anomsdk.receive.rounds` equals for many devices at once."""

from __future__ import annotations

from anomsdk.core.event import VERSION_2, Input, Kind, Restart, State
from anomsdk.receive.news import MARKED, News
from anomsdk.receive.rows import (
    ALLOWED,
    BITS_OF,
    DOUBTFUL,
    FARTHEST,
    HAS_LEVEL,
    HAS_SHARE,
    HEARD,
    JUMPED,
    NAN,
    SELF_TEST,
    WARM_UP,
    WHOLE_HOP,
    WHOLE_TAG,
    WINDOW,
    WITHOUT_EVENT,
    Fate,
    Row,
)

_ALLOWED, _BITS = ALLOWED.tolist(), bytes(BITS_OF)
_WINDOW_BITS = (1 << WINDOW) - 1


def fate_of(row: Row, news: News, entry: int) -> Fate:
    """Find the place of an event in the numbers of its device.

    Parameters
    ----------
    row : state of the device
    news : the event
    entry : what `rows.CHECKS` describes, as it stands at the number of the event
    """
    n = news.number
    if not row.known & HEARD:
        return Fate.FIRST
    ahead, back = (n - row.last) & 0xFFFF, (row.last - n) & 0xFFFF
    ahead_before, back_before = (n - row.last_before) & 0xFFFF, (row.last_before - n) & 0xFFFF
    in_run, in_before = back < row.reach, back_before < row.reach_before
    seen = in_run and row.window >> back & 1
    seen_before = in_before and row.window_before >> back_before & 1
    differs = entry >> 16 == n and entry & 0xFFFF != news.check
    if news.kind == Kind.RESTART:
        if seen:
            return Fate.REPEATED if back == 0 and not differs else Fate.RESTART
        if back < WINDOW and row.run & (WITHOUT_EVENT | JUMPED):
            return Fate.LATE if in_run else Fate.EARLIER
        if news.code_1 != Restart.RESTORED or not (in_run or in_before):  # one that is not restored starts at 0
            return Fate.RESTART
        if in_run:
            return Fate.LATE
        if seen_before:
            return Fate.REPEATED if entry == n << 16 | news.check else Fate.RESTART
        return Fate.LATE_BEFORE
    near = 1 <= ahead <= WINDOW
    near_before = row.reach_before > 0 and 1 <= ahead_before <= WINDOW
    if near and not (near_before and ahead_before < ahead):
        return Fate.AHEAD
    if in_run or in_before:
        if not (seen if in_run else seen_before):
            return Fate.LATE if in_run else Fate.LATE_BEFORE
        return Fate.CONFLICT if differs else Fate.REPEATED
    if near_before:
        return Fate.BACK
    if back < WINDOW:
        return Fate.EARLIER
    return Fate.JUMP if ahead <= FARTHEST else Fate.RESTART


def follow(row: Row, news: News, at_s: float, entry: int) -> tuple[Fate, int]:
    """Take one event of a device.

    Parameters
    ----------
    row : state of the device, changed in place
    news : the event
    at_s : time of its arrival in seconds
    entry : see `fate_of`

    Returns
    -------
    fate : Fate
    lost : numbers that were lost between the news before and this one; 0 for an old event
    """
    fate = fate_of(row, news, entry)
    lost_before = row.lost
    row.events += 1
    row.clock_backwards += at_s < row.last_s
    if fate == Fate.REPEATED:
        row.repeated += 1
        return fate, 0
    if fate < Fate.FIRST:
        row.late += 1
        _take_back(row, news, fate)
        row.lost = max(row.lost, 0)
        return fate, 0
    _count_on(row, news, fate, at_s if not at_s < row.last_s else row.last_s)
    lost = max(row.lost - lost_before, 0)
    _tell(row, news, fate)
    return fate, lost


def _take_back(row: Row, news: News, fate: Fate) -> None:
    """Account for an event that is older than the last one and was not seen before."""
    n = news.number
    if fate == Fate.LATE_BEFORE:
        row.window_before |= 1 << ((row.last_before - n) & 0xFFFF)
        row.lost -= 1
        return
    back = (row.last - n) & 0xFFFF
    if fate == Fate.LATE:
        row.lost -= 1
    else:
        row.lost += back - row.reach
        row.reach = back + 1
    row.window |= 1 << back
    if news.kind == Kind.RESTART:
        if row.run & JUMPED:  # no number between the run before and the restart was ever sent
            row.lost -= ((n - row.last_before) & 0xFFFF) - 1
        row.restarts += not row.run & WITHOUT_EVENT
        row.run &= ~(WITHOUT_EVENT | JUMPED)


def _count_on(row: Row, news: News, fate: Fate, at_s: float) -> None:
    """Move the runs on to the number of an event that is news."""
    n, restart = news.number, news.kind == Kind.RESTART
    run = (row.last, row.window, row.reach)
    in_before = (row.last_before - n) & 0xFFFF < row.reach_before
    if fate == Fate.AHEAD:
        ahead = (n - row.last) & 0xFFFF
        row.lost += ahead - 1
        row.window = (row.window << ahead | 1) & _WINDOW_BITS
        row.reach, row.age = min(WINDOW, row.reach + ahead), min(WINDOW, row.age + ahead)
        row.run &= ~DOUBTFUL
        if row.age == WINDOW:
            row.reach_before = row.run = 0
    elif fate == Fate.BACK:
        ahead = (n - row.last_before) & 0xFFFF
        row.lost += ahead - 1
        if row.run & JUMPED:  # the numbers between the two runs were never sent
            row.lost = max(row.lost - (((row.last - row.age - row.last_before) & 0xFFFF) - 1), 0)
        row.window = (row.window_before << ahead | 1) & _WINDOW_BITS
        row.reach = min(WINDOW, row.reach_before + ahead)
        undone = row.run & DOUBTFUL > 0  # the restart was a repeated event of the run that goes on
        row.restarts -= undone
        row.repeated += undone
        row.conflicts += not undone
        row.conflict_s = row.conflict_s if undone else at_s
        row.last_before, row.window_before, row.reach_before = run
        row.reach_before *= not undone
        row.run = row.age = 0
    else:
        row.last_before, row.window_before, row.reach_before = run
        row.window, row.age, row.run = 1, 0, 0
        row.reach = 1
        if fate == Fate.JUMP:
            row.lost += ((n - row.last) & 0xFFFF) - 1
            row.reach, row.run = WINDOW, JUMPED
        elif fate == Fate.CONFLICT:
            row.conflicts += 1
            row.conflict_s = at_s
            row.run = WITHOUT_EVENT
        elif fate == Fate.FIRST:
            row.restarts += restart
        else:
            back = (run[0] - n) & 0xFFFF
            seen = back < run[2] and run[1] >> back & 1
            row.restarts += 1
            row.run = (DOUBTFUL if seen or in_before else 0) if restart else WITHOUT_EVENT
    row.last, row.last_s = n, at_s


def _tell(row: Row, news: News, fate: Fate) -> None:
    """Take what an event that is news tells of the alarm, of health, and of time; `Row.last_s` is its time."""
    restart = news.kind == Kind.RESTART
    unknown = fate in (Fate.FIRST, Fate.BACK, Fate.RESTART, Fate.CONFLICT)
    row.known |= HEARD
    row.layout = news.layout
    # Hop and plan tag
    if not news.compact:
        row.hop, row.tag = news.hop, news.tag
        row.known |= WHOLE_HOP | WHOLE_TAG
    else:
        if row.known & WHOLE_HOP and not unknown:
            row.hop = (row.hop + ((news.hop - row.hop) & 0xFFFFFF)) & 0xFFFFFFFF
        else:
            row.hop = news.hop
            row.known &= ~WHOLE_HOP
        if not (row.known & WHOLE_TAG and row.tag & 255 == news.tag):
            row.tag = news.tag
            row.known &= ~WHOLE_TAG
    # Level tag
    if news.layout == VERSION_2 and not news.compact:
        row.level = news.level
        row.known |= HAS_LEVEL
    elif unknown or news.kind == Kind.LEVEL or news.layout != VERSION_2:
        row.known &= ~HAS_LEVEL
    # Conditions
    conditions = 0 if unknown and not (restart and news.code_1 == Restart.RESTORED) else row.conditions
    if news.kind == Kind.TECHNICAL:
        bit = 1 << news.code_1
        conditions = conditions | bit if news.code_2 == 1 else conditions & ~bit
    if restart and not conditions & SELF_TEST:  # a warm-up has begun, which no technical event tells
        conditions |= WARM_UP
    row.conditions = conditions & _ALLOWED[news.health]
    row.health = news.health
    bits = _BITS[row.conditions & ~WARM_UP] | row.health & ~_BITS[row.conditions]
    if bits == 0:
        row.fault_since_s = NAN
    elif row.fault_since_s != row.fault_since_s:
        row.fault_since_s = row.last_s
    # Heartbeat and test
    if news.kind == Kind.HEARTBEAT:
        row.share = news.code_1 | news.code_2 << 8
        row.known |= HAS_SHARE
    if news.kind == Kind.OPERATOR and news.code_1 == Input.TEST:
        row.tested_s = row.last_s
    _tell_alarm(row, news)


def _tell_alarm(row: Row, news: News) -> None:
    """Take what an event that is news tells of the alarm."""
    old, state = row.state, news.state
    marked, anomaly = news.flags & MARKED > 0, news.kind == Kind.ANOMALY
    stands = state >= State.UNACK_ALARM
    prealarm = anomaly and not marked and state == State.PREALARM
    raised = prealarm or (anomaly and not marked and state == State.UNACK_ALARM)
    begins = stands and (
        old < State.UNACK_ALARM or prealarm or (raised and old in (State.UNACK_ALARM, State.ACK_ALARM))
    )
    reasons = (news.code_1, news.code_2, news.code_3) if anomaly else (0, 0, 0)
    if begins:
        row.since_s = row.last_s
        row.raised = row.highest = row.escalated = row.reason_1 = row.reason_2 = row.reason_3 = 0
    if not stands:
        row.since_s = NAN
        row.raised = row.highest = row.escalated = row.reason_1 = row.reason_2 = row.reason_3 = 0
    else:
        if raised and (begins or old == State.RTN_UNACK):
            row.raised = news.score
        if reasons[0] and (raised or row.reason_1 == 0):
            row.reason_1, row.reason_2, row.reason_3 = reasons
        if news.kind in (Kind.ANOMALY, Kind.OPERATOR, Kind.REPEAT):
            row.highest = max(row.highest, news.score)
        row.escalated = int((row.escalated or (anomaly and marked)) and state != State.ACK_ALARM)
    row.state, row.flags = state, news.flags
