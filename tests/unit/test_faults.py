"""Technical faults put into recordings: each leaves what came before it, and does what its name says, by its seed."""

import numpy as np
import pytest

from anomsdk.synthetic import faults

RATE_HZ, COUNTS_PER_G = 20.0, 2048
START = 400


def recorded(columns: int = 3, n: int = 1000) -> np.ndarray:
    moved = np.random.default_rng(1).normal(0, 150, (n, columns))
    moved[:, :3] += COUNTS_PER_G * np.array([0.0, 0.6, 0.8])
    return np.round(moved).astype(np.int16)


def rng() -> np.random.Generator:
    return np.random.default_rng(7)


FAULTS = {
    "dead": lambda x: faults.stuck(x, START),
    "stuck": lambda x: faults.stuck(x, START, 12345),
    "frozen": lambda x: faults.frozen(x, START),
    "axis dead": lambda x: faults.axis_dead(x, START, 1),
    "clipped": lambda x: faults.clipped(x, START, 0.2),
    "scaled": lambda x: faults.scaled(x, START, 4.0),
    "offset": lambda x: faults.offset(x, START, 600.0),
    "repeated": lambda x: faults.repeated(x, START, 32),
    "on a table": lambda x: faults.on_table(x, START, 600, rng(), RATE_HZ, 6.0),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_begins_where_it_is_said_to_and_leaves_its_input_alone(name):
    x = recorded()
    before = x.copy()
    found = FAULTS[name](x)
    assert found.dtype == np.int16 and found.shape == x.shape
    assert (found[:START] == x[:START]).all() and (found[START:] != x[START:]).any()
    assert (x == before).all() and not np.shares_memory(found, x)
    assert (FAULTS[name](x) == found).all(), "equal seeds make equal faults"


def test_what_the_held_values_are():
    x = recorded()
    assert (FAULTS["dead"](x)[START:] == 0).all()
    assert (FAULTS["stuck"](x)[START:] == 12345).all()
    assert (FAULTS["frozen"](x)[START:] == x[START - 1]).all()
    one = FAULTS["axis dead"](x)
    assert (one[START:, 1] == x[START - 1, 1]).all() and (one[:, [0, 2]] == x[:, [0, 2]]).all()
    sound = x[:, 0]
    assert (faults.frozen(sound, START)[START:] == sound[START - 1]).all(), "sound has no columns"


@pytest.mark.parametrize(("share", "highest"), [(0.05, 32767), (0.3, 32767), (0.3, 8191)])
def test_the_share_that_is_asked_for_is_clipped(share, highest):
    sound = np.round(np.random.default_rng(2).normal(0, 300, 20_000)).astype(np.int16)
    rest = faults.clipped(sound, START, share, highest)[START:].astype(int)
    assert np.abs(rest).max() == highest
    assert share <= (np.abs(rest) == highest).mean() <= 1.1 * share + 0.01


def test_the_share_is_reached_in_every_stretch():
    loud_then_quiet = np.random.default_rng(2).normal(0, 300, 4000) * np.repeat([10, 1], 2000)
    sound = np.round(loud_then_quiet).astype(np.int16)
    clipped = [np.abs(faults.clipped(sound, 0, 0.2, every=every)[2000:]) == 32767 for every in (None, 1000)]
    assert clipped[0].mean() < 0.2 <= clipped[1].mean()


def test_what_is_clipped_already_is_not_attenuated():
    loud = np.repeat([10_000, 32_767], 500).astype(np.int16)
    assert np.unique(faults.clipped(loud, START, 0.1, 20_000)[START:]).tolist() == [10_000, 20_000]
    assert (faults.clipped(loud, START, 0.1) == loud).all()


def test_scale_and_offset_are_rounded_and_saturated():
    x = np.array([[-20_000, 100, 3], [-20_000, 100, 3]], np.int16)
    assert faults.scaled(x, 1, 4.0).tolist() == [[-20_000, 100, 3], [-32768, 400, 12]]
    assert faults.scaled(x, 1, 0.5, slice(2)).tolist() == [[-20_000, 100, 3], [-10_000, 50, 3]]
    assert faults.offset(x, 1, np.array([-20_000.0, 0.0, 7.4])).tolist()[1] == [-32768, 100, 10]
    assert faults.scaled(x[:, 1], 1, 0.5).tolist() == [100, 50]


def test_a_repeated_buffer_has_its_period():
    found = FAULTS["repeated"](recorded())
    assert (found[START:] == found[START - 32 : -32]).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_lost_packets_keep_the_clock(share):
    x = recorded(n=START + 100 * 37)
    blocks = faults.packets_lost(x, START, 37, share, rng())
    gaps = [block for block in blocks if isinstance(block, int)]
    arrays = [block for block in blocks if not isinstance(block, int)]
    assert sum(gaps) + sum(map(len, arrays)) == len(x)
    assert abs(len(gaps) - 100 * share) <= 15 and (share not in (0.0, 1.0) or len(gaps) == 100 * share)
    at = 0
    for block in blocks:
        if isinstance(block, int):
            at += block
        else:
            assert (block == x[at : at + len(block)]).all()
            at += len(block)


def test_unplugged_and_back():
    x = recorded()
    before, missing, after = faults.unplugged(x, 100, 300)
    assert missing == 200 and (before == x[:100]).all() and (after == x[300:]).all()


@pytest.mark.parametrize("columns", [3, 6])
def test_a_table_is_still_and_has_gravity(columns):
    x = recorded(columns)
    found = faults.on_table(x, START, 5000, rng(), RATE_HZ, 6.0)
    assert found.shape == (START + 5000, columns)
    still = found[START + 20 :].astype(float)
    assert still.std(axis=0)[:3] == pytest.approx(6.0, rel=0.05)
    mean = still.mean(axis=0)
    assert np.linalg.norm(mean[:3]) == pytest.approx(np.linalg.norm(x[:START, :3].mean(axis=0)), rel=0.01)
    assert np.abs(mean[:3] - x[:START, :3].mean(axis=0)).max() > 0.1 * COUNTS_PER_G, "it was turned"
    assert np.abs(mean[3:]).max(initial=0) < 0.2, "a gyroscope at rest shows no rotation"
    assert (np.diff(still, axis=0) != 0).any(axis=0).all(), "noise, not a stuck sensor"
