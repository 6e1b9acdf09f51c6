"""Kinds of contents of memory, and how long they stay."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from anomsdk.core.plan import Plan
from anomsdk.plans.extractors import milliseconds
from anomsdk.plans.supervision import heartbeat_s


class Holds(str, Enum):
    """Contents of some bytes of memory. The value is the word that reports print."""

    SAMPLES = "raw samples"
    ONE_SAMPLE = "one sample of a column"
    STATISTICS = "statistics of samples"
    ENERGIES = "sums of energies"
    FEATURES = "features"
    PROFILE = "averages over days"
    SCORES = "scores"
    COUNTS = "counts and states that follow from scores and samples"
    POSITION = "position in the stream"
    INPUTS = "inputs from outside"
    CONFIGURATION = "configuration"
    POINTER = "pointer"
    NOTHING = "nothing between two calls"
    PADDING = "padding"

    @property
    def is_of_signal(self) -> bool:
        """Return True if the bytes can differ between two signals of the same length with the same inputs."""
        return self in _OF_SIGNAL


_OF_SIGNAL = {
    Holds.SAMPLES,
    Holds.ONE_SAMPLE,
    Holds.STATISTICS,
    Holds.ENERGIES,
    Holds.FEATURES,
    Holds.PROFILE,
    Holds.SCORES,
    Holds.COUNTS,
}


@dataclass(frozen=True)
class Kept:
    """Time for which something stays in memory.

    Parameters
    ----------
    wiped_by : event that wipes or replaces it, in words
    ms : plan -> longest time in ms for which it stays, in a stream without gaps; None: no limit but the event. Of
        samples, statistics, energies and features the time counts from the oldest sample that they depend on, of
        scores and counts from their tick
    """

    wiped_by: str
    ms: Callable[[Plan], float | None] = lambda plan: None


def _ms(plan: Plan, samples: int) -> float:
    return milliseconds(samples, plan.rate_hz)


def _frame_ms(plan: Plan) -> float:
    framer = plan.framer
    return _ms(plan, framer.window + (plan.extractor.hops_per_frame - 1) * framer.hop)


def _blocks_ms(plan: Plan, blocks: int) -> float:
    """Return the ms of samples that some blocks of health cover; the first hop looks at a whole window."""
    assert plan.health is not None
    return _ms(plan, plan.framer.window + (blocks * plan.health.block - 1) * plan.framer.hop)


def _slots_ms(plan: Plan, slots: int) -> float:
    """Return the ms of some slots of a diary, and of the window and hop at their ends."""
    assert plan.diary is not None
    hops = slots * -(-plan.diary.slot_q16 >> 16) + 1
    return _ms(plan, plan.framer.window + hops * plan.framer.hop)


def _heartbeat_ms(plan: Plan) -> float | None:
    """Return the ms from one heartbeat to the next, and of the hop that takes it; None for a plan without one."""
    every = heartbeat_s(plan)
    return round(1000 * every + _ms(plan, plan.framer.hop), 3) if every else None


ALWAYS = Kept("nothing: it is the same for every signal")
NEVER = Kept("nothing: it is never written")
RESET = Kept("reset")
POLL = Kept("the next poll")
CALL = Kept("the call that used it", lambda plan: 0.0)
WINDOW = Kept("the hop after which no window needs it; a gap; reset", lambda plan: _ms(plan, plan.framer.window))
FRAME = Kept("the end of its frame; a gap; reset", _frame_ms)
DAY = Kept("the row of the same slot a day later; reset", lambda plan: 86_400_000.0)
CONTEXT = Kept("the frames that follow, one by one; a gap; reset", lambda plan: _ms(plan, plan.samples_to_first_tick))
HOP = Kept("the next hop; reset", lambda plan: _ms(plan, plan.framer.hop))
BLOCK = Kept("the end of its block of health; reset", lambda plan: _blocks_ms(plan, 1))
TWO_BLOCKS = Kept("the end of the next block of health; reset", lambda plan: _blocks_ms(plan, 2))
SLOT = Kept("the end of its slot of the diary; reset", lambda plan: _slots_ms(plan, 1))
ROW = Kept("the poll that takes the row, or the end of the next slot; reset", lambda plan: _slots_ms(plan, 2))
ALARM = Kept("the next alarm; reset")
REPORT = Kept("the next raise or escalation; reset")
HEARTBEAT = Kept("the next heartbeat; reset", _heartbeat_ms)
