"""Words of the command line for parameters of the library: `rate_hz=50` in a message becomes --rate 50 on the terminal.

Messages of the library name a parameter in backticks, as a Python caller writes it. Reports in JSON keep those words.
"""

from __future__ import annotations

import ast
import re
import shlex

FLAGS = {
    "anomalous": "--anomalous",
    "array": "--array",
    "as_json": "--json",
    "axes": "--axes",
    "by": "--by",
    "calibration": "--calibration",
    "channel": "--channel",
    "confident": "--confident",
    "corpus": "--corpus",
    "cross_check": "--cross-check",
    "debug": "--debug",
    "devices": "--devices",
    "engine": "--engine",
    "events": "--events",
    "files": "FILES",
    "folder": "DIR",
    "gain_db": "--gain-db",
    "group": "--group",
    "hops": "--hops",
    "html": "--html",
    "jobs": "--jobs",
    "jsonl": "--jsonl",
    "label": "--label",
    "match_s": "--match",
    "max_added": "--max-added",
    "max_bridge": "--max-bridge",
    "max_change": "--max-change",
    "max_lost": "--max-lost",
    "max_missed": "--max-missed",
    "max_moved": "--max-moved",
    "new": "NEW",
    "normal": "--normal",
    "normalisation": "--normalisation",
    "old": "OLD",
    "out": "--out",
    "piece_s": "--piece",
    "plan": "--plan",
    "rate_hz": "--rate",
    "require_all": "--require-all",
    "rotation": "--unit",
    "scale": "--scale",
    "scene": "--scene",
    "scores": "--scores",
    "search": "--search",
    "seed": "--seed",
    "segment_s": "--segment",
    "skip_bad": "--skip-bad",
    "snr": "--snr",
    "source": "INPUT",
    "sources": "INPUT",
    "spec": "--spec",
    "target": "--target",
    "time": "--time",
    "tolerate": "--tolerate",
    "unit": "--unit",
    "version": "--version",
    "where": "--where",
    "write": "--write",
}
"""Parameter of the library -> option of the command line, or the name of an argument in its usage."""

NO_FLAG = {
    "groups": "labels of recordings in memory; a command takes `group` and makes the labels itself",
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
