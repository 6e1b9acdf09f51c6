"""Members of the structs in a pipeline's memory, in their order in C, with what each holds and for how long.

The types and names are those of the headers in firmware_port/src. A test compares them with a compiled pipeline.
"""

from __future__ import annotations

from dataclasses import dataclass

from anomsdk.audit.retention.kept import (
    ALARM,
    ALWAYS,
    BLOCK,
    FRAME,
    HEARTBEAT,
    HOP,
    POLL,
    REPORT,
    RESET,
    ROW,
    SLOT,
    TWO_BLOCKS,
    Holds,
    Kept,
)

POINTER_TYPE = "*"
"""Type of a member that is a pointer to anything."""


@dataclass(frozen=True)
class Member:
    """Member of a C struct.

    Parameters
    ----------
    name : its name in C
    type : its C type; `POINTER_TYPE` for a pointer, ``unsigned:13`` for 13 bits of a word, ``uint16_t[10]`` for an
        array, ``anom_energy[]`` for an array behind the struct, else an integer type or a struct of `STRUCTS`
    holds, kept : contents, and how long they stay; those of a struct are in the struct's own members
    what : contents in words
    """

    name: str
    type: str
    holds: Holds = Holds.POINTER
    kept: Kept = ALWAYS
    what: str = ""


def _pointer(name: str, what: str) -> Member:
    return Member(name, POINTER_TYPE, Holds.POINTER, ALWAYS, what)


def _struct(name: str, of: str) -> Member:
    return Member(name, of)


def _fixed(name: str, of: str, what: str) -> Member:
    return Member(name, of, Holds.CONFIGURATION, ALWAYS, what)


def _count(name: str, of: str, what: str) -> Member:
    return Member(name, of, Holds.COUNTS, RESET, what)


_POSITION, _INPUTS = Holds.POSITION, Holds.INPUTS

STRUCTS: dict[str, tuple[Member, ...]] = {
    "anom_pipeline": (
        _pointer("plan", "constant data of the plan"),
        _struct("framer", "anom_framer"),
        _struct("extractor", "anom_extractor"),
        _struct("context", "anom_context"),
        _struct("baseline", "anom_baseline"),
        _pointer("features", "buffer of the latest feature frame"),
        _pointer("scratch", "buffer of the scratch"),
        _fixed("n_inputs", "int32_t", "width of the model's input"),
        _struct("alert", "anom_alert"),
    ),
    "anom_framer": (
        _pointer("plan", "window and hop"),
        _pointer("samples", "buffer of the samples"),
        _fixed("columns", "int32_t", "values in a sample"),
        Member("have", "int32_t", _POSITION, RESET, "number of samples in the window"),
        Member("skip", "int32_t", _POSITION, RESET, "number of samples to drop before the next window"),
        Member("next_hop", "uint32_t", _POSITION, RESET, "index of the next hop"),
    ),
    "anom_extractor": (
        _pointer("plan", "kind and tables"),
        _pointer("state", "buffer of the state"),
        _pointer("scratch", "buffer of the scratch"),
    ),
    "anom_context": (
        _pointer("plan", "frames and stride"),
        _fixed("n_features", "int32_t", "values in a frame"),
        _pointer("history", "buffer of the feature frames"),
        Member("wait", "uint16_t", _POSITION, RESET, "frames until the next input of the model"),
        Member("has_given", "uint16_t", _POSITION, RESET, "1 after the first tick since a gap"),
    ),
    "anom_baseline": (
        _pointer("plan", "rates of the baseline"),
        _count("frozen", "uint32_t", "ticks in alarm for which the baseline was held"),
        Member("level_q16", "int64_t", Holds.SCORES, RESET, "level that follows the scores, an exponential mean"),
    ),
    "anom_rung": (
        _pointer("timing", "votes and delays"),
        _pointer("level", "alarm level"),
        _count("in_row", "uint32_t", "ticks in a row with enough votes, in an alarm below the clear level"),
        _count("calm", "uint32_t", "ticks in a row below the clear level"),
        _count("cooldown", "uint32_t", "ticks of the cooldown that are left"),
        _count("hits", "uint16_t", "votes: for each of the last ticks, whether the score reached the level"),
        _count("in_alarm", "uint8_t", "whether the alarm is up"),
        _fixed("cools", "uint8_t", "whether the end of an alarm starts a cooldown"),
    ),
    "anom_alert": (
        _struct("rung", "anom_rung"),
        _count("sequence", "uint16_t", "number of the next event"),
        _fixed("plan_tag", "uint16_t", "first two bytes of the plan id"),
    ),
    "anom_alarm": (
        _struct("alert", "anom_alert"),
        _pointer("plan", "times of the life cycle"),
        Member("peak", "uint32_t", Holds.SCORES, ALARM, "highest score of the alarm"),
        Member("base", "uint32_t", Holds.SCORES, REPORT, "highest score that a raise or an escalation has reported"),
        _count("waiting", "uint32_t", "hops for which the alarm has been unacknowledged"),
        _count("hold", "uint32_t", "hops until the next escalation may leave"),
        _count("repeating", "uint32_t", "hops since the alarm was last reported"),
        Member("silence", "uint32_t", _INPUTS, RESET, "hops of silence that are left"),
        Member("test", "uint32_t", _INPUTS, RESET, "hops of the test that are left"),
        _count("state", "uint8_t", "state of the alarm"),
        _count("flags", "uint8_t", "whether the alarm is silenced, out of service, escalated"),
        Member("late_q16", "uint16_t", _POSITION, RESET, "part of a hop since a heartbeat was due"),
    ),
    "anom_supervisor": (
        _struct("alarm", "anom_alarm"),
        Member("elapsed", "uint32_t", _POSITION, RESET, "hops since a heartbeat was due"),
        Member("judged", "uint32_t", Holds.COUNTS, HEARTBEAT, "ticks judged since the last heartbeat"),
        Member("number", "uint32_t", _INPUTS, RESET, "argument of the last input that had a number"),
        Member("gap", "uint32_t", _INPUTS, POLL, "samples of a gap that waits for the next poll"),
        Member(
            "highest_log2_q8",
            "unsigned:13",
            Holds.SCORES,
            HEARTBEAT,
            "logarithm of the highest score since the last heartbeat",
        ),
        Member("next", "unsigned:3", _POSITION, POLL, "whether a restart is due or a hop was looked at"),
        Member("settled", "unsigned:1", Holds.COUNTS, POLL, "whether an event may be due: the queue of events"),
        Member("inputs", "unsigned:15", _INPUTS, POLL, "up to three inputs that wait for the next poll"),
    ),
    "anom_health": (
        _pointer("plan", "limits of the technical conditions"),
        Member("clipped", "uint32_t", Holds.STATISTICS, BLOCK, "number of clipped values in the block"),
        Member("check", "uint32_t", Holds.STATISTICS, BLOCK, "check of 32 bits over the samples of the block"),
        Member("last_check", "uint32_t", Holds.STATISTICS, TWO_BLOCKS, "check of the block before"),
        _count("warm_up", "uint32_t", "hops of the warm-up that are left"),
        Member("missing_ms", "uint32_t", _INPUTS, HOP, "ms for which the sensor was said to be missing"),
        Member("clock_ms", "uint32_t", _INPUTS, RESET, "the caller's clock at its last reading"),
        Member("clock_samples", "uint32_t", _INPUTS, RESET, "number of samples at that reading"),
        Member("samples", "uint16_t", _POSITION, BLOCK, "number of samples in the block"),
        Member("hops", "uint16_t", _POSITION, BLOCK, "number of hops in the block"),
        Member("lost", "uint16_t", _POSITION, BLOCK, "number of lost hops in the block"),
        _count("active", "uint16_t", "active technical conditions"),
        _count("reported", "uint16_t", "technical conditions that were reported"),
        _count("counts", "uint16_t[10]", "blocks in a row that speak for a change of each condition"),
        Member("seen", "uint8_t", _POSITION, RESET, "whether a sample has come"),
        Member("known", "uint8_t", _POSITION, RESET, "whether a block has ended, and whether the clock was read"),
    ),
    "anom_health_column": (
        Member("last", "int16_t", Holds.ONE_SAMPLE, HOP, "the last sample"),
        Member("lowest", "int16_t", Holds.STATISTICS, BLOCK, "lowest sample of the block"),
        Member("highest", "int16_t", Holds.STATISTICS, BLOCK, "highest sample of the block"),
        Member("run", "uint16_t", Holds.STATISTICS, RESET, "samples in a row equal to the one before"),
        Member("sum", "int32_t", Holds.STATISTICS, BLOCK, "sum of the samples of the block"),
        Member("mean_q8", "int32_t", Holds.STATISTICS, RESET, "slow mean of the blocks, an exponential mean"),
    ),
    "anom_diary": (
        Member("scores", "uint64_t", Holds.SCORES, SLOT, "sum of the scores of the slot"),
        Member("movement", "uint64_t[2]", Holds.STATISTICS, SLOT, "sums of mean VeDBA and mean jerk over the slot"),
        Member("highest", "uint32_t", Holds.SCORES, SLOT, "highest score of the slot"),
        Member("ticks", "uint32_t", Holds.COUNTS, SLOT, "ticks of the slot that were judged"),
        Member("seen", "uint32_t", Holds.COUNTS, SLOT, "hops of the slot that were seen and not void"),
        Member("paused", "uint32_t", _POSITION, SLOT, "hops of the slot in declared pauses"),
        Member("before", "uint32_t", Holds.COUNTS, RESET, "missing rows before the row that were not taken"),
        Member("after", "uint32_t", Holds.COUNTS, RESET, "missing rows behind it"),
        Member("row", "int16_t[8]", Holds.STATISTICS, ROW, "means of a slot that has ended"),
        Member("has_row", "uint32_t", Holds.COUNTS, ROW, "whether a row is there"),
        _fixed("unused", "uint32_t", "nothing: 0"),
        Member("elapsed_q16", "uint64_t", _POSITION, RESET, "hops since the slot began"),
    ),
    "anom_ladder": (
        _count("yesterday", "uint32_t", "for each rung, whether it was in alarm on the day that ended last"),
        _count("busy", "uint32_t", "rungs that have votes or an alarm"),
        _count("in_alarm", "uint32_t", "for each rung, whether it is in alarm"),
        _count("today", "uint32_t", "for each rung, whether it was in alarm today"),
        _count("ticks", "uint32_t", "ticks of service"),
        _count("elapsed", "uint32_t", "ticks since the day began"),
        _count("evidence_q16", "int32_t", "evidence against the promise that runs"),
        _count("late_q16", "uint16_t", "part of a tick since the day began"),
        _count("days", "uint16_t", "complete days of service"),
        Member("boot", "uint16_t", _INPUTS, RESET, "number of the ladder's life that an export was given"),
        _count("tag", "uint8_t", "level in force"),
        _count("promise", "uint8_t", "promise that runs"),
        _count("lowest", "uint8_t", "rungs that have broken a promise"),
        _count("waiting", "uint8_t", "rungs whose counts lack the day that ended last"),
        _count("news", "uint8_t", "news of the level that an event will report"),
        _count("argument", "uint8_t", "argument of the news"),
    ),
    "anom_ladder_counts": (
        _count("ticks", "uint32_t", "ticks in alarm"),
        _count("alarms", "uint16_t", "number of alarms"),
        _count("days", "uint16_t", "number of days in alarm"),
        _count("episodes", "uint16_t", "number of episodes"),
        _count("at_risk", "uint16_t", "days on which an episode could begin"),
    ),
    "gathered": (
        Member("hops", "int32_t", _POSITION, FRAME, "hops that the frame has gathered"),
        Member("peak_q10", "int32_t", Holds.ENERGIES, FRAME, "level of the loudest hop of the frame"),
        _struct("sums", "anom_energy[]"),
    ),
    "anom_energy": (
        Member("mantissa", "uint32_t", Holds.ENERGIES, FRAME, "sum of the energies of a band, its mantissa"),
        Member("exponent", "uint32_t", Holds.ENERGIES, FRAME, "sum of the energies of a band, its exponent"),
    ),
}
"""Struct of the C port -> its members in order. A supervisor stands in the place of ``anom_pipeline.alert``."""
