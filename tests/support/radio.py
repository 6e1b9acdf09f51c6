"""Simulated devices whose events go over a lossy radio: lost, repeated, in another order, after restarts and wraps."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from anomsdk.core.event import Condition, Event, Input, Kind, Promise, Restart, State

STATES = [state for state in State if state != State.PENDING]
NOT_A_WARM_UP = [condition for condition in Condition if condition != Condition.WARM_UP]


@dataclass
class Simulated:
    """A device that sends random events, each of which tells its true state.

    Parameters
    ----------
    rng : source of all that is random
    layout : 1 or 2
    number : sequence number of the first event
    restarts : share of events before which it begins anew or is restored
    compact : share of events in the compact form
    """

    rng: np.random.Generator
    layout: int = 2
    number: int = 0
    restarts: float = 0.02
    compact: float = 0.3
    state: State = State.NORMAL
    conditions: set[Condition] = field(default_factory=set)
    hop: int = 0
    sent: int = 0
    level: int = 0

    def say(self) -> bytes:
        """The next event."""
        rng = self.rng
        if self.layout == 2 and rng.random() < self.restarts:
            return self._begin(Restart(int(rng.integers(3))))
        kind = (
            Kind(int(rng.choice(list(Kind), p=[0.4, 0.2, 0.15, 0.1, 0.0, 0.1, 0.05])))
            if self.layout == 2
            else Kind.ANOMALY
        )
        codes = [int(c) for c in rng.integers(0, 256, 2)]
        if kind == Kind.TECHNICAL:
            condition = NOT_A_WARM_UP[int(rng.integers(len(NOT_A_WARM_UP)))]
            codes = [int(condition), int(rng.integers(2))]
            (self.conditions.add if codes[1] else self.conditions.discard)(condition)
        if kind == Kind.OPERATOR:
            codes = [int(rng.choice(list(Input))), 0]
        if kind == Kind.LEVEL:
            codes[0], self.level = int(rng.choice(list(Promise))), int(rng.integers(25))
        if kind in (Kind.ANOMALY, Kind.OPERATOR):
            known = STATES if self.layout == 2 else [State.NORMAL, State.UNACK_ALARM]
            self.state = known[int(rng.integers(len(known)))]
        return self._event(kind, codes)

    def _begin(self, restart: Restart) -> bytes:
        if restart == Restart.RESTORED:
            self.number = (self.number + int(self.rng.integers(900, 1025))) & 0xFFFF
        else:
            self.number, self.hop, self.state, self.level = 0, 0, State.NORMAL, 0
            self.conditions.clear()
        return self._event(Kind.RESTART, [int(restart), 0])

    def _event(self, kind: Kind, codes: list[int]) -> bytes:
        rng = self.rng
        self.hop += int(rng.integers(1, 5000))
        flags = [bool(flag) for flag in rng.integers(2, size=5)]
        flagged = dict(zip(("latched", "silenced", "out_of_service", "marked"), flags[1:], strict=True))
        flagged["level_tag"] = self.level
        event = Event(
            kind,
            self.state,
            flags[0],
            self.number,
            self.hop & 0xFFFFFFFF,
            int(rng.integers(0, 8192)),
            sum({1 << condition.bit for condition in self.conditions}) if self.layout == 2 else 0,
            tuple(codes) if self.layout == 2 else (*codes, 7),
            0xABCD,
            layout=self.layout,
            **flagged if self.layout == 2 else {},
        )
        self.number = (self.number + 1) & 0xFFFF
        self.sent += 1
        return bytes(event.compacted() if rng.random() < self.compact else event)


def over_the_radio(
    events: list[bytes],
    rng: np.random.Generator,
    *,
    lost: float = 0.05,
    repeated: float = 0.05,
    delayed: float = 0.05,
    farthest: int = 40,
) -> list[bytes]:
    """Events in the order of their arrival: some are lost, some come twice, some are up to `farthest` places late."""
    sent = [(i, event) for i, event in enumerate(events) if rng.random() >= lost]
    sent += [each for each in sent if rng.random() < repeated]
    late = np.where(rng.random(len(sent)) < delayed, rng.integers(0, farthest + 1, len(sent)), 0)
    order = sorted(range(len(sent)), key=lambda i: (sent[i][0] + late[i], i))
    return [sent[i][1] for i in order]
