"""The framer: what it gives, what it keeps, what a gap does."""

import numpy as np
import pytest

from anomsdk.core.framer import BATCH, Framer, FramerPlan
from tests.support.make import noise


def push_all(framer, x, block):
    return [
        (first + i, frame.copy())
        for at in range(0, len(x), block)
        for first, frames in framer.push(x[at : at + block])
        for i, frame in enumerate(frames)
    ]


@pytest.mark.parametrize(("window", "hop"), [(64, 64), (64, 1), (512, 256), (100, 33), (1, 1)])
@pytest.mark.parametrize("block", [1, 7, 63, 64, 65, 10_000])
def test_hop_k_covers_k_hop_to_k_hop_plus_window(window, hop, block):
    x = noise(1500)[:, None]
    found = push_all(Framer(FramerPlan(window, hop), 1), x, block)
    assert [k for k, _ in found] == list(range(1 + (len(x) - window) // hop))
    for k, frame in found:
        assert (frame == x[k * hop : k * hop + window]).all()


def test_at_most_one_window_is_kept_and_the_rest_is_zero():
    framer = Framer(FramerPlan(512, 256), 1)
    for x in np.split(np.full((20_000, 1), 12345, np.int16), 40):
        list(framer.push(x))
        assert np.count_nonzero(framer._samples) < 512
        assert not framer._frames.any()


def test_wipe_leaves_no_sample():
    framer = Framer(FramerPlan(512, 256), 1)
    for _ in framer.push(noise(5000)[:, None]):
        break  # abandoned in the middle: scratch is still full
    framer.wipe()
    assert not framer._samples.any() and not framer._frames.any() and framer.next_hop == 0


@pytest.mark.parametrize("before", [0, 1, 255, 256, 511, 512, 700, 5000])
@pytest.mark.parametrize("lost", [1, 255, 256, 257, 10_000])
def test_after_a_gap_windows_start_at_the_first_hop_behind_it(before, lost):
    x = noise(before + lost + 4000)[:, None]
    framer = Framer(FramerPlan(512, 256), 1)
    push_all(framer, x[:before], 100)
    framer.gap(lost)
    found = push_all(framer, x[before + lost :], 100)
    first_hop = -(-(before + lost) // 256)
    assert [k for k, _ in found] == list(range(first_hop, 1 + (len(x) - 512) // 256))
    for k, frame in found:
        assert (frame == x[k * 256 : k * 256 + 512]).all()


def test_two_gaps_are_one_of_their_length():
    framers = [Framer(FramerPlan(512, 256), 1) for _ in range(2)]
    x = noise(6000)[:, None]
    for framer in framers:
        push_all(framer, x[:1000], 333)
    framers[0].gap(700)
    framers[0].gap(601)
    framers[1].gap(1301)
    one, other = (push_all(framer, x[2301:], 50) for framer in framers)
    assert [k for k, _ in one] == [k for k, _ in other]
    assert all((a == b).all() for (_, a), (_, b) in zip(one, other, strict=True))


def test_batches_are_bounded():
    sizes = [len(frames) for _, frames in Framer(FramerPlan(64, 8), 1).push(noise(20_000)[:, None])]
    assert max(sizes) == BATCH
