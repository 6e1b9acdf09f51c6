"""Any plan with an alarm or a health section, and any use of its pipeline.

A use is made of samples with faults, gaps, declared pauses, inputs, resets, and records that are saved and restored.
"""

from __future__ import annotations

import dataclasses
import struct
import zlib
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.alarm import AlarmPlan
from anomsdk.core.downlink import LevelOrder
from anomsdk.core.duty import DutyPlan
from anomsdk.core.event import Condition
from anomsdk.core.health import IN_BLOCKS, N_CONDITIONS, HealthPlan
from anomsdk.core.ladder import MAX_DELAY, MAX_PROMISES, N_NEEDS, LadderPlan, PromisePlan, Unit
from anomsdk.core.record import RECORD_BYTES
from anomsdk.core.rung import TimingPlan, levels

Samples: TypeAlias = NDArray[np.int16]
Step: TypeAlias = tuple[str, tuple[Any, ...]]
"""Name of a method of a Pipeline, and its arguments."""

GAPS = (1, 2, 3, 50, 3000, 2**31 - 1)
FAULTS = ("stuck", "zero", "flat", "repeated", "clipped", "step", "dead axis", "scaled", "at rest")


def supervised(plan: anomsdk.Plan, rng: np.random.Generator) -> anomsdk.Plan:
    """A plan with sections drawn from ``rng``: alarm, health or both, also a duty, with limits that the streams reach."""
    which = rng.random()
    timing = any_timing(rng)
    return dataclasses.replace(
        plan,
        timing=timing,
        levels=levels(_any_level(plan, rng), timing),
        alarm=any_alarm(rng) if which < 0.8 else None,
        health=any_health(plan, rng) if which > 0.2 else None,
        duty=any_duty(plan, rng),
        folder=None,
    )


def laddered(plan: anomsdk.Plan, rng: np.random.Generator) -> anomsdk.Plan:
    """A plan as of `supervised`, maybe without an alarm and a health section, with rungs among its scores and promises."""
    made = supervised(plan, rng)
    timing = short_timing(made.timing)
    level = _any_level(plan, rng)
    ladder = any_ladder(level, rng)
    gap = int(rng.choice([0, 1, 2, 3, 5, 254]))
    ladder = dataclasses.replace(ladder, episode_gap=gap)
    sections = {"health": None} if rng.random() < 0.5 else {}
    sections |= {"alarm": None} if rng.random() < 0.2 else {}
    promises = any_promises(ladder, rng)
    own = levels(level, timing)
    return dataclasses.replace(made, timing=timing, levels=own, ladder=ladder, promises=promises, **sections)


def short_timing(timing: TimingPlan) -> TimingPlan:
    """Timing with delays that a ladder can count."""
    after = timing.clear_after
    return dataclasses.replace(
        timing, off_delay=min(timing.off_delay, MAX_DELAY), clear_after=after and min(after, MAX_DELAY)
    )


def any_ladder(level: int, rng: np.random.Generator) -> LadderPlan:
    """2 to 24 rungs around a level, and days of 1 to 200 ticks."""
    n = int(rng.choice([2, 3, 7, 24, int(rng.integers(2, 25))]))
    scores = level * rng.uniform(0.3, 1.2) * rng.choice([1.02, 1.2, 2, 8]) ** np.arange(n)
    rising = np.maximum.accumulate(np.clip(scores, 1, 2**32 - 1 - n).astype(np.int64)) + np.arange(n)
    day = int(rng.choice([1, 1, 2, 3, 10, int(rng.integers(1, 201))]))
    rest = int(rng.choice([0, 1, 30000, 65535]))
    return LadderPlan(rising.astype(np.uint32), day_ticks=day, day_rest_q16=rest, episode_gap=1)


def any_promises(ladder: LadderPlan, rng: np.random.Generator) -> tuple[PromisePlan, ...]:
    """0 to 4 promises that are certified, missed and broken within some days."""
    units = [Unit.ALARM, Unit.ALARM_DAY, Unit.EPISODE] if ladder.episode_gap else [Unit.ALARM, Unit.ALARM_DAY]
    found = []
    for _ in range(int(rng.choice([0, 1, 2, MAX_PROMISES], p=[0.05, 0.3, 0.3, 0.35]))):
        unit = units[int(rng.integers(len(units)))]
        first = int(rng.choice([1, 1, 3, 20])) * (ladder.day_ticks if unit == Unit.ALARM else 1)
        needs = np.minimum(first + np.cumsum(rng.integers(0, 1 + first, N_NEEDS)), 2**32 - 1)
        found.append(
            PromisePlan(
                unit=int(unit),
                needs=needs.astype(np.uint32),
                most_in_alarm_q16=int(rng.choice([1, 20000, 65536, 65536, 65536])),
                event_q16=int(rng.choice([1, 40000, 100000, 1 << 24])),
                day_q16=int(rng.choice([1, 6000, 50000, 1 << 24])),
                broken_q16=int(rng.choice([1, 90000, 196328, 1 << 24])),
            )
        )
    return tuple(found)


def plain(plan: anomsdk.Plan, rng: np.random.Generator) -> anomsdk.Plan:
    """A plan with timing, level and maybe a duty drawn from ``rng``, and no other section."""
    return dataclasses.replace(supervised(plan, rng), alarm=None, health=None)


def relevelled(plan: anomsdk.Plan, rng: np.random.Generator) -> anomsdk.Plan:
    """A plan of the same score_id: with another level and, unless it is plain, another alarm section."""
    raise_score = max(1, min(2**32 - 1, int(plan.levels.raise_score * rng.choice([0.5, 0.9, 1.1, 3]))))
    alarm = any_alarm(rng) if plan.is_supervised and rng.random() < 0.7 else plan.alarm
    promises = plan.promises if plan.ladder is None or rng.random() < 0.5 else any_promises(plan.ladder, rng)
    return dataclasses.replace(plan, levels=levels(raise_score, plan.timing), alarm=alarm, promises=promises)


def any_duty(plan: anomsdk.Plan, rng: np.random.Generator) -> DutyPlan | None:
    """Ticks, then a pause of some hops; or none."""
    if rng.random() < 0.4:
        return None
    on = plan.samples_to_first_tick + int(rng.integers(0, 3 * plan.samples_per_tick))
    return DutyPlan(on, on + int(rng.choice([1, 2, 3, int(rng.integers(1, 40 * plan.framer.hop + 1))])))


def _any_level(plan: anomsdk.Plan, rng: np.random.Generator) -> int:
    """A level among the scores of the plan on noise."""
    samples = any_samples(plan, plan.samples_to_first_tick + 20 * plan.samples_per_tick, rng)
    scores = anomsdk.score(plan, samples, "native")
    return int(max(1, np.quantile(scores, rng.uniform(0.3, 1)) * rng.choice([0.5, 1, 1])))


def any_timing(rng: np.random.Generator) -> TimingPlan:
    """Votes and delays of a few ticks."""
    n = int(rng.integers(1, 6))
    return TimingPlan(
        m=int(rng.integers(1, n + 1)),
        n=n,
        on_delay=int(rng.choice([0, 0, 1, 3])),
        off_delay=int(rng.choice([0, 0, 1, 4, 2**31 - 1])),
        cooldown=int(rng.choice([0, 0, 1, 5])),
        clear_ratio_q16=int(rng.integers(1, (1 << 16) + 1)),
        high_ratio_q16=int(rng.choice([0, (1 << 16) + 1, 3 << 15])),
        clear_after=[None, None, 1, 3, 12, 2**31 - 1][int(rng.integers(6))],
    )


def any_alarm(rng: np.random.Generator) -> AlarmPlan:
    """A life cycle whose durations are a few hops."""
    heartbeat = int(rng.choice([0, 1, 9, 60, 2**31 - 1]))
    return AlarmPlan(
        latch=int(rng.integers(2)),
        cancel=int(rng.choice([0, 0, 1, 20, 200])),
        escalate_ratio_q16=int(rng.choice([0, 1 << 16, 70000, 2 << 16])),
        escalate_after=int(rng.choice([0, 1, 5, 30])),
        escalate_every=int(rng.choice([0, 1, 7, 40])),
        repeat=int(rng.choice([0, 1, 6, 30])),
        test=int(rng.choice([0, 1, 10])),
        heartbeat=heartbeat,
        heartbeat_rest_q16=[None, 1, 30000, 65535][int(rng.integers(4))] if heartbeat > 0 else None,
    )


def any_health(plan: anomsdk.Plan, rng: np.random.Generator) -> HealthPlan:
    """Limits that the streams and the gaps reach."""
    hop, window = plan.framer.hop, plan.framer.window
    block = int(rng.integers(1, max(2, min(9, 1 + (65535 - window) // hop))))
    blocks = np.zeros((2, N_CONDITIONS), np.uint16)
    for condition in IN_BLOCKS:
        needs_axes = condition in (Condition.GRAVITY, Condition.NOT_WORN)
        if rng.random() < 0.8 and not (needs_axes and plan.columns < 3):
            blocks[:, condition - 1] = rng.choice([1, 1, 2, 5, 65535], 2, p=[0.4, 0.2, 0.2, 0.15, 0.05])
    blocks[:, (Condition.STEP if rng.random() < 0.5 else Condition.NOT_WORN) - 1] = 0
    low = int(rng.integers(-32768, 32767))
    high = int(rng.integers(low + 1, 32768))
    extreme = rng.random() < 0.7
    square = int(rng.integers(1, 3 << 24))
    gravity = sorted((int(rng.choice([0, square // 2, square])), int(rng.choice([0, square, 2**32 - 1]))))
    return HealthPlan(
        block=block,
        stuck=int(rng.choice([0, 1, block * hop // 2, 3 * block * hop, 65535])) & 65535,
        flat_range=int(rng.choice([0, 1, 20, 2000])),
        clip_low=-32760 if extreme else low,
        clip_high=32760 if extreme else high,
        clip_share_q16=int(rng.choice([0, 1, 3000, 1 << 15, 1 << 16])),
        floor_range=int(rng.choice([0, 1, 30, 5000])),
        step=int(rng.choice([0, 20, 3000, 65535])),
        dead_axis=int(rng.choice([0, 1, block * hop, 65535])) & 65535,
        dead_axis_range=int(rng.choice([0, 100, 5000])),
        rest_q16=int(rng.choice([0, 200, 5000, 1 << 16])),
        gravity_low=gravity[0],
        gravity_high=gravity[1],
        still_range=int(rng.choice([0, 10, 1000, 65535])),
        posture=int(rng.choice([0, 10, 1000, 65535])),
        mean_shift=int(rng.integers(16)),
        lost_share_q16=int(rng.choice([0, 1, 6553, 1 << 15, 1 << 16])),
        missing_ms=int(rng.choice([0, 1, 500, 20000, 2**31 - 1])),
        rate_tolerance_q16=int(rng.choice([0, 1, 1310, 1 << 16])),
        samples_per_ms_q20=int(rng.choice([0, 1, round(plan.rate_hz * 1048.576), 2**31 - 1])) & (2**31 - 1),
        warm_up=int(rng.choice([0, 1, 7, 40])),
        settle=int(rng.choice([0, 1, 5])),
        not_worn_voids=int(rng.integers(2)),
        raise_blocks=blocks[0],
        clear_blocks=blocks[1],
    )


def any_samples(plan: anomsdk.Plan, n: int, rng: np.random.Generator) -> Samples:
    """Noise of a changing loudness with faults put in."""
    rows = (n, plan.columns)
    x = rng.standard_normal(rows) * 10 ** rng.uniform(0, 3, (1, plan.columns)) + rng.choice([0, 0, 100, 2000])
    part = max(2, n // 12)
    for start in range(0, n, part):
        if rng.random() < 0.3:
            x[start : start + part] *= 10 ** rng.uniform(0, 3)
        if rng.random() < 0.4:
            block = 1 if plan.health is None else plan.health.block * plan.framer.hop
            _spoil(x[start : start + part], str(rng.choice(FAULTS)), block, rng)
    return np.clip(x, -32768, 32767).astype(np.int16)


def _spoil(x: NDArray[np.float64], fault: str, block: int, rng: np.random.Generator) -> None:
    """Put a fault into a part of a stream, (n, columns), in place; what is repeated has a period of ``block`` samples."""
    columns = x.shape[1]
    if fault == "stuck":
        x[:] = x[0]
    elif fault == "zero":
        x[:] = 0
    elif fault == "flat":
        x[:] = x[0] + rng.integers(0, 2, x.shape)
    elif fault == "repeated":
        x[:] = np.resize(x[:block], x.shape)
    elif fault == "clipped":
        x *= 1e5
    elif fault == "step":
        x += rng.integers(-20000, 20000, columns)
    elif fault == "dead axis":
        x[:, rng.integers(columns)] = rng.integers(-100, 100)
    elif fault == "scaled":
        x *= rng.choice([0.25, 0.5, 4])
    else:
        x[:] = rng.integers(-3000, 3000, columns) + rng.integers(-2, 3, x.shape)


def any_steps(plan: anomsdk.Plan, hops: int, rng: np.random.Generator) -> list[Step]:
    """Use of a pipeline over about so many hops: blocks of samples, gaps, inputs, records, a reset now and then.

    The steps "save", "restore" and "relevel" are no methods of a pipeline, see `use`.
    """
    samples = any_samples(plan, plan.framer.window + hops * plan.framer.hop, rng)
    chance, steps, at = rng.uniform(0.1, 0.9), [("save", ())], 0
    while at < len(samples):
        size = int(rng.integers(0, 2 + rng.integers(1, 40) * plan.framer.hop))
        steps.append(("process", (samples[at : at + size],)))
        at += size
        while rng.random() < chance:
            steps.append(any_input(plan, rng))
    return steps


def any_gap(plan: anomsdk.Plan, rng: np.random.Generator) -> Step:
    """A gap of any length; under a duty often one near the limits of a declared pause."""
    small = int(rng.integers(0, 30))
    if plan.duty is not None and rng.random() < 0.6:
        shortest, longest = plan.duty.shortest_pause, plan.duty.longest_pause
        n = int(rng.choice([shortest - 1, shortest, plan.duty.every - plan.duty.on, longest, longest + 1]))
        return "gap", (min(n, GAPS[-1]),)
    return "gap", (int(rng.choice([small, plan.framer.hop * small, *GAPS], p=[0.4, 0.4, *[0.2 / 6] * 6])),)


def any_record(rng: np.random.Generator) -> Step:
    """A record that is saved, or restored: the last one, an older one, a damaged or a forged one, or under other levels."""
    draw = rng.random()
    if draw < 0.5:
        return "save", ()
    if draw < 0.6:
        return "relevel", ()
    age = int(rng.choice([0, 0, 1, 5, 40]))
    damage = str(rng.choice(["", "", "", "byte", "length", "forged"]))
    return "restore", (age, damage, int(rng.integers(2**32)))


def any_input(plan: anomsdk.Plan, rng: np.random.Generator) -> Step:
    """An input from outside with any argument, a gap, a record, or a reset."""
    if rng.random() < 0.15:
        return any_record(rng)
    small = int(rng.integers(0, 30))
    inputs: list[Step] = [
        ("acknowledge", ()),
        ("acknowledge", ()),
        ("cancel", ()),
        ("cancel", ()),
        ("silence", (int(rng.choice([0, 1, small, 2**31 - 1])),)),
        ("out_of_service", (bool(rng.integers(2)),)),
        ("test", ()),
    ]
    if rng.random() < 0.4 or not plan.is_supervised:
        inputs = [any_gap(plan, rng)]
    elif rng.random() < (0.03 if plan.ladder is None else 0.006):
        inputs = [("reset", ())]
    elif plan.ladder is not None and rng.random() < 0.5:
        inputs = any_call_of_the_ladder(plan, rng)
    elif plan.health is not None and rng.random() < 0.6:
        ms = int(rng.choice([0, small, 1000 * small, 60000 + small, 2**32 - 1], p=[0.2, 0.3, 0.3, 0.1, 0.1]))
        inputs = [("supply", (bool(rng.integers(2)),)), ("self_test", (bool(rng.integers(2)),))]
        inputs += [
            ("missing", (ms,)),
            ("missing", (small,)),
            ("clock", (int(rng.integers(0, 2**32)),)),
            ("clock", (ms,)),
        ]
    return inputs[int(rng.integers(len(inputs)))]


def any_call_of_the_ladder(plan: anomsdk.Plan, rng: np.random.Generator) -> list[Step]:
    """Calibrate, set a level, or export from the first tick on or since an earlier export."""
    assert plan.ladder is not None
    found: list[Step] = [("set_level", (int(rng.integers(0, plan.ladder.n_rungs + 1)),))]
    found += [
        ("export", (int(rng.integers(3)), int(rng.integers(1, 3)), int(rng.integers(-1, 4)), bool(rng.random() < 0.1)))
    ]
    found += [("take_downlink", (found[0][1][0], bool(rng.random() < 0.2)))]
    found += [("calibrate", (int(rng.integers(len(plan.promises))),))] * 4 if plan.promises else []
    return found


def exported(pipeline: anomsdk.Pipeline, device: int, boot: int, age: int, torn: bool, records: list[bytes]) -> Any:
    """Export since one of the last exports, the last one at age 0; -1: from the first tick on. The bytes, or why not."""
    earlier = [record for record in records if record[:2] == b"al"]
    since = earlier[-1 - min(age, len(earlier) - 1)] if age >= 0 and earlier else None
    if torn and since is not None:
        since = sealed(since, {30: b"\1"}) if device else bytes([*since[:-1], since[-1] ^ 1])
    try:
        made = pipeline.export(device, boot, since)
    except anomsdk.InputError as error:
        return str(error)
    records.append(made)
    return made


def ordered(pipeline: anomsdk.Pipeline, level: int, for_another: bool) -> tuple[str, list[anomsdk.Result]]:
    """Take a downlink, or one for another plan: why it was refused, or nothing, and the results."""
    order = LevelOrder(level, pipeline.plan.tag ^ (1 << 8 if for_another else 0))
    try:
        return "", pipeline.take_downlink(bytes(order))
    except anomsdk.InputError as error:
        return str(error), pipeline.process(np.zeros((0, pipeline.plan.columns), np.int16))


def use(pipeline: anomsdk.Pipeline, step: str, given: tuple[Any, ...], records: list[bytes]) -> Any:
    """Do one step of a use.

    Parameters
    ----------
    pipeline : its step "relevel" only saves: the caller goes on with the record under another plan
    step, given : from `any_steps`
    records : those that were saved so far; a step that saves adds one

    Returns
    -------
    What the method of the pipeline returns; of "save" the record, of "restore" what `restored` says, of "take_downlink"
    what `ordered` says
    """
    if step in ("save", "relevel"):
        records.append(pipeline.state())
        return records[-1]
    if step == "calibrate":  # a plan that was releveled may have fewer promises
        n = len(pipeline.plan.promises or ())
        return pipeline.calibrate(given[0] % n) if n else []
    if step == "take_downlink":
        return ordered(pipeline, *given)
    if step == "export":
        return exported(pipeline, *given, records)
    if step == "restore":
        return restored(pipeline, changed(records, *given))
    return getattr(pipeline, step)(*given)


def restored(pipeline: anomsdk.Pipeline, record: bytes) -> tuple[str, list[anomsdk.Result]]:
    """Restore a record: why it was refused, or nothing, and the results."""
    try:
        return "", pipeline.restore(record)
    except anomsdk.InputError as error:
        return str(error), pipeline.process(np.zeros((0, pipeline.plan.columns), np.int16))


def changed(records: list[bytes], age: int, damage: str, seed: int) -> bytes:
    """One of the records, the last one at age 0, as it is or spoilt: a byte, its length, or forged with a right CRC."""
    saved = [each for each in records if each[:2] == b"ar"]
    record = saved[-1 - min(age, len(saved) - 1)]
    rng, size = np.random.default_rng(seed), len(record)
    if damage == "byte":
        at = int(rng.integers(size))
        return bytes([*record[:at], record[at] ^ int(rng.integers(1, 256)), *record[at + 1 :]])
    if damage == "length":
        return (record * 2)[: int(rng.choice([0, 1, RECORD_BYTES, size - 1, size + 1, 2 * size]))]
    return forged(record, rng) if damage == "forged" else record


def forged(record: bytes, rng: np.random.Generator) -> bytes:
    """A record with other contents and a right CRC; mark, version, length and score_id are mostly as they were."""
    made = np.frombuffer(record, np.uint8).copy()
    first = 0 if rng.random() < 0.1 else 16
    for at in rng.integers(first, len(record) - 4, int(rng.choice([1, 2, 10, 200]))):
        made[at] = rng.choice([0, 1, 255, int(rng.integers(256))])
    if rng.random() < 0.7:
        made[[17, 22, 23, 53, 55, 62, 63, 105]] = np.frombuffer(record, np.uint8)[[17, 22, 23, 53, 55, 62, 63, 105]]
        made[[52, 54]] &= 1
    return sealed(made.tobytes(), {})


def sealed(record: bytes, changes: dict[int, bytes]) -> bytes:
    """The record with other bytes at these places, and the CRC of what it then holds."""
    made = bytearray(record)
    for at, given in changes.items():
        made[at : at + len(given)] = given
    return bytes(made[:-4]) + struct.pack("<I", zlib.crc32(made[:-4]))
