"""Expected contents of a pipeline's memory after known samples, field by field.

The window, the context and the position in the stream are computed from the samples here. Counts and states are those
of the engine reference; sums of energies and the columns of health are those of the core's own stages.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.retention.extractor_state import EXTRACTORS as STATES
from anomsdk.core.diary import MAX_COLUMNS, Diary
from anomsdk.core.duty import is_pause
from anomsdk.core.fixed import UINT32_MAX
from anomsdk.core.health import Health
from anomsdk.core.ladder import ladder_bytes
from anomsdk.core.pipeline import extractor_for
from anomsdk.core.plan import Plan
from anomsdk.core.record import Record, RungRecord
from anomsdk.cport.extractors import EXTRACTORS
from anomsdk.cport.layout import layout
from anomsdk.cport.structs import learnt_bytes
from anomsdk.runtime.engines.reference import ReferenceEngine

_SILENCED, _OUT_OF_SERVICE = 16, 32
"""Flags of ``anom_alarm.flags``; bit 0 is that of an escalated alarm."""
_COLUMN = ("last", "lowest", "highest", "run", "sum", "mean_q8")
_BLOCK = ("clipped", "check", "last_check", "warm_up", "missing_ms", "clock_ms", "clock_samples")


class Expectation:
    """Model of what a pipeline keeps; it takes the same samples and gaps.

    Parameters
    ----------
    plan : Plan
    """

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._engine = ReferenceEngine(plan)
        self._extractor = extractor_for(plan.extractor, 1)
        self._health = None if plan.health is None else Health(plan.health, plan.columns)
        self._buffer = np.zeros((0, plan.columns), np.int16)  # from the start of the next window on
        self._position = 0  # samples so far, with those that were lost
        self._next_hop = 0
        self._frames: list[NDArray[np.int8]] = []  # since the last gap
        self._fresh = True

    def push(self, block: NDArray[np.int16]) -> None:
        """Take samples (n, columns)."""
        n = max(1, len(block)) if self._plan.days is None else 1  # one that learns hears of the alarm after each row
        for at in range(0, len(block), n):
            self._take(block[at : at + n])
            self._extractor.follow(alarm=self._in_alarm)

    def _take(self, block: NDArray[np.int16]) -> None:
        self._engine.process(block)
        framer = self._plan.framer
        skipped = min(max(0, self._next_hop * framer.hop - self._position), len(block))
        self._buffer = np.concatenate([self._buffer, block[skipped:]])
        self._position += len(block)
        while len(self._buffer) >= framer.window:
            self._look(self._buffer[: framer.window])
            self._buffer = self._buffer[framer.hop :]
            self._next_hop += 1

    def gap(self, n: int) -> None:
        """Lose ``n`` samples, 1 or more."""
        self._engine.gap(n)
        hop = self._plan.framer.hop
        pause = is_pause(self._plan.duty, n) and len(self._frames) >= self._plan.context.frames
        self._position += n
        lost = max(0, -(-self._position // hop) - self._next_hop)
        self._next_hop += lost
        self._buffer = self._buffer[:0]
        self._frames = []
        self._extractor.gap(lost)
        if self._health is not None and not pause:
            self._health.gap(lost)

    def fields(self) -> dict[str, bytes | int | tuple[int, int]]:
        """Return the contents of fields by name: bytes, a number, or a number and the mask of the bits that count."""
        plan, frames, stride = self._plan, self._plan.context.frames, self._plan.context.stride
        n = len(self._frames)
        ladder = 0 if plan.ladder is None else ladder_bytes(plan.ladder)
        record = Record.from_bytes(self._engine.state(), ladder, learnt_bytes(plan))
        window = np.zeros((plan.framer.window, plan.columns), np.int16)
        window[: len(self._buffer)] = self._buffer
        history = np.zeros((frames - 1, plan.extractor.n_features), np.int8)
        kept = self._frames[max(0, n - frames + 1) :] if frames > 1 else []
        if kept:
            history[-len(kept) :] = kept
        found: dict[str, Any] = {
            "framer.samples": window.tobytes(),
            **({"context.history": history.tobytes()} if frames > 1 else {}),
            "features": 0,
            "scratch": 0,
            "pipeline.framer.have": len(self._buffer),
            "pipeline.framer.skip": max(0, self._next_hop * plan.framer.hop - self._position),
            "pipeline.framer.next_hop": self._next_hop & UINT32_MAX,
            "pipeline.context.wait": frames - n if n < frames else stride - (n - frames) % stride,
            "pipeline.context.has_given": int(n >= frames),
            "pipeline.baseline.frozen": record.frozen,
            "pipeline.baseline.level_q16": record.level_q16,
        }
        alert = "supervisor.alarm.alert" if plan.is_supervised else "pipeline.alert"
        found |= {**_rung(f"{alert}.rung", record.rung), f"{alert}.sequence": record.sequence}
        if plan.baseline.reference_score is not None:
            found |= _rung("reference", record.reference)
        if plan.is_supervised:
            found |= _supervisor(record)
        if EXTRACTORS[plan.extractor.kind].sums(plan.extractor):
            found |= self._gathered()
        if plan.days is not None:
            found |= dict(self._learnt())
        if self._health is not None:
            found |= self._health_fields(self._health, record)
        if plan.diary is not None:
            found |= _diary(_inside(self._engine, "diary"), plan.diary.columns)
        if plan.ladder is not None:
            found |= dict(_ladder(record.ladder, plan.ladder.n_rungs))
        return found

    def _look(self, window: NDArray[np.int16]) -> None:
        """Take a full window as health, extractor and context do."""
        rows = window.astype(np.int64)
        if self._health is not None:
            self._health.look(rows if self._fresh else rows[-self._plan.framer.hop :])
            while self._health.change() is not None:
                pass
        self._fresh = False
        features, _ = self._extractor.push(rows[None])
        self._frames += list(features.astype(np.int8))

    @property
    def _in_alarm(self) -> bool:
        """Return True if the reference rung is in alarm."""
        reference = _inside(self._engine, "reference")
        return reference is not None and bool(reference.in_alarm)

    def _learnt(self) -> Iterator[tuple[str, bytes | int]]:
        """Yield the fields of what the extractor has learnt, which lie in a record as they do in memory."""
        learnt, at = self._extractor.save(), 0
        for placed in STATES[self._plan.extractor.kind](self._plan.extractor, layout(self._plan).state):
            if at < len(learnt):
                yield placed.name, learnt[at : at + placed.size]
            at += placed.size
        yield "extractor.state.alarm", int(self._in_alarm)

    def _gathered(self) -> dict[str, int]:
        """Return the sums of the frame of bands that is being gathered."""
        sums = _inside(self._extractor, "sums")
        found = {f"extractor.state.{name}": int(_inside(self._extractor, name)) for name in ("hops", "peak_q10")}
        for band, (mantissa, exponent) in enumerate(sums.T.tolist()):
            found |= {f"extractor.state.sums[{band}].mantissa": mantissa}
            found |= {f"extractor.state.sums[{band}].exponent": exponent}
        return found

    def _health_fields(self, health: Health, record: Record) -> dict[str, Any]:
        known = _inside(health, "has_block") | _inside(health, "has_clock") << 1
        found: dict[str, Any] = {
            "health.active": record.active,
            "health.reported": record.reported,
            "health.counts": np.array(record.counts, np.uint16).tobytes(),
            "health.seen": int(_inside(health, "seen")),
            "health.known": known,
        }
        found |= {f"health.{name}": int(_inside(health, name)) for name in (*_BLOCK, "samples", "hops", "lost")}
        for column in range(self._plan.columns):
            found |= {f"health.column[{column}].{name}": int(_inside(health, name)[column]) for name in _COLUMN}
        return found


def _inside(stage: object, name: str) -> Any:
    """Read a number that a stage of the core keeps to itself."""
    return getattr(stage, f"_{name}")


def _diary(diary: Diary, columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a diary whose rows nobody took; missing rows of C without coverage are only counted."""
    names = ("scores", "highest", "ticks", "seen", "paused", "elapsed_q16")
    found: dict[str, Any] = {f"diary.{name}": int(_inside(diary, name)) for name in names}
    found["diary.movement"] = np.array(_inside(diary, "movement"), np.uint64).tobytes()
    settled = _inside(diary, "rows")
    return found | _untaken(settled, columns)


def _untaken(rows: list[tuple[int, ...]], columns: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of rows that nobody took: the last one with coverage, and the numbers of those about it."""
    kept = [at for at, row in enumerate(rows) if dict(zip(columns, row, strict=True)).get("coverage", 1) > 0]
    last = max(kept, default=0)
    row = np.zeros(MAX_COLUMNS, np.int16)
    if rows:
        row[: len(columns)] = rows[last]
    behind = len(rows) - 1 - last if rows else 0
    return {
        "diary.row": row.tobytes(),
        "diary.has_row": int(bool(rows)),
        "diary.before": last,
        "diary.after": behind,
        "diary.unused": 0,
    }


def _rung(name: str, rung: RungRecord) -> dict[str, int]:
    counts = {"in_row": rung.in_row, "calm": rung.calm, "cooldown": rung.cooldown, "hits": rung.hits}
    return {f"{name}.{count}": value for count, value in (counts | {"in_alarm": int(rung.in_alarm)}).items()}


def _supervisor(record: Record) -> dict[str, Any]:
    """Return the fields of the life cycle, where no input came and all that was due has left."""
    flags = record.escalated | record.silenced * _SILENCED | record.out_of_service * _OUT_OF_SERVICE
    alarm = ("peak", "base", "waiting", "hold", "repeating", "silence", "test", "state", "late_q16")
    found: dict[str, Any] = {f"supervisor.alarm.{name}": int(getattr(record, name)) for name in alarm}
    settled = 1 << 16
    return found | {
        "supervisor.alarm.flags": flags,
        "supervisor.elapsed": record.elapsed,
        "supervisor.judged": record.judged,
        "supervisor.number": 0,
        "supervisor.gap": 0,
        "supervisor.highest_log2_q8+next+settled+inputs": (record.highest_log2_q8, UINT32_MAX ^ settled),
    }


def _ladder(record: bytes, n_rungs: int) -> Iterator[tuple[str, bytes]]:
    """Yield the fields of the ladder, which lie in a record as they do in memory."""
    head = {"in_alarm": 4, "today": 4, "ticks": 4, "elapsed": 4, "evidence_q16": 4, "late_q16": 2, "days": 2, "boot": 2}
    head |= {"tag": 1, "promise": 1, "lowest": 1, "waiting": 1, "news": 1, "argument": 1}
    names: list[tuple[str, int]] = [(f"ladder.{name}", size) for name, size in head.items()]
    counts = {"ticks": 4, "alarms": 2, "days": 2, "episodes": 2, "at_risk": 2}
    names += [(f"ladder.counts[{rung}].{name}", size) for rung in range(n_rungs) for name, size in counts.items()]
    names += [(f"ladder.states[{rung}]", 4) for rung in range(n_rungs)]
    names += [(f"ladder.quiet[{rung}]", 1) for rung in range(n_rungs)]
    at = 0
    for name, size in names:
        if name != "ladder.waiting":
            yield name, record[at : at + size]
        at += size


def unsettled(fields: Iterable[str], waiting: int) -> set[str]:
    """Return the names of counts of the ladder that lack the day that ended last, as the C port adds them later.

    Parameters
    ----------
    fields : names of fields
    waiting : rungs whose counts lack that day, ``ladder.waiting``
    """
    late = {f"ladder.counts[{rung}].{name}" for rung in range(waiting) for name in ("days", "episodes", "at_risk")}
    return (late | {f"ladder.quiet[{rung}]" for rung in range(waiting)}) & set(fields)
