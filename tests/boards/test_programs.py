"""The port on every board: the golden vectors, and the golden stream of plans."""

import copy
import re
import signal

import pytest

import anomsdk
from benchmarks import signals
from tests.support.board import BOARDS, said, sources_of
from tests.support.c_build import C_PROGRAMS, PORT, SOURCES
from tests.support.c_vectors import c_source, load
from tests.support.make import SPECS, make_ad01, make_plan

pytestmark = pytest.mark.boards
MODELS = ("audio_scene", "cattle_days")
PASSES = ["ok memory", "ok selftest", "ok selftest with another digest"]


@pytest.fixture(params=BOARDS)
def board(request):
    return needed(request.param)


def needed(name):
    BOARDS[name].require()
    return BOARDS[name]


@pytest.fixture(scope="session")
def every_plan(plans):
    """Of each extractor, and reference models."""
    return {**plans, **{name: anomsdk.reference_model(name) for name in MODELS}}


def run_vectors(board, folder, text):
    (folder / "vectors.c").write_text(text)
    return board.run(board.program([*SOURCES, folder / "vectors.c", C_PROGRAMS / "board_vectors.c"], folder / "built"))


def golden_program(board, plan, folder):
    sources, flags = sources_of(plan, folder / "emitted")
    return board.program([*sources, C_PROGRAMS / "board_selftest.c"], folder / "built", flags)


def test_vectors(board, tmp_path):
    assert run_vectors(board, tmp_path, c_source()) == (0, ["ok vectors"])


def test_model_kernels(board, tmp_path):
    """Random layers with and without kernels; on s390x there are none, and the test of them is tested."""
    names = ("model_kernels.c", "model_portable.c", "board_model_kernels.c")
    sources = [PORT / "src" / "anom_autoencoder.c", *(C_PROGRAMS / name for name in names)]
    program = board.program(sources, tmp_path, ["-DROUNDS=3000", f"-I{C_PROGRAMS}"])
    assert board.run(program) == (0, ["ok model kernels"])


@pytest.mark.parametrize("kind", [*SPECS, *MODELS])
def test_golden_stream(board, every_plan, kind, tmp_path):
    assert board.run(golden_program(board, every_plan[kind], tmp_path)) == (0, PASSES)


@pytest.mark.skipif(not signals.AD01.exists(), reason="../shared/data/mlperf_tiny is absent: ad01 not run")
def test_golden_stream_of_a_large_model(tmp_path):
    board = needed("cortex-m4f")
    assert board.run(golden_program(board, make_ad01(tmp_path, signals.AD01), tmp_path)) == (0, PASSES)


def test_the_m55_runs_vector_code(every_plan, tmp_path):
    program = golden_program(needed("cortex-m55"), every_plan["audio_scene"], tmp_path)
    assert re.search(r"\tvqrdmulh\.s32\t", said(["arm-none-eabi-objdump", "-d", str(program)], tmp_path))


# What the boards would notice


def test_a_wrong_integer_is_noticed(board, tmp_path):
    vectors = copy.deepcopy(load())
    case = vectors["fixed"]["cases"][0]
    case["expect"][-1] += 1
    assert run_vectors(board, tmp_path, c_source(["fixed"], vectors)) == (1, [f"FAIL vectors: fixed: {case['name']}"])


def test_another_model_is_noticed(board, every_plan, tmp_path):
    sources, flags = sources_of(every_plan["external"], tmp_path / "emitted")
    others, _ = sources_of(make_plan(tmp_path, "external", seed=1), tmp_path / "other")
    program = board.program([*sources[:-1], others[-1], C_PROGRAMS / "board_selftest.c"], tmp_path / "built", flags)
    assert board.run(program) == (1, ["ok memory", "FAIL selftest", "ok selftest with another digest"])


def test_a_fault_is_noticed(board, tmp_path):
    (tmp_path / "fault.c").write_text("int main(void) { __builtin_trap(); }\n")
    status, lines = board.run(board.program([tmp_path / "fault.c"], tmp_path / "built"))
    assert (status, lines) == (1, ["FAIL: the processor faults"]) or (board.name, status) == ("s390x", -signal.SIGILL)
