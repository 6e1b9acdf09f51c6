"""Ladders of scores at hand: C and Python count the same, and as a pipeline does."""

import dataclasses

import numpy as np
import pytest

import anomsdk
from anomsdk.runtime.ladders import ScoreLadder
from tests.support.supervised import any_samples, laddered


@pytest.mark.parametrize("seed", range(20))
def test_both_engines_count_the_same(native, plans, seed):
    rng = np.random.default_rng(seed)
    plan = laddered(plans["external"], rng)
    both = [ScoreLadder(plan, engine) for engine in ("reference", "native")]
    top = int(plan.ladder.raise_scores[-1]) * 3
    for _ in range(6):
        scores = (rng.random(int(rng.integers(0, 150))) ** 4 * min(top, 2**32 - 1)).astype(np.uint32)
        for ladder in both:
            ladder.take(scores)
        found = [ladder.export(5) for ladder in both]
        assert found[0] == found[1]
        if rng.random() < 0.5:
            for ladder in both:
                ladder.gap()
    assert found[0].ticks > 100
    assert type(ScoreLadder(plan)._counter) is type(both[1]._counter), "native is the default where it is built"


def test_a_pipeline_counts_the_same(native, plans):
    rng = np.random.default_rng(3)
    plan = dataclasses.replace(laddered(plans["external"], rng), health=None, duty=None)
    samples = any_samples(plan, 400, rng)
    with anomsdk.Pipeline(plan, "native") as pipeline:
        results = pipeline.process(samples)
        made = anomsdk.core.export.Export.from_bytes(pipeline.export(5, 1))
    ladder = ScoreLadder(plan)
    ladder.take(np.array([result.score for result in results if result.judged], np.uint32))
    assert made == ladder.export(5) and made.ticks > 300
