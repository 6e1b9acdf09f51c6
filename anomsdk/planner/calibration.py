"""Calibration: numbers learnt from normal recordings, written by `anomsdk.train` and read by the planner."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from anomsdk.core.rung import MAX_N
from anomsdk.errors import InputError, quoted
from anomsdk.planner.spec import PipelineSpec
from anomsdk.utils.files import read_limited

CALIBRATION_FILE = "calibration.json"
MAX_BYTES = 16 << 20
CHOSEN = "chosen from the recordings"
"""Provenance of a number that the spec left to training; the number itself is in `Calibration.signal`."""
ON_DELAYS = (0, 1, 2, 4, 8, 16, 32, 64)
"""On-delays in ticks, one for each row of the alarm-level table."""

_BULK = 0.99
"""Quantile of normal scores at which the rungs of a ladder begin."""

_Tail = Annotated[float, Field(strict=False, gt=0, le=2**32)]
_Uint32 = Annotated[int, Field(ge=0, le=2**32 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class Normalisation(_Part):
    """Centre and half-width of each value: the centre becomes 0, centre + half-width becomes 127."""

    centre: Annotated[tuple[Annotated[float, Field(strict=False, ge=-1e9, le=1e9)], ...], Field(strict=False)]
    half_width: Annotated[tuple[Annotated[float, Field(strict=False, ge=1e-6, le=1e9)], ...], Field(strict=False)]

    @model_validator(mode="after")
    def _same_length(self) -> Normalisation:
        if len(self.centre) != len(self.half_width):
            raise ValueError(f"{len(self.centre)} centres and {len(self.half_width)} half-widths")
        return self


class AlarmLevels(_Part):
    """Highest alarm level at which each alert logic would still alarm on the calibration recordings.

    ``reached[d][i]`` is for an on-delay of ``on_delay[d]`` ticks and the i-th pair (m, n) in the order
    (1, 1), (1, 2), (2, 2), (1, 3), ...: with a higher alarm level these recordings raise no alarm.
    """

    on_delay: Annotated[tuple[int, ...], Field(strict=False)] = ON_DELAYS
    reached: Annotated[tuple[Annotated[tuple[_Uint32, ...], Field(strict=False)], ...], Field(strict=False)]
    highest_score: _Uint32
    score_99: _Uint32 | None = None
    """Score that 99 % of the ticks do not exceed: where the rungs of a ladder begin; null where it was not measured."""

    @model_validator(mode="after")
    def _shape(self) -> AlarmLevels:
        pairs = MAX_N * (MAX_N + 1) // 2
        if self.on_delay != ON_DELAYS:
            raise ValueError(f"on_delay must be {list(ON_DELAYS)}")
        if len(self.reached) != len(ON_DELAYS) or any(len(row) != pairs for row in self.reached):
            raise ValueError(f"reached must have {len(ON_DELAYS)} rows of {pairs} levels")
        return self

    def raise_score(self, m: int, n: int, on_delay: int, high_ratio: float) -> int:
        """Return the lowest alarm level at which the calibration recordings raise no alarm.

        For an on-delay between two rows the row with the shorter one counts: its level is higher.
        """
        row = max(i for i, ticks in enumerate(ON_DELAYS) if ticks <= on_delay)
        reached = self.reached[row][n * (n - 1) // 2 + m - 1]
        if high_ratio > 0:  # the high level must be above the highest score, too
            reached = max(reached, int(self.highest_score / high_ratio))
        return min(reached + 1, 2**32 - 1)


class Tolerated(_Part):
    """An alarm level that tolerates alarms on the calibration recordings, and the alert that they were counted with."""

    alarms: Annotated[int, Field(ge=1)]
    raise_score: Annotated[int, Field(ge=1, le=2**32 - 1)]
    alert: dict[str, Annotated[float, Field(strict=False)]]
    """Keys of the alert with their values, as `alert_without_level` returns them."""


class Certified(_Part):
    """An alarm level that is certified for a budget, and the alert that its alarms were counted with."""

    budget: str
    confidence: Annotated[float, Field(strict=False, ge=0.5, le=0.999)]
    raise_score: Annotated[int, Field(ge=1, le=2**32 - 1)]
    alert: dict[str, Annotated[float, Field(strict=False)]]
    """Keys of the alert with their values, as `alert_without_level` returns them."""


class Calibration(_Part):
    """Contents of a calibration.json."""

    format: Literal[1]
    model_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    signal: dict[str, Any]
    """Sections of the spec that these numbers were learnt with: sensor, features, context and score."""
    features: Normalisation
    """Map of each value of a feature frame to int8, in the units of `anomsdk.planner.front_end.feature_units`."""
    inputs: Normalisation | None
    """Map of each statistic of the context to int8, in int8 steps of its feature; null for a stack."""
    deviations: Annotated[float, Field(strict=False, gt=0)] | None = None
    """Half-width of the model's inputs in standard deviations of normal recordings; null where it is not known."""
    score_weights: Annotated[tuple[Annotated[int, Field(ge=0, le=255)], ...], Field(strict=False)]
    baseline_start: _Uint32 | None = None
    """Score that the baseline starts from: the 75 % quantile of normal scores without a baseline; null: no baseline.

    It starts high so that a fresh pipeline in a louder scene does not alarm before the baseline has risen."""
    score_tails: Annotated[tuple[_Tail, ...], Field(strict=False)] | None = None
    """Sum of the errors of each group of the score that 95 % of the normal ticks do not exceed; null: no groups."""
    group_levels: dict[str, Annotated[float, Field(strict=False, ge=0, le=2**32)]] | None = None
    """Name of a group of features -> its mean part of normal scores without a baseline; null where it was not
    measured."""
    alarm_levels: AlarmLevels
    tolerated: Tolerated | None = None
    """Level that tolerates alarms; null: the level comes from `alarm_levels` and tolerates none."""
    certified: Certified | None = None
    """Level that is certified for a budget; it comes before the others. null: none is."""
    recordings: Annotated[int, Field(ge=1)]
    """Number of recordings that the alarm levels were computed from."""
    hours: Annotated[float, Field(strict=False, gt=0)]
    """Duration in hours of the ticks that the alarm levels were computed from."""
    provenance: dict[str, str]

    @classmethod
    def from_file(cls, path: str | Path) -> Calibration:
        """Read a calibration.json; InputError names what is wrong."""
        path = Path(path)
        data = read_limited(path, MAX_BYTES)
        try:
            return cls.model_validate_json(data)
        except (ValidationError, RecursionError) as error:
            problem = "too deeply nested"
            if isinstance(error, ValidationError):
                first = error.errors()[0]
                where = quoted(".".join(map(str, first["loc"])), 80)
                problem = f"{where}: {quoted(first['msg'], 120)}" if where else "not valid JSON"
            raise InputError(f"{path}: {problem}; train again to write a new one") from None


def signal_sections(spec: PipelineSpec) -> dict[str, Any]:
    """Return the sections of a spec that a calibration depends on, as JSON values.

    Four keys are left out: ``duty``, as the calibration recordings have no pauses; ``baseline_hold_s``, which matters
    in an alarm of the reference rung only, while the calibration recordings raise none; ``allow_speech_features``,
    which changes no number; and ``band_ms`` or ``band_hops``, of which one has no value.
    """
    unused = {name for name in ("band_ms", "band_hops") if getattr(spec.features, name, None) is None}
    without = {"sensor": {"duty"}, "score": {"baseline_hold_s"}, "features": {"allow_speech_features", *unused}}
    tree = spec.model_dump(mode="json", exclude=without)
    return {name: tree[name] for name in ("sensor", "features", "context", "score")}


def alert_without_level(spec: PipelineSpec) -> dict[str, float]:
    """Return the keys that alarms at a given level depend on: the alert section without its level."""
    alert = {key: float(value) for key, value in spec.alert.model_dump(exclude={"raise_score"}).items()}
    return {key: value for key, value in alert.items() if key != "clear_after_s" or value > 0}


def alarm_levels(scores: Iterable[NDArray[np.integer[Any]]]) -> AlarmLevels:
    """Compute the alarm-level table from the scores of calibration recordings.

    Parameters
    ----------
    scores : (ticks,) for each recording, 0 to 2**32 - 1, from a fresh pipeline
    """
    reached = np.zeros((len(ON_DELAYS), MAX_N * (MAX_N + 1) // 2), np.int64)
    recordings = [np.asarray(recording, np.int64) for recording in scores]
    every = np.concatenate([np.zeros(0, np.int64), *recordings])
    score_99 = int(np.quantile(every, _BULK, method="higher")) if len(every) else 0
    highest = 0
    for values in recordings:
        if len(values) == 0:
            continue
        highest = max(highest, int(values.max()))
        padded = np.concatenate([np.zeros(MAX_N - 1, np.int64), values])
        windows = np.lib.stride_tricks.sliding_window_view(padded, MAX_N)
        for n in range(1, MAX_N + 1):
            # The m-th largest of the last n scores reaches a level exactly when m of them do.
            ranked = np.sort(windows[:, MAX_N - n :], axis=1)[:, ::-1]
            for m in range(1, n + 1):
                pair = n * (n - 1) // 2 + m - 1
                for row, delay in enumerate(ON_DELAYS):
                    if delay < len(values):
                        held = np.lib.stride_tricks.sliding_window_view(ranked[:, m - 1], delay + 1).min(axis=1)
                        reached[row, pair] = max(reached[row, pair], held.max())
    return AlarmLevels(reached=tuple(map(tuple, reached.tolist())), highest_score=highest, score_99=score_99)
