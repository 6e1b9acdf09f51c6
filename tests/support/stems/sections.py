"""Sections of a plan, as the vectors hold them (plain JSON), in the forms that others take."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np

from anomsdk.core.affine import AffinePlan
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.bands import BandsPlan
from anomsdk.core.context import STATISTICS, StackPlan, SummaryPlan
from anomsdk.core.days import DaysPlan
from anomsdk.core.external import ExternalPlan
from anomsdk.core.fft import FftPlan
from anomsdk.core.filterbank import FilterbankPlan
from anomsdk.core.levels import LimitsPlan
from anomsdk.core.logmel import LogmelPlan
from anomsdk.core.motion import FEATURES, MotionPlan
from anomsdk.core.profile import ProfilePlan
from anomsdk.core.score import ScoreGroup, ScorePlan
from anomsdk.core.spectrum import SpectrumPlan
from anomsdk.cport.fields import Blocks, Constant
from anomsdk.cport.structs import autoencoder_fields, fft_fields
from anomsdk.runtime.native_module import load_native
from tests.support.stems import Json

# For anomsdk/core: dataclasses

CORE = {
    plan.__name__: plan for plan in (AffinePlan, FftPlan, FilterbankPlan, LimitsPlan, ProfilePlan, SpectrumPlan)
}  # as the annotations of others name them
EXTRACTORS = {plan.kind: plan for plan in (LogmelPlan, BandsPlan, MotionPlan, ExternalPlan, DaysPlan)}
CONTEXTS = {plan.kind: plan for plan in (StackPlan, SummaryPlan)}
Plan = TypeVar("Plan")


def core_plan(plan: type[Plan], section: Mapping[str, Json]) -> Plan:
    """A section as the dataclass of anomsdk/core, its arrays as the annotations say."""
    made = {}
    for field in fields(plan):  # type: ignore[arg-type]
        if field.type.endswith("| None") and field.name not in section:
            continue
        value, array = section[field.name], re.fullmatch(r"NDArray\[np\.(\w+)\]", field.type)
        if array:
            value = np.array(value, array[1])
        elif field.type in CORE:
            value = core_plan(CORE[field.type], value)
        elif field.type.startswith("tuple"):
            value = tuple(value)
        made[field.name] = value
    return plan(**made)


def score_plan(section: Mapping[str, Json]) -> ScorePlan:
    """A score with or without groups."""
    plain = {name: value for name, value in section.items() if name != "groups"}
    groups = tuple(ScoreGroup(**group) for group in section["groups"]) if "groups" in section else None
    return replace(core_plan(ScorePlan, plain), groups=groups)


def rows_of(values: Json) -> np.ndarray:
    """What a stage of anomsdk/core takes."""
    return np.array(values, np.int64)


# For the C port: fields of its structs


@dataclass(frozen=True)
class Symbol:
    """The address of something that the C port defines."""

    name: str


@dataclass(frozen=True)
class Size:
    """The size of a type."""

    of: str


@dataclass(frozen=True)
class Address:
    """The address of a constant struct."""

    type: str
    fields: dict[str, Any]


def c_fft(section: Json) -> dict[str, Any]:
    """The tables of C, which the planner's are the first quarters of."""
    made = fft_fields(core_plan(FftPlan, section))
    return {name: np.asarray(value).tolist() for name, value in made.items()}


def c_filterbank(section: Json) -> dict[str, Any]:
    return {**section, "n_bands": len(section["edges"]) // 2 - 1}


def c_spectrum(section: Json) -> dict[str, Any]:
    return {**section, "length": len(section["cos_q15"]), "n_bands": len(section["floor"])}


def c_extractor(section: Json) -> dict[str, Any]:
    """All of `anom_extractor_plan`."""
    kind, normalisation = section["kind"], section["normalisation"]
    n_features = len(normalisation["gain"])
    tables = {name: value for name, value in section.items() if name != "kind"}
    if kind == "external":
        tables["n_features"] = n_features
    elif kind == "days":
        tables |= {"n_judged": len(section["judged"]), "n_features": n_features}
    elif kind == "motion":
        tables["features"] = sum(1 << FEATURES[name].bit for name in section["features"])
        tables |= {"spectrum": c_spectrum(section["spectrum"]), "n_features": n_features}
        if any(FEATURES[name].spectral for name in section["features"]):
            tables["transform"] = Symbol("anom_spectrum_run")
    else:
        tables["fft"] = c_fft(section["fft"])
        tables["filterbank"] = c_filterbank(section["filterbank"])
    return {
        "type": Symbol(f"anom_{kind}"),
        "tables": Address(f"anom_{kind}_plan", tables),
        "normalisation": Address("anom_affine_plan", normalisation),
        "n_features": n_features,
        "columns": n_features if kind == "external" else section.get("columns", section.get("axes", 1)),
        "hops_per_frame": section.get("hops_per_frame", 1),
        "learning": Symbol("anom_days_learning") if kind == "days" else None,
    }


def c_score(section: Json) -> dict[str, Any]:
    """All of `anom_score_plan`."""
    if "groups" not in section:
        return dict(section)
    return {**section, "n_groups": len(section["groups"]), "type": Symbol("anom_score_functions")}


def c_context(section: Json) -> dict[str, Any]:
    taken = {name: section[name] for name in ("frames", "stride")}
    if section["kind"] == "summary":
        codes = [STATISTICS[name].code for name in section["statistics"]]
        taken |= {"statistics": codes, "n_statistics": len(codes), "normalisation": section["normalisation"]}
    return taken


def c_autoencoder(layers: Json, input_reach: int = 128) -> dict[str, Any]:
    """All of `anom_autoencoder_plan`, laid out as plans are."""
    fields = autoencoder_fields([core_plan(LayerPlan, layer) for layer in layers], input_reach)
    return {
        **fields,
        "layers": [{name: _plain(value) for name, value in item.items()} for item in fields["layers"].items],
    }


def _plain(value: Any) -> Any:
    return value.tolist() if isinstance(value, np.ndarray) else value


def c_timing(section: Json) -> dict[str, Any]:
    return {name: value for name, value in section.items() if not name.endswith("_ratio_q16")}


def c_reasons(section: Json) -> dict[str, Any]:
    return {**section, "n_groups": len(section["codes"])}


class Native:
    """The C port, and structs for it that live as long as this."""

    def __init__(self) -> None:
        module = load_native()
        self.ffi, self.lib = module.ffi, module.lib
        self._kept: list[Any] = []

    def new(self, declaration: str, *init: Any) -> Any:
        made = self.ffi.new(declaration, *init)
        self._kept.append(made)
        return made

    def struct(self, name: str, values: dict[str, Any]) -> Any:
        """The address of a struct with these fields; what is not named is 0."""
        return self.new(f"{name} *", self._fields(self.ffi.typeof(name), values))

    def _fields(self, ctype: Any, values: Any) -> Any:
        if not isinstance(values, dict):
            return values
        given = {name: value for name, value in values.items() if value is not None}
        return {name: self._value(field.type, given[name]) for name, field in ctype.fields if name in given}

    def _value(self, ctype: Any, value: Any) -> Any:
        if isinstance(value, Symbol):
            return self.ffi.addressof(self.lib, value.name)
        if isinstance(value, Constant):
            return getattr(self.lib, value.name)
        if isinstance(value, Blocks):  # no host has its weights flipped
            return self.new("anom_weights[]", [{"bytes": block} for block in value.array.view(np.uint8).tolist()])
        if isinstance(value, Address):
            return self.struct(value.type, value.fields)
        if ctype.kind == "struct":
            return self._fields(ctype, value)
        if ctype.kind == "pointer" and isinstance(value, list):
            items = [self._value(ctype.item, item) for item in value]
            return self.new(self.ffi.getctype(ctype.item, "[]"), items)
        return value
