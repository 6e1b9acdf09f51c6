"""Alert: from scores to events. M-of-N, then on-delay, then raise; off-delay, then clear; then cooldown.

Durations are counted in ticks. One tick, with the score s, does this, in this order:

1. ``hit = s >= raise``; the last n hits hold at least m: ``votes``.
2. In alarm: ``quiet`` counts the ticks in a row with ``s < clear``. Once it exceeds off_delay the alarm
   clears, its hits are forgotten (a new alarm needs new ones) and the cooldown starts.
3. Not in alarm: ``pending`` counts the ticks in a row with ``votes``; a running cooldown counts down by
   one and holds back whatever ``votes`` would raise. The alarm raises once ``pending`` exceeds on_delay
   outside the cooldown, or at once, cooldown or not, when ``high > 0 and s >= high``.
"""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.checks import require
from anomsdk.core.event import Event, Kind, State, score_log2_q8
from anomsdk.core.fixed import UINT32_MAX

MAX_N = 16
MAX_TICKS = 2**31 - 1


@dataclass(frozen=True, eq=False)
class TimingPlan:
    """Votes, delays and ratios of the alert logic. Together with the score they determine `score_id`."""

    m: int
    n: int
    on_delay: int  # ticks
    off_delay: int  # ticks
    cooldown: int  # ticks
    clear_ratio_q16: int  # clear level over raise level
    high_ratio_q16: int  # high level over raise level; 0: no high level

    def check(self) -> None:
        """Refuse timing that cannot be counted."""
        require(
            1 <= self.m <= self.n <= MAX_N,
            f"alert: m of n is {self.m} of {self.n}, not 1 <= m <= n <= {MAX_N}",
        )
        for name in ("on_delay", "off_delay", "cooldown"):
            ticks = getattr(self, name)
            require(0 <= ticks <= MAX_TICKS, f"alert: {name} is {ticks} ticks, not 0 to {MAX_TICKS}")
        require(
            0 < self.clear_ratio_q16 <= 1 << 16,
            f"alert: clear_ratio_q16 is {self.clear_ratio_q16}, not 1 to 65536",
        )
        require(
            self.high_ratio_q16 == 0 or 1 << 16 < self.high_ratio_q16 <= 1 << 26,
            f"alert: high_ratio_q16 is {self.high_ratio_q16}, neither 0 nor 65537 to 2**26",
        )


@dataclass(frozen=True, eq=False)
class LevelPlan:
    """Levels of the score; all three follow from ``raise_score`` and the ratios of the timing."""

    raise_score: int
    clear_score: int
    high_score: int  # 0: no high level

    def check(self, timing: TimingPlan) -> None:
        """Refuse levels that are inverted or do not follow from the raise level."""
        require(
            1 <= self.raise_score <= UINT32_MAX,
            f"alert: raise_score is {self.raise_score}, not 1 to 2**32 - 1",
        )
        expected = levels(self.raise_score, timing)
        require(
            (self.clear_score, self.high_score) == (expected.clear_score, expected.high_score),
            "alert: clear_score and high_score do not follow from raise_score and the ratios",
        )


def levels(raise_score: int, timing: TimingPlan) -> LevelPlan:
    """Derive levels from a raise level: the products are rounded down (clear, at least 1) and up (high, saturating)."""
    clear = max(1, raise_score * timing.clear_ratio_q16 >> 16)
    high = min(UINT32_MAX, -(-raise_score * timing.high_ratio_q16 >> 16))
    return LevelPlan(raise_score, clear, high)


class Alert:
    """Alert logic of one pipeline."""

    def __init__(self, timing: TimingPlan, level: LevelPlan, plan_tag: int) -> None:
        self._timing, self._level, self._tag = timing, level, plan_tag
        self.reset()

    def reset(self) -> None:
        """Return to the normal state, as if no tick had been seen."""
        self.state = State.NORMAL
        self._hits = 0  # bit i: the score i ticks ago reached the raise level
        self._pending = 0
        self._quiet = 0
        self._cooldown = 0
        self._sequence = 0

    def step(self, score: int, hop: int) -> tuple[Event, ...]:
        """Judge one tick.

        Parameters
        ----------
        score : 0 to 2**32 - 1
        hop : index of the tick's last hop, for the event

        Returns
        -------
        Events of this tick: none or one
        """
        timing, level = self._timing, self._level
        self._hits = (self._hits << 1 | (score >= level.raise_score)) & ((1 << timing.n) - 1)
        votes = self._hits.bit_count() >= timing.m
        if self.state == State.UNACK_ALARM:
            self._quiet = self._quiet + 1 if score < level.clear_score else 0
            if self._quiet <= timing.off_delay:
                return ()
            self._cooldown = timing.cooldown
            self._hits = self._pending = 0
            return self._change(State.NORMAL, False, score, hop)
        self._pending = self._pending + 1 if votes else 0
        held_back = self._cooldown > 0
        self._cooldown -= held_back
        high = 0 < level.high_score <= score
        if high or (self._pending > timing.on_delay and not held_back):
            self._quiet = 0
            return self._change(State.UNACK_ALARM, high, score, hop)
        self.state = State.PENDING if self._pending > 0 else State.NORMAL
        return ()

    def gap(self, lost_ticks: int) -> None:
        """Account for lost ticks: all counts of ticks in a row start again, the cooldown runs on."""
        self._hits = self._pending = self._quiet = 0
        self._cooldown -= min(self._cooldown, lost_ticks)
        if self.state == State.PENDING:
            self.state = State.NORMAL

    def _change(self, state: State, high: bool, score: int, hop: int) -> tuple[Event]:
        self.state = state
        event = Event(
            kind=Kind.ANOMALY,
            state=state,
            high=high,
            sequence=self._sequence,
            hop=hop,
            score_log2_q8=score_log2_q8(score),
            health=0,
            reasons=(0, 0, 0),
            plan_tag=self._tag,
        )
        self._sequence = (self._sequence + 1) & 0xFFFF
        return (event,)
