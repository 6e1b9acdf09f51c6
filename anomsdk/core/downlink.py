"""Downlink: the three bytes that put an alarm level in force on a device.

A level tag and a plan tag as events have them: a device whose plan has another tag refuses the downlink. Nothing in it
says who sent it.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.ladder import MAX_RUNGS

DOWNLINK_BYTES = 3
MAX_TAG = 65535

# level tag, plan tag; little-endian
_LAYOUT = struct.Struct("<BH")


@dataclass(frozen=True)
class LevelOrder:
    """Order to put a level in force under one plan; ``bytes(order)`` is the downlink, see docs/spec.md.

    Parameters
    ----------
    level_tag : level to put in force, 0: the plan's own, else index of a rung + 1, up to 24
    plan_tag : first two bytes of the plan's id as a little-endian number, 0 to 65535: `Plan.tag`, `Event.plan_tag`

    Raises
    ------
    InputError : a tag is no whole number in its range

    Examples
    --------
    >>> from anomsdk.core.downlink import LevelOrder
    >>> bytes(LevelOrder(level_tag=3, plan_tag=0xABCD)).hex()
    '03cdab'
    """

    level_tag: int
    plan_tag: int

    def __post_init__(self) -> None:
        for name, value, most in (("level_tag", self.level_tag, MAX_RUNGS), ("plan_tag", self.plan_tag, MAX_TAG)):
            whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
            require(
                whole and 0 <= value <= most, f"downlink: `{name}`: {value!r} is not a whole number from 0 to {most}"
            )

    def __bytes__(self) -> bytes:
        return _LAYOUT.pack(self.level_tag, self.plan_tag)

    @classmethod
    def from_bytes(cls, data: bytes) -> LevelOrder:
        """Read a downlink.

        Raises
        ------
        InputError : the length is wrong, or the level tag is above 24

        Examples
        --------
        >>> from anomsdk.core.downlink import LevelOrder
        >>> order = LevelOrder.from_bytes(bytes.fromhex("03cdab"))
        >>> order.level_tag, hex(order.plan_tag)
        (3, '0xabcd')
        """
        level_tag, plan_tag = _unpacked(data)
        require(level_tag <= MAX_RUNGS, f"downlink: level tag {level_tag} is not from 0 to {MAX_RUNGS}")
        return cls(level_tag, plan_tag)


def level_for(data: bytes, plan_tag: int, n_rungs: int) -> int:
    """Return the level tag of a downlink that a device takes.

    Parameters
    ----------
    data : any bytes
    plan_tag : of the device's plan
    n_rungs : of the plan's ladder; 0: it has none

    Raises
    ------
    InputError : in this order, the length is wrong, the plan is another one, it has no ladder, or no such level
    """
    level_tag, tag = _unpacked(data)
    ours, theirs = (each.to_bytes(2, "little").hex() for each in (plan_tag, tag))
    require(
        tag == plan_tag,
        f"downlink: for a plan whose id begins {theirs}, and that of this plan begins {ours}; take one for this plan",
    )
    require(n_rungs > 0, "downlink: the plan has no ladder section; add [ladder] to its spec.toml and plan again")
    require(
        level_tag <= n_rungs,
        f"downlink: the plan has no level {level_tag}; its ladder has {n_rungs} rungs, give a level tag from 0 to "
        f"{n_rungs}",
    )
    return level_tag


def _unpacked(data: bytes) -> tuple[int, int]:
    """Return the level tag and the plan tag, as they are."""
    require(len(data) == DOWNLINK_BYTES, f"downlink: {len(data)} bytes, not {DOWNLINK_BYTES}")
    level_tag, plan_tag = _LAYOUT.unpack(data)
    return level_tag, plan_tag
