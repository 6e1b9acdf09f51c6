"""anomsdk: watch without recording. Sensor blocks go in, alerts of at most 16 bytes come out.

This file is the list of public names. Each is imported when it is first used, so that ``import anomsdk``
and running a plan need numpy only.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_HOME = {
    "CheckError": "anomsdk.errors",
    "Event": "anomsdk.core.event",
    "InputError": "anomsdk.errors",
    "Pipeline": "anomsdk.runtime",
    "PipelineSpec": "anomsdk.spec",
    "Plan": "anomsdk.core.plan",
    "Result": "anomsdk.core.pipeline",
    "emit_c": "anomsdk.c_folder",
    "features": "anomsdk.runtime",
    "plan": "anomsdk.planner",
    "read_plan": "anomsdk.plan_file",
    "reconstruct": "anomsdk.runtime",
    "reference_model": "anomsdk.plan_file",
    "score": "anomsdk.runtime",
    "score_many": "anomsdk.runtime",
    "write_plan": "anomsdk.plan_file",
}

__all__ = [
    "CheckError",
    "Event",
    "InputError",
    "Pipeline",
    "PipelineSpec",
    "Plan",
    "Result",
    "__version__",
    "compare",
    "emit_c",
    "evaluate",
    "features",
    "plan",
    "read_plan",
    "reconstruct",
    "reference_model",
    "score",
    "score_many",
    "train",
    "write_plan",
]

if TYPE_CHECKING:
    from anomsdk import compare, evaluate, train
    from anomsdk.c_folder import emit_c
    from anomsdk.core.event import Event
    from anomsdk.core.pipeline import Result
    from anomsdk.core.plan import Plan
    from anomsdk.errors import CheckError, InputError
    from anomsdk.plan_file import read_plan, reference_model, write_plan
    from anomsdk.planner import plan
    from anomsdk.runtime import Pipeline, features, reconstruct, score, score_many
    from anomsdk.spec import PipelineSpec


def __getattr__(name: str) -> Any:
    if name in ("compare", "evaluate", "train"):
        return importlib.import_module(f"anomsdk.{name}")
    if name not in _HOME:
        raise AttributeError(f"module 'anomsdk' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
