"""Compiling for a core and running on it: results, exact counts, stack, and every way to fail."""

import importlib.util
import sys

import pytest
import unicorn
from unicorn import arm_const

import anomsdk
from anomsdk.mcu import TARGETS, Machine, Program, compile_firmware
from tests.support.c_build import C_PROGRAMS

SAMPLE = C_PROGRAMS / "sample.c"
KEEP = ["divide", "mix", "count_up", "deep", "forever", "read_at", "write_at", "jump", "sum", "trap", "loses"]
KEEP += ["counter", "table", "filled"]


@pytest.fixture(scope="module")
def elfs():
    """The sample for each core, compiled when it is first asked for."""
    made = {}

    def elf(target):
        if target not in made:
            made[target] = compile_firmware([SAMPLE], target, keep=KEEP, flags=["-DLOSES"])
        return made[target]

    return elf


@pytest.fixture(params=TARGETS)
def machine(request, elfs):
    return Machine(elfs(request.param), request.param)


def test_results(machine):
    assert machine.call("divide", -100, 7).signed == -14
    assert machine.call("divide", -100, 7).result == 2**32 - 14
    assert machine.call("sum", 1, 2, -3, 4).signed == 1 + 20 - 300 + 4000


def test_variables_last_from_call_to_call(machine):
    assert machine.call("count_up", 5).result == 5
    assert machine.call("count_up", 100_000).result == 100_005, "more than the first attempt at a call has time for"
    assert machine.read("counter") == (100_005).to_bytes(4, "little")
    machine.write("counter", b"\x10\x00", offset=2)
    assert machine.call("count_up", 1).result == (0x10 << 16 | 100_005 & 0xFFFF) + 1
    assert machine.read("table", 4, offset=8) == b"\x03\0\0\0" == machine.read_at(machine.address("table") + 8, 4)
    assert machine.read("filled", offset=4) == b"\x05\0\0\0"


@pytest.mark.parametrize("n", [0, 1, 2, 300])
def test_instructions_are_those_that_are_met_one_by_one(machine, n):
    ran, skipped = one_by_one(machine, "mix", n)
    assert machine.call("mix", n).instructions == ran + skipped
    assert (skipped > 10) == (n > 10 and machine.target.name != "cortex-m0")


def one_by_one(machine, name, argument):
    """Instructions that a function runs and that it skips, counted the slow way in an emulator of its own."""
    uc = unicorn.Uc(unicorn.UC_ARCH_ARM, unicorn.UC_MODE_THUMB)
    uc.ctl_set_cpu_model(getattr(arm_const, f"UC_CPU_ARM_{machine.target.model}"))
    for start in (0x08000000, 0x20000000, 0x60000000):
        uc.mem_map(start, 1 << 20)
    for segment in machine.program.segments:
        uc.mem_write(segment.address, segment.data)
    code = uc.mem_read(0x08000000, 1 << 16)
    ran = skipped = 0

    def meet(uc, address, size, _):
        nonlocal ran, skipped
        ran += 1
        half = int.from_bytes(code[address - 0x08000000 : address - 0x08000000 + 2], "little") if size == 2 else 0
        if half & 0xFF00 == 0xBF00 and half & 0xF:
            xpsr = uc.reg_read(arm_const.UC_ARM_REG_XPSR)
            flags = {name: bool(xpsr >> bit & 1) for name, bit in zip("NZCV", (31, 30, 29, 28), strict=True)}
            holds = condition(half >> 4 & 0xF, **flags)
            length = 4 - ((half & -half).bit_length() - 1)
            same = [True] + [(half >> (3 - i) & 1) == (half >> 4 & 1) for i in range(length - 1)]
            skipped += sum(one != holds for one in same)

    uc.hook_add(unicorn.UC_HOOK_CODE, meet)
    uc.reg_write(arm_const.UC_ARM_REG_R0, argument)
    uc.reg_write(arm_const.UC_ARM_REG_SP, 0x60001000)
    uc.reg_write(arm_const.UC_ARM_REG_LR, 0x60002001)
    uc.emu_start(machine.address(name) | 1, 0x60002000)
    return ran, skipped


def condition(code, N, Z, C, V):  # noqa: N803
    holds = (Z, C, N, V, C and not Z, N == V, not Z and N == V, True)[code >> 1]
    return holds != bool(code & 1)


@pytest.mark.parametrize(
    ("function", "argument", "instructions"),
    [("chooses", 0, 5), ("chooses", 1, 5), ("four", 0, 7), ("four", 1, 7), ("leaves", 0, 3), ("leaves", 1, 5)],
)
def test_what_an_it_block_skips_counts(tmp_path, function, argument, instructions):
    source = tmp_path / "it.c"
    bodies = {
        "chooses": "cmp r0, #0; ite eq; moveq r0, #1; movne r0, #2; bx lr",
        "four": "cmp r0, #0; itttt eq; moveq r0, #1; addweq r0, r0, #2; moveq r0, #3; moveq r0, #4; bx lr",
        "leaves": "cmp r0, #0; it eq; bxeq lr; movs r0, #1; bx lr",
    }
    source.write_text(
        "".join(
            f'__asm__(".syntax unified; .thumb; .globl {name}; .type {name}, %function; {name}: {body};'
            f' .size {name}, . - {name}");\n'
            for name, body in bodies.items()
        )
    )
    elf = compile_firmware([source], "cortex-m3", keep=list(bodies))
    assert Machine(elf, "cortex-m3").call(function, argument).instructions == instructions


def test_a_run_gives_what_a_call_gives(machine, elfs):
    other = Machine(elfs(machine.target.name), machine.target.name)
    assert machine.run("divide", -100, 7) == other.call("divide", -100, 7).signed == -14
    assert machine.run("count_up", 50_000) == other.call("count_up", 50_000).signed == 50_000
    assert other.run("count_up", 7) == machine.call("count_up", 7).signed == 50_007
    assert machine.run("count_up", 1) == other.call("count_up", 1).signed == 50_008
    assert machine.read("counter") == other.read("counter")
    with pytest.raises(anomsdk.InputError, match="forever takes more than 1,000 instructions"):
        machine.run("forever", limit=1000)
    with pytest.raises(anomsdk.InputError, match="loses returns without restoring r4"):
        machine.run("loses")


@pytest.mark.parametrize("n", [0, 1, 300])
def test_a_profile_counts_what_a_call_counts(machine, elfs, n):
    call, profile = machine.call("mix", n), Machine(elfs(machine.target.name), machine.target.name).profile("mix", n)
    assert (profile.result, profile.instructions, profile.stack_bytes) == (
        call.result,
        call.instructions,
        call.stack_bytes,
    )
    own = {symbol.source: count for symbol, count in profile.functions.items()}
    assert profile.functions.keys() >= {machine.program.symbol("mix")} and own.keys() <= {"sample.c", "compiler_rt"}
    assert own["sample.c"] > 10 * (n + 1) and own["compiler_rt"] > 10 * (n - 1)


def test_a_profile_goes_on_where_a_run_ended_and_the_other_way_round(machine):
    machine.run("count_up", 5)
    assert machine.profile("count_up", 2).signed == 7 == machine.run("count_up", 0)
    assert machine.profile("count_up", 1).signed == 8
    assert machine.profile("divide", -100, 7).signed == -14
    for name, message in (("forever", "more than 1,000 instructions"), ("loses", "without restoring r4")):
        with pytest.raises(anomsdk.InputError, match=message):
            machine.profile(name, limit=1000)


def test_functions_of_one_name_are_told_apart(tmp_path):
    """Static ones; and one that other files see belongs to its own."""
    for name, times in (("first", 3), ("second", 50)):
        (tmp_path / f"{name}.c").write_text(
            f"__attribute__((noinline)) static int work(volatile int *x) {{ for (int i = 0; i < {times}; i++) *x += i;"
            f" return *x; }}\nint {name}(int x) {{ volatile int y = x; return work(&y); }}\n"
        )
    (tmp_path / "both.c").write_text(
        "int first(int); int second(int); int both(int x) { return first(x) + second(x); }\n"
    )
    sources = [tmp_path / f"{name}.c" for name in ("both", "first", "second")]
    functions = Machine(compile_firmware(sources, "cortex-m4", keep=["both"]), "cortex-m4").profile("both", 1).functions
    assert {(s.name, s.source) for s in functions} == {
        ("both", "both.c"),
        ("first", "first.c"),
        ("work", "first.c"),
        ("second", "second.c"),
        ("work", "second.c"),
    }
    work = {symbol.source: n for symbol, n in functions.items() if symbol.name == "work"}
    assert work["second.c"] > 10 * work["first.c"] > 100


def test_a_call_takes_the_same_whatever_came_before(machine):
    first = machine.call("mix", 50)
    machine.call("mix", 500)
    machine.call("deep", 20)
    assert machine.call("mix", 50) == first


def test_stack(machine):
    one, ten = machine.call("deep", 1).stack_bytes, machine.call("deep", 10).stack_bytes
    assert 256 <= (ten - one) // 9 <= 320 and (ten - one) % 9 == 0
    assert machine.call("sum", 1, 2, 3, 4).stack_bytes <= 16


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (("read_at", 0), r"read_at faults in read_at\+\d+: invalid memory read at 0x00000000"),
        (("deep", 1000), r"deep faults in deep\+\d+: its stack needs more than 65536 bytes"),
        (("forever",), "forever takes more than 1,000,000 instructions"),
        (("trap",), r"trap faults in trap\+\d+: invalid instruction"),
        (("write_at", "table"), r"write_at faults in write_at\+\d+: write to write-protected memory at 0x08"),
        (("jump", "filled"), r"jump faults in filled\+0: fetch from non-executable memory at 0x20"),
        (("loses",), "loses returns without restoring r4"),
        (("sum", 1, 2, 3, 4, 5), "sum: 5 arguments; at most 4 fit into registers"),
        (("nothing",), "the program has no symbol 'nothing'; name it in `keep` when it is compiled"),
    ],
)
def test_what_goes_wrong_is_said_in_one_line(machine, call, message):
    name, *arguments = call
    addresses = [machine.address(a) if isinstance(a, str) else a for a in arguments]
    with pytest.raises(anomsdk.InputError, match=message) as caught:
        machine.call(name, *addresses, limit=1_000_000)
    assert "\n" not in str(caught.value)
    assert machine.call("divide", 6, 3).result == 2, "and the machine goes on"


def test_the_small_core_refuses_what_it_lacks(elfs):
    """Instructions of larger cores, and words at odd addresses."""
    with pytest.raises(anomsdk.InputError, match=r"cortex-m0: divide faults in divide\+0: invalid instruction"):
        Machine(elfs("cortex-m3"), "cortex-m0").call("divide", 6, 3)
    small, large = Machine(elfs("cortex-m0"), "cortex-m0"), Machine(elfs("cortex-m0"), "cortex-m3")
    odd = large.address("table") + 1
    assert large.call("read_at", odd).result == 0x02000000
    with pytest.raises(anomsdk.InputError, match=r"cortex-m0: read_at faults in read_at\+\d+"):
        small.call("read_at", odd)


def test_only_what_is_kept_is_linked(tmp_path):
    elf = compile_firmware([SAMPLE], "cortex-m4", keep=["sum", "table"])
    program = Program.from_elf(elf)
    names = {symbol.name for symbol in program.symbols}
    assert {"sum", "table"} <= names and not names & set(KEEP) - {"sum", "table"}
    assert program.symbol("sum").section == ".text" and program.symbol("table").section == ".rodata"
    assert program.section_bytes == {".text": program.symbol("sum").size, ".rodata": 16}


def test_flags_and_optimisation_reach_the_compiler(tmp_path):
    source = tmp_path / "value.c"
    source.write_text(
        '#include "value.h"\n#ifdef __OPTIMIZE_SIZE__\n#define SIZE 1\n#else\n#define SIZE 0\n#endif\n'
        "int value(void) { return 10 * VALUE + SIZE; }\n"
    )
    (tmp_path / "value.h").write_text("#ifndef VALUE\n#error no value\n#endif\n")
    for optimise, size in (("-Os", 1), ("-O2", 0)):
        elf = compile_firmware(
            [source], "cortex-m4", keep=["value"], include=[tmp_path], flags=["-DVALUE=3"], optimise=optimise
        )
        assert Machine(elf, "cortex-m4").call("value").result == 30 + size
    with pytest.raises(anomsdk.InputError, match=r"cortex-m4: the sources do not compile: .*error: no value") as caught:
        compile_firmware([source], "cortex-m4", keep=["value"], include=[tmp_path])
    assert "\n" not in str(caught.value)


def test_a_symbol_that_is_nowhere_is_named():
    with pytest.raises(anomsdk.InputError, match="'elsewhere'"):
        Machine(compile_firmware([SAMPLE], "cortex-m4", keep=["sum"]), "cortex-m4").call("elsewhere")


def test_bad_input():
    with pytest.raises(anomsdk.InputError, match="target 'avr' is unknown; choose from cortex-m0, cortex-m3"):
        compile_firmware([SAMPLE], "avr", keep=["sum"])
    with pytest.raises(anomsdk.InputError, match="target 'avr' is unknown"):
        Machine(b"", "avr")
    for data in (b"", b"\x7fELF", bytes(100)):
        with pytest.raises(anomsdk.InputError, match="no ELF file that can be read"):
            Machine(data, "cortex-m0")


def test_memory_that_is_not_there(elfs):
    machine = Machine(elfs("cortex-m4"), "cortex-m4")
    with pytest.raises(anomsdk.InputError, match="counter has 4 bytes; 2 do not fit at 3"):
        machine.write("counter", b"\0\0", offset=3)
    with pytest.raises(anomsdk.InputError, match="no memory at 0x00000000, 4 bytes long"):
        machine.read_at(0, 4)


@pytest.mark.parametrize("module", ["ziglang", "unicorn", "elftools"])
def test_what_is_missing_is_named(elfs, monkeypatch, module):
    elf = elfs("cortex-m4")
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    for name in [name for name in sys.modules if name.partition(".")[0] == module]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(anomsdk.InputError, match=r"pip install 'anomsdk\[mcu\]'"):
        compile_firmware([SAMPLE], "cortex-m4", keep=["sum"])
        Machine(elf, "cortex-m4")
