"""Several plans in one image, with every flag that firmware is compiled with: their self-tests pass."""

import pytest

import anomsdk
from tests.support.board import BOARDS
from tests.support.c_build import C_PROGRAMS, PORT, SOURCES
from tests.support.c_vectors import c_source
from tests.support.two_plans import FLAGS, as_one, said_by, sources_of

pytestmark = pytest.mark.boards

MOST = "cortex-m4f"
"""The board that meets every flag; the others meet those that change what kernels and arithmetic become."""
ELSEWHERE = ("trapv", "unsigned-char", "lto", "all")
UNITS = ("apart", "unity")
CASES = [(MOST, flag, unit) for flag in FLAGS for unit in UNITS]
CASES += [(name, flag, unit) for name in BOARDS if name != MOST for flag in ELSEWHERE for unit in UNITS]


@pytest.fixture(scope="session")
def program(tmp_path_factory):
    """Two reference models, of sound and of motion: sources and flags."""
    plans = [anomsdk.reference_model(name) for name in ("audio_scene", "human_motion")]
    return plans, *sources_of(plans, tmp_path_factory.mktemp("plans"))


@pytest.mark.parametrize(("name", "flag", "unit"), CASES)
def test_two_plans_in_one_image(program, name, flag, unit, tmp_path):
    board = BOARDS[name]
    board.require()
    plans, sources, flags = program
    sources = as_one(sources, tmp_path) if unit == "unity" else sources
    made = board.program(sources, tmp_path, [*flags, *FLAGS[flag].split()])
    assert board.run(made) == (0, said_by(plans))


@pytest.mark.parametrize("name", BOARDS)
def test_vectors_and_model_kernels_where_overflow_is_a_call(name, tmp_path):
    """Of every kernel, also of those that no shipped plan runs: with -ftrapv an addition may be a call."""
    board = BOARDS[name]
    board.require()
    (tmp_path / "vectors.c").write_text(c_source())
    sources = [*SOURCES, tmp_path / "vectors.c", C_PROGRAMS / "board_vectors.c"]
    flags = ["-O1", "-ftrapv", "-funsigned-char"]
    assert board.run(board.program(sources, tmp_path / "vectors", flags)) == (0, ["ok vectors"])
    layers = [C_PROGRAMS / name for name in ("model_kernels.c", "model_portable.c", "board_model_kernels.c")]
    sources = [PORT / "src" / "anom_autoencoder.c", *layers]
    made = board.program(sources, tmp_path / "model", [*flags, "-DROUNDS=300", f"-I{C_PROGRAMS}"])
    assert board.run(made) == (0, ["ok model kernels"])
