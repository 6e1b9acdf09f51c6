"""Several plans in one program of this machine, with every flag that firmware is compiled with."""

import re
import shutil
import subprocess

import pytest

import anomsdk
from tests.support.c_build import C_PROGRAMS, COMPILERS, INCLUDES, PORT, SOURCES, compiler, gcc, missing
from tests.support.two_plans import FLAGS, as_one, said_by, sources_of

BOARD = PORT / "boards"


@pytest.fixture(scope="module")
def program(tmp_path_factory):
    """Two reference models, of sound and of motion: sources and flags."""
    plans = [anomsdk.reference_model(name) for name in ("audio_scene", "human_motion")]
    sources, flags = sources_of(plans, tmp_path_factory.mktemp("plans"))
    return plans, [*sources, C_PROGRAMS / "board_host.c"], [*flags, *INCLUDES, f"-I{BOARD}"]


def said(build, sources, folder, *flags):
    build.run("-std=c99", *flags, *sources, "-o", folder / "program")
    done = subprocess.run([folder / "program"], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout.splitlines()


CASES = [("gcc", flag, unit) for flag in FLAGS for unit in ("apart", "unity")]
CASES += [("clang", flag, "unity") for flag in FLAGS] + [("clang", "all", "apart")]


@pytest.mark.parametrize(("name", "flag", "unit"), CASES)
def test_two_plans_in_one_program(program, name, flag, unit, tmp_path):
    plans, sources, flags = program
    sources = as_one(sources, tmp_path) if unit == "unity" else sources
    assert said(compiler(name), sources, tmp_path, *flags, *FLAGS[flag].split()) == (0, said_by(plans))


@pytest.mark.parametrize("name", COMPILERS)
def test_one_translation_unit_without_a_warning(name, tmp_path):
    compiler(name).objects(tmp_path, "-O2", sources=as_one(SOURCES, tmp_path))


def test_another_integer_is_noticed(program, tmp_path):
    _, sources, flags = program
    wrong = tmp_path / "anom_score.c"
    text = (PORT / "src" / "anom_score.c").read_text()
    wrong.write_text(text.replace("uint32_t score = 0;", "uint32_t score = 1;"))
    sources = [wrong if source.name == wrong.name else source for source in sources]
    assert said(gcc(), sources, tmp_path, *flags, "-O1") == (1, [])


# Kernels


def test_what_an_assembly_statement_takes_is_computed_before():
    """A register that is bound is lost where the compiler then computes something by a call, as with -ftrapv."""
    bound = []
    for path in sorted((PORT / "src").glob("*.[ch]")):
        text = re.sub(r" */\*.*?\*/", "", path.read_text(), flags=re.S)
        assert "register " not in re.sub(r"#define ANOM_IN.*", "", text), f"{path.name}: ANOM_IN says how"
        for block in re.findall(r"(?:^    ANOM_IN\(.*\n)+", text, re.M):
            bound += (values := re.findall(r"ANOM_IN\(.*, (.*?)\);", block))
            assert [value for value in values if not re.fullmatch(r"\w+", value)] == [], path.name
            assert text[text.index(block) + len(block) :].startswith("    __asm__ volatile("), path.name
    assert len(bound) > 30


@pytest.mark.parametrize("flags", ["-O2 -flto -ftrapv", "-O2 -funsigned-char", "-Os -fshort-enums -ffast-math"])
def test_the_emitted_makefile(flags, tmp_path):
    if shutil.which("make") is None:
        missing("there is no make on this machine")
    gcc()
    folder = anomsdk.emit_c(anomsdk.reference_model("human_motion"), tmp_path / "firmware").folder
    command = ["make", "--silent", "CC=gcc", f"CFLAGS={flags}", "selftest"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "self-test passed" in done.stdout


PROJECT = """\
cmake_minimum_required(VERSION 3.16)
project(both C)
add_subdirectory(../audio_scene audio_scene)
add_subdirectory(../human_motion human_motion)
add_executable(both main.c)
target_include_directories(both PRIVATE ../audio_scene/examples ../human_motion/examples)
target_link_libraries(both anomsdk_audio_scene anomsdk_human_motion)
"""
MAIN = """\
#include "anom_golden_{0}.h"
#include "anom_golden_{1}.h"
#include "anom_plan_{0}.h"
#include "anom_plan_{1}.h"
static ANOM_MEM(ANOM_PLAN_{2}_BYTES) first;
static ANOM_MEM(ANOM_PLAN_{3}_BYTES) second;
int main(void)
{{
    return anom_selftest(&first, sizeof first, &anom_plan_{0}, anom_golden_{0}) != 0 ||
           anom_selftest(&second, sizeof second, &anom_plan_{1}, anom_golden_{1}) != 0;
}}
"""


@pytest.mark.parametrize(
    "options", [(), ("-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_C_FLAGS=-O2 -funsigned-char -ftrapv -flto")]
)
def test_cmake_libraries_of_two_plans_link_into_one_program(options, tmp_path):
    if shutil.which("cmake") is None:
        missing("there is no cmake on this machine")
    gcc()
    names = ("audio_scene", "human_motion")
    for name in names:
        anomsdk.emit_c(anomsdk.reference_model(name), tmp_path / name)
    (tmp_path / "both").mkdir()
    (tmp_path / "both" / "CMakeLists.txt").write_text(PROJECT)
    (tmp_path / "both" / "main.c").write_text(MAIN.format(*names, *map(str.upper, names)))
    built = tmp_path / "built"
    for command in (
        ["cmake", "-S", tmp_path / "both", "-B", built, *options],
        ["cmake", "--build", built],
        [built / "both"],
    ):
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
