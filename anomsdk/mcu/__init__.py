"""Programs for microcontrollers, compiled and run from Python alone: extra ``mcu``."""

from anomsdk.mcu.compile import compile_firmware
from anomsdk.mcu.emulate import Call, Machine, Profile
from anomsdk.mcu.measuring import Flash, Footprint, Ram, footprint
from anomsdk.mcu.program import Program, Segment, Symbol
from anomsdk.mcu.targets import TARGETS, Target, find_target

__all__ = [
    "TARGETS",
    "Call",
    "Flash",
    "Footprint",
    "Machine",
    "Profile",
    "Program",
    "Ram",
    "Segment",
    "Symbol",
    "Target",
    "compile_firmware",
    "find_target",
    "footprint",
]
