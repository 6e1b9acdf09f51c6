"""Recordings that do not tell their time, by digest: the copy of one that was scored before would count twice.

Two recordings that tell their time are known to be one where they overlap.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from anomsdk.errors import InputError

_DIGITS = 32


class Untimed(NamedTuple):
    """Recording of a device that does not tell its time.

    Parameters
    ----------
    device, name : of the device and the recording
    digest : first 32 digits of the sha256 of its samples, see `anomsdk.datasets.sample_digest`
    """

    device: str
    name: str
    digest: str

    @classmethod
    def of(cls, device: str, name: str, digest: str) -> Untimed:
        """Shorten a digest."""
        return cls(device, name, digest[:_DIGITS])


class Repeats:
    """Names of recordings that were scored, by device and digest."""

    def __init__(self) -> None:
        self._names: dict[tuple[str, str], str] = {}

    def add(self, recordings: Iterable[Untimed]) -> None:
        """Take note of recordings."""
        for each in recordings:
            self._names[each.device, each.digest] = each.name

    def check(self, each: Untimed, others: Sequence[Untimed] = ()) -> None:
        """Refuse a recording of which a device has a copy.

        Parameters
        ----------
        each : recording
        others : further ones that were scored

        Raises
        ------
        InputError : names both recordings
        """
        same = (other.name for other in others if (other.device, other.digest) == (each.device, each.digest))
        name = self._names.get((each.device, each.digest)) or next(same, None)
        if name is not None:
            raise InputError(
                f"{each.name}: has the samples of {name} of device {each.device}, and would count twice; give each "
                "recording once"
            )


def untimed_in(tree: Sequence[Sequence[Any]]) -> list[Untimed]:
    """Read recordings from a tree of JSON."""
    return [Untimed(*map(str, each)) for each in tree]
