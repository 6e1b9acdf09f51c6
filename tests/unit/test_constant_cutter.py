"""Digitally constant stretches are found the same with the short look that most blocks get and with the whole one."""

import numpy as np

from anomsdk.sources import dropouts


def pieces(blocks, shortest):
    cutter, found = dropouts.ConstantCutter(shortest), []
    for new_piece, samples in [pair for block in blocks for pair in cutter.push(block)] + cutter.finish():
        if new_piece:
            found.append([])
        found[-1] += samples.tolist()
    return found, cutter.cut, cutter.starts


def test_a_short_look_finds_what_a_whole_one_does(monkeypatch):
    rng = np.random.default_rng(0)
    for _ in range(400):
        n, shortest = int(rng.integers(1, 80)), int(rng.integers(1, 12))
        samples = np.repeat(rng.integers(0, 3, n), rng.integers(1, 2 + rng.integers(0, 14), n)).astype(np.int16)
        blocks = np.split(samples, np.sort(rng.integers(0, len(samples) + 1, int(rng.integers(0, 5)))))
        short = pieces(blocks, shortest)
        with monkeypatch.context() as whole:
            whole.setattr(dropouts, "_may_be_constant", lambda rows, shortest: True)
            assert pieces(blocks, shortest) == short
