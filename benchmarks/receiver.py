"""`make bench-receiver`: events a second of a receiver, against its own loop over single events, and its memory.

Devices send heartbeats, alarms and technical events over a radio that loses 5 % of them, repeats 3 % and delivers 3 %
late. The loop calls `Receiver.take` for each event; both ways must give the same counts. Memory is the peak of what
Python and numpy allocate in a process of its own.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from anomsdk import Receiver
from anomsdk.core.event import Condition, Kind, State
from anomsdk.receive.rows import BYTES_PER_DEVICE

RATE = 200_000
"""Events a second that must be reached, on one processor."""
MEMORY_MB = 200
"""Most memory of `MOST_DEVICES` devices."""
MOST_DEVICES = 100_000
DEVICES = (1000, MOST_DEVICES)
BATCHES = (1000, 10_000, 50_000)
EVENTS = 200_000
LOST, REPEATED, LATE = 0.05, 0.03, 0.03
LATE_BY = 5
"""Events of its device that a late event lets pass, on average."""
TURNS = 3


@dataclass(frozen=True)
class Arrivals:
    """Events in the order of their arrival.

    Parameters
    ----------
    devices : int64 (n,)
    events : uint8 (n, 16)
    """

    devices: NDArray[np.int64]
    events: NDArray[np.uint8]


def arrivals(n: int, devices: int, seed: int = 0) -> Arrivals:
    """Make about n events of devices that take random turns."""
    rng = np.random.default_rng(seed)
    device = rng.integers(0, devices, n)
    order = np.argsort(device, kind="stable")
    first = np.flatnonzero(np.diff(device[order], prepend=-1))
    number = np.empty(n, np.int64)
    number[order] = np.arange(n) - np.repeat(first, np.diff(first, append=n))
    kind = rng.choice([Kind.ANOMALY, Kind.TECHNICAL, Kind.HEARTBEAT], n, p=[0.1, 0.1, 0.8])
    state = rng.choice([State.NORMAL, State.UNACK_ALARM], n, p=[0.95, 0.05])
    event = rng.integers(0, 256, (n, 16)).astype(np.uint8)
    event[:, 0], event[:, 1] = 0x20 | kind, state
    event[:, 2], event[:, 3] = number & 255, number >> 8
    technical = kind == Kind.TECHNICAL
    event[:, 10] = np.where(technical, 1 << Condition.CLIPPED.bit, 0)
    event[technical, 11], event[technical, 12] = Condition.CLIPPED, 1
    event[:, 14:] = 0xAB, 0xCD
    come = np.flatnonzero(rng.random(n) >= LOST)
    come = np.sort(np.concatenate([come, come[rng.random(len(come)) < REPEATED]]))
    late = np.where(rng.random(len(come)) < LATE, rng.integers(0, 2 * LATE_BY * devices, len(come)), 0)
    come = come[np.argsort(np.arange(len(come)) + late, kind="stable")]
    return Arrivals(device[come], event[come])


def ids(devices: int) -> list[str]:
    return [f"collar-{i:010}" for i in range(devices)]


def loop(events: Arrivals, names: list[str], raw: list[bytes]) -> tuple[Receiver, float]:
    """Take events one by one; return the receiver and the seconds."""
    receiver = Receiver()
    receiver.indices(names)
    devices = [names[device] for device in events.devices.tolist()]

    def take() -> None:
        for at, (device, event) in enumerate(zip(devices, raw, strict=True)):
            receiver.take(device, event, float(at))

    return receiver, _seconds(take)


def batches(events: Arrivals, names: list[str], batch: int, *, named: bool = False) -> tuple[Receiver, float]:
    """Take events in batches; return the receiver and the seconds."""
    receiver = Receiver()
    index = receiver.indices(names)
    at_s = np.arange(len(events.devices), dtype=np.float64)
    parts = [slice(start, start + batch) for start in range(0, len(at_s), batch)]
    given = [
        [names[device] for device in events.devices[part].tolist()] if named else index[events.devices[part]]
        for part in parts
    ]

    def take() -> None:
        for part, devices in zip(parts, given, strict=True):
            receiver.take_many(devices, events.events[part], at_s[part])

    return receiver, _seconds(take)


def _seconds(run: Callable[[], None]) -> float:
    start = time.process_time()
    run()
    return time.process_time() - start


def memory_mb(devices: int, events: int) -> float:
    """Measure what a receiver of devices, their ids and its largest batches cost a process, in MB."""
    code = f"""
import tracemalloc
from benchmarks import receiver as bench
data = bench.arrivals({events}, {devices})
tracemalloc.start()
taken, _ = bench.batches(data, bench.ids({devices}), bench.BATCHES[-1])
taken.standing(), taken.technical(), taken.silent(0.0)
print(tracemalloc.get_traced_memory()[1])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    used = int(done.stdout)
    if used < devices * BYTES_PER_DEVICE:
        raise RuntimeError(f"{used:,} bytes are less than the rows of {devices:,} devices alone")
    return used / 1e6


def measure(console: Console, n_events: int, n_loop: int, turns: int = TURNS) -> bool:
    """Print a row for each number of devices and size of a batch; return True if all bounds are kept."""
    good = True
    table = Table(
        "devices", "batch", "events a second", "with ids as text", "loop", "ratio to the loop", "at least", ""
    )
    for devices in DEVICES:
        names, events = ids(devices), arrivals(n_events, devices)
        part = Arrivals(events.devices[:n_loop], events.events[:n_loop])
        raw = [each.tobytes() for each in part.events]
        for batch in BATCHES:
            rates = []
            for _ in range(turns):
                one_by_one, slow = loop(part, names, raw)
                if batches(part, names, batch)[0].totals() != one_by_one.totals():
                    raise RuntimeError("batches and the loop count differently")
                fast, named = batches(events, names, batch)[1], batches(events, names, batch, named=True)[1]
                n = len(events.devices)
                rates.append((n / fast, n / named, len(raw) / slow, n / fast / (len(raw) / slow)))
            rate, with_text, looped, ratio = np.median(rates, axis=0)
            met = rate >= RATE
            good &= bool(met)
            numbers = (f"{devices:,}", f"{batch:,}", f"{rate:,.0f}", f"{with_text:,.0f}", f"{looped:,.0f}")
            table.add_row(*numbers, f"{ratio:.1f}", f"{RATE:,}", "met" if met else "MISSED")
    console.print(table)
    return good


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--events", type=int, default=EVENTS, help="events of a measurement")
    n_events = parser.parse_args().events
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)
    good = measure(console, n_events, n_events // 10)
    used = memory_mb(MOST_DEVICES, 2 * MOST_DEVICES)
    met = used <= MEMORY_MB
    console.print(
        f"{MOST_DEVICES:,} devices: {used:.0f} MB with their ids and batches of {BATCHES[-1]:,}, {BYTES_PER_DEVICE} "
        f"bytes a device beside its id; at most {MEMORY_MB} MB: {'met' if met else 'MISSED'}"
    )
    return 0 if good and met else 1


if __name__ == "__main__":
    sys.exit(main())
