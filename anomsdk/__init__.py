"""anomsdk: watch without recording. Sensor blocks go in, alerts of at most 16 bytes come out.

This file is the list of public names. Each is imported when it is first used, so that ``import anomsdk``
and running a plan need numpy only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from anomsdk._version import __version__

_HOME = {
    "Annunciation": "anomsdk.core.alarm",
    "CheckError": "anomsdk.errors",
    "Condition": "anomsdk.core.event",
    "Event": "anomsdk.core.event",
    "Input": "anomsdk.core.event",
    "InputError": "anomsdk.errors",
    "Kind": "anomsdk.core.event",
    "Pipeline": "anomsdk.runtime.pipeline",
    "PipelineSpec": "anomsdk.planner.spec",
    "Plan": "anomsdk.core.plan",
    "Receiver": "anomsdk.receive.receiver",
    "Restart": "anomsdk.core.event",
    "Result": "anomsdk.core.pipeline",
    "State": "anomsdk.core.event",
    "emit_c": "anomsdk.mcu.emit",
    "features": "anomsdk.runtime.streams",
    "plan": "anomsdk.planner.planner",
    "read_plan": "anomsdk.plans.file",
    "reconstruct": "anomsdk.runtime.streams",
    "reference_model": "anomsdk.plans.file",
    "score": "anomsdk.runtime.streams",
    "score_many": "anomsdk.runtime.streams",
    "seal": "anomsdk.audit.seal.sealing",
    "write_plan": "anomsdk.plans.file",
}

__all__ = [
    "Annunciation",
    "CheckError",
    "Condition",
    "Event",
    "Input",
    "InputError",
    "Kind",
    "Pipeline",
    "PipelineSpec",
    "Plan",
    "Receiver",
    "Restart",
    "Result",
    "State",
    "__version__",
    "compare",
    "emit_c",
    "evaluate",
    "features",
    "herd",
    "plan",
    "read_plan",
    "reconstruct",
    "reference_model",
    "score",
    "score_many",
    "seal",
    "train",
    "tune",
    "write_plan",
]

if TYPE_CHECKING:
    from anomsdk import compare, evaluate, herd, train, tune
    from anomsdk.audit.seal.sealing import seal
    from anomsdk.core.alarm import Annunciation
    from anomsdk.core.event import Condition, Event, Input, Kind, Restart, State
    from anomsdk.core.pipeline import Result
    from anomsdk.core.plan import Plan
    from anomsdk.errors import CheckError, InputError
    from anomsdk.mcu.emit import emit_c
    from anomsdk.planner.planner import plan
    from anomsdk.planner.spec import PipelineSpec
    from anomsdk.plans.file import read_plan, reference_model, write_plan
    from anomsdk.receive.receiver import Receiver
    from anomsdk.runtime.pipeline import Pipeline
    from anomsdk.runtime.streams import features, reconstruct, score, score_many


def __getattr__(name: str) -> Any:
    if name in ("compare", "evaluate", "herd", "train", "tune"):
        return importlib.import_module(f"anomsdk.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'anomsdk' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
