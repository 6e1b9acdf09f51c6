"""Most memory that this process has used: of itself alone, and since it was last forgotten.

`resource.getrusage` counts that of the process that started this one, too, and never goes down.
"""

from __future__ import annotations

import re
from pathlib import Path


def peak_kib() -> int:
    """Most memory in KiB since the process began, or since `forget_peak`."""
    found = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())
    assert found is not None
    return int(found[1])


def forget_peak() -> int:
    """Let the peak begin anew at what is in use now, and return that in KiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_kib()
