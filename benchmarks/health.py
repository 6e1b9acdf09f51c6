"""`make bench-health`: technical faults put into real recordings, found or not, and the alarms of normal hours.

Each fault is put into 20 streams of sound or of motion; a stream is the recordings of one scene, person or animal. The
plans have a section [health] without a key, so all limits are the defaults. A fault is found where its condition is
raised within its time. The same plans then watch all normal recordings, in which no technical condition may be raised.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

import anomsdk
from anomsdk.core.event import Condition
from anomsdk.core.pipeline import Result
from anomsdk.core.plan import Plan
from anomsdk.plans.file import reference_models_folder
from anomsdk.stats.intervals import poisson_upper
from benchmarks import health_streams
from benchmarks.health_faults import (
    OF_MOTION,
    OF_SOUND,
    UNSEEN,
    UNSEEN_IN_MOTION,
    UNSEEN_IN_SOUND,
    Blocks,
    Fault,
    at_rest,
)
from benchmarks.health_margins import margins
from benchmarks.health_streams import AUDIO, COLLAR, PERSON, WORN, Stream
from tests.support.make import make_folder

RECORDINGS = 20
LEAST_FOUND = 0.95
LONGEST_S = 120.0
"""Seconds of a stream that most faults are put into; the fault begins halfway."""
SPECS = Path(__file__).parent / "specs"


@dataclass(frozen=True)
class Change:
    """Technical event: the samples that had come by then, the condition, and whether it was raised or cleared."""

    at: int
    condition: Condition
    raised: bool


def changes_of(
    plan: Plan, blocks: Blocks, rate_hz: float, engine: str | None, *, unplugged: bool = False
) -> list[Change]:
    """Watch a stream, and list its technical events; warm-up is not among them.

    Parameters
    ----------
    plan : with a section [health]
    blocks : samples, and gaps in samples
    rate_hz : samples a second
    engine : as in `anomsdk.Pipeline`
    unplugged : gaps are reported every second as missing, not as lost samples
    """
    found, begin, framer = list[Change](), 0, plan.framer

    def note(results: Iterable[Result], end: int) -> None:
        for result in results:
            at = min(max(begin, result.hop * framer.hop + framer.window), end)
            found.extend(
                Change(at, event.condition, event.active)
                for event in result.events
                if event.condition not in (None, Condition.WARM_UP)
            )

    with anomsdk.Pipeline(plan, engine=engine) as pipeline:
        for block in blocks:
            if not isinstance(block, int):
                note(pipeline.process(block), begin + len(block))
                begin += len(block)
            elif not unplugged:
                begin += block
                note(pipeline.gap(block), begin)
            else:
                second = round(rate_hz)
                for lost in (min(second, block - first) for first in range(0, block, second)):
                    begin += lost
                    note(pipeline.missing(round(1000 * lost / rate_hz)), begin)
    return found


def delay_of(fault: Fault, stream: Stream, plan: Plan, seed: int, engine: str | None) -> float:
    """Put a fault into a stream, and return the seconds until its condition is raised; infinity if it is not.

    For a fault that cannot be seen, any technical condition counts.
    """
    whole = fault.of_rest
    n = len(stream.samples) if whole else min(len(stream.samples), round(LONGEST_S * stream.rate_hz))
    cut = Stream(stream.plan, stream.source, stream.name, stream.samples[:n], stream.rate_hz)
    rng = np.random.default_rng([seed, *map(ord, fault.name)])
    start = (n // 3 if whole else n // 2) + int(rng.integers(2 * round(stream.rate_hz)))  # anywhere in a block
    blocks = fault.put(cut, start, rng)
    changes = changes_of(plan, blocks, stream.rate_hz, engine, unplugged=fault.unplugged)
    wanted = [c for c in changes if c.at > start and (not fault.conditions or c.condition in fault.conditions)]
    raised = next((change.at for change in wanted if change.raised), None)
    if raised is None or (fault.unplugged and wanted[-1].raised):
        return math.inf
    if not fault.of_rest:
        return (raised - start) / stream.rate_hz
    return float(at_rest(cut.samples, round(stream.rate_hz))[start:raised].sum()) / stream.rate_hz


def chosen(streams: Sequence[Stream], fault: Fault) -> list[Stream]:
    """Choose `RECORDINGS` streams that are long enough for a fault, as evenly as possible over the data sets."""
    kept = [stream for stream in streams if _is_usable(stream, fault)]
    queues = [[s for s in kept if s.source == source] for source in dict.fromkeys(stream.source for stream in kept)]
    found = list[Stream]()
    while len(found) < RECORDINGS and any(queues):
        found += [queue.pop(0) for queue in queues if queue]
    return found[:RECORDINGS]


def _is_usable(stream: Stream, fault: Fault) -> bool:
    n = len(stream.samples)
    if not fault.of_rest:
        return n / stream.rate_hz >= LONGEST_S / 2
    return float(at_rest(stream.samples, round(stream.rate_hz))[n // 3 :].sum()) / stream.rate_hz >= fault.within_s + 10


def plans_with_health(folder: Path) -> dict[str, Plan]:
    """Plan the specs that the streams need, each with a section [health] without a key, by name."""
    found = {}
    for name in (AUDIO, PERSON, COLLAR):
        shutil.copytree(reference_models_folder() / name, folder / name)
        spec = folder / name / "spec.toml"
        spec.write_text(spec.read_text(encoding="utf-8") + "\n[health]\n", encoding="utf-8")
        found[name] = anomsdk.plan(folder / name)
    # Technical conditions depend on no model: a random one will do.
    text = (SPECS / f"{WORN}.toml").read_text(encoding="utf-8") + "\n[health]\n"
    return {**found, WORN: anomsdk.plan(make_folder(folder / WORN, text))}


class Bench:
    """Measurements of one run.

    Parameters
    ----------
    plans : plan by name
    console : where tables go
    engine : as in `anomsdk.Pipeline`
    say : called with what is being measured
    """

    def __init__(
        self, plans: Mapping[str, Plan], console: Console, engine: str | None, say: Callable[[str], None]
    ) -> None:
        self._plans, self._console, self._engine, self._say = plans, console, engine, say

    def faults(self, title: str, every: Sequence[Fault], streams: Sequence[Stream]) -> bool:
        """Print a row for each fault; return True if all are found in as many recordings, and in time, as they must."""
        table = Table(title, "condition", "found in time", "median delay", "longest delay", "time allowed", "")
        good = True
        for fault in every:
            self._say(f"{title}, {fault.name}")
            delays = np.array(
                [delay_of(fault, s, self._plans[s.plan], i, self._engine) for i, s in enumerate(chosen(streams, fault))]
            )
            found = int((delays <= fault.within_s).sum())
            met = len(delays) == RECORDINGS and found >= LEAST_FOUND * RECORDINGS
            good &= met
            table.add_row(
                fault.name,
                " or ".join(condition.word for condition in fault.conditions),
                f"{found} of {len(delays)}",
                _seconds(float(np.median(delays))),
                _seconds(float(delays.max())),
                f"{fault.within_s:g} s{' of rest' if fault.of_rest else ''}",
                "met" if met else "MISSED",
            )
        self._console.print(table)
        return good

    def unseen(self, title: str, every: Sequence[Fault], streams: Sequence[Stream]) -> None:
        """Print a row for each fault that cannot be seen, with the recordings in which something was raised anyhow."""
        table = Table(title, "any condition raised")
        for fault in every:
            self._say(f"{title}, {fault.name}")
            delays = [
                delay_of(fault, s, self._plans[s.plan], i, self._engine) for i, s in enumerate(chosen(streams, fault))
            ]
            table.add_row(fault.name, f"{sum(map(math.isfinite, delays))} of {len(delays)}")
        self._console.print(table)

    def normal(self, streams: Sequence[Stream], cut_s: float) -> bool:
        """Print the normal hours and their technical alarms; return True if there are none."""
        table = Table("normal recordings", "streams", "hours", "technical alarms", "95 % upper bound, alarms a day")
        hours, alarms, said = Counter[str](), Counter[str](), list[str]()
        for stream in streams:
            self._say(f"normal recordings, {stream.source} {stream.name}")
            raised = [c for c in self._changes(stream) if c.raised]
            hours[stream.source] += stream.hours
            alarms[stream.source] += len(raised)
            said += [
                f"{stream.source}, {stream.name}: {c.condition.word} after {c.at / stream.rate_hz:.1f} s"
                for c in raised
            ]
        sources = Counter(stream.source for stream in streams)
        for source, n in sources.items():
            table.add_row(source, str(n), *_rate(alarms[source], hours[source]))
        table.add_row("all", str(len(streams)), *_rate(alarms.total(), hours.total()))
        self._console.print(table)
        for line in said:
            self._console.print(line, soft_wrap=True)
        met = not said
        self._console.print(
            f"{cut_s:.1f} s of sound were digitally constant for 0.1 s or more, and were cut out. Bound: no technical "
            f"alarm: {'met' if met else 'MISSED'}",
            soft_wrap=True,
        )
        return met

    def margins(self, streams: Sequence[Stream]) -> None:
        """Print the normal values that come nearest to the limits, held for as many blocks as each condition takes."""
        table = Table("nearest normal value", "value", "limit", "ratio", "in")
        for margin in margins(streams, self._plans):
            table.add_row(
                margin.what, f"{margin.value:.4g}", f"{margin.limit:.4g}", f"{margin.distance:.3g}", margin.where
            )
        self._console.print(table)

    def really_faulty(self, streams: Iterable[Stream]) -> None:
        """Print what is raised in the recordings of a sensor that was really miscalibrated."""
        for stream in streams:
            words = Counter(c.condition.word for c in self._changes(stream) if c.raised)
            said = ", ".join(f"{word} ({n})" for word, n in words.items()) or "nothing"
            self._console.print(
                f"a collar of {stream.source} that reads 7.7 g at rest, {stream.hours:.2f} h: {said}",
                soft_wrap=True,
            )

    def _changes(self, stream: Stream) -> list[Change]:
        return changes_of(self._plans[stream.plan], [stream.samples], stream.rate_hz, self._engine)


def _rate(count: int, hours: float) -> tuple[str, str, str]:
    return f"{hours:.2f}", str(count), f"{24 * poisson_upper(count, hours):.3g}"


def _seconds(delay: float) -> str:
    return f"{delay:.2f} s" if math.isfinite(delay) else "not found"


def main(console: Console, engine: str | None = None) -> bool:
    """Measure and print. Returns True if all bounds are met, or if the recordings do not exist."""
    reason = health_streams.missing()
    if reason:
        console.print(f"health: skipped, {reason}")
        return True
    with tempfile.TemporaryDirectory() as folder, Console(stderr=True).status("health") as status:
        bench = Bench(plans_with_health(Path(folder)), console, engine, lambda line: status.update(f"health: {line}"))
        sound, cut_s = health_streams.sound()
        motion = health_streams.motion()
        good = bench.faults("faults put into sound", OF_SOUND, sound)
        good &= bench.faults("faults put into motion", OF_MOTION, motion)
        good &= bench.normal([*sound, *motion], cut_s)
        bench.margins([*sound, *motion])
        bench.really_faulty(health_streams.cattle(faulty=True))
        bench.unseen("not seen in sound", UNSEEN_IN_SOUND, sound)
        bench.unseen("not seen in motion", UNSEEN_IN_MOTION, motion)
    console.print("also not seen:")
    for line in UNSEEN:
        console.print(f"  {line}", soft_wrap=True)
    return good


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.health", description=__doc__)
    parser.add_argument("--engine", help="engine of the pipelines (default: the fastest that is installed)")
    shown = Console(highlight=False, width=None if sys.stdout.isatty() else 160)
    raise SystemExit(0 if main(shown, parser.parse_args().engine) else 1)
