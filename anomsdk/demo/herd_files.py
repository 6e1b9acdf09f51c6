"""Recordings of a small herd, written as files of collars, and a plan with a ladder: to try the commands for herds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.demo.herd import BUDGET, herd_plan
from anomsdk.demo.herd_motion import FIRST_DAY, anomalous_piece, counts_of
from anomsdk.demo.recordings import new_folder
from anomsdk.errors import InputError, printable
from anomsdk.plans.file import write_plan
from anomsdk.synthetic.motion import CATTLE, day
from anomsdk.utils.text import counted

SEED = 7
ANIMALS, EVENINGS, EVENING_S = 12, 3, 7200
"""Animals, evenings, and the length of each recording in seconds; the last evening has a folder of its own."""
NOISY, NEW, SILENT, DAMAGED = 5, 3, 11, 9
"""Numbers of animals: noisy on all evenings, and on the last one only; without the last one; with a damaged file."""
_FROM_H = 20
_NOISY_EVERY_S = 240


@dataclass(frozen=True)
class WrittenHerd:
    """Content of the folder that `write` wrote.

    Parameters
    ----------
    folder : holds evenings/, later/ and plan/
    evenings, later : numbers of recordings
    """

    folder: Path
    evenings: int
    later: int


def write(
    folder: str | Path, *, seed: int = SEED, progress: Callable[[int, int], None] = lambda done, n: None
) -> WrittenHerd:
    """Write recordings of twelve animals for three evenings, and a plan that counts alarms at 24 levels.

    Parameters
    ----------
    folder : new or empty; ``evenings/<animal>/<date>.npz``, ``later/<animal>/<date>.npz`` and ``plan/plan.json`` appear
        in it together
    seed : seed of all random numbers, 0 or more
    progress : called before each animal with the number of animals written and of all

    Raises
    ------
    InputError : the folder is not empty, or cannot be written
    """
    if seed < 0:
        raise InputError(f"demo: `seed={seed}`; it must be 0 or more")
    numbers = {"evenings": 0, "later": 0}
    with new_folder(folder) as fresh:
        plan = herd_plan()
        (fresh / "plan").mkdir()
        write_plan(plan, fresh / "plan" / "plan.json")
        for animal in range(1, ANIMALS + 1):
            progress(animal - 1, ANIMALS)
            rng, length = np.random.default_rng([seed, 4, animal]), round(EVENING_S * plan.rate_hz)
            motion = counts_of(day(rng, CATTLE, EVENINGS * EVENING_S, plan.rate_hz), plan)
            for evening in range(EVENINGS):
                is_last = evening == EVENINGS - 1
                if is_last and animal == SILENT:
                    continue
                samples = motion[evening * length : (evening + 1) * length]
                if animal == NOISY or (animal == NEW and is_last):
                    every = round(_NOISY_EVERY_S * plan.rate_hz)
                    for at in range(every, length - every, every):
                        piece = anomalous_piece(rng, plan)
                        samples[at : at + len(piece)] = piece
                start = FIRST_DAY + timedelta(days=evening, hours=_FROM_H)
                kind = "later" if is_last else "evenings"
                path = fresh / kind / f"cow-{animal:02}" / f"{start:%Y-%m-%d}.npz"
                _write(path, samples, start.timestamp(), plan.rate_hz)
                if animal == DAMAGED and evening == 1:
                    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
                numbers[kind] += 1
    return WrittenHerd(Path(folder), **numbers)


def written_report(written: WrittenHerd) -> str:
    """Lay out what was written, and what is the matter with some of the animals."""
    rows = [
        ("evenings/", counted(written.evenings, "recording"), f"{ANIMALS} cows, {EVENINGS - 1} evenings of 2 h"),
        ("later/", counted(written.later, "recording"), "the evening after"),
        ("plan/", "plan.json", f'the reference model, with a ladder for "{BUDGET}"'),
    ]
    return "\n".join(
        [
            printable(f"wrote {written.folder}: generated motion of cows with collars, 10 Hz"),
            *(f"  {name:<10} {count:<14} {what}" for name, count, what in rows),
            f"cow-{NOISY:02} shakes her head again and again, and cow-{NEW:02} does on the last evening;",
            f"cow-{SILENT:02} sends nothing on the last evening, and a file of cow-{DAMAGED:02} is damaged",
        ]
    )


def _write(path: Path, samples: NDArray[np.int16], start_s: float, rate_hz: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = np.array(["ax", "ay", "az", "gx", "gy", "gz"])
    scale = np.repeat([1 / 2048, 1 / 16], 3)
    unit = np.array("acc g = x/2048; gyro deg/s = x/16")
    np.savez_compressed(path, x=samples, fs=rate_hz, t0=start_s, channels=axes, scale=scale, unit=unit)
