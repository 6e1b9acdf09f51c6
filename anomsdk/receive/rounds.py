"""Rounds: one event of each of many devices at a time, in numpy, equal to `anomsdk.receive.step` field by field."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.event import VERSION_2, Input, Kind, Restart, State
from anomsdk.receive.news import MARKED, Columns, News
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
    read_row,
    write_row,
)
from anomsdk.receive.step import follow

Ints: TypeAlias = NDArray[np.int64]
Checks: TypeAlias = NDArray[np.uint32]
Bools: TypeAlias = NDArray[np.bool_]
FEWEST = 160
"""Devices from which a round is faster than the loop."""
_ONE, _NONE = np.uint64(1), np.uint64(0)


def take_in_rounds(rows: Columns, checks: Checks, at: Ints, news: Columns, at_s: NDArray[np.float64]) -> None:
    """Take events in their order: first the first one of each device, then the second one, and so on.

    Parameters
    ----------
    rows : state of all devices, structured, changed in place
    checks : uint32 (devices, 64), changed in place
    at : int64 (n,), index of the device of each event
    news : structured (n,), see `anomsdk.receive.news.NEWS`
    at_s : float64 (n,), finite
    """
    order = np.argsort(at, kind="stable")
    devices, starts, counts = np.unique(at[order], return_index=True, return_counts=True)
    most_first = np.argsort(-counts, kind="stable")
    devices, starts, counts = devices[most_first], starts[most_first], counts[most_first]
    n_rounds = int(counts[FEWEST - 1]) if len(counts) >= FEWEST else 0
    for k in range(n_rounds):
        n = int(np.searchsorted(-counts, -k, side="left"))  # devices with more than k events
        events = order[starts[:n] + k]
        _round(rows, checks, devices[:n], news[events], at_s[events])
    for device, start, count in zip(devices.tolist(), starts.tolist(), counts.tolist(), strict=True):
        if count <= n_rounds:
            break
        events = order[start + n_rounds : start + count]
        take_in_a_loop(rows, checks, device, news[events], at_s[events])


def take_in_a_loop(rows: Columns, checks: Checks, device: int, news: Columns, at_s: NDArray[np.float64]) -> None:
    """Take events of one device in their order, one by one."""
    row, entries = read_row(rows, device), checks[device].tolist()
    for each, time in zip(map(News._make, news.tolist()), at_s.tolist(), strict=True):
        slot = each.number % WINDOW
        fate, _ = follow(row, each, time, entries[slot])
        if fate != Fate.REPEATED:
            entries[slot] = each.number << 16 | each.check
    checks[device] = entries
    write_row(rows, device, row)


def _round(rows: Columns, checks: Checks, at: Ints, news: Columns, at_s: NDArray[np.float64]) -> None:
    """Take one event of each of some devices."""
    row = rows[at]
    slots = news["number"] % WINDOW
    fate = _fates(row, news, checks[at, slots])
    row["events"] += 1
    row["clock_backwards"] += at_s < row["last_s"]
    fresh, repeated = fate >= Fate.FIRST, fate == Fate.REPEATED
    row["repeated"] += repeated
    old = np.flatnonzero(~fresh & ~repeated)
    if len(old):
        late = row[old]
        _take_back(late, news[old], fate[old])
        row[old] = late
    if fresh.all():
        _take_news(row, news, fate, at_s)
    elif fresh.any():
        which = np.flatnonzero(fresh)
        part = row[which]
        _take_news(part, news[which], fate[which], at_s[which])
        row[which] = part
    kept = ~repeated
    checks[at[kept], slots[kept]] = (news["number"].astype(np.uint32) << np.uint32(16) | news["check"])[kept]
    rows[at] = row


def _take_news(row: Columns, news: Columns, fate: Ints, at_s: NDArray[np.float64]) -> None:
    at_s = np.where(at_s < row["last_s"], row["last_s"], at_s)
    begins = np.flatnonzero(fate != Fate.AHEAD)
    if len(begins):
        begun = row[begins]
        _begin(begun, news[begins], fate[begins], at_s[begins])
        goes_on = np.flatnonzero(fate == Fate.AHEAD)
        part = row[goes_on]
        _go_on(part, news[goes_on])
        row[goes_on], row[begins] = part, begun
    else:
        _go_on(row, news)
    row["last"], row["last_s"] = news["number"], at_s
    _tell(row, news, fate)
    _tell_alarm(row, news)


def _distance(high: NDArray[Any], low: NDArray[Any]) -> Ints:
    """Return how far one number lies ahead of another one, 0 to 65535."""
    return (high.astype(np.int64) - low) & 0xFFFF


def _bit(window: NDArray[np.uint64], at: Ints) -> Bools:
    """Return the bit of a window at a distance; False from 64 on."""
    return (at < WINDOW) & ((window >> np.minimum(at, WINDOW - 1).astype(np.uint64) & _ONE) != 0)


def _shifted(window: NDArray[np.uint64], by: Ints) -> NDArray[np.uint64]:
    """Move a window on by 1 to 64 numbers, and mark the last one as received."""
    moved = window << np.minimum(by, WINDOW - 1).astype(np.uint64)
    return np.where(by < WINDOW, moved, _NONE) | _ONE


def _fates(row: Columns, news: Columns, entries: NDArray[np.uint32]) -> Ints:
    n, restart = news["number"].astype(np.int64), news["kind"] == Kind.RESTART
    ahead, back = _distance(n, row["last"]), _distance(row["last"], n)
    ahead_before, back_before = _distance(n, row["last_before"]), _distance(row["last_before"], n)
    in_run, in_before = back < row["reach"], back_before < row["reach_before"]
    seen, seen_before = in_run & _bit(row["window"], back), in_before & _bit(row["window_before"], back_before)
    differs = (entries >> np.uint32(16) == n) & ((entries & np.uint32(0xFFFF)) != news["check"])
    same = entries == news["number"].astype(np.uint32) << np.uint32(16) | news["check"]
    close = back < WINDOW
    without = (row["run"] & (WITHOUT_EVENT | JUMPED)) > 0
    late = np.where(in_run, Fate.LATE, Fate.EARLIER)
    of_restarts = np.select(
        [
            seen & (back == 0) & ~differs,
            seen,
            close & without,
            (news["code_1"] != Restart.RESTORED) | ~(in_run | in_before),
            in_run,
            seen_before & same,
            seen_before,
        ],
        [Fate.REPEATED, Fate.RESTART, late, Fate.RESTART, Fate.LATE, Fate.REPEATED, Fate.RESTART],
        Fate.LATE_BEFORE,
    )
    near = (ahead >= 1) & (ahead <= WINDOW)
    near_before = (row["reach_before"] > 0) & (ahead_before >= 1) & (ahead_before <= WINDOW)
    here = np.where(in_run, seen, seen_before)
    of_others = np.select(
        [
            near & ~(near_before & (ahead_before < ahead)),
            (in_run | in_before) & ~here,
            (in_run | in_before) & differs,
            in_run | in_before,
            near_before,
            close,
            ahead <= FARTHEST,
        ],
        [
            Fate.AHEAD,
            np.where(in_run, Fate.LATE, Fate.LATE_BEFORE),
            Fate.CONFLICT,
            Fate.REPEATED,
            Fate.BACK,
            Fate.EARLIER,
            Fate.JUMP,
        ],
        Fate.RESTART,
    )
    found = np.where(restart, of_restarts, of_others)
    return np.where(row["known"] & HEARD, found, Fate.FIRST)


def _take_back(row: Columns, news: Columns, fate: Ints) -> None:
    n = news["number"].astype(np.int64)
    row["late"] += 1
    before = fate == Fate.LATE_BEFORE
    earlier = fate == Fate.EARLIER
    back_before = np.where(before, _distance(row["last_before"], n), 0).astype(np.uint64)
    row["window_before"] |= np.where(before, _ONE << back_before, _NONE)
    back = np.where(before, 0, _distance(row["last"], n))
    row["lost"] += np.where(earlier, back - row["reach"].astype(np.int64), -1)
    row["reach"] = np.where(earlier, back + 1, row["reach"])
    row["window"] |= np.where(before, _NONE, _ONE << back.astype(np.uint64))
    restart = (news["kind"] == Kind.RESTART) & ~before
    jumped, without = row["run"] & JUMPED > 0, row["run"] & WITHOUT_EVENT > 0
    row["lost"] -= np.where(restart & jumped, _distance(n, row["last_before"]) - 1, 0)
    row["restarts"] += restart & ~without
    row["run"] = np.where(restart, row["run"] & (DOUBTFUL | 0xF8), row["run"])
    row["lost"] = np.maximum(row["lost"], 0)


def _go_on(row: Columns, news: Columns) -> None:
    """Move the current run on by 1 to 64 numbers."""
    ahead = _distance(news["number"], row["last"])
    row["lost"] += ahead - 1
    row["window"] = _shifted(row["window"], ahead)
    row["reach"], row["age"] = np.minimum(WINDOW, row["reach"] + ahead), np.minimum(WINDOW, row["age"] + ahead)
    grown = row["age"] == WINDOW
    row["run"] = np.where(grown, 0, row["run"] & (0xFF - DOUBTFUL))
    row["reach_before"] = np.where(grown, 0, row["reach_before"])


def _begin(row: Columns, news: Columns, fate: Ints, at_s: NDArray[np.float64]) -> None:
    """Begin a run, or go back to the run before."""
    n, restart = news["number"].astype(np.int64), news["kind"] == Kind.RESTART
    back_again, jump, conflict, first = (fate == each for each in (Fate.BACK, Fate.JUMP, Fate.CONFLICT, Fate.FIRST))
    begun = fate == Fate.RESTART
    ahead, ahead_before = _distance(n, row["last"]), _distance(n, row["last_before"])
    undone = back_again & (row["run"] & DOUBTFUL > 0)
    seen = (_distance(row["last"], n) < row["reach"]) & _bit(row["window"], _distance(row["last"], n))
    seen |= _distance(row["last_before"], n) < row["reach_before"]
    run = row[["last", "window", "reach"]].copy()
    row["lost"] += np.where(back_again, ahead_before - 1, np.where(jump, ahead - 1, 0))
    jumped = back_again & (row["run"] & JUMPED > 0)
    never_sent = (_distance(row["last"], row["last_before"]) - row["age"] & 0xFFFF) - 1
    row["lost"] = np.where(jumped, np.maximum(row["lost"] - never_sent, 0), row["lost"])
    on = np.where(back_again, ahead_before, 1)
    row["window"] = np.where(back_again, _shifted(row["window_before"], on), _ONE)
    reach = np.minimum(WINDOW, row["reach_before"] + on)
    row["reach"] = np.where(back_again, reach, np.where(jump, WINDOW, 1))
    row["run"] = np.select([jump, conflict | (begun & ~restart), begun & seen], [JUMPED, WITHOUT_EVENT, DOUBTFUL], 0)
    row["restarts"] += (begun | (first & restart)).astype(np.int64) - undone
    row["repeated"] += undone
    conflict |= back_again & ~undone
    row["conflicts"] += conflict
    row["conflict_s"] = np.where(conflict, at_s, row["conflict_s"])
    row["last_before"], row["window_before"] = run["last"], run["window"]
    row["reach_before"] = np.where(undone, 0, run["reach"])
    row["age"] = 0


def _tell(row: Columns, news: Columns, fate: Ints) -> None:
    restart = news["kind"] == Kind.RESTART
    unknown = (fate == Fate.FIRST) | (fate >= Fate.BACK)
    known = row["known"] | HEARD
    row["layout"] = news["layout"]
    # Hop and plan tag
    compact = news["compact"] > 0
    hop, old, tag = news["hop"].astype(np.int64), row["hop"].astype(np.int64), news["tag"]
    goes_on = compact & (known & WHOLE_HOP > 0) & ~unknown
    row["hop"] = np.where(goes_on, old + ((hop - old) & 0xFFFFFF) & 0xFFFFFFFF, hop)
    known = np.where(~compact | goes_on, known | WHOLE_HOP * ~compact, known & (0xFF - WHOLE_HOP))
    same = compact & (known & WHOLE_TAG > 0) & (row["tag"] & 0xFF == tag)
    row["tag"] = np.where(same, row["tag"], tag)
    known = np.where(~compact, known | WHOLE_TAG, np.where(same, known, known & (0xFF - WHOLE_TAG)))
    # Level tag
    second = news["layout"] == VERSION_2
    told = second & ~compact
    row["level"] = np.where(told, news["level"], row["level"])
    gone = ~told & (unknown | (news["kind"] == Kind.LEVEL) | ~second)
    known = np.where(told, known | HAS_LEVEL, np.where(gone, known & (0xFF - HAS_LEVEL), known))
    # Conditions
    forgotten = unknown & ~(restart & (news["code_1"] == Restart.RESTORED))
    conditions = np.where(forgotten, 0, row["conditions"]).astype(np.int64)
    technical, beat = news["kind"] == Kind.TECHNICAL, news["kind"] == Kind.HEARTBEAT
    bit = np.where(technical, 1 << np.where(technical, news["code_1"], 0).astype(np.int64), 0)
    conditions = np.where(technical & (news["code_2"] == 1), conditions | bit, conditions & ~bit)
    conditions = (
        np.where(restart & (conditions & SELF_TEST == 0), conditions | WARM_UP, conditions) & ALLOWED[news["health"]]
    )
    row["conditions"], row["health"] = conditions, news["health"]
    bits = BITS_OF[conditions & ~WARM_UP] | news["health"] & ~BITS_OF[conditions]
    since = np.where(np.isnan(row["fault_since_s"]), row["last_s"], row["fault_since_s"])
    row["fault_since_s"] = np.where(bits == 0, NAN, since)
    # Heartbeat and test
    share = news["code_1"] | news["code_2"].astype(np.int64) << 8
    row["share"] = np.where(beat, share, row["share"])
    row["known"] = np.where(beat, known | HAS_SHARE, known)
    tested = (news["kind"] == Kind.OPERATOR) & (news["code_1"] == Input.TEST)
    row["tested_s"] = np.where(tested, row["last_s"], row["tested_s"])


def _tell_alarm(row: Columns, news: Columns) -> None:
    old, state, kind = row["state"].copy(), news["state"], news["kind"]
    row["state"], row["flags"] = state, news["flags"]
    stands = state >= State.UNACK_ALARM
    if not (stands | (old >= State.UNACK_ALARM)).any():
        return
    marked, anomaly = news["flags"] & MARKED > 0, kind == Kind.ANOMALY
    prealarm = anomaly & ~marked & (state == State.PREALARM)
    raised = prealarm | (anomaly & ~marked & (state == State.UNACK_ALARM))
    stood = (old == State.UNACK_ALARM) | (old == State.ACK_ALARM)
    begins = stands & ((old < State.UNACK_ALARM) | prealarm | (raised & stood))
    row["since_s"] = np.where(begins, row["last_s"], np.where(stands, row["since_s"], NAN))
    anew = begins | ~stands
    for name in ("raised", "highest", "escalated", "reason_1", "reason_2", "reason_3"):
        row[name] = np.where(anew, 0, row[name])
    scored = raised & stands & (begins | (old == State.RTN_UNACK))
    row["raised"] = np.where(scored, news["score"], row["raised"])
    named = stands & anomaly & (news["code_1"] > 0) & (raised | (row["reason_1"] == 0))
    for k in (1, 2, 3):
        row[f"reason_{k}"] = np.where(named, news[f"code_{k}"], row[f"reason_{k}"])
    told = stands & (anomaly | (kind == Kind.OPERATOR) | (kind == Kind.REPEAT))
    row["highest"] = np.where(told, np.maximum(row["highest"], news["score"]), row["highest"])
    escalated = (row["escalated"] > 0) | (anomaly & marked)
    row["escalated"] = np.where(stands, escalated & (state != State.ACK_ALARM), row["escalated"])
