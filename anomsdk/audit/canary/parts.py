"""Signal that is cut into named parts, so that whatever is found tells where it was heard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.scan.signals import canary
from anomsdk.core.plan import Plan

_SHORTEST = 3000
"""Fewest samples of a part: long enough for several blocks."""
_FEWEST_ROWS = 400
"""Fewest rows of a part of a diary: some days more than those that are learnt before the first is judged."""
_TICKS = 1
"""Ticks of a part behind the first one."""
_FILLER = 1 << 30
"""Lowest seed of signals that nobody hears."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Signal of which each named part is heard on its own.

    A part is a whole number of ticks long. So the windows, frames and model inputs of a part that is heard
    by a fresh pipeline are some of those of the whole signal.

    Parameters
    ----------
    plan : plan that hears it
    samples : int16 (n,) or (n, columns), all parts one after the other
    spans : name -> index of the first sample of the part and of the one behind its last
    """

    plan: Plan
    samples: NDArray[np.int16]
    spans: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, plan: Plan, names: Sequence[str], seed: int, lengths: Sequence[int] = ()) -> Parts:
        """Generate a part for each name.

        Parameters
        ----------
        plan : Plan
        names : names of the parts, all different
        seed : seed of the signal, 0 or more
        lengths : fewest samples of each part in turn, the last one repeats; by default `long_part`
        """
        left, spans, at = list(lengths) or [long_part(plan)], dict[str, tuple[int, int]](), 0
        for name in names:
            n = _whole_ticks(plan, left.pop(0) if len(left) > 1 else left[0])
            spans[name], at = (at, at + n), at + n
        return cls(plan, _signal(plan, seed, at), spans)

    def __getitem__(self, name: str) -> NDArray[np.int16]:
        first, last = self.spans[name]
        return self.samples[first:last]

    def with_heard(self, heard: Mapping[str, NDArray[np.int16]]) -> Parts:
        """Return these parts and others behind them, such as samples that are converted while they are read.

        Parameters
        ----------
        heard : name -> int16 (n,) or (n, columns); samples that nobody hears fill each up to a whole number of ticks
        """
        spans, pieces, at = dict(self.spans), [self.samples], len(self.samples)
        for name, samples in heard.items():
            n = _whole_ticks(self.plan, len(samples) + 1)
            filler = _signal(self.plan, _FILLER + len(pieces), n)
            pieces += [samples, filler[len(samples) :]]
            spans[name], at = (at, at + len(samples)), at + n
        return Parts(self.plan, np.concatenate(pieces), spans)

    def save(self, path: Path) -> Path:
        """Write the whole signal as a .npy."""
        np.save(path, self.samples)
        return path

    def part_at(self, sample: int) -> str:
        """Return the name of the part that a sample belongs to."""
        return next((name for name, (first, last) in self.spans.items() if first <= sample < last), "between parts")


def _signal(plan: Plan, seed: int, n: int) -> NDArray[np.int16]:
    """Generate a signal; rows of a diary count from 1 on, as files of diaries have them."""
    samples = canary(plan, seed, n)
    return samples if plan.days is None else np.abs(samples)


def long_part(plan: Plan) -> int:
    """Return a length in samples in which a fresh pipeline has several ticks."""
    fewest = _SHORTEST if plan.days is None else _FEWEST_ROWS
    return _whole_ticks(plan, max(plan.samples_to_first_tick + _TICKS * plan.samples_per_tick, fewest))


def _whole_ticks(plan: Plan, at_least: int) -> int:
    tick = plan.samples_per_tick
    return -(-at_least // tick) * tick
