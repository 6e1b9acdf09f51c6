"""Words of the command line for parameters of the library, which messages name in backticks."""

from __future__ import annotations

import ast
import re
import shlex

_SAME = (
    "alarm anomalous array axes base before budget by calibration channel check common_share confidence confident "
    "corpus cross_check csv day debug devices elf engine events fixed gain_db group herd hops html independent jobs "
    "jsonl key label labels levels max_added max_alarm_fraction max_bridge max_change max_lost max_missed max_moved "
    "normal normalisation only out plan pooled quick ram recordings require_all retention scale scene scheduler scores "
    "sealed search seed sign signal skip_bad snr spec start state target time today tolerate unit version where write "
    "write_decoders write_plan write_signal"
)
"""Parameters whose option bears their name."""
FLAGS = {name: f"--{name.replace('_', '-')}" for name in _SAME.split()} | {
    "as_json": "--json",
    "files": "FILES",
    "link_map": "--map",
    "list_days": "--days",
    "folder": "DIR",
    "go_on": "--continue",
    "match_s": "--match",
    "new": "NEW",
    "old": "OLD",
    "piece_s": "--piece",
    "rate_hz": "--rate",
    "rotation": "--unit",
    "segment_s": "--segment",
    "source": "INPUT",
    "sources": "INPUT",
    "subject": "PLAN",
}
"""Parameter of the library -> option of the command line, or the name of an argument in its usage."""

NO_FLAG = dict.fromkeys(("failed", "low", "ms", "on", "ticks"), "input of a pipeline that a Python caller runs") | {
    "groups": "labels of recordings in memory; a command takes `group` and makes the labels itself",
    **dict.fromkeys(("at_s", "indices", "max_devices"), "receiver of events that a Python caller runs"),
    "keep": "symbols of a program that a Python caller compiles",
    **dict.fromkeys(
        ("count", "days", "episodes", "first", "gap", "level", "method", "names", "offset", "rows", "shares", "since"),
        "arguments of a Python caller",
    ),
    **dict.fromkeys(("data", "plan_tag"), "arguments of a Python caller who sends levels to devices"),
    "limit": "instructions of a function that a Python caller runs in the emulator",
    "tap": "model inputs that a Python caller keeps for tuning; no command does",
}
"""Parameter that messages name -> why no command has an option for it; it is printed as it is."""

_PARAMETER = re.compile(r"`([a-z_][a-z0-9_]*)(?:=([^`]*))?`")


def in_flags(text: str) -> str:
    """Put options of the command line in place of the parameters that a message names in backticks.

    Parameters
    ----------
    text : message, note or report of the library; words in backticks that are no parameter stay as they are

    Examples
    --------
    >>> in_flags("walk.csv: no column of time; give `rate_hz`, e.g. `rate_hz=50`, or `axes=('x', 'y', 'z')`")
    'walk.csv: no column of time; give --rate, e.g. --rate 50, or --axes x,y,z'
    >>> in_flags("`where='bird!=3'`, `rotation='rad/s'`, `skip_bad=True`, `no_parameter`")
    "--where 'bird!=3', --unit ,rad/s, --skip-bad, `no_parameter`"
    """
    return _PARAMETER.sub(_flag, text)


def _flag(found: re.Match[str]) -> str:
    name, value = found[1], found[2]
    flag = FLAGS.get(name)
    if flag is None:
        return found[0]
    if value is None or value == "True":
        return flag
    if value in ("False", "None"):
        return f"no {flag}"
    shown = _argument(value)
    return f"{flag} {',' if name == 'rotation' else ''}{shown}"


def _argument(value: str) -> str:
    """Write a Python value as an argument for a shell; a placeholder such as NAME stays as it is."""
    try:
        found = ast.literal_eval(value)
    except (SyntaxError, ValueError):
        return re.sub(r"[()'\"\s]", "", value).strip(",")
    if isinstance(found, (tuple, list)):
        return shlex.quote(",".join(map(str, found)))
    return shlex.quote(found) if isinstance(found, str) else value
