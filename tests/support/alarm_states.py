"""Every state of a supervised pipeline that a tiny plan can reach, and every input in each of them, breadth first.

A state is all that decides the future: two pipelines whose `key` is equal give the same events from then on, but for
sequence number and hop. Counters that only grow are capped where nothing asks for more.
"""

from __future__ import annotations

import copy
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from anomsdk.core.alarm import PLAIN
from anomsdk.core.duty import DutyPlan, is_pause
from anomsdk.core.event import Event, State
from anomsdk.core.plan import Plan
from anomsdk.core.record import Record
from anomsdk.core.supervisor import Operation, Supervisor
from anomsdk.runtime.engines import open_engine
from tests.support.tiny_plans import events_of, row

OPERATIONS = {
    "acknowledge": (Operation.ACKNOWLEDGE, 0),
    "silence 0": (Operation.SILENCE, 0),
    "silence 2": (Operation.SILENCE, 2),
    "cancel": (Operation.CANCEL, 0),
    "out": (Operation.OUT_OF_SERVICE, 1),
    "in": (Operation.OUT_OF_SERVICE, 0),
    "test": (Operation.TEST, 0),
    "supply low": (Operation.SUPPLY, 1),
    "supply well": (Operation.SUPPLY, 0),
    "self-test failed": (Operation.SELF_TEST, 1),
    "self-test passed": (Operation.SELF_TEST, 0),
    "missing 250": (Operation.MISSING, 250),
}
INPUTS = ("low", "middle", "hit", "grown", "top", "fault", *OPERATIONS, "gap 1", "gap 3", "reset", "restore")


class Given(NamedTuple):
    """What an input gave: the events, the annunciation and the health byte afterwards."""

    events: tuple[Event, ...]
    annunciation: int
    health: int


class View(NamedTuple):
    """State of the alarm as the invariants of the tests need it."""

    state: State
    silenced: bool
    silence: int
    hold: int
    peak: int
    votes: tuple[int, int, int, int]
    calm: int
    out_of_service: bool


class PythonMachine:
    """The supervisor of the core with the few lines of glue that a pipeline of rows needs."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._per_tick = plan.context.stride
        self._limits = plan.alarm or PLAIN
        self._supervisor = Supervisor(
            *(self._limits, plan.health, plan.timing, plan.levels, plan.columns, self._per_tick, plan.due_q31, plan.tag)
        )
        self._hop = 0
        self._phase = self._per_tick  # rows until the next tick; the first row is one
        self._given = False  # a tick has been completed since the last break

    def give(self, word: str) -> Given:
        """Give one input."""
        supervisor = self._supervisor
        name, _, argument = word.partition(" ")
        if name == "reset":
            supervisor.reset()
            self._hop, self._phase, self._given = 0, self._per_tick, False
            return Given((), supervisor.annunciation, supervisor.health)
        if name == "restore":
            record = Record(self._plan.tag, bytes(8), self._hop, 0)
            supervisor.save(record)
            supervisor.reset()
            supervisor.restore(Record.from_bytes(bytes(record)), releveled=False)
            supervisor.pause(0, 0)
            self._phase, self._given = self._per_tick, False
            return Given(tuple(supervisor.due(self._hop)), supervisor.annunciation, supervisor.health)
        events = list(supervisor.due(self._hop))
        if name == "gap":
            n = int(argument)
            self._lose(n, pause=is_pause(self._plan.duty, n) and self._given)
            events += supervisor.due(self._hop)
        elif word in OPERATIONS:
            operation, value = OPERATIONS[word]
            if operation == Operation.MISSING:
                self._lose(supervisor.samples_in(value))
            events += supervisor.operate(operation, value, self._hop, self._hop)
        else:
            events += self._row(row(name))
        return Given(tuple(events), supervisor.annunciation, supervisor.health)

    def _lose(self, n: int, *, pause: bool = False) -> None:
        if n > 0:
            (self._supervisor.pause if pause else self._supervisor.gap)(n, n // self._per_tick)
            self._hop, self._phase, self._given = self._hop + n & 0xFFFFFFFF, self._per_tick, False

    def _row(self, values: tuple[int, int]) -> Iterator[Event]:
        supervisor, hop = self._supervisor, self._hop
        self._hop = self._hop + 1 & 0xFFFFFFFF
        yield from supervisor.hop(np.array([values], np.int64), hop)
        is_tick = self._phase == self._per_tick
        self._phase = 1 if is_tick else self._phase + 1
        self._given = True
        if is_tick and not supervisor.voids:
            event, explained = supervisor.tick(values[0] * values[0], hop)
            if event is not None:
                yield event.with_reasons((48 | 1 << 6, 0)) if explained else event

    def saved(self) -> Any:
        """Everything, to go back to."""
        return (self._hop, self._phase, self._given), _saved(self._supervisor)

    def restore(self, saved: Any) -> None:
        """Go back."""
        (self._hop, self._phase, self._given), parts = saved
        _restore(self._supervisor, parts)

    @property
    def view(self) -> View:
        """The state in words."""
        alarm, rung = self._supervisor._alarm, self._supervisor._alarm._rung
        votes = (rung.hits, rung.in_row, rung.in_alarm, rung.cooldown)
        return View(
            alarm.state,
            alarm.silenced,
            alarm._silence,
            alarm._hold,
            alarm._peak,
            votes,
            rung.calm,
            alarm.out_of_service,
        )

    @property
    def key(self) -> Hashable:
        """The state without sequence number and hop, counters capped."""
        plan, alarm = self._limits, self._supervisor._alarm
        supervisor, rung, health = self._supervisor, self._supervisor._alarm._rung, self._supervisor._health
        standing = alarm._state != 0
        caps = max(plan.cancel, plan.escalate_after)
        timing = self._plan.timing
        waits = rung.in_row if rung.in_alarm else min(rung.in_row, timing.on_delay + 1)
        held = (rung.hits, rung.in_alarm, rung.cooldown, waits, min(rung.calm, timing.clear_after or 0))
        since = (supervisor._elapsed, supervisor._late_q16, supervisor._judged, supervisor._highest)
        since += (supervisor._highest_log2_q8,)
        return (
            self._phase,
            self._given if self._plan.duty else False,
            *held,
            alarm._state,
            alarm.out_of_service,
            alarm.silenced,
            alarm._escalated,
            (alarm._peak, alarm._base, min(alarm._waiting, caps)) if standing else 0,  # a raise sets them
            min(alarm._repeating, plan.repeat) if standing else 0,
            (alarm._hold, alarm._silence, alarm._test),
            since if plan.heartbeat else 0,
            supervisor._restart,
            health and (health.active, health._reported, health._warm_up),
            health and min(health._missing_ms, self._plan.health.missing_ms),
        )


def _saved(owner: Any) -> dict[str, Any]:
    """Attributes of an object and of the core's objects that it holds; arrays are copied."""
    return {name: _saved(part) if _is_ours(part) else copy.copy(part) for name, part in vars(owner).items()}


def _restore(owner: Any, parts: dict[str, Any]) -> None:
    for name, part in parts.items():
        now = getattr(owner, name)
        if _is_ours(now):
            _restore(now, part)
        elif isinstance(now, np.ndarray):
            now[...] = part
        else:
            setattr(owner, name, part)


def _is_ours(part: Any) -> bool:
    return type(part).__name__ in ("Alarm", "Health", "Rung")


class Step(NamedTuple):
    """One input in one state: the state before, the input, what it gave, the state after, and how to get there."""

    before: View
    word: str
    given: Given
    after: View
    path: Callable[[], list[str]]


def explored(machine: PythonMachine, words: Iterable[str], twin: Any = None) -> Iterator[tuple[Step, Given | None]]:
    """Every reachable state and every input in it, breadth first, with what the twin gives.

    Parameters
    ----------
    machine : at its start
    words : inputs
    twin : another machine with `give`, `saved` and `restore`; None: none
    """
    words = tuple(words)
    came: dict[Hashable, tuple[Hashable, str] | None] = {machine.key: None}
    waiting = deque([(machine.key, machine.saved(), twin and twin.saved())])
    while waiting:
        key, saved, twin_saved = waiting.popleft()
        for word in words:
            machine.restore(saved)
            before = machine.view
            given, other = machine.give(word), None
            if twin is not None:
                twin.restore(twin_saved)
                other = twin.give(word)
            yield Step(before, word, given, machine.view, partial(_path, came, key, word)), other
            after = machine.key
            if after not in came:
                came[after] = (key, word)
                waiting.append((after, machine.saved(), twin and twin.saved()))


def _path(came: dict[Hashable, tuple[Hashable, str] | None], key: Hashable, last: str) -> list[str]:
    """Inputs that lead from the start to a state, and the one that is given there."""
    found = [last]
    while (step := came[key]) is not None:
        key, word = step
        found.append(word)
    return found[::-1]


class NativeMachine:
    """The pipeline of the C port; its memory is all of its state."""

    def __init__(self, plan: Plan) -> None:
        self._engine: Any = open_engine("native", plan)

    def give(self, word: str) -> Given:
        """Give one input."""
        engine = self._engine
        name, _, argument = word.partition(" ")
        results = []
        if name == "reset":
            engine.reset()
        elif name == "gap":
            results = engine.gap(int(argument))
        elif name == "restore":
            assert engine.restore(engine.state())
            results = engine.process(np.zeros((0, 2), np.int16)).results()
        elif word in OPERATIONS:
            results = engine.operate(*OPERATIONS[word])
        else:
            results = engine.process(np.array([row(name)], np.int16)).results()
        return Given(tuple(events_of(results)), engine.annunciation, engine.health)

    def saved(self) -> Any:
        """Everything, to go back to."""
        return self._engine._memory.tobytes()

    def restore(self, saved: Any) -> None:
        """Go back."""
        self._engine._memory[...] = np.frombuffer(saved, np.uint8)


ALL = tuple(word for word in INPUTS if not word.startswith("self-test"))
FEW = ("low", "hit", "top", "fault", "acknowledge", "cancel", "silence 2", "out", "in", "gap 1", "gap 3")
ONCE, TWICE = 1 << 16, 2 << 16
PLANS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "no section but test": ({"test": 1}, ALL),
    "latch": ({"latch": 1}, (*FEW, "test", "reset")),
    "cancel": ({"cancel": 2}, (*FEW, "middle")),
    "latch, cancel, late": ({"latch": 1, "cancel": 2, "escalate_after": 2}, FEW),
    "ratio, at most every 2": (
        {"escalate_ratio_q16": TWICE, "escalate_every": 2},
        (
            "low",
            "middle",
            "hit",
            "grown",
            "top",
            "fault",
            "acknowledge",
            "silence 2",
            "silence 0",
            "out",
            "in",
            "gap 1",
        ),
    ),
    "ratio of 1, latch, late": (
        {"latch": 1, "escalate_ratio_q16": ONCE, "escalate_after": 2, "escalate_every": 1},
        ("low", "hit", "grown", "top", "fault", "acknowledge", "silence 2", "out", "in"),
    ),
    "votes, delays, cooldown": (
        {"m": 2, "n": 3, "on_delay": 1, "off_delay": 1, "cooldown": 1},
        ("low", "middle", "hit", "top", "fault", "acknowledge", "out", "in", "gap 1", "gap 3"),
    ),
    "votes, cancel, cooldown": (
        {"m": 2, "n": 2, "cancel": 2, "cooldown": 2, "latch": 1},
        ("low", "hit", "top", "fault", "acknowledge", "cancel", "out", "in", "gap 1"),
    ),
    "heartbeat": ({"heartbeat": 2}, ("low", "hit", "top", "fault", "out", "in", "gap 1", "gap 3", "missing 250")),
    "two rows a tick": (
        {"stride": 2, "heartbeat": 3, "latch": 1},
        ("low", "hit", "fault", "acknowledge", "silence 2", "gap 1", "gap 3", "reset"),
    ),
    "repeat": ({"repeat": 2, "latch": 1}, (*FEW, "test")),
    "warm-up, missing": (
        {"warm_up": 2, "missing_ms": 300, "latch": 1},
        (*FEW, "supply low", "supply well", "missing 250", "reset"),
    ),
    "self-test": (
        {"latch": 1, "cancel": 1},
        ("low", "hit", "fault", "acknowledge", "cancel", "self-test failed", "self-test passed", "reset"),
    ),
    "clear by time": (
        {"off_delay": 3, "clear_after": 4, "latch": 1},
        ("low", "middle", "hit", "fault", "acknowledge", "gap 1", "gap 3", "restore"),
    ),
    "duty": (
        {"m": 2, "n": 2, "cooldown": 2, "off_delay": 2, "clear_after": 5, "duty": DutyPlan(2, 5)},
        ("low", "middle", "hit", "top", "fault", "gap 1", "gap 3", "reset", "restore"),
    ),
    "duty, cancel, late, heartbeat": (
        {
            "latch": 1,
            "cancel": 3,
            "escalate_after": 4,
            "heartbeat": 4,
            "heartbeat_rest_q16": 1 << 15,
            "duty": DutyPlan(2, 5),
        },
        ("low", "hit", "acknowledge", "cancel", "gap 3", "restore"),
    ),
    "duty, two rows a tick, repeat": (
        {"stride": 2, "repeat": 3, "clear_after": 3, "off_delay": 9, "duty": DutyPlan(3, 7)},
        ("low", "hit", "fault", "silence 2", "gap 1", "gap 3"),
    ),
    "restore": (
        {"latch": 1, "cancel": 2, "warm_up": 2, "missing_ms": 300},
        ("low", "hit", "fault", "acknowledge", "silence 2", "out", "in", "supply low", "missing 250", "restore"),
    ),
    "all": (
        {"latch": 1, "cancel": 2, "escalate_ratio_q16": ONCE, "escalate_after": 2, "escalate_every": 2, "repeat": 2},
        (*FEW, "grown", "silence 0", "reset"),
    ),
}
"""Name -> what is not 0 in a tiny plan, and the inputs that are given in each of its states."""
