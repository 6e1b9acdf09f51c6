"""The structs of the retention table are those that compilers place, member by member."""

from __future__ import annotations

import shutil

from anomsdk.audit.retention.compiled import described, differences, of_cffi, of_elf
from anomsdk.audit.retention.members import STRUCTS
from anomsdk.mcu import compile_firmware
from anomsdk.runtime.native_module import load_native
from tests.support.make import ROOT

SOURCES = tuple(f"anom_{name}.c" for name in ("pipeline", "bands", "diary", "health", "ladder", "supervisor"))


def test_structs_are_those_that_this_machine_has_compiled():
    module = load_native()
    assert differences(of_cffi(module.ffi), module.ffi.sizeof("void *")) == []


def debug_information(folder):
    sources = [folder / "src" / name for name in SOURCES]
    return of_elf(compile_firmware(sources, "cortex-m4", keep=[], include=[folder / "include", folder / "src"]))


def test_structs_are_those_of_a_cortex_m4():
    compiled = debug_information(ROOT / "firmware_port")
    assert compiled.keys() == STRUCTS.keys()
    assert differences(compiled, 4) == []


def test_a_member_that_only_c_has_is_named(tmp_path):
    shutil.copytree(ROOT / "firmware_port", tmp_path / "port")
    for name, old, new in (
        ("anom_health.h", "    uint16_t run; ", "    uint16_t before_last;\n    uint16_t run; "),
        ("anom_bands.c", "    int32_t peak_q10;\n", "    int32_t peak_q10;\n    int32_t last_q10;\n"),
    ):
        path = tmp_path / "port" / "src" / name
        text = path.read_text()
        assert text.count(old) == 1
        path.write_text(text.replace(old, new).replace("ANOM_ASSERT(", "// ANOM_ASSERT("))
    for name in ("anom_pipeline.c", "anom_health.c"):
        path = tmp_path / "port" / "src" / name
        path.write_text("\n".join(x for x in path.read_text().split("\n") if not x.startswith("ANOM_ASSERT(column")))
    lines = differences(debug_information(tmp_path / "port"), 4)
    for name in ("anom_health_column.before_last", "gathered.last_q10"):
        assert f"{name} is compiled and not in the table" in lines
    assert any(line.startswith("gathered.sums is compiled at (12, 0)") for line in lines)


def test_a_member_that_only_the_table_has_is_named():
    compiled = {"anom_rung": dict(described("anom_rung", 4))}
    del compiled["anom_rung"]["calm"]
    assert differences(compiled, 4) == ["anom_rung.calm is in the table and not compiled"]
