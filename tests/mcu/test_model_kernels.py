"""Kernels and the portable code beside them, in one program on each core."""

import pytest

from anomsdk.mcu import TARGETS, Machine, compile_firmware
from tests.support.c_build import C_PROGRAMS, PORT

ROUNDS = 1500


@pytest.mark.parametrize("optimise", ["-Os", "-O0", "-O3"])
@pytest.mark.parametrize("target", TARGETS)
def test_model(target, optimise):
    sources = [C_PROGRAMS / "model_kernels.c", C_PROGRAMS / "model_portable.c", PORT / "src" / "anom_autoencoder.c"]
    elf = compile_firmware(
        sources, target, keep=["model_kernels"], include=[PORT / "src", C_PROGRAMS], optimise=optimise
    )
    assert Machine(elf, target).run("model_kernels", ROUNDS) == 0, "the first round that differs"
