"""Text of a spec: its keys with comments, and validation errors in plain words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ValidationError

from anomsdk.core import rung
from anomsdk.core.context import STATISTICS
from anomsdk.core.diary import COLUMNS
from anomsdk.core.plan import EXTRACTORS
from anomsdk.errors import quoted
from anomsdk.planner.sections import word_for_none

SECTIONS = ("sensor", "features", "context", "model", "score", "alert")
OPTIONAL_SECTIONS = ("alarm", "health", "ladder", "diary")
"""Sections that a spec may leave out; then nothing of them is in the plan."""
_MEANINGS = {
    "kind": "of the sensor, the features, the context",
    "rate_hz": "samples (rows) a second",
    "slot_s": "s of a slot of the day",
    "columns": "columns of a row: name, unit, sense (movement, sound, score, coverage, other), largest",
    "judged": "columns that are judged; all: the first four of movement or sound",
    "mature_days": "days that are learnt before anything is judged",
    "profile_hold_days": "days that an alarm freezes the own profile, at most",
    "missing_h": "h of 24 that may be missing",
    "off_body_h": "h with nothing but 0 that count as missing; 0: off",
    "axes": "3: accelerometer; 6: and gyroscope",
    "duty": "seconds of sampling in each period, as {on_s = 10, every_s = 60}; none: always",
    "counts_per_g": "int16 counts in 1 g",
    "counts_per_dps": "int16 counts in 1 deg/s; none without a gyroscope",
    "full_scale_g": "where the sensor clips; none: at the ends of int16",
    "fft_length": "samples of a window, a power of two",
    "hop_length": "samples from one window to the next",
    "fmin_hz": "lowest frequency",
    "fmax_hz": "highest frequency, at most half the rate",
    "normalisation": "learnt, or model: the input scale of an imported model",
    "allow_speech_features": "permits features that can carry speech",
    "n_mels": "mel bands",
    "mel_scale": "slaney or htk",
    "mel_norm": "slaney or none",
    "n_bands": "frequency bands",
    "band_ms": "ms over which energies are summed; none: band_hops says it",
    "band_hops": "hops over which energies are summed; none: band_ms says it",
    "n_features": "values in a row",
    "counts_per_unit": "int16 counts in a unit of the model's input scale",
    "window_s": "s of a window",
    "hop_s": "s from one window to the next",
    "gravity_s": "s of the running mean that is taken for gravity",
    "select": "names of features; all: all that the sensor allows",
    "orientation_free": "only features that stay the same however the device is turned",
    "band_edges_hz": "rising edges; default: four bands",
    "floor_mg": "mg that count as no movement",
    "floor_dps": "deg/s that count as no rotation",
    "frames": "feature frames that the model sees",
    "stride": "frames between model runs",
    "statistics": f"statistics of each feature over the frames: {', '.join(STATISTICS)}",
    "file": "path of the model in this folder",
    "max_macs": "multiply-accumulates a tick, at most: a budget for train",
    "max_ram": "bytes of RAM in C, at most: a budget for train; none: no bound",
    "max_flash": "bytes of constant data in C, at most: a budget for train; none: no bound",
    "baseline_s": "s, time constant of a follower of the score; 0: off; chosen: by train",
    "baseline_hold_s": "s that an alarm freezes the follower, at most; 0: as long as it lasts",
    "raise_score": "calibrated, or a number",
    "clear_ratio": "clear level over alarm level: below it the alarm clears",
    "high_ratio": "high level over alarm level: one tick at it raises at once; 0: off",
    "m": "ticks of the last n that must reach the alarm level",
    "n": f"1 to {rung.MAX_N} ticks",
    "on_delay_s": "s that the votes must last",
    "off_delay_s": "s below the clear level until the alarm clears",
    "clear_after_s": "s below the clear level, declared pauses included, that clear, too; 0: off",
    "cooldown_s": "s after an alarm without another",
    "latch": "true: the alarm stays until it is acknowledged",
    "cancel_s": "s in which a wearer can cancel before the alarm; 0: no prealarm",
    "escalate_ratio": "score over the highest reported one, above which the alarm escalates; 0: never",
    "escalate_after_s": "s without an acknowledgement until the alarm escalates; 0: never",
    "escalate_every_s": "s from one escalation to the next, at least",
    "repeat_s": "s between reports that the alarm still stands; 0: none",
    "test_s": "s for which a test is annunciated",
    "heartbeat_s": "s from one heartbeat to the next; 0: none",
    "stuck_s": "s without any change; here and below 0: off",
    "flat_s": "s in which no value changes by more than 1 count (sound: 2)",
    "repeated_s": "s in which each block equals the one before",
    "clip_level": "counts from which a value is clipped",
    "clip_share": "share of values that are clipped",
    "clip_s": "s with that share of clipped values",
    "noise_floor": "counts of range that any working sensor exceeds",
    "noise_floor_s": "s below the noise floor",
    "step": "counts by which the mean leaves its slow mean",
    "step_s": "s that the step lasts",
    "dead_axis_s": "s in which one axis does not change while the device moves",
    "gravity_tolerance": "g of distance from 1 g at rest, at most",
    "gravity_rest_s": "s at rest with a wrong acceleration",
    "lost_share": "share of the time that is lost by gaps",
    "lost_s": "s with that share of gaps",
    "missing_s": "s without any sample",
    "rate_tolerance": "deviation of the samples' rate, as a share of it",
    "not_worn_s": "s without movement, in one posture",
    "still_mg": "mg of range below which an axis does not move",
    "posture_mg": "mg of change from which the posture is another one",
    "not_worn_voids": "true: no tick is judged while the device is not worn",
    "warm_up_s": "s after the start in which no tick is judged",
    "budgets": "what a level may cost, as 1 alarm-day/30d, 1 alarm/7d or 2 episodes/90d",
    "confidence": "probability that a level over the budget is never certified",
    "rungs": "levels that are counted, 2 to 24",
    "lowest": "calibrated, or the level of the lowest rung",
    "highest": "calibrated, or the level of the highest rung",
    "episode_gap_days": "days without an alarm before another episode",
    "max_alarm_fraction": "share of the time in alarm above which a rung certifies nothing",
}
"""Key -> comment beside it in a spec that is written; docs/configuration.md explains more."""
_DIARY_MEANINGS = {
    "slot_s": "s of a slot, 900 to 7200",
    "columns": f"of {', '.join(COLUMNS)}; default: all that the features have",
}
"""Comments on the keys of the diary section, which those of a sensor share."""
_COMMENT_AT = 27


def key_lines(section: BaseModel, without: Iterable[str] = ()) -> list[str]:
    """Return a line of TOML for each key of a section that is not in ``without``, the kind first."""
    given, lines = set(without), []
    own = _DIARY_MEANINGS if type(section).__name__ == "DiarySection" else _MEANINGS
    for key, value in _kind_first(section.model_dump()):
        if key in given:
            continue
        word = word_for_none(type(section), key)
        if isinstance(value, (list, tuple)) and any(isinstance(item, dict) for item in value):
            lines.append(f"{f'{key} = ['.ljust(_COMMENT_AT - 1)} # {_MEANINGS[key]}")
            lines += [*(f"    {toml(item)}," for item in value), "]"]
            continue
        setting = f"{key} = {toml(word if value is None else value)}"
        lines.append(setting if key == "kind" else f"{setting.ljust(_COMMENT_AT - 1)} # {own[key]}")
    return lines


def end_of(lines: list[str], section: str) -> int | None:
    """Find the index of the line after the last key of a section; None if the section has no heading."""
    headings = [i for i, line in enumerate(lines) if re.match(r"\s*\[", line)]
    start = next((i for i in headings if re.match(rf"\s*\[\s*{section}\s*\]\s*(#.*)?$", lines[i])), None)
    if start is None:
        return None
    stop = next((i for i in headings if i > start), len(lines))
    while stop > start + 1 and (not lines[stop - 1].strip() or lines[stop - 1].lstrip().startswith("#")):
        stop -= 1
    return stop


def _kind_first(section: dict[str, Any]) -> list[tuple[str, Any]]:
    return sorted(section.items(), key=lambda item: item[0] != "kind")


def toml(value: Any) -> str:
    """Write a value as TOML: text, a number, true or false, or a list or an inline table of these."""
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(item)}" for key, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(toml(item) for item in value) + "]"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return repr(value)


_TOML_PROBLEMS = (
    *("Expected '=' after a key in a key/value pair", "Expected newline or end of document after a statement"),
    *("Invalid value", "Invalid statement", "Unterminated string", "Unclosed array", "Unclosed inline table"),
    *("Invalid initial character for a key part", "Cannot overwrite a value", "Expected ']' at the end of a table"),
)
"""Messages of the TOML parser that quote nothing from the file."""


def toml_problem(said: str) -> str:
    """Return problem and place from a TOML parser's message, without quoting the file: it may hold a secret."""
    problem = next((f": {words}" for words in _TOML_PROBLEMS if said.startswith(words)), "")
    place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", said)
    return problem + (f" at {place[1]}" if place else "")


def _either(names: Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} or {last}"


_INTEGER_OR_WORD = 'must be "calibrated" or a whole number from 1 to 4294967295'
_PLAIN = {
    ("name", "string_pattern_mismatch"): "must be letters, digits and underscores, the first a letter, at most 48",
    ("features", "union_tag_invalid"): f"kind must be {_either(EXTRACTORS)}",
    ("sensor", "union_tag_invalid"): "kind must be audio, motion, external or diary",
    ("context", "union_tag_invalid"): "kind must be stack or summary",
    ("score.baseline_s", "literal_error"): 'must be "chosen" or a number of seconds from 0 to 2592000',
    ("alert.raise_score", "literal_error"): _INTEGER_OR_WORD,
}
"""Field and type of an error of pydantic -> plain words for it."""


def first_problem(error: ValidationError) -> str:
    """Describe the first error that pydantic found, in one line: the key, what it must be, what it is."""
    first = error.errors()[0]
    kinds = ("audio", "stack", "summary", *EXTRACTORS)
    where = ".".join(
        str(part) for part in first["loc"] if part not in kinds and not str(part).startswith(("constrained", "literal"))
    )
    text = _PLAIN.get((where, first["type"]), first["msg"].removeprefix("Value error, ")).replace(
        "a valid tuple", "a list"
    )
    if where == "sensor.duty" and first["type"] in ("model_type", "model_attributes_type"):
        text = 'must be on_s and every_s in seconds, as in {on_s = 10, every_s = 60}, or "none"'
    if where.startswith("health.") and first["type"] == "float_type":
        text = 'must be a number, or "default"; 0 switches a condition off'
    text = text[0].lower() + text[1:] if text.startswith(("Input", "Field", "Extra")) else text
    given = first.get("input")
    shown = (
        f" (it is {_shown(given)})" if isinstance(given, (int, float, str)) and first["type"] != "value_error" else ""
    )
    where = quoted(where, 80)
    if first["type"] == "extra_forbidden":
        return f"{where}: unknown key; remove it or correct its spelling"
    return f"{where}: {text}{shown}" if where else text + shown


def _shown(given: float | str) -> str:
    """Shorten a value for a message; Python cannot print whole numbers of thousands of digits."""
    if isinstance(given, int) and abs(given) >= 10**20:
        return f"about 1e{math.floor(math.log10(abs(given)))}" if given > 0 else "below -1e20"
    return quoted(repr(given))
