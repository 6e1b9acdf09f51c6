"""Schema of a data set: the columns of a device day, and what its files say about the plan.

A device day is what one device counted and said on one day of UTC. All counts are differences, so that the rows of a
device add up. docs/reference/data-sets.md is made of these tables.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

from anomsdk.core.ladder import MAX_RUNGS
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, parameter

VERSION = 1
FORMAT = "device days"
METADATA_KEY = b"anomsdk"
SCORE_ID_DIGITS = 16
"""Digits of a score_id in a row: the first 8 bytes, which exports have, too."""

ScoreColumn = Literal["log2", "exact", "none"]
"""Scores of a data set: log2 in steps of 1/256 (uint16, as events have them), exact (uint32), or none."""


def score_column(text: str) -> ScoreColumn:
    """Read how scores are kept.

    Raises
    ------
    InputError : another word
    """
    for kind in get_args(ScoreColumn):
        if text == kind:
            return cast(ScoreColumn, kind)
    raise InputError(f"{parameter('scores', text)}: give one of {', '.join(get_args(ScoreColumn))}")


COLUMNS: dict[str, tuple[str, str]] = {
    "device": ("label", "number or name of the device"),
    "recording": ("label", "recording in which the row begins; null: not known"),
    "start": ("time", "start of the first tick: its end less tick_s; null: not known"),
    "stop": ("time", "end of the last tick; null: not known"),
    "tick_s": ("float64", "length of a tick in seconds"),
    "ticks": ("uint32", "ticks in the row, judged or void"),
    "void_ticks": ("uint32", "ticks in the row that were void, because a technical condition was active"),
    "coverage": ("float32", "judged ticks over the ticks that the time of the row would have had, 0 to 1"),
    "highest": ("uint16", "highest score of a judged tick, as log2 in 1/256"),
    "alarms": ("uint16", "alarms raised at the level in force"),
    "alarm_ticks": ("uint32", "ticks in alarm at the level in force"),
    "technical": ("uint16", "technical alarms raised"),
    "level_tag": ("uint8", "level in force at the end of the row: 0 for the plan's own, else a rung from 1"),
    "gaps": ("gaps", "samples that are missing before a tick, by its index in the row"),
    "void": ("void", "runs of void ticks: index of the first one in the row, and their number"),
    "events": ("events", "events of 16 bytes, each with the number of ticks of the row before it"),
    "scores": ("scores", "score of each tick, as the data set has them: log2 in 1/256, or exact; null: left out"),
    "score_id": ("label", "first 16 digits of the score_id of the plan with its ladder; rows with the same one add up"),
    "boot": ("uint16", "life of the ladder, 1 to 65535, in rows gathered from exports; null in scored ones"),
    "first": ("uint32", "ticks of service before the row, of that life or of the recordings scored in one pipeline"),
    "service_ticks": ("uint32", "ticks of service: judged ones"),
    "service_days": ("uint16", "complete days of service that end in the row"),
}
"""Column -> its kind and meaning; those of the rungs follow, see `RUNG_COLUMNS`."""

RUNG_COLUMNS: dict[str, tuple[str, str]] = {
    "alarm_ticks": ("uint32", "ticks in alarm"),
    "alarms": ("uint16", "alarms raised"),
    "alarm_days": ("uint16", "days of service with a tick in alarm"),
    "episodes": ("uint16", "episodes"),
    "at_risk": ("uint16", "days of service on which an episode could begin"),
}
"""Count of a rung -> its type and meaning, in the order of `anomsdk.core.ladder.RungCounts`."""

NULLABLE = ("recording", "start", "stop", "scores", "boot")
MANY = 65_535
"""Largest count of 16 bits; it also stands for larger ones."""


def rung_column(count: str, tag: int) -> str:
    """Name the column of a rung's count, by its level tag from 1.

    Examples
    --------
    >>> rung_column("alarm_days", 7)
    'alarm_days_07'
    """
    return f"{count}_{tag:02d}"


def import_pyarrow(where: str) -> Any:
    """Import pyarrow with its Parquet part, or say how to install it.

    Raises
    ------
    InputError : pyarrow is missing
    """
    try:
        import pyarrow.parquet
    except ImportError:
        raise InputError(f"{where}: needs pyarrow; pip install 'anomsdk[parquet]'") from None
    return pyarrow


def arrow_schema(facts: Facts) -> Any:
    """Make the pyarrow schema of a file, with the facts about its plan as metadata."""
    pyarrow = import_pyarrow("data set")
    score = pyarrow.uint32() if facts.scores == "exact" else pyarrow.uint16()
    kinds = {
        "label": pyarrow.dictionary(pyarrow.int32(), pyarrow.string()),
        "time": pyarrow.timestamp("us", tz="UTC"),
        "gaps": _pairs(pyarrow, "samples", pyarrow.int64()),
        "void": _pairs(pyarrow, "ticks", pyarrow.uint32()),
        "events": _pairs(pyarrow, "event", pyarrow.binary()),
        "scores": pyarrow.list_(pyarrow.field("element", score, nullable=False)),
    }
    fields = [
        pyarrow.field(name, kinds.get(kind) or getattr(pyarrow, kind)(), nullable=name in NULLABLE)
        for name, (kind, _) in COLUMNS.items()
    ]
    fields += [
        pyarrow.field(rung_column(count, tag), getattr(pyarrow, kind)(), nullable=False)
        for tag in range(1, facts.n_rungs + 1)
        for count, (kind, _) in RUNG_COLUMNS.items()
    ]
    return pyarrow.schema(fields, metadata={METADATA_KEY: facts.as_json().encode()})


def _pairs(pyarrow: Any, name: str, kind: Any) -> Any:
    fields = [pyarrow.field("tick", pyarrow.uint32(), nullable=False), pyarrow.field(name, kind, nullable=False)]
    return pyarrow.list_(pyarrow.field("element", pyarrow.struct(fields), nullable=False))


@dataclass(frozen=True)
class Facts:
    """Facts about the plan that a data set was made with; each of its files holds them.

    Parameters
    ----------
    plan : id of the plan, 64 hexadecimal digits; empty: not known
    name : of the plan
    score_id : of the plan with its ladder, 64 hexadecimal digits
    tick_s : length of a tick in seconds
    scores : see `ScoreColumn`
    raise_scores : levels of the rungs; empty: no ladder
    day_ticks, day_rest_q16, episode_gap : as `anomsdk.core.ladder.LadderPlan`
    """

    plan: str
    name: str
    score_id: str
    tick_s: float
    scores: ScoreColumn
    raise_scores: tuple[int, ...] = ()
    day_ticks: int = 0
    day_rest_q16: int = 0
    episode_gap: int = 0

    @property
    def n_rungs(self) -> int:
        """Number of rungs; 0: no ladder."""
        return len(self.raise_scores)

    @classmethod
    def of(cls, plan: Plan, counted: Plan, scores: ScoreColumn) -> Facts:
        """Gather the facts of a plan.

        Parameters
        ----------
        plan : Plan that devices run
        counted : the same with the ladder that counts, which may be the default one
        scores : see `ScoreColumn`
        """
        ladder, tick_s = counted.ladder, float(plan.samples_per_tick / plan.rate_hz)
        if ladder is None:
            return cls(plan.id, plan.name, counted.score_id, tick_s, scores)
        levels = tuple(int(score) for score in ladder.raise_scores)
        days = ladder.day_ticks, ladder.day_rest_q16, ladder.episode_gap
        return cls(plan.id, plan.name, counted.score_id, tick_s, scores, levels, *days)

    def as_json(self) -> str:
        """Write the facts as the metadata of a file."""
        rungs = {
            "raise_scores": list(self.raise_scores),
            "day_ticks": self.day_ticks,
            "day_rest_q16": self.day_rest_q16,
            "episode_gap": self.episode_gap,
        }
        tree = {"format": FORMAT, "version": VERSION, "plan": self.plan, "name": self.name, "score_id": self.score_id}
        return json.dumps(tree | {"tick_s": self.tick_s, "scores": self.scores, "rungs": rungs}, sort_keys=True)

    @classmethod
    def from_json(cls, text: bytes | str, where: str) -> Facts:
        """Read the metadata of a file.

        Raises
        ------
        InputError : it is of another format or version, or damaged
        """
        try:
            tree = json.loads(text)
            if tree["format"] != FORMAT or tree["version"] != VERSION:
                raise InputError(
                    f"{where}: holds {tree['format']!r:.40} of version {tree['version']!r:.20}, not device days of "
                    f"version {VERSION}; score the recordings again with this release"
                )
            rungs = tree["rungs"]
            names = str(tree["plan"]), str(tree["name"]), str(tree["score_id"])
            days = int(rungs["day_ticks"]), int(rungs["day_rest_q16"]), int(rungs["episode_gap"])
            levels = tuple(int(each) for each in rungs["raise_scores"])
            if len(levels) > MAX_RUNGS:
                raise ValueError(f"{len(levels)} rungs")
            return cls(*names, float(tree["tick_s"]), tree["scores"], levels, *days)
        except InputError:
            raise
        except (KeyError, TypeError, ValueError):
            raise InputError(f"{where}: its metadata (key anomsdk) is damaged; score the recordings again") from None


def column_table() -> list[tuple[str, str, str]]:
    """List the columns for documentation: name, type in Parquet, meaning."""
    words = {
        "label": "string",
        "time": "timestamp (us, UTC)",
        "gaps": "list of (tick uint32, samples int64)",
        "void": "list of (tick uint32, ticks uint32)",
        "events": "list of (tick uint32, event binary)",
        "scores": "list of uint16, or of uint32",
    }
    rows = [(name, words.get(kind, kind), meaning) for name, (kind, meaning) in COLUMNS.items()]
    return rows + [(f"{name}_NN", kind, f"rung NN: {meaning}") for name, (kind, meaning) in RUNG_COLUMNS.items()]


def selected(names: Sequence[str], needed: Sequence[str], where: str) -> None:
    """Refuse a file that lacks columns.

    Raises
    ------
    InputError : names the first columns that are missing
    """
    missing = [name for name in needed if name not in names]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise InputError(
            f"{where}: has no column {', '.join(missing[:3])}{more}, so it is no file of a data set of this plan; give "
            "the folder that score or gather wrote, or see docs/reference/data-sets.md"
        )
