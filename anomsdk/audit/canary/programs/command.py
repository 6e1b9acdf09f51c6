"""Program: a command of the command line, stopped at its end, when everything else has been cleaned up.

Arguments: those of the command, such as ``watch room.wav --plan audio_scene``.
"""

from __future__ import annotations

import atexit
import runpy

from anomsdk.audit.canary.programs.moments import stand_still


def main() -> None:
    """Run the command as ``python -m anomsdk`` does; functions that were registered first are called last."""
    atexit.register(stand_still)
    runpy.run_module("anomsdk", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
