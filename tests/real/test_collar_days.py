"""A collar's own certificate on whole days of real cattle: trained on one animal, counted on others."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import anomsdk
from anomsdk import train
from anomsdk.core.event import Promise
from anomsdk.core.export import Export
from anomsdk.planner.spec import PipelineSpec
from tests.support.make import ROOT

DATA = ROOT.parent / "shared" / "data" / "cow_days_15min.npz"
needs_data = pytest.mark.skipif(not DATA.exists(), reason="../shared/data is absent: days of cattle are needed")
STEP_S, ROW_S, DAY_S = 900, 1000, 86_400
"""Seconds of a row of the file, of a row of the plan (0.001 Hz is the lowest rate), and of a day."""
NEEDED = 24
"""Days without an alarm-day that "1 alarm-day/7d" needs at 95 %."""

ROWS_A_LOOK = DAY_S // ROW_S
THREE_DAYS = 3 * DAY_S // ROW_S
"""Rows."""

SPEC = """
format = 1
name = "cow_days"
sensor = {kind = "external", rate_hz = 0.001}
features = {kind = "external", n_features = 2}
context = {kind = "stack", frames = 4}
model = {max_macs = 2000}
alert = {m = 1, n = 1, off_delay_s = 0, cooldown_s = 0}
ladder = {budgets = ["1 alarm-day/7d"]}
"""


def days_of_cows():
    """Rows of each cow, in 1/100 of log2 of (motion index, steps) in 1000 s, and which of them are known."""
    with np.load(DATA) as file:
        x, offsets = file["x"], file["offsets"]
    found = []
    for start, end in pairwise(offsets):
        steps = x[start:end]
        at = np.arange(0, len(steps) * STEP_S, ROW_S)
        ends = np.arange(len(steps) + 1) * STEP_S
        known = (steps >= 0).all(axis=1)
        sums = np.vstack([np.zeros(2), np.cumsum(np.maximum(steps, 0), axis=0)])
        missing = np.diff(np.interp(at, ends, np.concatenate([[0], np.cumsum(~known)])))
        counts = np.stack([np.diff(np.interp(at, ends, column)) for column in sums.T], axis=1)
        found.append((np.rint(100 * np.log2(1 + counts)).astype(np.int16), missing == 0))
    return found


@pytest.fixture(scope="module")
def cows():
    return days_of_cows()


@pytest.fixture(scope="module")
def plan(cows, tmp_path_factory):
    """Trained on the second cow alone, three days a recording; two weeks make a group."""
    rows, known = cows[1]
    starts = [at for at in range(0, len(rows) - THREE_DAYS, THREE_DAYS) if known[at : at + THREE_DAYS].all()]
    recordings = [rows[at : at + THREE_DAYS] for at in starts]
    groups = [at // (5 * THREE_DAYS) for at in starts]
    out = tmp_path_factory.mktemp("cows") / "cow"
    return train.fit(PipelineSpec.from_toml(SPEC), recordings, groups=groups, out=out, seed=0)


def counted(plan, rows, known):
    """Days of a cow, with a look at the end of each.

    Returns
    -------
    exports at the first certificate and at the end (None: there was none), the answers, and the alarms as level tags
    """
    first, answers, alarms = None, [], []
    with anomsdk.Pipeline(plan) as pipeline:
        for at in range(0, len(rows), ROWS_A_LOOK):
            results = []
            for row, there in zip(rows[at : at + ROWS_A_LOOK], known[at : at + ROWS_A_LOOK], strict=True):
                results += pipeline.process(row[None]) if there else pipeline.gap(1)
            results += pipeline.calibrate(0)
            events = [event for result in results for event in result.events]
            alarms += [event.level_tag for event in events if event.raised]
            answers += [(event.promise, event.reasons[1], event.level_tag) for event in events if event.promise]
            if first is None and answers[-1][0] == Promise.CERTIFIED:
                first = Export.from_bytes(pipeline.export(7, 1))
        return first, Export.from_bytes(pipeline.export(7, 1)), answers, alarms


@needs_data
def test_a_cow_that_nobody_trained_on_certifies_a_level_of_her_own(plan, cows):
    """At 1 alarm-day in 7 days, on the first day on which that can be known, and the days after keep to it."""
    assert (plan.ladder.day_ticks, plan.ladder.day_rest_q16) == divmod((DAY_S << 16) // ROW_S, 1 << 16)
    first, last, answers, alarms = counted(plan, *cows[0])
    assert first.days == NEEDED and first.level_tag > 0
    assert first.counts[first.level_tag - 1].days == 0 < first.counts[first.level_tag - 2].days
    days, after = last.days - first.days, last.since(first).counts[first.level_tag - 1]
    assert days >= 20 and after.days <= days / 7, "what was certified holds on the days after"
    assert alarms.count(0) > NEEDED / 7, "the level of training, from another cow, is far over the budget"
    assert Promise.BROKEN not in {what for what, *_ in answers}


@needs_data
def test_days_that_were_not_recorded_certify_nothing(plan, cows):
    """The third cow's collar has gaps in a quarter of the rows: 45 days make 22 of service, and two are missing."""
    rows, known = cows[2]
    assert 0.2 < 1 - known.mean() < 0.3
    first, last, answers, _ = counted(plan, rows, known)
    assert first is None and last.level_tag == 0 and last.days < NEEDED
    assert answers[-1] == (Promise.NEEDS, NEEDED - last.days, 0)
