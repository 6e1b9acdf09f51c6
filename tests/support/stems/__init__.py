"""Stems of the golden vectors: a module and a C fragment each, found by the name of the stem.

<stem>.py    cases()                its cases
             by_scalar(given)       what tests/scalar.py gives: the expected values
             by_core(given)         what anomsdk/core gives
             by_native(given)       what the C port gives, through cffi
             c_case(given, expect)  a case as the fields of <stem>_case
             NOT_IN_CORE            functions of the stem without a twin in anomsdk/core, if any
             FRAGMENT               the stem whose C fragment runs it, if not its own
<stem>.c     typedef struct {...} <stem>_case; static int32_t run_<stem>(const <stem>_case *c): whether it holds

A new stem is a new module, its fragment, its name in STEMS, and what it is given in tests/vectors/schema.json.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeAlias

STEMS = (
    "fixed",
    "framer",
    "fft",
    "energy",
    "filterbank",
    "levels",
    "affine",
    "logmel",
    "bands",
    "spectrum",
    "motion",
    "external",
    "profile",
    "figures",
    "days",
    "context",
    "autoencoder",
    "score",
    "baseline",
    "rung",
    "alert",
    "alarm",
    "health",
    "ladder",
    "supervisor",
    "reasons",
    "event",
    "diary",
    "pipeline",
    "record",
    "export",
    "downlink",
)
DECODER = "decoder"
"""Vectors of no stage of the port: decoders of events are held by them, see tests/parity/test_decoders.py."""
VECTORS = Path(__file__).resolve().parents[2] / "vectors"
FRAGMENTS = Path(__file__).resolve().parent

Json: TypeAlias = Any
Given: TypeAlias = dict[str, Json]


class Case(NamedTuple):
    """One case, before its expected values are computed."""

    name: str
    guards: str  # which bug it catches
    given: Given


def module_of(stem: str) -> ModuleType:
    """The module of a stem."""
    return import_module(f"tests.support.stems.{stem}")
