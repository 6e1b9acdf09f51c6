"""Builds of gcc, as firmware is made of them, with the maps of its linker: judged, and a dump of each searched."""

import subprocess

import pytest

import anomsdk
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.firmware.checks import CHECKS
from anomsdk.audit.firmware.dump import played_canary, search_dump
from anomsdk.audit.firmware.maps import read_map
from tests.support.audited import RAM, Device, plan_of
from tests.support.board import BOARDS
from tests.support.c_build import C_PROGRAMS, PORT
from tests.support.supervised_models import supervised
from tests.support.tiny_plans import with_ladder

pytestmark = pytest.mark.boards

RAM_BYTES = 16 << 20
"""Length of the memory ``ram`` in boards/emulator.ld."""
CASES = [
    ("cortex-m0", "-O2"),
    ("cortex-m0", "-Os"),
    ("cortex-m3", "-O1"),
    ("cortex-m4f", "-O0"),
    ("cortex-m4f", "-Os -ftrapv"),
    ("cortex-m7f", "-O3"),
    ("cortex-m33f", "-Os -fstack-protector-all"),
]


def sources_of(plan, folder):
    emitted = anomsdk.emit_c(plan, folder / "firmware").folder
    flags = ["-std=c99", f"-I{emitted}", f"-I{emitted / 'include'}", f"-I{emitted / 'src'}"]
    return [*sorted((emitted / "src").glob("*.c")), emitted / f"anom_plan_{plan.name}.c"], flags


@pytest.mark.parametrize(("name", "flags"), CASES)
def test_an_archive_shows_every_claim(name, flags, tmp_path):
    board = BOARDS[name]
    board.require()
    plan = with_ladder(supervised("audio_scene", {"latch": True}, {})[0]) if "-O0" in flags else plan_of("audio_scene")
    sources, of_plan = sources_of(plan, tmp_path)
    command = [*board.compiler, *of_plan, *flags.split(), "-c", *map(str, sources)]
    subprocess.run(command, cwd=tmp_path, check=True)
    library = tmp_path / "libanom.a"
    subprocess.run(["arm-none-eabi-ar", "rcs", library, *sorted(tmp_path.glob("*.o"))], check=True)
    for check in CHECKS:
        assert check.run(Subject(plan, None, tmp_path, elf=library)).verdict is Verdict.SHOWN, check.id


@pytest.mark.parametrize("forgets", [False, True])
def test_a_dump_and_the_map_of_gnu_ld(forgets, tmp_path):
    board, plan = BOARDS["cortex-m4f"], plan_of("audio_scene")
    board.require()
    sources, flags = sources_of(plan, tmp_path)
    flags += [
        "-include",
        f"anom_plan_{plan.name}.h",
        f"-DPLAN=anom_plan_{plan.name}",
        "-DPLAN_BYTES=ANOM_PLAN_AUDIO_SCENE_BYTES",
    ]
    flags += ["-DFORGETS_DMA"] if forgets else []
    script = tmp_path / "device.ld"
    script.write_text(f'EXTERN(device_begin device_hear device_end)\nINCLUDE "{PORT / "boards" / "emulator.ld"}"\n')
    link = ["-nostartfiles", "-T", script, "-Wl,--gc-sections", "-Wl,--entry=0", "-Wl,-Map=device.map"]
    compiled = [*board.compiler, *flags, "-Os", "-fdata-sections", "-ffunction-sections"]
    command = [*compiled, *sources, C_PROGRAMS / "audited_device.c", *link, "-o", "device.elf"]
    subprocess.run(list(map(str, command)), cwd=tmp_path, check=True)
    device = Device(tmp_path / "device.elf")
    assert device.hear(played_canary(plan)[:17_000]) == 1
    (tmp_path / "ram.bin").write_bytes(device.dump().ljust(RAM_BYTES, b"\0"))
    found = search_dump(tmp_path / "ram.bin", plan, tmp_path / "device.map")
    assert read_map(tmp_path / "device.map").regions[-1].length == RAM_BYTES
    assert found.evidence["base"] == f"{RAM:#010x}" and found.evidence["pipelines"][0]["at"].startswith("memory at")
    assert found.verdict is (Verdict.FAILED if forgets else Verdict.SHOWN), found.result
    assert ("dma_buffer" in found.result) is forgets
    for check in CHECKS:
        assert check.run(Subject(plan, None, tmp_path, elf=tmp_path / "device.elf")).verdict is Verdict.SHOWN, check.id
