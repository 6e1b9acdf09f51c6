"""Days of movement of people and cows as rows of 15 minutes, and a spec of a plan for them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from anomsdk.sources.dropouts import Samples
from benchmarks.motion_recordings import DATA

PEOPLE, COWS = "people_days_1min.npz", "cow_days_15min.npz"
ROW_S = 900
FRAMES = 8
"""Rows of a context of `ROWS`."""
OFF_S = 4 * 3600
"""Shortest time without any movement after which a day counts as one with the sensor off the body."""

ROWS = """
format = 1
name = "days"
[sensor]
kind = "external"
rate_hz = 0.001  # stands for a row in 15 minutes, which a plan cannot say: rates are in thousandths of a hertz
[features]
kind = "external"
n_features = 4
[context]
kind = "summary"
frames = 8
statistics = ["mean", "max"]
[model]
max_macs = 5000
[alert]
m = 1
n = 1
off_delay_s = 4000
cooldown_s = 0
"""


@dataclass(frozen=True, eq=False)
class Device:
    """Recordings of one person, animal or room.

    Parameters
    ----------
    name : person, animal or room
    recordings : int16 (n,) or (n, columns) each, with a gap between one and the next
    """

    name: str
    recordings: Sequence[Samples]


def day_recordings(file: str) -> list[Device]:
    """Read rows of 15 minutes, by person or animal, without days on which the sensor was off the body.

    A row is the log of the movement, the share of its time with any (cows: the log of the steps), and the hour as a
    point on a circle. A missing row ends a recording.
    """
    with np.load(DATA / file, allow_pickle=False) as archive:
        z = {key: archive[key] for key in archive.files}
    step, found = int(z["step_s"]), list[Device]()
    for i, name in enumerate(z["subject"].tolist()):
        x = z["x"][z["offsets"][i] : z["offsets"][i + 1]].astype(np.int64)
        start = int(z["t0"][i]) % 86_400
        x, start = x[-start % ROW_S // step :], start + -start % ROW_S  # from a whole quarter of an hour on
        x = x[: len(x) // (ROW_S // step) * (ROW_S // step)]
        day = (start + step * np.arange(len(x))) // 86_400
        worn = {each for each in np.unique(day) if _is_worn(x[day == each], step)}
        part = x.reshape(-1, ROW_S // step, x.shape[1])
        at = start + ROW_S * np.arange(len(part))
        good = np.array([s // 86_400 in worn for s in at]) & (part >= 0).all(axis=(1, 2))
        angle = 2 * np.pi * at / 86_400
        part = np.maximum(part, 0)
        amount = np.log2(1 + part.sum(axis=1))
        other = 256 * amount[:, 1] if x.shape[1] > 1 else 1000 * (part > 0).mean(axis=(1, 2))
        rows = np.stack([256 * amount[:, 0], other, 1000 * np.sin(angle), 1000 * np.cos(angle)], axis=1)
        ends = np.flatnonzero(np.diff(np.concatenate([[False], good, [False]])))
        runs = [np.rint(rows[a:b]).astype(np.int16) for a, b in zip(ends[::2], ends[1::2], strict=True)]
        found.append(Device(str(name), [run for run in runs if len(run) >= FRAMES]))
    return found


def _is_worn(x: np.ndarray, step: int) -> bool:
    """Return True for the samples of a whole day on which the sensor was on the body."""
    moving = np.flatnonzero((x != 0).any(axis=1))  # a missing sample, -1, is no sign of a sensor off the body
    still = np.diff(np.concatenate([[-1], moving, [len(x)]])) - 1
    return len(x) * step == 86_400 and bool(still.max() * step < OFF_S)
