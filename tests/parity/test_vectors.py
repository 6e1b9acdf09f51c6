"""The golden vectors: tests/vectors holds what tests/scalar.py gives, and everything else gives the same."""

from __future__ import annotations

import copy
import json
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import fastjsonschema
import pytest

from tests.support.c_vectors import c_source, load
from tests.support.make import ROOT
from tests.support.make_vectors import text, vectors
from tests.support.stems import DECODER, STEMS, VECTORS, module_of

LOADED = load()
CASES = [(stem, case) for stem in STEMS for case in LOADED[stem]["cases"]]
NAMES = [f"{stem}: {case['name']}" for stem, case in CASES]
PORT = ROOT / "firmware_port"
WARNINGS = ["-std=c99", "-pedantic", "-Wall", "-Wextra", "-Wconversion", "-Wshadow", "-Wundef", "-Wvla", "-Werror"]
INCLUDES = [f"-I{PORT / folder}" for folder in ("include", "src")]
MAIN = """
#include <stdint.h>
#include <stdio.h>
int32_t anom_vectors(void);
int32_t anom_vectors_count(void);
const char *anom_vectors_name(int32_t number);
int main(void)
{
    int32_t failed = anom_vectors();
    printf("%d %d %s", (int)failed, (int)anom_vectors_count(), anom_vectors_name(failed));
    return failed != 0;
}
"""


# The files


@pytest.mark.parametrize("stem", STEMS)
def test_the_file_is_what_is_generated(stem):
    assert (VECTORS / f"{stem}.json").read_text(encoding="utf-8") == text(vectors(stem)) + "\n"


@pytest.fixture(scope="module")
def fits():
    """Raises for what is not in the schema."""
    return fastjsonschema.compile(json.loads((VECTORS / "schema.json").read_text(encoding="utf-8")))


@pytest.mark.parametrize("stem", STEMS)
def test_the_file_fits_the_schema(fits, stem):
    fits(LOADED[stem])


@pytest.mark.parametrize("stem", STEMS)
@pytest.mark.parametrize("part", ["given", "expect"])
def test_the_schema_knows_each_stem(fits, stem, part):
    altered = copy.deepcopy(LOADED[stem])
    altered["cases"][-1][part] = spoilt(altered["cases"][-1][part])
    with pytest.raises(fastjsonschema.JsonSchemaValueException):
        fits(altered)


def spoilt(value):
    """The same with a fraction in place of its last number or text."""
    if isinstance(value, dict):
        *_, last = value
        return value | {last: spoilt(value[last])}
    if isinstance(value, list):
        return [*value[:-1], spoilt(value[-1])] if value else [0.5]
    return 0.5


def test_the_files_are_small_and_complete():
    assert {path.stem for path in VECTORS.glob("*.json")} == {*STEMS, DECODER, "schema"}
    assert len(set(NAMES)) == len(NAMES)
    for stem in STEMS:
        assert 8 <= len(LOADED[stem]["cases"]) <= 80
        assert (VECTORS / f"{stem}.json").stat().st_size < 96 * 1024


# Every case


def runs(engine):
    cases = [(stem, case) for stem, case in CASES if _has(stem, case, engine)]
    return pytest.mark.parametrize(("stem", "case"), cases, ids=[f"{stem}: {case['name']}" for stem, case in cases])


def _has(stem, case, engine):
    return engine != "core" or case["given"].get("function") not in getattr(module_of(stem), "NOT_IN_CORE", ())


@runs("scalar")
def test_in_scalars(stem, case):
    assert module_of(stem).by_scalar(case["given"]) == case["expect"]


@runs("core")
def test_in_the_core(stem, case):
    assert module_of(stem).by_core(case["given"]) == case["expect"]


@runs("native")
def test_in_the_c_port(native, stem, case):
    assert module_of(stem).by_native(case["given"]) == case["expect"]


# As one translation unit of C


class Compiler:
    """A C compiler with the port in a library, so that a program of vectors is linked in no time."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command, self._folder = command, folder
        (folder / "main.c").write_text(MAIN)
        sources = sorted(str(path) for path in (PORT / "src").glob("*.c"))
        self._compile("-O1", "-c", "main.c", *sources)
        self._objects = sorted(path.name for path in folder.glob("*.o"))

    def run(self, source: str) -> tuple[int, int, str]:
        """The number of the case that fails, how many there are, the name of the one."""
        (self._folder / "vectors.c").write_text(source)
        self._compile(*WARNINGS, "vectors.c", *self._objects, "-o", "vectors")
        done = subprocess.run([self._folder / "vectors"], capture_output=True, text=True)
        failed, count, name = done.stdout.split(" ", 2)
        assert done.returncode == (failed != "0"), done.stderr
        return int(failed), int(count), name

    def _compile(self, *arguments: str) -> None:
        command = [*self._command, "-std=c99", *INCLUDES, *arguments]
        done = subprocess.run(command, cwd=self._folder, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def cc(tmp_path_factory):
    if shutil.which("cc") is None:
        pytest.skip("there is no cc on this machine")
    return Compiler(["cc"], tmp_path_factory.mktemp("cc"))


@pytest.fixture(scope="module")
def zig_cc(tmp_path_factory):
    if find_spec("ziglang") is None:
        pytest.skip("ziglang is not installed: pip install ziglang")
    return Compiler([sys.executable, "-m", "ziglang", "cc"], tmp_path_factory.mktemp("zig_cc"))


@pytest.mark.parametrize("compiler", ["cc", "zig_cc"])
def test_as_c(request, compiler):
    assert request.getfixturevalue(compiler).run(c_source()) == (0, len(CASES), "")


@pytest.mark.parametrize("stem", STEMS)
def test_c_notices_each_kind_of_change(cc, stem):
    """The last number that a case expects, off by one: it is the case that fails."""
    altered = {stem: copy.deepcopy(LOADED[stem])}
    number = len(altered[stem]["cases"]) * 2 // 3
    case = altered[stem]["cases"][number - 1]
    case["expect"] = changed(case["expect"])
    expected = number, len(altered[stem]["cases"]), f"{stem}: {case['name']}"
    assert cc.run(c_source([stem], altered)) == expected


def changed(value):
    """The same with another last number, or with another last digit of an event."""
    if isinstance(value, dict):
        *_, last = value
        return value | {last: changed(value[last])}
    if isinstance(value, list):
        last = max(i for i, item in enumerate(value) if item not in (None, [], ""))
        return [*value[:last], changed(value[last]), *value[last + 1 :]]
    if isinstance(value, str):
        return value[:-1] + ("0" if value[-1] != "0" else "1")
    return value - 1 if value > 0 else value + 1
