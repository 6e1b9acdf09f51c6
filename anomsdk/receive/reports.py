"""Reports of a receiver: the fate of one event, counts, and what is known of each device."""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.core.event import Condition, State
from anomsdk.watch.sinks.event_words import health_words


@dataclass(frozen=True)
class Taken:
    """Fate of one event; exactly one of ``new``, ``repeated`` and ``late`` is True.

    Parameters
    ----------
    new : the event is newer than all before it, and what it tells now holds
    repeated : the number was received before; the event changes nothing but counts
    late : older than the last event and not received before; it was counted as lost, and no longer is
    conflict : two devices may share this id, see `Receiver.conflicts`
    restart : the device began anew or was restored with this event, or its numbers went back
    lost : numbers that were lost directly before this event
    """

    new: bool = False
    repeated: bool = False
    late: bool = False
    conflict: bool = False
    restart: bool = False
    lost: int = 0


@dataclass(frozen=True)
class Counts:
    """Counts of events of one device, of one batch, or of all devices.

    Parameters
    ----------
    events : events that were taken; ``repeated`` and ``late`` are among them
    repeated : events whose number was received before
    late : events that were older than the last one and not received before
    lost : numbers that were not received so far; of a batch the change, which late events make negative
    restarts : times that a device began anew or was restored
    conflicts : signs that two devices share one id
    clock_backwards : events with a time before that of the last event of their device
    bad : malformed events that `skip_bad` left out
    """

    events: int = 0
    repeated: int = 0
    late: int = 0
    lost: int = 0
    restarts: int = 0
    conflicts: int = 0
    clock_backwards: int = 0
    bad: int = 0


@dataclass(frozen=True)
class Standing:
    """Alarm that stands now, or that ended and waits to be acknowledged.

    Parameters
    ----------
    device : id of the device
    state : State, other than normal
    since_s : time of the event with which it began; of the first that told of it, if that one was lost
    age_s : seconds since then, at least 0; None if no time was given
    raised_log2 : log2 of the score that raised it; None if that event was lost
    highest_log2 : highest log2 of a score that its events reported
    reasons : reasons of the raise in words; empty if that event was lost
    latched, silenced : as in `anomsdk.Event`
    escalated : it has grown, or nobody acknowledged it in time
    unacknowledged : nobody has acknowledged it; always True in layout 1, which has no acknowledgement
    """

    device: str
    state: State
    since_s: float
    age_s: float | None
    raised_log2: float | None
    highest_log2: float
    reasons: tuple[str, ...]
    latched: bool
    silenced: bool
    escalated: bool
    unacknowledged: bool


@dataclass(frozen=True)
class Technical:
    """Device with active technical conditions; one that only warms up is not listed.

    Parameters
    ----------
    device : id of the device
    since_s : time of the first event that told of any of them
    conditions : those that technical events named
    others : sets of conditions of which the health byte says that one or more is active; the event that named it was
        lost
    health : health byte
    """

    device: str
    since_s: float
    conditions: tuple[Condition, ...]
    others: tuple[tuple[Condition, ...], ...]
    health: int

    @property
    def words(self) -> tuple[str, ...]:
        """Words for all that the device told: of each condition that was named, and of each bit that was not.

        Bit 6 also stands for a days plan that still learns its animal, which no event names.
        """
        named = {condition.bit for condition in self.conditions}
        unnamed = self.health & ~sum(1 << bit for bit in named)
        return (*(condition.word for condition in self.conditions), *health_words(unnamed))


@dataclass(frozen=True)
class Silent:
    """Device whose heartbeat is late, or that never said anything.

    Parameters
    ----------
    device : id of the device
    since_s : time of its last news; if it never spoke, the time that `Receiver.expect` was given, or None
    age_s : seconds since then, at least 0; None if since_s is
    never : it never said anything
    """

    device: str
    since_s: float | None
    age_s: float | None
    never: bool


@dataclass(frozen=True)
class Conflict:
    """Id that two devices may share: their numbers alternate, or one number came with two contents.

    Parameters
    ----------
    device : id of the device
    conflicts : signs of it, counted
    last_s : time of the last one
    """

    device: str
    conflicts: int
    last_s: float


@dataclass(frozen=True)
class Device:
    """Summary of one device.

    Parameters
    ----------
    device : id of the device
    heard : an event of it was received; without one, all that follows is 0, None or normal
    last_s : time of its last news
    state : state of its alarm
    standing : its alarm, as `Receiver.standing` lists it; None if none stands
    technical : its technical conditions, as `Receiver.technical` lists them; None if there are none
    health : health byte
    out_of_service : no alarm can be raised until it is back in service
    tested_s : time of its last test event
    number : sequence number of its last news
    hop : hop of its last news; modulo 2**32 if whole_hop, else modulo 2**24
    whole_hop : an event of 16 bytes told the whole hop
    plan_tag : plan tag of its last news, its low byte if not whole_tag
    whole_tag : an event of 16 bytes told the whole plan tag
    layout : layout of its last news, 1 or 2; 0 before the first
    judged_share : judged share of its last heartbeat, 0 to 1
    level_tag : level tag of its last event of 16 bytes, 0: the plan's own level; None: the level may have changed
        since, or is not known
    counts : Counts
    """

    device: str
    heard: bool
    last_s: float | None
    state: State
    standing: Standing | None
    technical: Technical | None
    health: int
    out_of_service: bool
    tested_s: float | None
    number: int
    hop: int
    whole_hop: bool
    plan_tag: int
    whole_tag: bool
    layout: int
    judged_share: float | None
    level_tag: int | None
    counts: Counts
