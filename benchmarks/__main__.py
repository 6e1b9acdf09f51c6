"""`make bench`: measure every number that the README and the documentation quote.

The number of threads is set to one before numpy is loaded, because ratios between libraries mean nothing otherwise.
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
    """Compare log-mel and bands with float64."""
    groups = {"synthetic": signals.synthetic(), "real clips": signals.real_clips()}
    if not groups["real clips"]:
        console.print(f"real clips: skipped, {signals.ESC10} does not exist")
        del groups["real clips"]
    table = Table(
        "front end",
        "signals",
        "RMS error of all cells above -110 dB",
        "of cells within 80 dB of the maximum",
        "worst signal within 80 dB",
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
        f"bounds: <= {fidelity.BOUND_ALL_DB} dB and <= {fidelity.BOUND_80_DB} dB: {'met' if good else 'MISSED'}\n"
    )
    return good


def bench_parity() -> bool:
    """Compare the outputs of the int8 layers with those of the oracle."""
    rng = np.random.default_rng(0)
    table = Table("model", "outputs compared", "differences")
    different = 0
    if signals.AD01.exists():
        data = signals.AD01.read_bytes()
        found = parity.compare_model(data, parity.parsed(data), 1_000_000, rng)
        table.add_row("ad01 (MLPerf Tiny)", f"{found.outputs:,}", str(found.differences))
        different += found.differences
    else:
        console.print(f"ad01: skipped, {signals.AD01} does not exist")
    every = [
        parity.compare_model(data, parity.parsed(data), 20_000, rng) for _, data in parity.random_models(50, seed=1)
    ]
    different += sum(p.differences for p in every)
    table.add_row("50 random models", f"{sum(p.outputs for p in every):,}", str(sum(p.differences for p in every)))
    console.print(table)
    console.print(f"bound: 0 differences: {'met' if different == 0 else 'MISSED'}\n")
    return different == 0


def bench_speed() -> bool:
    """Measure the speed of the engines, as a multiple of the float loop's."""
    table = Table("plan", "engine", "samples come in", "speed over the float loop's (median, min to max of 5)", "bound")
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
        "float loop: float32 numpy with one rfft, band product and logarithm a hop, and tflite-runtime's default "
        f"resolver in every tick; one thread, same run. Bounds: {'met' if good else 'MISSED'}"
    )
    return good


def bench_reading() -> bool:
    """Compare the time to read a .csv with dates and the same rows in a .parquet."""
    with tempfile.TemporaryDirectory() as temporary:
        found = table_speed.ratios(*table_speed.write(Path(temporary), 120_000))
    median = float(np.median(found))
    met = median >= table_speed.GOAL
    table = Table("file", "rows a second over those of a .parquet (median, min to max of 5)", "bound")
    shown = f"{median:.2f} ({found.min():.2f} to {found.max():.2f})"
    table.add_row(".csv, 120,000 rows with dates in ISO 8601", shown, f">= 1/3: {'met' if met else 'MISSED'}")
    console.print(table)
    return met


def _speed_cases(folder: Path) -> Iterator[tuple[Plan, str, int, float | None]]:
    """(plan, engine, samples a block or 0 for a single call, bound of the speed or None) of each row of the table."""
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
        console.print(f"speed with ad01: skipped, {signals.AD01} does not exist")
        return
    machine = folder / "mlperf_tiny_ad"
    machine.mkdir()
    shutil.copy(Path(__file__).parents[1] / "reference_models/mlperf_tiny_ad/spec.toml", machine)
    shutil.copy(signals.AD01, machine)
    ad01 = anomsdk.plan(machine)
    yield ad01, "native", 0, 15
    yield ad01, "native", ad01.framer.hop, None


def bench_training() -> bool:
    """Measure the processor time of another hour of sound."""
    found = training.run()
    console.print(
        f"training, processor time for each hour of sound beyond the first at max_macs = 3000: "
        f"{np.median(found.now):.0f} s, hop by hop {np.median(found.before):.0f} s; ratio {found.ratio:.2f}, bound <= "
        f"{training.MOST_RATIO:.2f} ({training.MOST_S_AN_HOUR:.0f} of 110); feature levels "
        f"{'equal' if found.same else 'NOT EQUAL'}: "
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
