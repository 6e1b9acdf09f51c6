"""The C port compiles everywhere without a warning, and needs and holds nothing that it should not."""

import itertools
import platform
import re

import pytest

from tests.support.c_build import (
    C_PROGRAMS,
    COMPILERS,
    HEADERS,
    INCLUDES,
    KERNELS,
    PORT,
    SOURCES,
    WARNINGS,
    clang,
    compiler,
    gcc,
    missing,
    tool,
)
from tests.support.c_text import without_comments

LEVELS = ("-O0", "-O2", "-Os")
TARGETS = ("x86_64-windows-gnu", "aarch64-macos", "x86-linux-gnu")
MAY_NEED = {"memcpy", "memset", "memmove", "_GLOBAL_OFFSET_TABLE_"}
ON_X86 = {"__cpu_model", "__cpu_features2"}
"""What the compiler's own library knows of the processor; where fast paths are chosen."""


@pytest.fixture(scope="module")
def objects(tmp_path_factory):
    """Objects of the host by compiler and level: each is compiled once, without a warning."""
    made = {}

    def compiled(name, level):
        if (name, level) not in made:
            folder = tmp_path_factory.mktemp("objects")
            made[name, level] = compiler(name).objects(folder, level)
        return made[name, level]

    return compiled


@pytest.mark.parametrize(("name", "level"), [*itertools.product(COMPILERS, LEVELS)])
def test_compiles_without_a_warning(objects, name, level):
    assert len(objects(name, level)) == len(SOURCES)


@pytest.mark.parametrize("target", TARGETS)
def test_compiles_for_other_hosts(target, tmp_path):
    clang().objects(tmp_path, "-O2", "-target", target)


@pytest.mark.parametrize("name", COMPILERS)
def test_every_header_compiles_alone_and_twice(name, tmp_path):
    for header in HEADERS:
        (tmp_path / f"{header.stem}.c").write_text(
            f'#include "{header.name}"\n#include "{header.name}"\ntypedef int t;\n'
        )
    compiler(name).objects(tmp_path, "-O0", sources=sorted(tmp_path.glob("*.c")))


@pytest.mark.parametrize(("name", "standard"), [*itertools.product(("g++", "clang"), ("c++11", "c++17", "c++20"))])
def test_public_header_in_cpp(name, standard, tmp_path):
    program = tmp_path / "program.cpp"
    program.write_text(
        '#include "anomsdk.h"\nstatic ANOM_MEM(ANOM_PIPELINE_BYTES) memory;\n'
        "int main() { return anom_selftest(&memory, sizeof memory, nullptr, nullptr); }\n"
    )
    cpp = gcc("g++") if name == "g++" else clang(cpp=True)
    cpp.run(f"-std={standard}", *WARNINGS, *INCLUDES, "-c", program, "-o", tmp_path / "program.o")
    needs = symbols(tmp_path / "program.o", defined=False)
    assert "anom_selftest" in needs  # and not its mangled name


def read_elf(path):
    return tool("elftools.elf.elffile").ELFFile(path.open("rb"))


def symbols(path, *, defined):
    table = read_elf(path).get_section_by_name(".symtab")
    return {s.name for s in table.iter_symbols() if s.name and (s["st_shndx"] != "SHN_UNDEF") == defined}


@pytest.mark.parametrize(("name", "level"), [*itertools.product(COMPILERS, LEVELS)])
def test_needs_three_functions_of_libc(objects, name, level):
    needs = set().union(*(symbols(path, defined=False) for path in objects(name, level)))
    assert {n for n in needs if not n.startswith(("anom_", "ANOM_"))} <= MAY_NEED | ON_X86
    gives = set().union(*(symbols(path, defined=True) for path in objects(name, level)))
    assert {n for n in needs if n.startswith(("anom_", "ANOM_"))} <= gives


def writable_data(path):
    """Sections that a program could write to; .data.rel.ro is constant once it is linked."""
    sections = [s for s in read_elf(path).iter_sections() if s["sh_flags"] & 1 and s["sh_flags"] & 2]
    return [(s.name, s["sh_size"]) for s in sections if s["sh_size"] and not s.name.startswith(".data.rel.ro")]


@pytest.mark.parametrize(("name", "level"), [*itertools.product(COMPILERS, LEVELS)])
def test_has_no_variables(objects, name, level):
    assert [writable_data(path) for path in objects(name, level)] == [[]] * len(SOURCES)


def test_a_variable_is_noticed(tmp_path):
    source = tmp_path / "counts.c"
    source.write_text("int count(void);\nint count(void)\n{\n    static int n;\n    return n++;\n}\n")
    (made,) = clang().objects(tmp_path, "-O0", sources=[source])
    assert writable_data(made)


@pytest.mark.parametrize("name", COMPILERS)
def test_tap_is_there_only_where_asked_for(objects, name, tmp_path):
    found = set().union(*(symbols(path, defined=True) for path in objects(name, "-O0")))
    assert not [symbol for symbol in found if "tap" in symbol]
    tapped = compiler(name).objects(tmp_path, "-O0", "-DANOM_TAP")
    assert "anom_pipeline_poll_tapped" in set().union(*(symbols(path, defined=True) for path in tapped))


# What the sources say

NOT_IN_C = r"\b(float|double|malloc|calloc|realloc|free|printf|puts|fopen|time|rand|goto|setjmp|volatile)\b"


def test_sources_use_no_floats_heap_or_output():
    found = [(path.name, word) for path in [*SOURCES, *HEADERS] for word in re.findall(NOT_IN_C, words_of(path))]
    assert found == [("anom_wipe.c", "volatile")]


def words_of(path):
    """Its text; assembly must be volatile where it writes to memory."""
    return without_comments(path.read_text(encoding="utf-8")).replace("__asm__ volatile", "__asm__")


def test_sources_include_only_themselves_and_freestanding_headers():
    included = {
        name for path in [*SOURCES, *HEADERS] for name in re.findall(r'^#include [<"](.*)[>"]', path.read_text(), re.M)
    }
    own = {path.name for path in [*HEADERS, *KERNELS]}
    assert included - own == {"immintrin.h", "limits.h", "stddef.h", "stdint.h", "string.h"}


PLANNED = """
#include "anom_duty.h"
#include "anom_motion.h"
#include "anom_pipeline.h"
void plan_all(anom_plan *plan, anom_duty_plan *duty, anom_motion_plan *motion, anom_supervisor_plan *supervisor);
void plan_all(anom_plan *plan, anom_duty_plan *duty, anom_motion_plan *motion, anom_supervisor_plan *supervisor)
{
    plan->score.type = &anom_score_functions;
    supervisor->is_ready = anom_supervisor_is_ready;
    plan->judge = anom_alert_judge;
    plan->judge = anom_supervisor_judge;
    plan->judge = anom_ladder_judge;
    duty->pause = anom_duty_pause;
    motion->transform = anom_spectrum_run;
}
"""
"""Functions that only an emitted plan points at: anomsdk/cport/structs.py and extractors.py."""
ANYWHERE = ("", 0)
"""Where a pointer to a function lies that is no member of a struct."""


def calls_of(folder, sources):
    """Who may call whom, from clang's intermediate code: static functions by file.

    A call through a member of a struct reaches the functions that any file puts into that member, and those that lie
    anywhere else: in a variable, an argument, an array, or a member that is read for more than its call. A call of
    another pointer reaches only the latter, and so does one of a member that no file sets, together with all others
    that are pointed at.
    """
    calls, held, through, loose = {}, {}, {}, {ANYWHERE}
    for source in sources:
        code = folder / f"{source.stem}.ll"
        clang().run("-std=c99", "-DANOM_TAP", *INCLUDES, "-O0", "-S", "-emit-llvm", source, "-o", code)
        text = re.sub(r", !dbg !\d+|^attributes .*$", "", code.read_text(), flags=re.M)
        assert not re.search(r"(?<![\w.@%\"])(half|float|double|x86_fp80|fp128)(?![\w.\"])", text), (
            f"{source.name}: a float"
        )
        static = set(re.findall(r"^define internal .*?@(\w+)\(", text, re.M))

        def named(name, static=static, stem=source.stem):
            return f"{stem}:{name}" if name in static else name

        def hold(member, names, named=named):
            held.setdefault(member, set()).update(named(name) for name in names)

        bodies = re.findall(r"^define .*?@(\w+)\(.*?\{\n(.*?)^\}", text, re.M | re.S)
        for function, body in bodies:
            made = calls.setdefault(named(function), set())
            made |= {named(n) for n in re.findall(r"call [^@%\n]*@(\w+)\(", body) if not n.startswith("llvm.")}
            called, read, stored = members_in(body)
            through.setdefault(named(function), set()).update(called)
            loose |= read
            for member, name in stored:
                hold(member, [name])
            hold(ANYWHERE, set(re.findall(r"ptr (?:noundef )?@(\w+)", body)) - {name for _, name in stored})
        loaded = set(re.findall(r"@(\w+)", "\n".join(re.findall(r"= load .*", text))))
        for constant, line in re.findall(r"^@(\w+)( = .*)", text, re.M):
            inside, rest = members_of_constant(line)
            for member, name in inside:
                hold(member, [name])
                loose |= {member} if constant in loaded else set()
            hold(ANYWHERE, re.findall(r"ptr @(\w+)", rest))
    return resolved(calls, held, through, loose)


def resolved(calls, held, through, loose):
    """The calls, with those through pointers: by member where they are called, and where their functions lie."""
    held = {member: {name for name in names if name in calls} for member, names in held.items()}
    anywhere = set().union(*(held.get(member, set()) for member in loose))
    everywhere = set().union(*held.values())
    for function, members in through.items():
        for member in members:
            unknown = member != ANYWHERE and not held.get(member)
            calls[function] |= everywhere if unknown else held.get(member, set()) | anywhere
    return calls


def members_in(body):
    """Members (struct, index) of a function's code: that it calls, that it reads for more than that, that it sets."""
    at = {
        value: (struct, int(index))
        for value, struct, index in re.findall(
            r"%(\w+) = getelementptr [\w ]*%([\w.]+), ptr [^,\n]+, i32 0, i32 (\d+)$", body, re.M
        )
    }
    loads = dict(re.findall(r"%(\w+) = load ptr, ptr %(\w+),", body))
    calls = re.findall(r"call [^@\n(]*%(\w+)\(", body)
    called = {at.get(loads.get(value), ANYWHERE) for value in calls}
    stored = [(at[to], name) for name, to in re.findall(r"store ptr @(\w+), ptr %(\w+),", body) if to in at]
    read = set()
    for value, member in at.items():
        uses = len(re.findall(rf"%{value}\b", body)) - 1
        only_called = [
            v for v, of in loads.items() if of == value and len(re.findall(rf"%{v}\b", body)) == 1 + calls.count(v)
        ]
        only_set = len(re.findall(rf"store [^\n]*, ptr %{value},", body))
        if uses > len(only_called) + only_set:
            read.add(member)
    return called, read, stored


def members_of_constant(line):
    """Members (struct, index) that a constant sets to a function, and the line without them."""
    inside = []

    def taken(found):
        struct, values = found.groups()
        parts = re.split(r", (?![^\[]*\])", values)
        kept = []
        for index, part in enumerate(parts):
            function = re.fullmatch(r"\s*ptr @(\w+)\s*", part)
            if function:
                inside.append(((struct, index), function[1]))
            kept.append("null" if function else part)
        return "(" + ", ".join(kept) + ")"

    while (changed := re.sub(r"%([\w.]+) \{([^{}]*)\}", taken, line)) != line:
        line = changed
    return inside, line


def in_a_circle(calls):
    """Functions that reach themselves."""
    reach = {function: set(to) for function, to in calls.items()}
    for middle, to in calls.items():
        for function in reach:
            if middle in reach[function]:
                reach[function] |= reach[middle] | to
    return sorted(function for function in reach if function in reach[function])


def test_nothing_calls_itself(tmp_path):
    planned = tmp_path / "planned.c"
    planned.write_text(PLANNED)
    calls = calls_of(tmp_path, [*SOURCES, planned])
    assert "anom_bands:bands_levels" in calls["anom_extractor_push"], "calls through pointers are seen"
    assert "anom_sha256:compress" in calls["anom_sha256_update"]
    assert {"anom_ladder_judge", "anom_supervisor_judge"} <= calls["anom_pipeline_run"]
    assert {"anom_ladder:ladder_poll", "anom_supervisor_poll"} <= calls["anom_pipeline_poll_observed"]
    assert in_a_circle(calls) == []


def test_recursion_is_noticed(tmp_path):
    (tmp_path / "a.c").write_text(
        "static int f(int n);\nint g(int n);\nint h(int n);\nint (*const pointer)(int) = h;\n"
        "static int f(int n) { return n ? g(n - 1) : 0; }\nint g(int n) { return f(n); }\n"
        "int h(int n) { return n ? pointer(n) : 0; }\nint k(int n) { return h(n); }\n"
    )
    assert in_a_circle(calls_of(tmp_path, [tmp_path / "a.c"])) == ["a:f", "g", "h"]


TYPE = """
typedef int function(int);
typedef struct { function *zeroth, *first, *second; function *both[2]; } type;
typedef struct { type inner; char odd; } outer;
int f(int n); int g(int n); int k(const type *of, int n); int m(function *of, int n);
"""
IN_MEMBERS = {
    "the member that is called": ("const type t = {0, f, g, {0, 0}};", "first", ["f"]),
    "another member": ("const type t = {0, g, f, {0, 0}};", "first", []),
    "a struct within another one, with padding": ("const outer t = {{0, f, g, {0, 0}}, 1};", "first", ["f"]),
    "one of a table": ("const type t[] = {{0, g, g, {0, 0}}, {0, f, g, {0, 0}}};", "first", ["f"]),
    "an array in a struct": ("const type t = {0, g, g, {g, f}};", "first", ["f"]),
    "a member that is set": ("void s(type *t); void s(type *t) { t->first = f; t->second = g; }", "first", ["f"]),
    "a member that nobody sets": ("const type t = {0, 0, g, {0, f}};", "first", ["f"]),
    "a member that is passed on": ("const type t = {0, g, f, {0, 0}}; int p(void) { return m(t.second, 1); }", "first", ["f"]),
    "a variable": ("function *v = f; const type t = {0, g, g, {0, 0}};", "first", ["f"]),
}  # fmt: skip


@pytest.mark.parametrize("kind", IN_MEMBERS)
def test_recursion_through_a_member_is_noticed(kind, tmp_path):
    held, member, found = IN_MEMBERS[kind]
    (tmp_path / "a.c").write_text(
        f"{TYPE}{held}\nint g(int n) {{ return n; }}\nint f(int n) {{ extern const type any; return k(&any, n); }}\n"
        f"int k(const type *of, int n) {{ return of->{member}(n); }}\nint m(function *of, int n) {{ return of(n); }}\n"
    )
    circle = in_a_circle(calls_of(tmp_path, [tmp_path / "a.c"]))
    assert circle == (["f", "k"] if found else [])


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "    anom_supervisor_pause(supervisor, hops, ticks);\n",
            "    anom_pipeline_lose((void *)supervisor, 1, 1);\n",
        ),
        ("    int32_t found = anom_supervisor_poll(", "    int32_t found = anom_pipeline_poll_observed("),
        ("    if (news == 0) return 0;\n", "    if (news == 0) return anom_supervisor_due(supervisor, hop, event);\n"),
    ],
)
def test_recursion_through_the_ladder_is_noticed(old, new, tmp_path):
    """A ladder calls what has called it through the functions of its plan."""
    ladder = PORT / "src" / "anom_ladder.c"
    text = ladder.read_text(encoding="utf-8")
    assert text.count(old) == 1
    (tmp_path / "anom_ladder.c").write_text(text.replace(old, new))
    planned = tmp_path / "planned.c"
    planned.write_text(PLANNED)
    others = [source for source in SOURCES if source != ladder]
    calls = calls_of(tmp_path, [*others, tmp_path / "anom_ladder.c", planned])
    assert any(name.startswith("anom_ladder:ladder_") for name in in_a_circle(calls))


# What wiping leaves

STACK, STACK_SIZE, BACK = 0x7000_0000, 0x10000, 0x6000_0000
SECRET = bytes(0xA5 ^ i for i in range(8))
WIPES = [("gcc", *flags) for flags in (("-O2",), ("-Os",), ("-O3", "-flto"))]
WIPES += [
    ("clang", "-target", f"{machine}-linux-musl", "-mcpu=baseline", *flags)
    for machine in ("x86_64", "aarch64")
    for flags in (("-O2",), ("-Os",), ("-O3", "-flto"), ("-O2", "-U__GNUC__"))
]


def link_wiped(folder, name, *flags):
    """A program that fills a buffer on its stack, wipes it and returns."""
    build = compiler(name)
    target = flags[:3] if name == "clang" else ()
    elsewhere, *seen = (folder / f"{part}.o" for part in ("elsewhere", "wiped", "anom_wipe"))
    build.run("-std=c99", *target, "-O1", "-fno-builtin", "-c", C_PROGRAMS / "wiped_elsewhere.c", "-o", elsewhere)
    for source, made in zip((C_PROGRAMS / "wiped.c", PORT / "src" / "anom_wipe.c"), seen, strict=True):
        build.run("-std=c99", *flags, "-fno-pie", *INCLUDES, "-c", source, "-o", made)
    flags = [flag for flag in flags if flag[:2] not in ("-D", "-U")]
    fixed = ["-no-pie"] if name == "gcc" else []
    build.run(*flags, *fixed, "-nostdlib", "-static", "-Wl,-e,victim", *seen, elsewhere, "-o", folder / "program")
    return folder / "program"


def stack_after(program):
    """Run it on an emulated processor; what its stack then holds."""
    unicorn = tool("unicorn")
    elf = read_elf(program)
    top = STACK + STACK_SIZE - 0x100
    if elf["e_machine"] == "EM_AARCH64":
        from unicorn import arm64_const as registers

        machine = unicorn.Uc(unicorn.UC_ARCH_ARM64, unicorn.UC_MODE_ARM)
        start = {registers.UC_ARM64_REG_SP: top, registers.UC_ARM64_REG_LR: BACK}
    else:
        from unicorn import x86_const as registers

        machine = unicorn.Uc(unicorn.UC_ARCH_X86, unicorn.UC_MODE_64)
        start = {registers.UC_X86_REG_RSP: top}
    machine.mem_map(STACK, STACK_SIZE)
    machine.mem_map(BACK, 0x1000)
    for segment in elf.iter_segments("PT_LOAD"):
        begin, end = segment["p_vaddr"] & ~0xFFF, (segment["p_vaddr"] + segment["p_memsz"] + 0xFFF) & ~0xFFF
        machine.mem_map(begin, end - begin)
        machine.mem_write(segment["p_vaddr"], segment.data())
    machine.mem_write(top, BACK.to_bytes(8, "little"))  # the return address of x86
    for register, value in start.items():
        machine.reg_write(register, value)
    machine.emu_start(elf["e_entry"], BACK, count=100_000)
    return bytes(machine.mem_read(STACK, STACK_SIZE))


@pytest.mark.parametrize("build", WIPES, ids=" ".join)
def test_wiped_memory_is_zero_whatever_the_optimiser(build, tmp_path):
    if build[0] == "gcc" and platform.machine() not in ("x86_64", "aarch64"):
        missing("the emulator knows x86_64 and aarch64")
    stack = stack_after(link_wiped(tmp_path, *build))
    assert SECRET not in stack
    assert SECRET * 32 in stack_after(link_wiped(tmp_path, *build, "-DPLAIN")), "a plain memset is left out"


UNCALLED = """
#include "anomsdk.h"
static anom_event event;
int main(void) { uint8_t c[ANOM_EVENT_COMPACT_BYTES]; return CALL; }
"""


@pytest.mark.parametrize(
    ("call", "linked"), [("(int)sizeof c + event.bytes[0]", False), ("(int)anom_event_compact(&event, c)", True)]
)
def test_the_compact_form_is_linked_only_where_it_is_called(tmp_path, call, linked):
    (tmp_path / "main.c").write_text(UNCALLED.replace("CALL", call))
    sources = [tmp_path / "main.c", PORT / "src" / "anom_event.c", PORT / "src" / "anom_fixed.c"]
    flags = ("-std=c99", "-Os", "-ffunction-sections", "-Wl,--gc-sections", *INCLUDES)
    gcc().run(*flags, *sources, "-o", tmp_path / "main")
    assert (b"anom_event_compact" in (tmp_path / "main").read_bytes()) == linked
