"""`benchmarks.promises` on few devices: it keeps its bounds, says what misses them, and its streams keep to their rate."""

from __future__ import annotations

import io

import numpy as np
import pytest
from rich.console import Console

from anomsdk.stats.promises import days_needed
from benchmarks import certificates, promise_streams, promises

SIZE = 300, 365


def bench():
    return promises.Bench(Console(file=io.StringIO(), width=300), *SIZE)


def test_all_bounds_are_kept_and_each_table_is_printed():
    made = bench()
    assert made.run()
    text = made._console.file.getvalue()
    assert "MISSED" not in text and text.count("━┓") == 8


@pytest.mark.parametrize("table", ["alarm_days", "walk", "alarms", "episodes"])
def test_certificates_that_come_too_early_are_said(table, monkeypatch):
    """The bounds for a fixed number of days, as if they could be looked at every day."""

    def fixed(budget):
        unit = promises.DAY_TICKS if budget == promises.ALARMS else 1
        needs = [days_needed(count, budget, method="fixed") * unit for count in range(16)]
        return np.array([*np.ceil(needs), certificates.NEVER], np.int64)

    monkeypatch.setattr(promises, "needs_of", fixed)
    made = bench()
    getattr(made, table)()
    assert not made._good and "MISSED" in made._console.file.getvalue()


def test_checks_that_flag_nothing_are_said(monkeypatch):
    monkeypatch.setattr(promises, "FLAGGED", 0.0)
    monkeypatch.setattr(promises, "MOST_DISPERSED", 4.0)
    for table in ("hanging_together", "pooled"):
        made = bench()
        getattr(made, table)()
        assert not made._good and "MISSED" in made._console.file.getvalue()


def test_streams_keep_to_their_rate():
    rng, rate, size = np.random.default_rng(0), 1 / 30, (3000, 365)
    made = {
        "independent": promise_streams.independent(rng, *size, rate),
        "drifting": promise_streams.drifting(rng, *size, rate),
        **{f"spells {n}": promise_streams.spells(rng, *size, rate, n) for n in (2, 4)},
        **{f"clusters {n}": promise_streams.clusters(rng, *size, size=n, alarm_days=rate) > 0 for n in (1, 10)},
        "by day": promise_streams.clusters(rng, *size, size=5, alarm_days=rate, by_day=True) > 0,
    }
    for name, found in made.items():
        assert abs(found.mean() / rate - 1) < 0.03, name
    alarms = promise_streams.clusters(rng, *size, size=10, alarms=1 / 7)
    assert abs(7 * alarms.mean() - 1) < 0.05
    for correlation in (0.0, 0.1):
        shares = promise_streams.herds(rng, 3000, 20, 100, rate, correlation) / 20
        assert abs(shares.mean() / rate - 1) < 0.03
        expected = rate * (1 - rate) / 20 * (1 + 19 * correlation)
        assert abs(shares.var() / expected - 1) < 0.05
    begins, at_risk = promise_streams.episodes_of(promise_streams.episodes(rng, *size, 1 / 45, 4, 3), 3)
    assert abs(45 * begins.sum() / at_risk.sum() - 1) < 0.03


def test_a_quick_run_leaves_with_0(capsys, monkeypatch):
    monkeypatch.setattr(promises.Bench, "run", lambda self: True)
    assert promises.main(["--quick"]) == 0
    monkeypatch.setattr(promises.Bench, "run", lambda self: False)
    assert promises.main(["--quick"]) == 1
    assert "MISSED" in capsys.readouterr().out
