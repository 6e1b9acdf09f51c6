"""Record: what a pipeline keeps over a reset or a power cut, in a number of bytes that its plan fixes.

It holds counts, levels and the state of the alarm. No sample, no feature, and no mean or extreme of samples is in it,
but for a plan of days, whose record has the own profile and the rows of the last 24 hours.

A CRC tells a torn record from a whole one; whoever can write a record can write any, so it does not tell a forged one.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field

from anomsdk.core.checks import require

RECORD_BYTES = 136
"""Length without a ladder and without what an extractor of days keeps."""
VERSION = 1
SCORE_TAG_BYTES = 8
"""Bytes of the plan's score_id that a record is bound to."""
SEQUENCE_STEP = 1024
"""Event numbers that a restored pipeline leaves out, as more of them may have left than the record knows."""
N_COUNTS = 10
"""Conditions that blocks decide."""

_MARK = b"ar"
_STATES = 0b11_1101  # of `State`, without pending, which leaves no pipeline
_ESCALATED, _SILENCED, _OUT_OF_SERVICE = 1, 16, 32
_LAYOUT = struct.Struct(f"<2sBxHH8sBBBBHhI3I3IHHQI7IIIHHHH{N_COUNTS}H")
_CRC = struct.Struct("<I")


@dataclass
class RungRecord:
    """State of a rung, see `Rung`."""

    in_row: int = 0
    calm: int = 0
    cooldown: int = 0
    hits: int = 0
    in_alarm: bool = False


@dataclass
class Record:
    """State of a pipeline that outlives a reset; ``bytes(record)`` is the record itself, see docs/spec.md.

    Parts that a plan does not have are 0.
    """

    plan_tag: int
    score_tag: bytes  # first bytes of the plan's score_id
    next_hop: int  # modulo 2**32
    ahead: int  # samples since the start of that hop; negative: before it
    level_tag: int = 0
    has_given: bool = False  # the context has given an input since its restart
    sequence: int = 0
    rung: RungRecord = field(default_factory=RungRecord)
    reference: RungRecord = field(default_factory=RungRecord)
    level_q16: int = 0
    frozen: int = 0
    state: int = 0
    silenced: bool = False
    out_of_service: bool = False
    escalated: bool = False
    peak: int = 0
    base: int = 0
    waiting: int = 0
    hold: int = 0
    repeating: int = 0
    silence: int = 0
    test: int = 0
    elapsed: int = 0
    late_q16: int = 0
    judged: int = 0
    highest_log2_q8: int = 0
    active: int = 0
    reported: int = 0
    counts: tuple[int, ...] = (0,) * N_COUNTS
    ladder: bytes = b""  # state of the ladder, see `anomsdk.core.ladder`
    learnt: bytes = b""  # what the extractor has learnt, see `anomsdk.core.days`

    @property
    def next_sequence(self) -> int:
        """Number of the first event after the record was restored."""
        return (self.sequence + SEQUENCE_STEP) & 0xFFFF

    def __bytes__(self) -> bytes:
        rungs = (self.rung, self.reference)
        flags = self.escalated * _ESCALATED | self.silenced * _SILENCED | self.out_of_service * _OUT_OF_SERVICE
        bits = self.rung.in_alarm | self.reference.in_alarm << 1 | self.has_given << 2
        data = _LAYOUT.pack(
            *(_MARK, VERSION, RECORD_BYTES + len(self.ladder) + len(self.learnt), self.plan_tag, self.score_tag),
            *(self.level_tag, self.state, flags, bits),
            *(self.sequence, self.ahead, self.next_hop),
            *(number for each in rungs for number in (each.in_row, each.calm, each.cooldown)),
            *(each.hits for each in rungs),
            *(self.level_q16, self.frozen),
            *(self.peak, self.base, self.waiting, self.hold, self.repeating, self.silence, self.test),
            *(self.elapsed, self.judged, self.highest_log2_q8, self.late_q16),
            *(self.active, self.reported, *self.counts),
        )
        data += self.ladder + self.learnt
        return data + _CRC.pack(zlib.crc32(data))

    @classmethod
    def from_bytes(cls, data: bytes, ladder_bytes: int = 0, learnt_bytes: int = 0) -> Record:
        """Read a record.

        Parameters
        ----------
        data : bytes that `bytes(record)` gave
        ladder_bytes : length of the state of the ladder; 0: the plan has none
        learnt_bytes : length of what the extractor has learnt; 0: it learns nothing

        Raises
        ------
        InputError : the record is of another length or version, or torn
        """
        size = RECORD_BYTES + ladder_bytes + learnt_bytes
        require(len(data) == size, f"record: {len(data)} bytes, not {size}; the pipeline begins anew")
        found = _LAYOUT.unpack_from(data)
        mark, version, length, plan_tag, score_tag = found[:5]
        require(mark == _MARK, "record: it does not begin as one; the pipeline begins anew")
        require(
            _CRC.unpack_from(data, size - _CRC.size)[0] == zlib.crc32(data[: -_CRC.size]),
            "record: torn, its CRC is wrong; the pipeline begins anew",
        )
        require(
            version == VERSION and length == size,
            f"record: version {version} is not {VERSION}, that of this release; the pipeline begins anew",
        )
        level_tag, state, flags, bits, sequence, ahead, next_hop = found[5:12]
        record = cls(plan_tag, score_tag, next_hop, ahead, level_tag, bool(bits & 4), sequence)
        for rung, at in ((record.rung, 0), (record.reference, 1)):
            rung.in_row, rung.calm, rung.cooldown = found[12 + 3 * at : 15 + 3 * at]
            rung.hits, rung.in_alarm = found[18 + at], bool(bits >> at & 1)
        record.state = state
        record.escalated, record.silenced = bool(flags & _ESCALATED), bool(flags & _SILENCED)
        record.out_of_service = bool(flags & _OUT_OF_SERVICE)
        record.level_q16, record.frozen, record.peak, record.base, record.waiting = found[20:25]
        record.hold, record.repeating, record.silence, record.test = found[25:29]
        record.elapsed, record.judged, record.highest_log2_q8, record.late_q16 = found[29:33]
        record.active, record.reported, record.counts = found[33], found[34], found[35:]
        end = _LAYOUT.size + ladder_bytes
        record.ladder, record.learnt = data[_LAYOUT.size : end], data[end : -_CRC.size]
        return record

    def check(self, score_tag: bytes, window: int, hop: int, n: int) -> None:
        """Refuse a record of another score, and numbers that no pipeline writes.

        Parameters
        ----------
        score_tag : first bytes of the score_id of the plan that is to take it
        window, hop : of its framer
        n : of its votes
        """
        require(
            self.score_tag == score_tag,
            "record: of a plan with another score_id, whose scores are not comparable; the pipeline begins anew",
        )
        within = (
            _STATES >> self.state & 1 == 1 if self.state < 8 else False,
            -hop < self.ahead <= window,
            self.level_q16 < 1 << 48,
            self.rung.hits < 1 << n,
            self.reference.hits < 1 << n,
            self.highest_log2_q8 < 1 << 13,
        )
        require(all(within), "record: a number in it is out of its range; the pipeline begins anew")
