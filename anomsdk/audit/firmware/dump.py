"""Search of a dump of a device's memory for residues: everything of a signal that a pipeline should not hold."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.audit.check import Finding, Verdict
from anomsdk.audit.firmware.maps import LinkerMap, read_map
from anomsdk.audit.firmware.pipelines import Found, fields_of, pipelines
from anomsdk.audit.retention.kept import Holds
from anomsdk.audit.scan.process import Memory, Region
from anomsdk.audit.scan.scanner import Scanned, scan_many
from anomsdk.audit.scan.signals import canary
from anomsdk.core.plan import Plan
from anomsdk.errors import InputError, printable
from anomsdk.utils.files import read_limited
from anomsdk.utils.text import counted

CANARY_VALUES = 32_000
"""Number of values of the signal that is searched for if none is given, see `played_canary`."""
LIMITS = (
    "Only the memory in the dump is shown: not registers, not other memories of the device, not an earlier moment.",
    "A dump within a call of the C port shows its scratch in use; take it between two calls.",
    "That the dump is of this device, and that the device heard this signal, is the word of whoever took it.",
    "Fewer elements in a row than the rule of a form, and forms that are not listed, are not found.",
)
"""Sentences that a report prints beside what a dump shows."""

_LARGEST = 1 << 28
_OTHER_FORMATS = ((b"\x7fELF", "an ELF file"), (b":", "Intel HEX"), (b"S0", "Motorola S-records"), (b"S1", "S-records"))
_KEPT = (Holds.SAMPLES, Holds.ONE_SAMPLE, Holds.STATISTICS, Holds.ENERGIES, Holds.FEATURES)
"""Contents that a pipeline may hold between two calls."""


@dataclass(frozen=True)
class _Dump:
    """Dump of a device's memory with what is known of it."""

    data: bytes
    base: int
    found: tuple[Found, ...]
    map: LinkerMap | None
    plan: Plan

    def place(self, offset: int) -> str:
        """Name the field, the symbol or the address of a byte of the dump."""
        fields = fields_of(self.plan)
        size = max(field.end for field in fields.values())
        for each in self.found:
            if each.offset <= offset < each.offset + size:
                within = offset - each.offset
                field = next(field for field in fields.values() if field.offset <= within < field.end)
                return f"{self._symbol(each.offset)}: {field.name}+{within - field.offset}"
        return self._symbol(offset)

    def _symbol(self, offset: int) -> str:
        address = self.base + offset
        name = self.map.place(address) if self.map else None
        if name is None:
            return f"{address:#010x}" + (", in no symbol of the map (stack or heap)" if self.map else "")
        return f"{name.removesuffix('+0')} at {address:#010x}"


def search_dump(
    dump: Path,
    plan: Plan,
    map: Path | None = None,
    base: int | None = None,
    signal: NDArray[np.int16] | None = None,
) -> Finding:
    """Search a dump of a 32-bit device's memory for a signal, and for anything that a pipeline should not hold.

    The window in a pipeline's framer, its context and the sums of its extractor may be there. Not allowed are: samples
    in the framer behind the window, scratch and features that are not zero, and the window or the signal, in any form,
    anywhere else.

    Parameters
    ----------
    dump : file of raw bytes, as a debugger writes them
    plan : plan that the device runs
    map : map that the linker wrote (GNU ld or lld); without it places are addresses only
    base : address of the first byte of the dump; None: as the pointers of the pipeline say
    signal : int16 (n,) or (n, columns), what the device heard, from its first sample on; None: `played_canary` if the
        device has heard that, and otherwise only the window that lies in the framer

    Returns
    -------
    Finding : failed if a residue was found or a control was not; not shown here if nothing can be searched for

    Raises
    ------
    InputError : the dump is of the wrong size or format, holds no pipeline of this plan, or the map is of another build
    """
    heard = None if signal is None else _checked(signal, plan)
    data, read = _read(dump), read_map(map) if map is not None else None
    found = _pipelines(dump, data, plan, read, base)
    opened = _Dump(data, found[0].base, found, read, plan)
    if read is not None:
        _check_size(dump, opened, read)
    windows = [_window(opened, each) for each in found]
    played = played_canary(plan) if heard is None else heard
    is_heard = _is_within(windows, played)
    searched = [window for window in windows if len(window)]
    searched += [played] if heard is not None or is_heard else []
    residues = _not_zero(opened)
    evidence: dict[str, Any] = {
        "bytes": len(data),
        "base": f"{opened.base:#010x}",
        "pipelines": [{"at": opened.place(each.offset), "samples in the framer": each.samples} for each in found],
        "signal": "none" if heard is None and not is_heard else "the canary" if heard is None else "as given",
        "the window is part of the signal": is_heard,
    }
    scanned: list[Scanned] = []
    if searched:
        scanned = scan_many(Memory((Region("dump", opened.base, _masked(opened)),)), plan, searched)
        named = ["the signal" if each is played else "the window in the framer" for each in searched]
        residues += _runs(opened, list(zip(named, scanned, strict=True)))
    evidence["residues"] = residues
    evidence["rule"] = {form: length for result in scanned for form, length in result.rule.items()}
    looked_at = {dump.name: hashlib.sha256(data).hexdigest(), "plan": plan.id}
    if read is not None:
        looked_at[read.path.name] = read.sha256
    verdict, result_text = _judged(residues, scanned, windows, heard is not None, is_heard, len(played))
    return Finding(verdict, result_text, evidence, looked_at)


def played_canary(plan: Plan) -> NDArray[np.int16]:
    """Generate the signal that a dump is searched for if no other is given: play it to the device before the dump."""
    return canary(plan, 0, CANARY_VALUES // plan.columns)


def _judged(
    residues: Sequence[dict[str, Any]],
    scanned: Sequence[Scanned],
    windows: Sequence[NDArray[np.int16]],
    is_given: bool,
    is_heard: bool,
    n: int,
) -> tuple[Verdict, str]:
    if residues:
        shown = "; ".join(f"{each['what']} in {each['where']}" for each in residues[:4])
        more = f"; and {len(residues) - 4} more" if len(residues) > 4 else ""
        return Verdict.FAILED, f"{counted(len(residues), 'residue')}: {shown}{more}."
    missing = sorted({form for result in scanned for form in result.missing})
    if missing:
        return (
            Verdict.FAILED,
            f"What was planted in a copy of the dump was not found in these forms: {', '.join(missing)}.",
        )
    present = sum(len(window) for window in windows)
    if is_given and present and not is_heard:
        return Verdict.NOT_SHOWN, (
            "the window in the framer is no part of the signal, so that the device has not heard it; give the signal "
            "that was played, without a resampler or a filter on its way"
        )
    if not present and not is_given:
        return Verdict.NOT_SHOWN, (
            "the framer is empty and no signal is known to search for; give `signal`, or take the dump while the "
            "device hears"
        )
    if not any(result.rule for result in scanned):
        return (
            Verdict.NOT_SHOWN,
            "the window in the framer hardly varies, so that nothing can be searched for; let the device hear a signal",
        )
    what = (
        f"{counted(n, 'sample')} of the signal"
        if is_given or is_heard
        else f"the window of {counted(present, 'sample')}"
    )
    forms = len({form for result in scanned for form in result.rule})
    return Verdict.SHOWN, (
        f"Nothing of {what} is outside of what the pipeline may hold, in {counted(forms, 'form')}; scratch, features "
        "and the rest of the framer are zero."
    )


def _read(dump: Path) -> bytes:
    shown = printable(dump)
    data = read_limited(dump, _LARGEST, advice="give a raw dump of one memory of the device")
    if not data:
        raise InputError(f"{shown}: is empty; give a dump of the device's memory")
    for start, kind in _OTHER_FORMATS:
        if data.startswith(start):
            raise InputError(
                f"{shown}: is {kind}, not raw bytes; write it with `objcopy -O binary`, or dump it raw".replace(
                    "`", "'"
                )
            )
    return data


def _checked(signal: NDArray[np.int16], plan: Plan) -> NDArray[np.int16]:
    shape: tuple[int, ...] = getattr(signal, "shape", ())
    fits = len(shape) == 1 if plan.columns == 1 and len(shape) != 2 else len(shape) == 2 and shape[1] == plan.columns
    if not fits or getattr(signal, "dtype", None) != np.int16 or not shape[0]:
        kind = getattr(signal, "dtype", type(signal).__name__)
        raise InputError(
            f"`signal` is {kind} of shape {shape}; give int16 of (n, {plan.columns})"
            + (" or (n,)" if plan.columns == 1 else "")
        )
    return np.ascontiguousarray(signal).reshape(shape[0], plan.columns)


def _pipelines(dump: Path, data: bytes, plan: Plan, read: LinkerMap | None, base: int | None) -> tuple[Found, ...]:
    """Find the pipelines of the dump, and hold their pointers against map and base."""
    shown, name = printable(dump), f"anom_plan_{plan.name}"
    address = read.address(name) if read is not None else None
    if read is not None and address is None:
        raise InputError(f"{printable(read.path)}: does not name {name}; give the map of the build that runs this plan")
    found = pipelines(data, plan)
    if not found:
        raise InputError(
            f"{shown}: holds no pipeline of the plan {printable(plan.name)} ({plan.id[:8]}); give its plan and a "
            "dump of the whole RAM after anom_pipeline_init"
        )
    if read is not None:
        matching = [each for each in found if each.plan == address]
        if not matching:
            raise InputError(
                f"{printable(read.path)}: is the map of another build: it has {name} at {address:#010x}, and the "
                f"pipeline in {shown} runs a plan at {found[0].plan:#010x}; give the map of the build that was dumped"
            )
        found = matching
    if base is not None:
        matching = [each for each in found if each.base == base]
        if not matching:
            raise InputError(
                f"`base={base:#010x}` is not where {shown} begins: the pipeline in it says {found[0].base:#010x}; give "
                "that, or none"
            )
        found = matching
    if found[0].base < 0:
        raise InputError(
            f"{shown}: the pipeline in it lies elsewhere than its pointers say; give a dump of the RAM alone"
        )
    return tuple(each for each in found if each.base == found[0].base)


def _check_size(dump: Path, opened: _Dump, read: LinkerMap) -> None:
    """Refuse a dump that leaves out a part of the memory that holds the pipeline."""
    base = opened.base
    end = base + len(opened.data)
    region = read.region_at(base + opened.found[0].offset)
    if region is not None:
        first, last, what = region.origin, region.end, f"memory {printable(region.name)} of the map"
    elif read.variables is not None:
        first, last, what = *read.variables, "sections of variables in the map"
    else:
        raise InputError(
            f"{printable(read.path)}: has no section of variables; give the whole map that the linker wrote"
        )
    if base > first or end < last:
        raise InputError(
            f"{printable(dump)}: holds {len(opened.data):,} bytes from {base:#010x}, but the {what} has "
            f"{last - first:,} from {first:#010x}; dump all of it"
        )


def _window(opened: _Dump, each: Found) -> NDArray[np.int16]:
    """Samples that lie in a framer, int16 (n, columns)."""
    at = each.offset + fields_of(opened.plan)["framer.samples"].offset
    columns = opened.plan.columns
    return np.frombuffer(opened.data, "<i2", each.samples * columns, at).reshape(-1, columns).astype("=i2")


def _is_within(windows: Sequence[NDArray[np.int16]], signal: NDArray[np.int16]) -> bool:
    """Tell whether a window that is not empty is a piece of the signal."""
    whole = signal.tobytes()
    return any(len(window) >= 4 and window.tobytes() in whole for window in windows)


def _masked(opened: _Dump) -> bytes:
    """Make a copy of the dump in which zeros stand where a pipeline may hold something of the signal."""
    masked = bytearray(opened.data)
    for each in opened.found:
        for field in fields_of(opened.plan).values():
            if field.holds in _KEPT:
                size = field.size
                if field.holds is Holds.SAMPLES:
                    size = min(size, each.samples * opened.plan.columns * 2)
                masked[each.offset + field.offset : each.offset + field.offset + size] = bytes(size)
    return bytes(masked)


def _not_zero(opened: _Dump) -> list[dict[str, Any]]:
    """Find what is not zero in scratch, features and the rest of the framer."""
    found = []
    for each in opened.found:
        for field in fields_of(opened.plan).values():
            first = 0
            if field.holds is Holds.SAMPLES:
                first = each.samples * opened.plan.columns * 2
            elif field.holds is not Holds.NOTHING:
                continue
            start = each.offset + field.offset
            held = np.frombuffer(opened.data[start + first : start + field.size], np.uint8)
            where = np.flatnonzero(held)
            if len(where):
                what = f"{counted(len(where), 'byte')} that should be zero"
                found.append({"what": what, "where": opened.place(start + first + int(where[0])), "bytes": len(where)})
    return found


def _runs(opened: _Dump, scanned: Sequence[tuple[str, Scanned]]) -> list[dict[str, Any]]:
    """Describe what was found: each symbol or field once, with the longest run in it."""
    rows = [(place, form, of) for of, result in scanned for form, hits in result.found.items() for place in hits.places]
    described: dict[str, dict[str, Any]] = {}
    for place, form, of in sorted(rows, key=lambda row: (-row[0].length, row[2] != "the signal")):
        where = opened.place(place.address - opened.base)
        described.setdefault(
            where.partition("+")[0].partition(" at ")[0],
            {
                "what": f"{counted(place.length, 'element')} of {of} as {form}",
                "where": where,
                "form": form,
                "elements": place.length,
                "first": place.first,
            },
        )
    return list(described.values())
