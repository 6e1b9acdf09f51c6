"""Checks of plans, blocks of samples and gaps before an engine takes them."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.downlink import level_for
from anomsdk.core.export import MAX_BOOT, MAX_DEVICE, Export
from anomsdk.core.pipeline import Result, record_for
from anomsdk.core.plan import MAX_GAP, Plan
from anomsdk.core.supervisor import Operation
from anomsdk.errors import InputError
from anomsdk.runtime.engines import Engine

NO_SECTION = "plan {} has no alarm section; add [alarm] to its spec.toml and plan again"
"""Error for a plan without an alarm, a health and a ladder section, to be formatted with the name of the plan."""
NO_LADDER = "plan {} has no ladder section; add [ladder] to its spec.toml and plan again"
"""Error for a plan without a ladder section, to be formatted with the name of the plan."""


def checked_block(block: Any, columns: int) -> NDArray[np.int16]:
    """Return a block as int16 (n, columns), or raise InputError."""
    wanted = "(n,)" if columns == 1 else f"(n, {columns})"
    if isinstance(block, np.ma.MaskedArray):
        raise InputError("samples are a masked array; fill it, or call gap for the missing samples")
    if not isinstance(block, np.ndarray) or block.dtype != np.dtype("=i2"):
        raise InputError(
            f"samples are {described(block)}, must be an int16 array {wanted}; scale and convert them first"
        )
    if block.ndim == 1 and (columns == 1 or len(block) == 0):
        return block.reshape(-1, columns)
    if block.ndim == 2 and block.shape[1] == columns:
        return block
    raise InputError(f"samples have shape {block.shape}, must be {wanted}; reshape them")


def checked_plan(plan: Any) -> Plan:
    """Return the given plan, or raise InputError."""
    if not isinstance(plan, Plan):
        raise InputError(f"expected a Plan, got {type(plan).__name__}; use anomsdk.read_plan or anomsdk.plan")
    return plan


def lose(engine: Engine, n: Any, what: str) -> list[Result]:
    """Tell an engine that ``n`` samples were lost; for 0 the engine is not called, as engines differ in its meaning.

    Returns
    -------
    Results without a tick

    Raises
    ------
    InputError : n is no whole number, of Python or numpy, from 0 to 2**31 - 1
    """
    if isinstance(n, bool) or not isinstance(n, (int, np.integer)) or not 0 <= n <= MAX_GAP:
        raise InputError(f"{what}: {n!r} is not a number of samples; give a whole number from 0 to {MAX_GAP}")
    return engine.gap(int(n)) if n > 0 else []


def restore(engine: Engine, plan: Plan, record: Any, what: str) -> list[Result]:
    """Let an engine begin anew with a record.

    Returns
    -------
    Results without a tick

    Raises
    ------
    InputError : the record is no bytes, then nothing was done; or it was refused, then the engine has begun anew
    """
    if not isinstance(record, (bytes, bytearray, memoryview)):
        raise InputError(f"{what}: {type(record).__name__} is no record; give the bytes that Pipeline.state returned")
    data = bytes(record)
    if not engine.restore(data):
        try:
            record_for(plan, data)
        except InputError as error:
            raise InputError(f"{what}: {error}") from None
        raise AssertionError("an engine refused a record that the plan takes")
    return engine.process(np.zeros((0, plan.columns), np.int16)).results() if plan.is_supervised else []


def operate(engine: Engine, plan: Plan, operation: Operation, argument: Any, what: str) -> list[Result]:
    """Apply an input from outside.

    Parameters
    ----------
    engine : opened for ``plan``
    plan : Plan
    operation : Operation
    argument : whole number of Python or numpy, or a bool of either where the operation takes 0 or 1
    what : names the method and its argument in an error

    Returns
    -------
    Results without a tick

    Raises
    ------
    InputError : the argument is out of range, or the plan lacks the section that the operation needs
    """
    method = what.partition(":")[0]
    if operation.needs_health and plan.health is None:
        raise InputError(
            f"{method}: plan {plan.name} has no health section; add [health] to its spec.toml and plan again"
        )
    if operation.needs_ladder and plan.ladder is None:
        raise InputError(f"{method}: {NO_LADDER.format(plan.name)}")
    if not plan.is_supervised:
        raise InputError(f"{method}: {NO_SECTION.format(plan.name)}")
    if operation == Operation.CALIBRATE and not plan.promises:
        raise InputError(f"{method}: the ladder of plan {plan.name} has no budget; give one in [ladder] and plan again")
    highest, switch = highest_argument(plan, operation), operation.highest == 1
    is_bool = isinstance(argument, (bool, np.bool_))
    is_number = switch if is_bool else isinstance(argument, (int, np.integer))
    if not is_number or not 0 <= argument <= highest:
        wanted = "True or False" if switch else f"a whole number from 0 to {highest}"
        raise InputError(f"{what}: {argument!r} is not {wanted}")
    return engine.operate(operation, int(argument))


def downlink(engine: Engine, plan: Plan, data: Any, what: str) -> list[Result]:
    """Put the level of a downlink in force.

    Returns
    -------
    Results without a tick

    Raises
    ------
    InputError : the data are no bytes, or as `level_for`; nothing was done
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise InputError(f"{what}: `data`: {type(data).__name__} is no downlink; give its 3 bytes as they came")
    given = bytes(data)
    try:
        level_for(given, plan.tag, 0 if plan.ladder is None else plan.ladder.n_rungs)
    except InputError as error:
        raise InputError(f"{what}: {error}") from None
    return engine.downlink(given)


def export(engine: Engine, plan: Plan, device: Any, boot: Any, since: Any, what: str) -> bytes:
    """Let an engine hand out the counts of its ladder.

    Raises
    ------
    InputError : a number is out of range, ``since`` is no export of the ladder from its first tick, or the plan has no
        ladder
    """
    if plan.ladder is None:
        raise InputError(f"{what}: {NO_LADDER.format(plan.name)}")
    for name, number, least, most in (("device", device, 0, MAX_DEVICE), ("boot", boot, 1, MAX_BOOT)):
        whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not whole or not least <= number <= most:
            raise InputError(f"{what}: `{name}`: {number!r} is not a whole number from {least} to {most}")
    if since is None:
        return engine.export(int(device), int(boot), None)
    if not isinstance(since, (bytes, bytearray, memoryview)):
        raise InputError(f"{what}: `since`: {type(since).__name__} is no export; give the bytes of an earlier one")
    try:
        return engine.export(int(device), int(boot), Export.from_bytes(bytes(since)))
    except InputError as error:
        raise InputError(f"{what}: `since`: {error}") from None


def highest_argument(plan: Plan, operation: Operation) -> int:
    """Return the largest argument that an operation takes under a supervised plan; -1 if the plan lacks its section."""
    if (operation.needs_health and plan.health is None) or (operation.needs_ladder and plan.ladder is None):
        return -1
    if operation == Operation.CALIBRATE:
        return len(plan.promises or ()) - 1
    if operation == Operation.SET_LEVEL and plan.ladder is not None:
        return plan.ladder.n_rungs
    return operation.highest


def described(value: Any) -> str:
    """Describe a value for a message: type and shape of an array, else the name of its type."""
    if isinstance(value, np.ndarray):
        return f"{value.dtype} {value.shape}"
    return type(value).__name__
