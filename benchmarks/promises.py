"""`make bench-promises`: false certificates of generated devices that are looked at every day.

All devices of a row have a true rate at the budget, so that each certificate is false. The tables of needs are those of
`anomsdk.planner.ladder.promise_plan`, which a device has. With recordings in ../shared/data a second part certifies
levels on some people, animals and rooms, and counts what the others have.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from anomsdk.stats.budgets import Budget
from anomsdk.stats.dependence import FLAGGED, LEAST_DAYS, MOST_DISPERSED
from anomsdk.stats.dependence import drift as drift_of
from anomsdk.stats.dependence import spells as spells_of
from benchmarks import promise_recordings, promise_streams
from benchmarks.certificates import (
    DAY_TICKS,
    GAP_DAYS,
    NEVER,
    Share,
    broken,
    certified,
    dispersions,
    ever_pooled,
    most_counted,
    needs_of,
    planned,
    share,
)
from benchmarks.promise_streams import Days

DEVICES, DAYS = 10_000, 730
BUDGET, ALARMS, EPISODES = "1 alarm-day/30d", "1 alarm/7d", "2 episodes/90d"
RUNGS = 24
FIRST_BAD = (0, 4, 12, 20)
"""Index of the highest rung whose rate is at the budget: the first bad one of the walk."""
STEPS = (1.05, 1.5)
"""Ratios of the alarm-days at one rung to those at the one above."""
CLUSTERS = (2, 5, 10)
SPELLS = (2, 4)
HERD = 20
HERDS = (20, 200)
CORRELATIONS = (0.0, 0.01, 0.05, 0.1)
HERD_DAYS = 365
"""Days that device-days of a herd are looked at."""
CHECKED = (120, 365)
"""Days after which the alarm-days of a herd are checked for spells and drift."""
LEAST_FLAGGED = 0.8
TIMES = (3, 10)
Check = Callable[..., NDArray[np.float64]]


class Bench:
    """Measurements of one run.

    Parameters
    ----------
    console : where tables go
    devices : devices or herds of a row
    days : days that each is watched
    """

    def __init__(self, console: Console, devices: int, days: int) -> None:
        self._console, self._devices, self._days = console, devices, days
        self._elapsed = np.arange(1, days + 1)
        self._good = True
        self._rate = float(Budget.parse(BUDGET).rate)

    def run(self) -> bool:
        """Print all tables; return True if each bound is kept."""
        self.alarm_days()
        self.walk()
        self.alarms()
        self.hanging_together()
        self.episodes()
        self.pooled()
        self.fixed()
        self.running()
        return self._good

    def alarm_days(self) -> None:
        """Measure certificates in alarm-days, of one level."""
        table = Table(
            f"one level, budget {BUDGET}", "ever falsely certified", "at most 5 %", "with no limit of 15 counted"
        )
        most = most_counted(BUDGET, self._elapsed)
        for name, found in self._streams():
            counted = found.cumsum(axis=1)
            unlimited = share((counted <= most).any(axis=1))
            found_by_device = share(certified(counted, self._elapsed, needs_of(BUDGET)).any(axis=1))
            self._row(table, name, found_by_device, self._kept(unlimited))
        self._console.print(table)

    def _streams(self) -> Sequence[tuple[str, Days]]:
        size = (self._devices, self._days)
        found = [("Poisson", promise_streams.clusters(self._rng(1), *size, size=1, alarm_days=self._rate) > 0)]
        for n in CLUSTERS:
            made = promise_streams.clusters(self._rng(n), *size, size=n, alarm_days=self._rate)
            found.append((f"clusters of {n} alarms, 10 minutes apart", made > 0))
        for n in (1, 5):
            made = promise_streams.clusters(self._rng(20 + n), *size, size=n, alarm_days=self._rate, by_day=True)
            found.append((f"daily rhythm: clusters of {n} alarms, in 8 hours of the day", made > 0))
        return found

    def walk(self) -> None:
        """Measure the walk down 24 rungs, with the first bad rung at several places."""
        table = Table(
            f"walk down {RUNGS} rungs, budget {BUDGET}", "a bad rung ever certified", "at most 5 %", "at least one good"
        )
        needs = needs_of(BUDGET)
        for bad in FIRST_BAD:
            for step in STEPS:
                worst = self._rng(30 + bad).random((self._devices, self._days), dtype=np.float32)
                passes = np.ones(worst.shape, bool)
                good = np.zeros(len(worst), bool)
                for rung in range(RUNGS - 1, bad - 1, -1):
                    rate = self._rate if rung == bad else self._rate / step ** (rung - bad)
                    passes &= certified((worst < rate).cumsum(axis=1, dtype=np.int16), self._elapsed, needs)
                    if rung == RUNGS - 1 > bad:
                        good = passes.any(axis=1)
                text = f"{100 * good.mean():.0f} %" if bad < RUNGS - 1 else "none is"
                self._row(
                    table,
                    f"first bad rung {bad}, {step:g} times fewer alarm-days a rung",
                    share(passes.any(axis=1)),
                    text,
                )
        self._console.print(table)

    def alarms(self) -> None:
        """Measure certificates in alarms, which clusters break."""
        names = ("ever falsely certified", "at most 5 %", "with no limit of 15 counted")
        table = Table(f"alarms as the unit, budget {ALARMS}", *names)
        rate, needs = float(Budget.parse(ALARMS).rate), needs_of(ALARMS)
        most = most_counted(ALARMS, self._elapsed)
        for n in (1, *CLUSTERS):
            made = promise_streams.clusters(self._rng(40 + n), self._devices, self._days, size=n, alarms=rate)
            counted = made.cumsum(axis=1)
            found = share(certified(counted, self._elapsed * DAY_TICKS, needs).any(axis=1))
            unlimited = share((counted <= most).any(axis=1))
            if n == 1:
                self._row(table, "Poisson", found, self._kept(unlimited))
            else:
                table.add_row(f"clusters of {n} alarms", str(found), "published: count alarm-days", str(unlimited))
        self._console.print(table)

    def hanging_together(self) -> None:
        """Measure spells and drift, which break alarm-days, and the checks that flag them."""
        herd = [f"herds of {HERD} after {days} days" for days in CHECKED]
        table = Table(
            f"days that hang together, budget {BUDGET}",
            "ever falsely certified",
            "flagged by",
            f"one device after {self._days} days",
            *herd,
            "false ones flagged by their own days",
            "at least 80 % flagged",
        )
        size = (self._devices, self._days)
        streams = [
            ("independent", promise_streams.independent(self._rng(50), *size, self._rate), (spells_of, drift_of))
        ]
        for mean in SPELLS:
            made = promise_streams.spells(self._rng(50 + mean), *size, self._rate, mean)
            streams.append((f"spells of {mean} days on average", made, (spells_of,)))
        made = promise_streams.drifting(self._rng(60), *size, self._rate)
        streams.append(("drift: from 0 to twice the budget", made, (drift_of,)))
        for name, found, checks in streams:
            look = certified(found.cumsum(axis=1), self._elapsed, needs_of(BUDGET))
            wrong = look.any(axis=1)
            for check in checks:
                one = share(self._flags(found, self._days, check, 1))
                many = [share(self._flags(found, days, check, HERD)) for days in CHECKED]
                own = self._flags_at(found[wrong], look[wrong].argmax(axis=1) + 1, check)
                self._judge(table, name, share(wrong), check is spells_of, one, many, own)
        self._console.print(table)

    def _judge(
        self, table: Table, name: str, wrong: Share, by_spells: bool, one: Share, many: Sequence[Share], own: float
    ) -> None:
        if name == "independent":
            met = one.is_kept and all(each.is_kept for each in many)
            bound = f"at most 5 %: {'met' if met else 'MISSED'}"
        else:
            met = many[-1].value >= LEAST_FLAGGED and (not by_spells or one.value >= LEAST_FLAGGED)
            bound = f"by herds{' and devices' if by_spells else ''}: {'met' if met else 'MISSED'}"
        self._good &= met
        word = "spells" if by_spells else "drift"
        table.add_row(name, str(wrong), word, str(one), *map(str, many), f"{100 * own:.0f} %", bound)

    def _flags(self, found: Days, days: int, check: Check, herd: int) -> NDArray[np.bool_]:
        """Tell for each herd whether a check of its first days flags it."""
        n = len(found) // herd * herd

        def of_herds(counts: NDArray[np.integer]) -> NDArray[np.integer]:
            return counts[:n].reshape(-1, herd)

        first = found[:, :days]
        if check is spells_of:
            begins, _ = promise_streams.episodes_of(first, GAP_DAYS)
            return spells_of(of_herds(first.sum(axis=1)), of_herds(begins.sum(axis=1)), days, GAP_DAYS) <= FLAGGED
        half = days // 2
        early, late = of_herds(first[:, :half].sum(axis=1)), of_herds(first[:, half:].sum(axis=1))
        return drift_of(early, half, late, days - half) <= FLAGGED

    def _flags_at(self, found: Days, days: NDArray[np.integer], check: Check) -> float:
        """Compute the share of devices that a check flags by their own days, up to a day of each."""
        flags = [self._flags(each[None, :n], int(n), check, 1)[0] for each, n in zip(found, days, strict=True)]
        return float(np.mean(flags)) if flags else 0.0

    def episodes(self) -> None:
        """Measure certificates in episodes, where alarm-days come in spells."""
        table = Table(
            f"episodes after {GAP_DAYS} quiet days, budget {EPISODES}", "ever falsely certified", "at most 5 %"
        )
        rate, needs = float(Budget.parse(EPISODES).rate), needs_of(EPISODES)
        for mean in (1, *SPELLS):
            made = promise_streams.episodes(self._rng(70 + mean), self._devices, self._days, rate, mean, GAP_DAYS)
            begins, at_risk = promise_streams.episodes_of(made, GAP_DAYS)
            found = share(certified(begins.cumsum(axis=1), at_risk.cumsum(axis=1), needs).any(axis=1))
            self._row(table, f"spells of {mean} {'day' if mean == 1 else 'days'} on average, with relapses", found)
        self._console.print(table)

    def pooled(self) -> None:
        """Measure certificates of herds by their daily shares, and by device-days taken as independent."""
        days = min(HERD_DAYS, self._days)
        table = Table(
            f"herds, budget {BUDGET}",
            f"by daily shares, {self._days} days: ever falsely certified",
            "at most 5 %",
            f"device-days as independent, {days} days: ever",
            f"dispersion above {MOST_DISPERSED} after {LEAST_DAYS} days: at least 80 % where it is, on average",
            f"with that check at each look, from day 1: ever; from day {LEAST_DAYS}: ever, at most 5 %",
        )
        for devices in HERDS:
            most = most_counted(BUDGET, devices * self._elapsed[:days])
            for correlation in CORRELATIONS:
                rng = self._rng(80 + devices + round(100 * correlation))
                found = promise_streams.herds(rng, self._devices, devices, self._days, self._rate, correlation)
                wrong = found[:, :days].cumsum(axis=1) <= most
                ratio = dispersions(found[:, :days], devices)
                unflagged = wrong & (ratio <= MOST_DISPERSED)
                flagged = share(ratio[:, LEAST_DAYS - 1] > MOST_DISPERSED)
                must = 1 + (devices - 1) * correlation > MOST_DISPERSED
                found_out = not must or flagged.value >= LEAST_FLAGGED
                checked = share(unflagged[:, LEAST_DAYS - 1 :].any(axis=1))
                self._good &= found_out
                self._row(
                    table,
                    f"{devices} devices, intraclass correlation {correlation:g}",
                    share(ever_pooled(found, devices, BUDGET)),
                    str(share(wrong.any(axis=1))),
                    f"{flagged}{'' if not must else ', met' if found_out else ', MISSED'}",
                    f"{share(unflagged.any(axis=1))}; {self._kept(checked)}",
                )
        self._console.print(table)

    def fixed(self) -> None:
        """Measure bounds for a fixed number of days that are looked at every day: the counterexample."""
        table = Table(
            "fixed-sample 95 % bounds", "looked at every day: ever falsely certified", "looked at on the last day alone"
        )
        size = (self._devices, self._days)
        rate = float(Budget.parse(ALARMS).rate)
        streams = (
            ("Garwood", ALARMS, promise_streams.clusters(self._rng(90), *size, size=1, alarms=rate)),
            ("Clopper-Pearson", BUDGET, promise_streams.independent(self._rng(91), *size, self._rate)),
        )
        for name, budget, made in streams:
            found = made.cumsum(axis=1) <= most_counted(budget, self._elapsed, "fixed")
            table.add_row(f"{name}, {budget}", str(share(found.any(axis=1))), str(share(found[:, -1])))
        self._console.print(table)

    def running(self) -> None:
        """Measure promises that run: broken at the budget, and days until a higher rate is found."""
        table = Table(
            "running promise",
            "rate",
            f"broken within {self._days} days",
            "at most 5 %",
            "days until broken: median, 90 %",
        )
        for budget, unit in ((BUDGET, "alarm-days"), (ALARMS, "alarms")):
            rate = float(Budget.parse(budget).rate)
            rows: list[tuple[str, int, float]] = [("at the budget", 1, 1)]
            rows += [(f"{times} times the budget", 1, times) for times in TIMES]
            rows += [(f"at the budget, clusters of {n}", n, 1) for n in CLUSTERS] if unit == "alarms" else []
            for name, size, times in rows:
                rng = self._rng(100 + size + 10 * int(times))
                if unit == "alarms":
                    made = promise_streams.clusters(rng, self._devices, self._days, size=size, alarms=times * rate)
                else:
                    made = promise_streams.independent(rng, self._devices, self._days, times * rate).astype(np.int64)
                found = broken(planned(budget), made)
                shown = share(found < NEVER)
                at = [f"{np.quantile(found, q, method='higher'):.0f}" for q in (0.5, 0.9)] if times > 1 else []
                if size > 1:
                    table.add_row(budget, name, str(shown), "published: count alarm-days", "")
                elif times == 1:
                    self._row(table, budget, shown, first=(name,))
                else:
                    table.add_row(budget, name, str(shown), "", ", ".join(at).replace(str(NEVER), "later"))
        self._console.print(table)

    def _row(self, table: Table, name: str, found: Share, *more: str, first: tuple[str, ...] = ()) -> None:
        """Add a row whose share must be kept."""
        self._good &= found.is_kept
        table.add_row(name, *first, str(found), "met" if found.is_kept else "MISSED", *more)

    def _kept(self, found: Share) -> str:
        """Note a share that must be kept, and write it."""
        self._good &= found.is_kept
        return f"{found}{'' if found.is_kept else ': MISSED'}"

    @staticmethod
    def _rng(stream: int) -> np.random.Generator:
        return np.random.default_rng([19, stream])


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--quick", action="store_true", help="400 devices a row, which shows that it runs, and no recordings"
    )
    parser.add_argument("--recordings", action="store_true", help="only the part with recordings")
    options = parser.parse_args(arguments)
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 220)
    start = time.monotonic()
    good = options.recordings or Bench(console, 400 if options.quick else DEVICES, DAYS).run()
    if not options.quick:
        good &= promise_recordings.measure(console)
    console.print(f"all bounds: {'met' if good else 'MISSED'}; {time.monotonic() - start:.0f} s")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
