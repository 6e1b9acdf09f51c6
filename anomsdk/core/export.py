"""Export: the counts of a ladder over a period of service, as a device hands them out.

A ladder is never cleared by reading it. An export covers the service from its first tick to the last one, or, as a
difference, the service since an earlier export of that kind. Which periods overlap can be read from it. A CRC tells a
torn export from a whole one, not a forged one.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import astuple, dataclass, replace

from anomsdk.core.checks import require
from anomsdk.core.ladder import COUNTS_BYTES, MAX_COUNT, MAX_RUNGS, RungCounts, pack_counts, unpack_counts

VERSION = 1
MAX_BOOT = 65535
MAX_DEVICE = 2**64 - 1

MARK = b"al"
"""First bytes of an export; no event begins with them."""
# mark, version, rungs, length, boot, device, score tag, plan tag, level tag, promise, first, last, days, gap, 0
_HEAD = struct.Struct("<2sBBHHQ8sHBBIIHBx")
_CRC = struct.Struct("<I")


@dataclass(frozen=True)
class Export:
    """Counts of a ladder over a period; ``bytes(export)`` is what leaves the device, see docs/spec.md.

    Parameters
    ----------
    device : number of the device, 0 to 2**64 - 1, that the caller gave
    boot : number of the ladder's life, 1 to 65535: a ladder that began anew has another one
    score_tag : first 8 bytes of the plan's score_id; only exports with the same one add up
    plan_tag : first two bytes of the plan's id
    level_tag : level in force, 0: the plan's own, else index of a rung + 1
    promise : that runs, its index + 1; 0: none
    first, last : ticks of service before and after the period, 0 to 2**32 - 1
    days : complete days of service in the period, up to 65535
    episode_gap : quiet days after which an alarm-day begins an episode; 0: none are counted
    counts : of each rung in the period
    """

    device: int
    boot: int
    score_tag: bytes
    plan_tag: int
    level_tag: int
    promise: int
    first: int
    last: int
    days: int
    episode_gap: int
    counts: tuple[RungCounts, ...]

    @property
    def ticks(self) -> int:
        """Ticks of service in the period."""
        return self.last - self.first

    def __bytes__(self) -> bytes:
        data = _HEAD.pack(
            *(MARK, VERSION, len(self.counts), export_bytes(len(self.counts)), self.boot, self.device),
            *(self.score_tag, self.plan_tag, self.level_tag, self.promise),
            *(self.first, self.last, self.days, self.episode_gap),
        ) + b"".join(map(pack_counts, self.counts))
        return data + _CRC.pack(zlib.crc32(data))

    @classmethod
    def from_bytes(cls, data: bytes) -> Export:
        """Read an export.

        Raises
        ------
        InputError : the length or version is wrong, the export is torn, or its period ends before it begins
        """
        require(len(data) >= _HEAD.size and data[:2] == MARK, "export: it does not begin as one")
        _, version, n, size, boot, device, *rest = _HEAD.unpack_from(data)
        score_tag, plan_tag, level_tag, promise, first, last, days, gap = rest
        require(version == VERSION, f"export: version {version} is not {VERSION}, that of this release")
        require(
            size == export_bytes(n) == len(data),
            f"export: {len(data)} bytes, not {export_bytes(n)} for its {n} rungs",
        )
        whole = _CRC.unpack_from(data, len(data) - _CRC.size)[0] == zlib.crc32(data[: -_CRC.size])
        require(whole, "export: torn, its CRC is wrong")
        require(2 <= n <= MAX_RUNGS and boot >= 1, f"export: {n} rungs of boot {boot}; no ladder writes that")
        require(first <= last, f"export: a period from tick {first} to {last}; a clock that goes backwards")
        counts = tuple(unpack_counts(data, _HEAD.size + COUNTS_BYTES * index) for index in range(n))
        return cls(device, boot, score_tag, plan_tag, level_tag, promise, first, last, days, gap, counts)

    def since(self, earlier: Export) -> Export:
        """Return what came after an earlier export of the same ladder; both begin with its first tick.

        A count that has reached 65535 stays so: nobody knows how much of it came after the earlier export.

        Raises
        ------
        InputError : the two do not belong together, or the earlier one is the later
        """
        mine, other = ((each.device, each.boot, each.score_tag, len(each.counts)) for each in (self, earlier))
        require(mine == other, "export: of another device, boot or score_id than the earlier one")
        require(
            self.first == earlier.first == 0, "export: a difference has no difference; keep exports from the first tick"
        )
        pairs = [
            list(zip(astuple(a), astuple(b), strict=True)) for a, b in zip(self.counts, earlier.counts, strict=True)
        ]
        days = self.days - earlier.days
        require(
            earlier.last <= self.last and days >= 0 and all(now >= then for rung in pairs for now, then in rung),
            "export: it counts less than the earlier one; a clock that goes backwards",
        )
        counts = [
            [rung[0][0] - rung[0][1], *(now if now == MAX_COUNT else now - then for now, then in rung[1:])]
            for rung in pairs
        ]
        return replace(self, first=earlier.last, days=days, counts=tuple(RungCounts(*each) for each in counts))


def export_bytes(n_rungs: int) -> int:
    """Return the length of an export of a ladder with this number of rungs."""
    return _HEAD.size + COUNTS_BYTES * n_rungs + _CRC.size
