"""State of this process: sealed or not. A sealed process hands out no features of the signal."""

from __future__ import annotations

from anomsdk.errors import InputError


class _State:
    """Flag that is set once and never cleared, as the kernel never takes a seal away."""

    sealed = False


def is_sealed() -> bool:
    """Tell whether `anomsdk.seal` has sealed this process."""
    return _State.sealed


def mark_sealed() -> None:
    """Remember that this process is sealed."""
    _State.sealed = True


def refuse_sealed(what: str, instead: str) -> None:
    """Raise an `InputError` in a sealed process.

    Parameters
    ----------
    what : place of the error: the function, and the parameter in backticks
    instead : what the caller can do
    """
    if is_sealed():
        raise InputError(f"{what}: is not available in a sealed process; {instead}")
