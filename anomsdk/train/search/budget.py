"""Budgets of RAM and flash: the need of a candidate in the C port, from the spec and its widths alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from anomsdk.core.checks import require
from anomsdk.core.plan import Plan
from anomsdk.cport.layout import constant_bytes, in_memory, layout, layout_of, model_bytes, table_bytes
from anomsdk.cport.structs import supervisor_bytes_of
from anomsdk.errors import CheckError, InputError
from anomsdk.planner.front_end import framer_plan
from anomsdk.planner.layers import layer_plan
from anomsdk.planner.sections import ModelSection, MotionSensor
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.input_maps import unlearnt_context, unlearnt_extractor
from anomsdk.train.models.family import Candidate, family
from anomsdk.train.models.network import Dense, Network
from anomsdk.train.models.quantise import quantise


@dataclass(frozen=True)
class Need:
    """Bytes that a plan needs on a 32-bit processor.

    Parameters
    ----------
    ram : bytes for state and scratch of a pipeline; the stack comes on top
    flash : bytes for tables and model; code and the structs that point to them come on top
    """

    ram: int
    flash: int

    def within(self, model: ModelSection) -> bool:
        """Return True where both budgets are kept."""
        return _within(self.ram, model.max_ram) and _within(self.flash, model.max_flash)


class Needs:
    """Needs of plans with the features and the context of a spec, for any model."""

    def __init__(self, spec: PipelineSpec) -> None:
        self._framer = framer_plan(spec)
        self._extractor = unlearnt_extractor(spec)
        self._context = unlearnt_context(spec, self._extractor.n_features)
        self.n_inputs = self._context.n_inputs(self._extractor.n_features)
        self._follows = spec.score.baseline_s != 0  # "chosen": it may
        is_supervised = spec.alarm is not None or spec.health is not None
        watched = None if spec.health is None else spec.columns
        self._supervisor = in_memory(supervisor_bytes_of(is_supervised, watched), 4)

    def alone(self) -> Need:
        """Need of the features and the context without any model."""
        return self._of(())

    def of(self, candidate: Candidate) -> Need:
        """Need of a plan with a candidate as its model, whatever it is trained on."""
        return self._of((self.n_inputs, *candidate.hidden, self.n_inputs))

    def _of(self, widths: tuple[int, ...]) -> Need:
        tables = table_bytes(self._extractor, self._context)
        parts = self._framer, self._extractor, self._context
        return Need(
            ram=layout_of(*parts, widths, follows=self._follows, supervisor=self._supervisor).ram_bytes,
            flash=tables + (_model_bytes(widths) if widths else 0),
        )


def need_of(plan: Plan) -> Need:
    """Need of a plan."""
    return Need(ram=layout(plan).ram_bytes, flash=sum(constant_bytes(plan)))


def candidates(spec: PipelineSpec, report: Callable[[str], None] = lambda line: None) -> list[Candidate]:
    """List the candidates for a spec that keep all of its budgets, cheapest first.

    Parameters
    ----------
    spec : spec with features, context and budgets
    report : called with a line on the number of candidates that were left out for RAM or flash

    Raises
    ------
    InputError : no candidate keeps the budgets; the message says which budget is too small, and what it must be
    """
    needs, model = Needs(spec), spec.model
    found = family(needs.n_inputs, model.max_macs, correlated=isinstance(spec.sensor, MotionSensor))
    require(len(found) > 0, f"model.max_macs {model.max_macs} is too small for {needs.n_inputs} inputs; allow more")
    if model.max_ram is None and model.max_flash is None:
        return found
    needed = {candidate: needs.of(candidate) for candidate in found}
    fitting = [candidate for candidate in found if needed[candidate].within(model)]
    if not fitting:
        raise InputError(_nothing_fits(model, list(needed.values()), needs.alone()))
    if len(fitting) < len(found):
        left_out = len(found) - len(fitting)
        report(f"{left_out} of {len(found)} models left out: they do not fit into model.max_ram or model.max_flash")
    return fitting


def checked_need(plan: Plan, model: ModelSection) -> Need:
    """Return the need of a finished plan; a plan that exceeds the budgets is refused."""
    need = need_of(plan)
    if not need.within(model):
        raise CheckError(
            f"train: the plan needs {need.ram:,} bytes of RAM and {need.flash:,} of flash, more than was foreseen and "
            "than model.max_ram or model.max_flash allows; nothing is written"
        )
    return need


def _model_bytes(widths: tuple[int, ...]) -> int:
    """Bytes of a model of given widths: a network of zeros is quantised and planned like any other."""
    layers = tuple(Dense(np.zeros((n_in, n_out)), np.zeros(n_out)) for n_in, n_out in pairwise(widths))
    quantised = quantise(Network(layers), np.zeros((1, widths[0])), 1.0)
    return model_bytes([layer_plan(layer) for layer in quantised])


def _within(needed: int, budget: int | None) -> bool:
    return budget is None or needed <= budget


def _nothing_fits(model: ModelSection, needed: list[Need], alone: Need) -> str:
    """Say which budget is too small, and what the smallest model needs."""
    least_ram, least_flash = min(needed, key=lambda n: (n.ram, n.flash)), min(needed, key=lambda n: (n.flash, n.ram))
    for name, budget, least, without in (
        ("max_ram", model.max_ram, least_ram.ram, alone.ram),
        ("max_flash", model.max_flash, least_flash.flash, alone.flash),
    ):
        if budget is not None and budget < least:
            of_them = "all" if without == least else f"{without:,}"
            return (
                f"model.{name} {budget} is too small: the smallest model needs {least:,} bytes, {of_them} of them "
                "without any model; allow more, or choose features and a context that need less"
            )
    return (
        f"model.max_ram {model.max_ram} and model.max_flash {model.max_flash} are too small together: the model with "
        f"the least RAM needs {least_ram.ram:,} and {least_ram.flash:,} bytes, the one with the least flash "
        f"{least_flash.ram:,} and {least_flash.flash:,}; allow more of one"
    )
