"""Checks of a user's own build: what whole builds show, and planted faults, each found by the check that is for it."""

import os
import random
from pathlib import Path

import pytest

import anomsdk
from anomsdk.audit.auditor import audit
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.emulator.build import users_build
from anomsdk.audit.firmware.build import read_build
from anomsdk.audit.firmware.calls import Graph
from anomsdk.audit.firmware.checks import CHECKS
from anomsdk.audit.firmware.dump import search_dump
from anomsdk.audit.firmware.maps import read_map
from anomsdk.audit.firmware.names import is_allowed, kind_of
from anomsdk.audit.firmware.wipes import wiping_functions
from anomsdk.mcu import Machine
from anomsdk.mcu.emit import emit_c
from anomsdk.mcu.stages import measure, watching_program
from tests.support.audited import archive, built, plan_of, program, zig
from tests.support.c_build import C_PROGRAMS
from tests.support.supervised_models import supervised
from tests.support.tiny_plans import with_ladder

FOUND = {
    "SCRATCH": ("firmware.wipe", "anom_extractor_push does not call anom_wipe"),
    "MEMSET": ("firmware.wipe", "anom_reasons_run does not call anom_wipe"),
    "WIPE": ("firmware.wipe", "anom_wipe stores no zeros in the memory that it is given"),
    "PRINT": ("firmware.symbols", "printf (output or files)"),
    "HEAP": ("firmware.symbols", "malloc (heap)"),
    "HISTORY": ("firmware.data", "history, 4096 bytes"),
    "RECURSION": ("firmware.recursion", "calls itself: anom_framer_push -> anom_framer_push"),
}
"""Fault -> check that finds it, and words in its result."""
BY_ID = {check.id: check for check in CHECKS}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Objects of a reference model for a Cortex-M4."""
    return built(tmp_path_factory.mktemp("built"), plan_of("audio_scene"))


@pytest.fixture(scope="module")
def whole(made, tmp_path_factory):
    """Archive and program without a fault."""
    folder = tmp_path_factory.mktemp("whole")
    return {"archive": archive(made, folder), "program": program(made, folder)}


def ran(path, plan=None):
    """Verdict and result of each check; an `InputError` is a check that shows nothing."""
    found = {}
    for check in CHECKS:
        try:
            finding = check.run(Subject(plan, None, path.parent, elf=path))
            found[check.id] = (finding.verdict, finding.result)
        except anomsdk.InputError as error:
            found[check.id] = (Verdict.NOT_SHOWN, str(error))
    return found


@pytest.mark.parametrize("kind", ["archive", "program"])
def test_a_whole_build_shows_every_claim(whole, kind):
    found = ran(whole[kind], plan_of("audio_scene"))
    assert {verdict for verdict, _ in found.values()} == {Verdict.SHOWN}
    if kind == "program":
        assert "memory (3576 bytes)" in found["firmware.data"][1], "the declared pipeline is named"


PROTECTED = """
int __stack_chk_guard = 0x5AA5C33C;
int (*handlers[1])(void);
int anom_pipeline_poll(void);
int (*const anom_table[1])(void) = {anom_pipeline_poll};
void __stack_chk_fail(void) { handlers[0](); }
int anom_pipeline_push(void) { return 0; }
__asm__(".syntax unified\\n.thumb\\n.section .text.anom_pipeline_poll\\n.global anom_pipeline_poll\\n"
        ".type anom_pipeline_poll, %function\\nanom_pipeline_poll: push {r4, lr}\\n ldr r0, 3f\\n ldr r1, [r0]\\n"
        " cmp r1, #0\\n beq 2f\\n pop {r4, pc}\\n2: bl __stack_chk_fail\\n nop\\n.balign 4\\n"
        "3: .word __stack_chk_guard\\n.word 0xedb88320\\n.size anom_pipeline_poll, .-anom_pipeline_poll\\n");
"""


def test_a_stack_protector_is_no_fault(tmp_path):
    """As gcc builds it: constants behind a call that ends the program, a guard, and handlers of signals behind it."""
    (tmp_path / "guarded.c").write_text(PROTECTED)
    target = (
        "-target",
        "thumb-freestanding-eabi",
        "-mcpu=cortex_m4",
        "-Os",
        "-g",
        "-nostdlib",
        "-Wl,-e,anom_pipeline_poll",
    )
    keep = [f"-Wl,-u,{name}" for name in ("anom_pipeline_push", "anom_table")]
    zig("cc", *target, *keep, "guarded.c", "-o", "guarded.elf", folder=tmp_path)
    found = ran(tmp_path / "guarded.elf")
    for check in ("symbols", "data", "recursion", "stack"):
        assert found[f"firmware.{check}"][0] is Verdict.SHOWN, found


FAR_JUMP = """
__asm__(".syntax unified\\n.thumb\\n.section .text.anom_far\\n.global anom_far\\n.type anom_far, %function\\n"
        "anom_far: push {r4, lr}\\n cmp r0, #0\\n beq 1f\\n movs r0, #1\\n2: pop {r4, pc}\\n"
        "1: movs r0, #2\\n bl 2b\\n.size anom_far, .-anom_far\\n");
"""


NUMBER = """
int mine;
int anom_pipeline_push(void) { return 0; }
__asm__(".syntax unified\\n.thumb\\n.section .text.anom_pipeline_poll\\n.global anom_pipeline_poll\\n"
        ".type anom_pipeline_poll, %function\\nanom_pipeline_poll: mov.w r0, #0x20000000\\n" USE
        " bx lr\\n.size anom_pipeline_poll, .-anom_pipeline_poll\\n");
"""


@pytest.mark.parametrize(
    ("use", "verdict"), [("", Verdict.SHOWN), (r"str r1, [r0]\n", Verdict.FAILED)], ids=["number", "address"]
)
def test_a_number_that_is_no_address_is_no_variable(tmp_path, use, verdict):
    (tmp_path / "number.c").write_text(NUMBER.replace("USE", f'"{use}"'))
    script = "SECTIONS { .text 0x8000 : { *(.text*) } .bss 0x20000000 : { *(.bss*) } }"
    (tmp_path / "number.ld").write_text(script)
    target = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m4", "-Os", "-g", "-nostdlib")
    placed = ("-Wl,-e,anom_pipeline_poll", "-Wl,-u,anom_pipeline_push", "-Wl,-u,mine", "-T", "number.ld")
    zig("cc", *target, *placed, "number.c", "-o", "number.elf", folder=tmp_path)
    assert ran(tmp_path / "number.elf")["firmware.data"][0] is verdict


def test_a_call_into_the_middle_of_its_own_function_is_a_jump(tmp_path):
    """As gcc jumps on a Cortex-M0 where a branch does not reach, with -flto."""
    (tmp_path / "far.c").write_text(FAR_JUMP)
    target = ("-target", "thumb-freestanding-eabi", "-mcpu=cortex_m0")
    zig("cc", *target, "-c", "far.c", "-o", "far.o", folder=tmp_path)
    graph = Graph(read_build(tmp_path / "far.o"))
    assert graph.stack(graph.build.by_name["anom_far"]) == (8, ("anom_far",), frozenset())
    assert graph.circle(graph.roots, certain=True) == ()


@pytest.mark.parametrize("kind", ["archive", "program"])
def test_a_build_of_another_plan_is_refused(whole, kind):
    """Its findings would be filed under the plan that was given."""
    only = ["firmware.data"]
    assert audit(plan_of("audio_scene"), elf=whole[kind], only=only).outcomes[0].finding.verdict is Verdict.SHOWN
    with pytest.raises(anomsdk.InputError, match="holds anom_plan_audio_scene and not the plan human_motion"):
        audit(plan_of("human_motion"), elf=whole[kind], only=only)


@pytest.mark.parametrize("kind", ["archive", "program"])
@pytest.mark.parametrize("fault", FOUND)
def test_a_fault_is_found_by_its_check_and_by_no_other(made, fault, kind, tmp_path):
    path = {"archive": archive, "program": program}[kind](made, tmp_path, fault)
    found = ran(path, made.plan)
    check, words = FOUND[fault]
    assert found[check][0] is Verdict.FAILED and words in found[check][1]
    others = {name for name, (verdict, _) in found.items() if verdict is not Verdict.SHOWN}
    assert others == {check} | ({"firmware.stack"} if fault == "RECURSION" else set())


def test_a_finding_is_the_same_each_time_and_names_what_it_looked_at(whole):
    subject = Subject(plan_of("audio_scene"), None, whole["program"].parent, elf=whole["program"])
    for check in CHECKS:
        first = check.run(subject)
        assert first == check.run(subject)
        assert list(first.looked_at) == ["device.elf"] and len(first.looked_at["device.elf"]) == 64


def test_every_function_that_wipes_in_the_sources_is_asked_for():
    assert {
        "anom_extractor_push",
        "anom_framer_discard",
        "anom_pipeline_run",
        "anom_health_reset",
        "wipe_model",
    } <= set(wiping_functions())
    assert len(wiping_functions()) >= 14


@pytest.mark.parametrize(
    ("core", "name", "optimise"),
    [
        ("cortex-m0", "audio_scene", "-Os"),
        ("cortex-m3", "human_motion", "-O2"),
        ("cortex-m4", "supervised", "-O0"),
        ("cortex-m33", "ladder", "-Os"),
    ],
)
def test_the_stack_has_a_bound_that_a_run_does_not_exceed(core, name, optimise, tmp_path, monkeypatch):
    plan = (
        plan_of(name) if name in ("audio_scene", "human_motion") else supervised("audio_scene", {"latch": True}, {})[0]
    )
    plan = with_ladder(plan) if name == "ladder" else plan
    monkeypatch.setattr("anomsdk.mcu.stages.OPTIMISE", optimise)
    elf = tmp_path / "device.elf"
    elf.write_bytes(watching_program(plan, emit_c(plan, tmp_path / "firmware"), core))
    used = measure(Machine(elf.read_bytes(), core), plan, lambda done, total: None).stack_bytes
    finding = BY_ID["firmware.stack"].run(Subject(plan, None, tmp_path, elf=elf))
    bound = max(finding.evidence["bytes"].values())
    assert used <= bound < 2 * used
    assert f"At most {bound:,} bytes" in finding.result
    assert Graph(read_build(elf)).circle(Graph(read_build(elf)).roots, certain=False) == ()


@pytest.mark.parametrize("target", ["x86_64-linux-musl", "riscv32-freestanding"])
def test_other_processors_show_symbols_and_data_and_say_what_they_do_not(target, tmp_path):
    path = archive(built(tmp_path, plan_of("human_motion"), target, ("-O2",)), tmp_path)
    found = ran(path)
    assert {name for name, (verdict, _) in found.items() if verdict is Verdict.SHOWN} == {
        "firmware.symbols",
        "firmware.data",
    }
    assert all(
        "only that of Arm Cortex-M is" in said for verdict, said in found.values() if verdict is Verdict.NOT_SHOWN
    )


def test_builds_whose_code_or_names_are_gone_say_so(made, tmp_path):
    stripped = program(made, tmp_path, flags=("-Wl,-s",))
    with pytest.raises(anomsdk.InputError, match="has no symbols; give the program as it was before it was stripped"):
        read_build(stripped)
    together = built(tmp_path, plan_of("human_motion"), flags=("-O2", "-flto"))
    with pytest.raises(anomsdk.InputError, match=r"holds the compiler's intermediate code \(-flto\)"):
        read_build(archive(together, tmp_path, flags=("-O2", "-flto")))
    found = ran(program(together, tmp_path, flags=("-flto",)))
    assert {verdict for verdict, _ in found.values()} == {Verdict.NOT_SHOWN}
    assert all("inlined it" in said for _, said in found.values())


# Files that are none


def bad_files(made, whole, folder):
    """Name of a file that cannot be judged -> what is said."""
    elf, library = whole["program"].read_bytes(), whole["archive"].read_bytes()
    flags = ["-target", "mips-freestanding-eabi", "-std=c99", "-ffreestanding", "-c", C_PROGRAMS / "wiped_elsewhere.c"]
    zig("cc", *flags, "-o", folder / "mips.o", folder=folder)
    (folder / "other.c").write_text("int other(int x) { return x + 1; }\n")
    zig("cc", "-c", "-flto", folder / "other.c", "-o", folder / "bitcode.o", folder=folder)
    zig("cc", "-target", "thumb-freestanding-eabi", "-c", folder / "other.c", "-o", folder / "other.o", folder=folder)
    contents = {
        "empty.elf": (b"", "is no ELF file"),
        "words.elf": (b"a text\n", "is no ELF file"),
        "short.elf": (elf[: len(elf) // 2], "truncated"),
        "shorter.elf": (elf[:60], "truncated or damaged"),
        "short.a": (library[:-700], "is truncated"),
        "shorter.a": (library[:40], "is truncated or damaged at byte 8"),
        "nothing.a": (b"!<arch>\n", "is an archive without object files"),
        "thin.a": (b"!<thin>\n" + library[8:], "is a thin archive"),
    }
    for name, (data, _) in contents.items():
        (folder / name).write_bytes(data)
    said = {name: words for name, (_, words) in contents.items()}
    said |= {"mips.o": "is for EM_MIPS, which is not known here", "bitcode.o": "intermediate code"}
    return said | {
        "other.o": "holds no function of the C port",
        "missing.elf": "cannot be read: no such file",
        ".": "not a regular file",
    }


def test_what_is_no_build_gets_one_clear_line(made, whole, tmp_path):
    for name, words in bad_files(made, whole, tmp_path).items():
        with pytest.raises(anomsdk.InputError) as error:
            read_build(tmp_path / name)
        assert words in str(error.value) and "\n" not in str(error.value), name
        assert {verdict for verdict, _ in ran(tmp_path / name).values()} == {Verdict.NOT_SHOWN}, name


@pytest.mark.parametrize("read", [read_build, read_map, lambda path: users_build(path, None), search_dump])
def test_a_file_without_end_is_refused_before_it_is_read(read, tmp_path):
    given = (None,) if read is search_dump else ()
    with pytest.raises(anomsdk.InputError, match=r"/dev/null: cannot be read: not a regular file; give [^\n]+$"):
        read(Path(os.devnull), *given)
    with (tmp_path / "sparse").open("wb") as file:
        file.truncate(5 << 30)
    with pytest.raises(anomsdk.InputError, match=r"sparse: cannot be read: larger than \d+ bytes; give [^\n]+$"):
        read(tmp_path / "sparse", *given)


def test_a_damaged_file_is_refused_or_judged_and_nothing_else(whole, tmp_path):
    rng, refused = random.Random(0), 0
    for kind, path in whole.items():
        data = path.read_bytes()
        for number in range(60):
            changed = bytearray(data[: rng.randrange(len(data))] if number % 3 == 0 else data)
            for _ in range(rng.randrange(1, 9)):
                at = rng.randrange(min(len(changed), 400) if number % 2 else len(changed)) if changed else 0
                changed[at : at + 1] = bytes([rng.randrange(256)])
            (tmp_path / kind).write_bytes(changed)
            try:
                read_build(tmp_path / kind)
            except anomsdk.InputError:
                refused += 1
    assert refused > 40


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("iprintf", "output or files"),
        ("_malloc_r", "heap"),
        ("_sbrk", "heap"),
        ("fopen", "output or files"),
        ("send", "network"),
    ],
)
def test_what_is_not_allowed_has_a_reason(name, kind):
    assert not is_allowed(name) and kind_of(name) == kind


@pytest.mark.parametrize(
    "name", ["memcpy", "__aeabi_memclr4", "__udivdi3", "__mulvsi3", "__gnu_thumb1_case_uqi", "__stack_chk_fail"]
)
def test_helpers_of_the_compiler_are_allowed(name):
    assert is_allowed(name)
