"""What the port takes on a device: stack, flash, RAM and instructions, and what it asks of a C library."""

import re

import pytest
from elftools.elf.elffile import ELFFile

import anomsdk
from anomsdk.mcu import Machine
from tests.board import BOARDS, BOARDS_FOLDER, said, sources_of
from tests.c_build import C_PROGRAMS, SOURCES
from tests.emulated import MeasuredPipeline, firmware
from tests.make import lively
from tests.sizes import LIBRARY_STACK, call_graph, linked_bytes, pushed_bytes

pytestmark = pytest.mark.boards

GCC = [name for name in BOARDS if name != "s390x"]
PUBLIC = ("anom_pipeline_init", "anom_pipeline_push", "anom_pipeline_poll", "anom_pipeline_gap", "anom_pipeline_reset")
MOST_STACK = 600
MOST_CODE = 8000
MOST_RAM = 6000

LIBC = {"memcpy", "memmove", "memset"}
MAY_NEED = {
    "cortex-m0": LIBC
    | {"__aeabi_lmul", "__aeabi_idiv", "__aeabi_uidiv", "__aeabi_llsl", "__aeabi_llsr", "__aeabi_lasr"},
    "cortex-m4f": LIBC,
    "rv32imc": LIBC | {"__muldi3", "__ashldi3", "__ashrdi3", "__lshrdi3"},
}
"""Integer helpers of the compiler, none of them for floats, none that counts bits."""
SWITCH = "__gnu_thumb1_case_"


def needed(name):
    BOARDS[name].require()
    return BOARDS[name]


@pytest.mark.parametrize("name", GCC)
def test_stack(name, tmp_path, figure):
    """The worst case by the call graph, of functions that a product calls and of the self-test."""
    needed(name).objects(SOURCES, tmp_path, ["-fcallgraph-info=su"])
    files = sorted(tmp_path.glob("*.ci"))
    assert len(files) == len(SOURCES)
    graph = call_graph(files)
    stacks = {function: graph.deepest(function)[0] for function in PUBLIC}
    selftest, _ = call_graph(files, observer="anom_selftest:observe").deepest("anom_selftest")
    each = ", ".join(f"{function.removeprefix('anom_pipeline_')} {stack}" for function, stack in stacks.items())
    figure(f"stack   {name:12} {BOARDS[name].optimise} {each}, selftest {selftest}; at most, bytes")
    assert max(stacks.values()) <= MOST_STACK
    way = graph.deepest("anom_pipeline_poll")[1]
    assert {"anom_bands:levels", "anom_logmel:levels"} & set(way), "calls through pointers are followed"


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4f"])
def test_stack_and_instructions_as_measured(name, tmp_path, figure):
    """The program that gcc made, on an emulated core: what is used is within the bound, and near it."""
    board = needed(name)
    plan = anomsdk.reference_model("audio_scene")
    made = firmware([plan], tmp_path)
    flags = ["-fcallgraph-info=su", *(f"-I{path}" for path in made.include), *made.flags]
    start = tmp_path / "start.c"
    start.write_text("int main(void);\nint main(void)\n{\n    return 0;\n}\n")
    objects = board.objects(
        [BOARDS_FOLDER / board.start, *made.sources, start], tmp_path, [*flags, f"-I{BOARDS_FOLDER}"]
    )
    keep = [f"-Wl,--undefined={symbol}" for symbol in made.keep]
    said([*board.compiler, *map(str, objects), *board.link, *keep, "-o", "program.elf"], tmp_path)
    graph = call_graph(path for path in tmp_path.glob("anom_*.ci") if "anom_plan_" not in path.name)
    machine = Machine((tmp_path / "program.elf").read_bytes(), name.removesuffix("f"))
    pipeline = MeasuredPipeline(machine, plan)
    with anomsdk.Pipeline(plan, "reference") as reference:
        assert pipeline.process(lively(plan)) == reference.process(lively(plan))
    for function, calls in pipeline.calls.items():
        bound, used = graph.deepest(f"anom_pipeline_{function}")[0], max(call.stack_bytes for call in calls)
        assert used <= bound <= used + LIBRARY_STACK + 40, function
        most = max(call.instructions for call in calls)
        figure(f"used    {name:12} -Os {function}: stack {used} of {bound} bytes, {most:,} instructions at most")


@pytest.mark.parametrize("name", GCC)
def test_code_and_ram(name, tmp_path, figure):
    """A program that watches with audio_scene: all that is linked, but its tables, its model and the board's own."""
    board = needed(name)
    plan = anomsdk.reference_model("audio_scene")
    sources, flags = sources_of(plan, tmp_path / "emitted")
    sources += [BOARDS_FOLDER / board.start, C_PROGRAMS / "board_watch.c"]
    objects = board.objects(sources, tmp_path, [*flags, f"-I{BOARDS_FOLDER}"])
    said([*board.compiler, *map(str, objects), *board.link, "-Wl,-Map=map", "-o", "program.elf"], tmp_path)
    sizes = linked_bytes((tmp_path / "map").read_text())
    data = sizes.pop("anom_plan_audio_scene.o")
    for other in ("board_watch.o", f"{board.start.removesuffix('.c')}.o"):
        assert sizes.pop(other) > 0
    library = sum(size for file, size in sizes.items() if "(" in file)
    code = sum(sizes.values())
    assert {"anom_fft.o", "anom_fixed.o", "anom_pipeline.o"} <= sizes.keys(), "the map was understood"
    assert not {"anom_selftest.o", "anom_sha256.o", "anom_logmel.o"} & sizes.keys()
    (ram,) = re.findall(r"^ \.bss\.memory\s+0x\w+\s+0x(\w+)", (tmp_path / "map").read_text(), re.M)
    figure(
        f"size    {name:12} {board.optimise} code {code} bytes ({library} of them libc and libgcc), "
        f"tables and model {data}, RAM {int(ram, 16)}"
    )
    if board.optimise == "-Os":
        assert code <= MOST_CODE
    assert int(ram, 16) == anomsdk.emit_c(plan, tmp_path / "again").ram_bytes <= MOST_RAM


@pytest.mark.parametrize("level", ["-Os", "-O2", "-O3"])
@pytest.mark.parametrize("name", MAY_NEED)
def test_objects_need_and_hold_nothing_else(name, level, tmp_path):
    without_fpu = ["-mfloat-abi=soft"] if name == "cortex-m4f" else []  # where floats are calls, they are seen
    objects = needed(name).objects(SOURCES, tmp_path, [level, *without_fpu])
    needs, gives, writable = set(), set(), []
    for path in objects:
        elf = ELFFile(path.open("rb"))
        for symbol in elf.get_section_by_name(".symtab").iter_symbols():
            (needs if symbol["st_shndx"] == "SHN_UNDEF" else gives).add(symbol.name)
        writable += [
            f"{path.name} {section.name}"
            for section in elf.iter_sections()
            if section["sh_flags"] & 3 == 3 and section["sh_size"]
        ]
    outside = {need for need in needs - gives if need and not need.startswith(SWITCH)}
    assert outside <= MAY_NEED[name] and outside >= {"memcpy", "memmove"}
    assert writable == []


HELPERS = ("memcpy", "memmove", "memset", "__aeabi_lmul", "__aeabi_uidiv", "__aeabi_idiv")


@pytest.mark.parametrize("name", [name for name in GCC if name != "rv32imc"])
def test_library_functions_stay_within_what_is_counted_for_them(name, tmp_path):
    board = needed(name)
    lines = [f"extern char {helper}[];" for helper in HELPERS] + ["extern const char *volatile all[];"]
    lines += [f"const char *volatile all[] = {{{', '.join(HELPERS)}}};"]
    (tmp_path / "all.c").write_text("\n".join([*lines, "int main(void) { return *all[1]; }", ""]))
    program = board.program([tmp_path / "all.c"], tmp_path / "built", ["-fno-builtin"])
    pushed = pushed_bytes(said(["arm-none-eabi-objdump", "-d", str(program)], tmp_path))
    assert {"memcpy", "memmove", "memset"} <= pushed.keys()
    assert 0 < max(pushed.values()) <= LIBRARY_STACK, pushed


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7f"])
def test_instructions_are_those_that_qemu_counts(name, tmp_path, plans):
    """One program in QEMU, by a timer, and in the emulator of anomsdk.mcu."""
    board = needed(name)
    sources, flags = sources_of(plans["external"], tmp_path / "emitted")
    program = board.program([*sources, C_PROGRAMS / "board_count.c"], tmp_path / "built", flags)
    status, lines = board.run(program, "-icount", "shift=6")
    ticks = {what: int(number) for what, number in map(str.split, lines)}
    assert status == 0
    machine = Machine(program.read_bytes(), name.removesuffix("f"))
    assert machine.call("work").signed == 0
    counted = machine.call("work").instructions - machine.call("nothing").instructions
    assert abs((ticks["work"] - ticks["nothing"]) * 40 / 64 - counted) < 2
