"""Programs for microcontrollers, compiled and run from Python alone: extra ``mcu``."""

from anomsdk.mcu.compile import compile_firmware
from anomsdk.mcu.emulate import Call, Machine
from anomsdk.mcu.program import Program, Segment, Symbol
from anomsdk.mcu.targets import TARGETS, Target, find_target

__all__ = [
    "TARGETS",
    "Call",
    "Machine",
    "Program",
    "Segment",
    "Symbol",
    "Target",
    "compile_firmware",
    "find_target",
]
