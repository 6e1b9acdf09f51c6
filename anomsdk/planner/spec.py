"""PipelineSpec: a pipeline as a person describes it, in ms, Hz and seconds. `anomsdk.plan` makes it integers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from anomsdk.core.ladder import Unit
from anomsdk.core.plan import EXTRACTORS, NAME_PATTERN
from anomsdk.errors import InputError
from anomsdk.planner.diary import DiarySection
from anomsdk.planner.features import SAME, AnyFeatures, nearest
from anomsdk.planner.sections import (
    AlarmSection,
    AlertSection,
    DiarySensor,
    HealthSection,
    LadderSection,
    ModelSection,
    MotionSensor,
    ScoreSection,
    Section,
    Sensor,
    StackContext,
    SummaryContext,
)
from anomsdk.planner.spec_text import OPTIONAL_SECTIONS, SECTIONS, end_of, first_problem, key_lines, toml, toml_problem
from anomsdk.stats.budgets import Budget
from anomsdk.utils.files import read_limited

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

MAX_SPEC_BYTES = 1 << 20


class PipelineSpec(Section):
    """Contents of a spec.toml. Unknown keys are refused; every error names its field.

    Examples
    --------
    >>> from anomsdk import PipelineSpec
    >>> spec = PipelineSpec.from_toml(\"\"\"
    ... format = 1
    ... name = "room"
    ... [sensor]
    ... kind = "audio"
    ... rate_hz = 16000
    ... [features]
    ... kind = "bands"
    ... fft_length = 512
    ... hop_length = 256
    ... n_bands = 16
    ... fmin_hz = 100
    ... fmax_hz = 7500
    ... band_ms = 256
    ... [context]
    ... kind = "summary"
    ... frames = 4
    ... \"\"\")
    >>> spec.alert.cooldown_s
    60.0
    """

    format: Literal[1]
    name: Annotated[str, Field(pattern=f"^{NAME_PATTERN}$")]
    """Name that C can use: letters, digits and underscores, the first a letter, at most 48."""
    sensor: Annotated[Sensor | MotionSensor | DiarySensor, Field(discriminator="kind")]
    features: Annotated[AnyFeatures, Field(discriminator="kind")]
    context: Annotated[StackContext | SummaryContext, Field(discriminator="kind")]
    model: ModelSection = ModelSection()
    score: ScoreSection = ScoreSection()
    alert: AlertSection = AlertSection()
    alarm: AlarmSection | None = None
    """Life of an alarm after its raise; None: the alarm is raised and cleared, and nothing more."""
    health: HealthSection | None = None
    """Limits of the technical conditions; None: none is looked for."""
    ladder: LadderSection | None = None
    """Rungs that count alarms at other levels, and promises; None: none."""
    diary: DiarySection | None = None
    """Rows of numbers, one a slot; None: none."""

    @model_validator(mode="after")
    def _fits(self) -> PipelineSpec:
        kind, needed = self.features.kind, EXTRACTORS[self.features.kind].sensor
        if self.sensor.kind != needed:
            raise ValueError(f'features.kind "{kind}" needs sensor.kind "{needed}"')
        self.features.check_sensor(self.sensor)
        if self.health is not None:
            self.health.check_sensor(self.sensor.kind)
        if self.sensor.kind == "diary" and self.diary is not None:
            raise ValueError("diary: rows that are read give no rows again; remove the section")
        if self.sensor.kind == "diary" and self.score.baseline_s != 0:
            raise ValueError("score.baseline_s must be 0 for a diary: its own profile follows instead")
        budgets = () if self.ladder is None else self.ladder.budgets
        other = [text for text in budgets if Budget.parse(text).unit != Unit.EPISODE]
        if self.sensor.kind == "diary" and other:
            raise ValueError(
                f"ladder.budgets '{other[0]}': days hang together, so a diary promises episodes; use those"
            )
        context = self.context.kind, self.context.frames, self.context.stride
        if self.sensor.kind == "diary" and context != ("stack", 1, 1):
            raise ValueError('context of a diary must be kind "stack" with frames 1 and stride 1: a frame is 24 hours')
        if self.features.normalisation == "model" and self.context.kind == "summary":
            raise ValueError(
                'features.normalisation "model" needs context.kind "stack": statistics have no scale of their own'
            )
        return self

    @property
    def columns(self) -> int:
        """Number of values in one sample: 1 for audio, the axes of motion, the width of a row for external."""
        return self.features.columns_of(self.sensor)

    @property
    def window_length(self) -> int:
        """Number of samples in one window; 1 for external."""
        return self.features.window_length_at(self.sensor.rate_hz)

    @property
    def hop_length(self) -> int:
        """Number of samples from one window to the next; 1 for external."""
        return self.features.hop_length_at(self.sensor.rate_hz)

    @property
    def hops_per_frame(self) -> int:
        """Number of hops in one feature frame."""
        return self.features.hops_per_frame_at(self.sensor.rate_hz)

    @property
    def tick_s(self) -> float:
        """Seconds from one model run to the next."""
        return self.hop_length * self.hops_per_frame * self.context.stride / self.sensor.rate_hz

    @property
    def hop_s(self) -> float:
        """Seconds from one hop to the next."""
        return self.hop_length / self.sensor.rate_hz

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines that say what is rounded: a duration to whole hops or samples, the rate to 1 mHz."""
        rate_hz = self.sensor.rate_hz
        exact = self.sensor.kind == "diary" or abs(nearest(rate_hz * 1000) - rate_hz * 1000) <= SAME
        lines = [] if exact else [f"sensor.rate_hz {rate_hz:.10g}: {nearest(rate_hz * 1000) / 1000:.10g} Hz"]
        return (*lines, *self.features.notes_at(rate_hz))

    @classmethod
    def from_dict(cls, tree: dict[str, Any], *, source: str = "spec") -> PipelineSpec:
        """Make a spec from nested dicts, as TOML gives them; InputError names the first field that is wrong."""
        try:
            return cls.model_validate(tree)
        except ValidationError as error:
            raise InputError(f"{source}: {first_problem(error)}") from None

    @classmethod
    def from_toml(cls, text: str, *, source: str = "spec") -> PipelineSpec:
        """Make a spec from TOML text; InputError names the first field that is wrong."""
        try:
            tree = tomllib.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{source}: not valid TOML{toml_problem(str(error))}; is this a spec.toml?") from None
        if "format" not in tree:
            raise InputError(f"{source}: format: field required; a spec begins with format = 1")
        return cls.from_dict(tree, source=source)

    @classmethod
    def from_file(cls, path: str | Path) -> PipelineSpec:
        """Read a spec from a .toml file."""
        path = Path(path)
        try:
            text = read_limited(path, MAX_SPEC_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            raise InputError(f"{path}: not UTF-8 text; is this a spec.toml?") from None
        return cls.from_toml(text, source=str(path))

    def to_toml(self) -> str:
        """Write the spec as TOML text: every key with its value and a comment that explains it."""
        lines = [f"format = {self.format}", f"name = {toml(self.name)}"]
        for section in self._sections:
            lines += ["", f"[{section}]", *key_lines(getattr(self, section))]
        return "\n".join(lines) + "\n"

    @property
    def _sections(self) -> tuple[str, ...]:
        """Names of the sections that the spec has."""
        return (*SECTIONS, *(name for name in OPTIONAL_SECTIONS if getattr(self, name) is not None))

    def completed(self, text: str) -> str:
        """Add the keys that a text of this spec leaves out, each with its value and a comment that explains it.

        Parameters
        ----------
        text : TOML text of this spec; its lines, order and comments stay. If keys cannot be added, as to a section in
            one line, the whole text is written anew
        """
        lines = text.rstrip().splitlines()
        tree = tomllib.loads(text)
        for section in self._sections:
            missing = key_lines(getattr(self, section), without=tree.get(section, {}))
            if not missing:
                continue
            if section not in tree:
                lines += ["", f"[{section}]", *missing]
                continue
            place = end_of(lines, section)
            if place is None:
                return self.to_toml()
            lines[place:place] = missing
        found = "\n".join(lines) + "\n"
        try:
            same = PipelineSpec.from_toml(found) == self
        except InputError:
            same = False
        return found if same else self.to_toml()
