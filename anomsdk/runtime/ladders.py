"""Ladders of scores that are at hand, as a pipeline would have counted them."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.checks import require
from anomsdk.core.export import Export
from anomsdk.core.ladder import Ladder, LadderPlan, ladder_bytes, takes
from anomsdk.core.plan import Plan
from anomsdk.core.record import SCORE_TAG_BYTES, Record
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native, why_missing


class _Counter(Protocol):
    """Engine of a ladder of scores."""

    def take(self, scores: NDArray[np.uint32]) -> None:
        """Count scores (ticks,)."""

    def gap(self) -> None:
        """Account for lost ticks."""

    def counted(self) -> Ladder:
        """Return a ladder with the counts so far."""

    def save(self) -> bytes:
        """Return the state of the ladder, as in a record."""

    def restore(self, part: bytes) -> None:
        """Take a state that was checked."""


class ScoreLadder:
    """Ladder that counts scores, of one device in the order of time; in C where the C port was built.

    Parameters
    ----------
    plan : Plan with a ladder
    engine : "native" or "reference", which counts in Python; None: native where it was built. The counts are the same
    without_pauses : the scores came without the pauses of the plan's duty, so that a day has more ticks. In exports
        ticks then stand for as much time as those of the plan do, rounded down
    """

    def __init__(self, plan: Plan, engine: str | None = None, *, without_pauses: bool = False) -> None:
        assert plan.ladder is not None
        self._score_tag, self._tag, self._rungs = bytes.fromhex(plan.score_id)[:SCORE_TAG_BYTES], plan.tag, plan.ladder
        self._day_q16 = plan.ladder.day_q16
        if without_pauses and plan.duty is not None:
            plan = replace(plan, ladder=always_on(plan, plan.ladder))
            assert plan.ladder is not None
            self._day_q16 = plan.ladder.day_q16
        assert plan.ladder is not None
        self._counted, self._timing = plan.ladder, plan.timing
        in_python = why_missing(plan.extractor.kind) is not None if engine is None else engine == "reference"
        self._counter: _Counter = _InPython(plan) if in_python else _InC(plan)

    def take(self, scores: NDArray[np.uint32]) -> None:
        """Count scores (ticks,) that were judged one after the other: void ticks are left out."""
        self._counter.take(scores)

    def gap(self) -> None:
        """Account for lost ticks, as at the start of another recording."""
        self._counter.gap()

    def export(self, device: int, boot: int = 1) -> Export:
        """Return the counts from the first tick on."""
        ladder = self._counter.counted()
        counts = tuple(replace(counts, ticks=self._of_plan(counts.ticks)) for counts in ladder.counts)
        counted = (0, self._of_plan(ladder.ticks), ladder.days, self._rungs.episode_gap, counts)
        return Export(device, boot, self._score_tag, self._tag, 0, 0, *counted)

    def save(self) -> bytes:
        """Return the state of the ladder, as a record has it; no score is in it."""
        return self._counter.save()

    def restore(self, part: bytes) -> None:
        """Go on with the state that a ladder of the same plan saved.

        Raises
        ------
        InputError : no ladder with these rungs could have written it
        """
        whole = len(part) == ladder_bytes(self._counted)
        require(
            whole and takes(self._counted, 0, self._timing, Record(0, b"", 0, 0, ladder=part)),
            "ladder: its state is damaged, or of a plan with other rungs",
        )
        self._counter.restore(part)

    def _of_plan(self, ticks: int) -> int:
        """Return the ticks of the plan that take as long as ticks that were counted."""
        return ticks * self._rungs.day_q16 // self._day_q16


class _InPython:
    def __init__(self, plan: Plan) -> None:
        self._ladder = _empty(plan)

    def take(self, scores: NDArray[np.uint32]) -> None:
        for score in scores.tolist():
            self._ladder.step(score)

    def gap(self) -> None:
        self._ladder.gap()

    def counted(self) -> Ladder:
        return self._ladder

    def save(self) -> bytes:
        record = Record(0, b"", 0, 0)
        self._ladder.save(record)
        return record.ladder

    def restore(self, part: bytes) -> None:
        self._ladder.restore(Record(0, b"", 0, 0, ladder=part), releveled=False)


class _InC:
    def __init__(self, plan: Plan) -> None:
        assert plan.ladder is not None
        module = load_native()
        self._ffi, self._lib, self._plan = module.ffi, module.lib, plan
        self._c_plan = CPlan(plan, module)
        self._rungs = self._c_plan.pointer.supervisor.ladder
        self._timing = self._ffi.addressof(self._c_plan.pointer, "timing")
        self._part = bytearray(ladder_bytes(plan.ladder))
        self._memory = np.zeros(len(self._part) // 8 + 2, np.uint64)  # aligned to 8 bytes
        self._ladder = self._ffi.cast("anom_ladder *", self._memory.ctypes.data)
        self._lib.anom_ladder_reset(self._ladder, self._rungs)

    def take(self, scores: NDArray[np.uint32]) -> None:
        assert scores.dtype == np.uint32
        given = np.ascontiguousarray(scores)
        pointer = self._ffi.from_buffer("uint32_t[]", given)
        self._lib.anom_stream_ladder(self._ladder, self._rungs, self._timing, pointer, len(given))

    def gap(self) -> None:
        self._lib.anom_ladder_gap(self._ladder, self._rungs)

    def counted(self) -> Ladder:
        found = _empty(self._plan)
        found.restore(Record(0, b"", 0, 0, ladder=self.save()), releveled=False)
        return found

    def save(self) -> bytes:
        self._lib.anom_ladder_save(self._ladder, self._rungs, self._ffi.from_buffer(self._part))
        return bytes(self._part)

    def restore(self, part: bytes) -> None:
        state = self._ffi.from_buffer(part)
        status = self._lib.anom_ladder_restore(self._ladder, self._rungs, self._timing, state, 0, 0)
        assert status == 1, f"anom_ladder_restore gave {status}"


def always_on(plan: Plan, ladder: LadderPlan) -> LadderPlan:
    """Return the rungs of a plan, with the days of a device that samples without a pause."""
    if plan.duty is None:
        return ladder
    longer = plan.duty.every / (plan.ticks_in(plan.duty.on) * plan.samples_per_tick)
    day_ticks, day_rest_q16 = divmod(round(ladder.day_q16 * longer), 1 << 16)
    return replace(ladder, day_ticks=day_ticks, day_rest_q16=day_rest_q16)


def _empty(plan: Plan) -> Ladder:
    assert plan.ladder is not None
    return Ladder(plan.ladder, plan.promises or (), plan.timing)
