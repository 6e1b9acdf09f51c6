"""C port compiled for this machine: it runs the native engine and wipes freed memory."""

from __future__ import annotations

import importlib.util
from types import ModuleType

from anomsdk.errors import InputError


def why_missing(extractor: str | None = None) -> str | None:
    """Say why the native engine cannot run here, or has no extractor of a kind; None if it can."""
    try:
        load_native(extractor)
    except InputError as error:
        return str(error)
    return None


def load_native(extractor: str | None = None) -> ModuleType:
    """Load the compiled module, which has ``ffi`` and ``lib``.

    Parameters
    ----------
    extractor : kind of an extractor that it must have; None: any

    Raises
    ------
    InputError : it was not built here, or has no such extractor
    """
    if importlib.util.find_spec("anomsdk.runtime._native") is None:
        raise InputError(
            "engine native was not built: no C compiler worked when anomsdk was installed; install gcc or clang, "
            "then install anomsdk again (in a checkout: make clean demo)"
        )
    try:
        from anomsdk.runtime import _native  # type: ignore[attr-defined]
    except ImportError as error:
        raise InputError(f"engine native cannot be loaded here ({error}); install anomsdk again") from None
    module: ModuleType = _native
    if extractor is not None and not hasattr(module.lib, f"anom_{extractor}"):
        raise InputError(f"engine native has no extractor {extractor}; take engine reference")
    return module
