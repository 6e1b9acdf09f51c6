"""`make bench`: every number that README and docs quote, measured now.

Threads are held to one before numpy is loaded: ratios between libraries mean nothing otherwise.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from functools import reduce
from operator import add
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
from rich.console import Console
from rich.table import Table

from anomsdk.core.plan import Plan
from benchmarks import detection, fidelity, parity, signals, speed, table_speed, training

console = Console(highlight=False, width=None if sys.stdout.isatty() else 200)


def bench_fidelity() -> bool:
    """Log-mel and bands against float64."""
    groups = {"synthetic": signals.synthetic(), "real clips": signals.real_clips()}
    if not groups["real clips"]:
        console.print(f"real clips: skipped, {signals.ESC10} is absent")
        del groups["real clips"]
    table = Table(
        "front end", "signals", "RMS dB, all cells above -110 dB", "RMS dB, within 80 dB", "worst signal within 80 dB"
    )
    good = True
    for shape in fidelity.LOGMEL_SHAPES + fidelity.BANDS_SHAPES:
        bands = len(shape) == 4
        for group, found in groups.items():
            each = {}
            for name, x in found.items():
                if bands:
                    ours, oracle = fidelity.bands_levels(x, *shape), fidelity.float_bands_levels(x, *shape)
                else:
                    ours, oracle = fidelity.logmel_levels(x, *shape), fidelity.librosa_levels(x, *shape)
                each[name] = fidelity.compare(ours, oracle, shape[2])
            pooled = reduce(add, each.values())
            worst = max(each, key=lambda name: each[name].rms_80)
            good &= pooled.rms_all <= fidelity.BOUND_ALL_DB and pooled.rms_80 <= fidelity.BOUND_80_DB
            table.add_row(
                f"{'bands' if bands else 'logmel'} {'/'.join(map(str, shape))}",
                f"{group} ({len(found)})",
                f"{pooled.rms_all:.4f}",
                f"{pooled.rms_80:.4f}",
                f"{each[worst].rms_80:.4f} ({worst})",
            )
    console.print(table)
    console.print(
        f"to reach: <= {fidelity.BOUND_ALL_DB} and <= {fidelity.BOUND_80_DB} dB: {'met' if good else 'MISSED'}\n"
    )
    return good


def bench_parity() -> bool:
    """Model stage against the oracle."""
    rng = np.random.default_rng(0)
    table = Table("model", "outputs compared", "differences")
    different = 0
    if signals.AD01.exists():
        data = signals.AD01.read_bytes()
        found = parity.compare_model(data, parity.parsed(data), 1_000_000, rng)
        table.add_row("ad01 (MLPerf Tiny)", f"{found.outputs:,}", str(found.differences))
        different += found.differences
    else:
        console.print(f"ad01: skipped, {signals.AD01} is absent")
    every = [
        parity.compare_model(data, parity.parsed(data), 20_000, rng) for _, data in parity.random_models(50, seed=1)
    ]
    different += sum(p.differences for p in every)
    table.add_row("50 random models", f"{sum(p.outputs for p in every):,}", str(sum(p.differences for p in every)))
    console.print(table)
    console.print(f"to reach: 0 differences: {'met' if different == 0 else 'MISSED'}\n")
    return different == 0


def bench_speed() -> bool:
    """Engines against the float loop."""
    table = Table("plan", "engine", "fed in", "speed over the float loop (median, min to max of 5)", "to reach")
    x = np.random.default_rng(0).integers(-3000, 3000, 60 * speed.RATE).astype(np.int16)
    good = True
    with tempfile.TemporaryDirectory() as temporary:
        for plan, engine, block, goal in _speed_cases(Path(temporary)):
            stream = speed.engine_stream(plan, engine, block) if block else speed.engine_score(plan, engine)
            found = speed.ratios(stream, speed.float_loop(plan), x)
            median = float(np.median(found))
            met = goal is None or median >= goal
            good &= met
            fed = "one call" if block == 0 else "hops" if block == plan.framer.hop else "blocks of 1 s"
            shown = f"{median:.2f} ({found.min():.2f} to {found.max():.2f})"
            reach = "" if goal is None else f">= {goal}: {'met' if met else 'MISSED'}"
            table.add_row(plan.name, engine, fed, shown, reach)
    console.print(table)
    console.print(
        "float loop: float32 numpy, one rfft, band product and log a hop, tflite-runtime's default resolver every "
        f"tick, one thread, same run. Bounds: {'met' if good else 'MISSED'}"
    )
    return good


def bench_reading() -> bool:
    """A .csv with dates beside the same rows in a .parquet."""
    with tempfile.TemporaryDirectory() as temporary:
        found = table_speed.ratios(*table_speed.write(Path(temporary), 120_000))
    median = float(np.median(found))
    met = median >= table_speed.GOAL
    table = Table("read", "rows a second over those of a .parquet (median, min to max of 5)", "to reach")
    shown = f"{median:.2f} ({found.min():.2f} to {found.max():.2f})"
    table.add_row("120,000 rows of .csv, dates of ISO 8601", shown, f">= 1/3: {'met' if met else 'MISSED'}")
    console.print(table)
    return met


def _speed_cases(folder: Path) -> Iterator[tuple[Plan, str, int, float | None]]:
    """Plan, engine, samples a block (0: all in one call), speed to reach."""
    import shutil

    import anomsdk
    from tests.support.make import make_folder

    small = anomsdk.plan(make_folder(folder / "small", speed.SMALL))
    for engine, goal in (("tflite", 0.3), ("reference", 0.05), ("native", 10)):
        yield small, engine, speed.RATE, goal
        yield small, engine, small.framer.hop, None
    scene = anomsdk.reference_model("audio_scene")
    yield scene, "native", 0, 10
    yield scene, "native", scene.framer.hop, None
    if not signals.AD01.exists():
        console.print(f"ad01: speed skipped, {signals.AD01} is absent")
        return
    machine = folder / "mlperf_tiny_ad"
    machine.mkdir()
    shutil.copy(Path(__file__).parents[1] / "reference_models/mlperf_tiny_ad/spec.toml", machine)
    shutil.copy(signals.AD01, machine)
    ad01 = anomsdk.plan(machine)
    yield ad01, "native", 0, 15
    yield ad01, "native", ad01.framer.hop, None


def bench_training() -> bool:
    """Another hour of sound."""
    found = training.run()
    console.print(
        f"training, each hour of sound beyond the first at max_macs = 3000: {np.median(found.now):.0f} s of processor "
        f"time, {np.median(found.before):.0f} s before; {found.ratio:.2f} of it, to reach <= {training.MOST_RATIO:.2f} "
        f"({training.MOST_S_AN_HOUR:.0f} of 110); levels {'the same' if found.same else 'NOT THE SAME'}: "
        f"{'met' if found.is_met else 'MISSED'}\n",
        soft_wrap=True,
    )
    return found.is_met


if __name__ == "__main__":
    results = [
        bench_fidelity(),
        bench_parity(),
        bench_speed(),
        bench_reading(),
        bench_training(),
        detection.main(console),
    ]
    raise SystemExit(0 if all(results) else 1)
