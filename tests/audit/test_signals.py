"""Signals that an audit searches for hold no zero, and nothing in them occurs twice."""

import numpy as np
import pytest

from anomsdk import reference_model
from anomsdk.audit.scan.signals import canary


@pytest.mark.parametrize(
    ("name", "shape"), [("audio_scene", (32_000,)), ("human_motion", (32_000, 3)), ("cattle_collar", (32_000, 6))]
)
def test_a_signal_has_no_zero_and_no_row_of_four_twice(name, shape):
    plan = reference_model(name)
    x = canary(plan, 5, 32_000)
    assert x.dtype == np.int16 and x.shape == shape and (x != 0).all()
    rows = {x[at : at + 4].tobytes() for at in range(len(x) - 3)}
    assert len(rows) == len(x) - 3
    other = canary(plan, 6, 32_000)
    assert not rows & {other[at : at + 4].tobytes() for at in range(len(x) - 3)}
    assert (canary(plan, 5, 32_000) == x).all(), "the same seed gives the same signal"


@pytest.mark.parametrize("n", [0, 1, 4, 5, 700])
def test_a_short_signal_is_a_signal(n):
    assert canary(reference_model("audio_scene"), 0, n).shape == (n,)
