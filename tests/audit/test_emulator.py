"""Compiled pipelines in the emulator: nothing of the signal stays in RAM and registers, and planted faults are found."""

import dataclasses
import os
import re
import shutil

import pytest

import anomsdk
from anomsdk.audit.check import Subject, Verdict
from anomsdk.audit.emulator import checks
from anomsdk.audit.emulator.build import CELLS, Cell, compiled
from anomsdk.audit.emulator.twins import Twins
from anomsdk.audit.emulator.wipes import wipes
from anomsdk.core.diary import COLUMNS, MOVEMENT, DiaryPlan
from anomsdk.mcu import compile_firmware
from anomsdk.mcu.stages import plan_file
from tests.support.make import SPECS, make_plan

SEEDS = tuple(range(min(3, int(os.environ.get("ANOMSDK_AUDIT_SEEDS", "1")))))
M0, M4 = Cell("cortex-m0", "-Os"), Cell("cortex-m4", "-Os")
DEEP = len(SEEDS) > 1
"""All builds of all plans, and not those that a change is most likely to break."""
RUNS = [("audio_scene", M4), ("human_motion", M0), ("cattle_days", M4), ("diary of cattle_collar", M0)]
PLANS = ("audio_scene", "cattle_collar", "human_motion", "logmel", "cattle_days", "person_days")
PLANS += ("diary of audio_scene", "diary of cattle_collar")
if DEEP:
    RUNS = [(name, cell) for name in PLANS for cell in (*CELLS, *(Cell(c.target, "-O2", True) for c in CELLS[::3]))]


def reference_plan(name):
    """Reference model, or with "diary of" one with a diary of all columns that its kind has."""
    plan = anomsdk.reference_model(name.removeprefix("diary of "))
    if not name.startswith("diary of "):
        return plan
    columns = tuple(name for name in COLUMNS if plan.extractor.kind == "motion" or name not in MOVEMENT)
    slot_q16 = round(900 * plan.rate_hz / plan.framer.hop * 65536)
    return dataclasses.replace(
        plan, folder=None, diary=DiaryPlan(slot_q16, 65536 * (len(columns) == len(COLUMNS)), columns)
    )


@pytest.fixture(scope="module")
def emitted(tmp_path_factory):
    """Function from the name of a plan to the plan and the folder of its sources; both are made once."""
    made = {}

    def of(name):
        if name not in made:
            folder = tmp_path_factory.mktemp(name)
            plan = make_plan(folder, name) if name in SPECS else reference_plan(name)
            made[name] = plan, anomsdk.emit_c(plan, folder / "emitted").folder
        return made[name]

    return of


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("name", "cell"), RUNS, ids=lambda value: getattr(value, "name", value))
def test_nothing_of_the_signal_stays_in_ram_and_registers(emitted, name, cell, seed):
    plan, folder = emitted(name)
    looked = Twins(compiled(plan, folder, cell), cell.target, plan, seed).run()
    assert looked.found == {} and looked.controls == []
    assert {"push", "poll", "gap", "reset", "save", "restore", "export", "downlink", "selftest"} <= set(looked.looks)
    assert looked.looks["poll"] > 10


FAULTS = {
    "a wipe that the compiler leaves out": (
        "src/anom_wipe.c",
        (
            r"ANOM_NOINLINE void anom_wipe_stack_motion\(void\)",
            "#define anom_wipe(at, n) __builtin_memset(at, 0, n)\n\\g<0>",
        ),
        "poll: stack below the caller",
    ),
    "a scratch that is forgotten": (
        "src/anom_extractor.c",
        (r"    anom_wipe\(extractor->scratch[^\n]*\n", ""),
        "poll: memory scratch",
    ),
    "features that outlive their tick": (
        "src/anom_pipeline.c",
        (r"    anom_wipe\(pipeline->features, \(size_t\)[^\n]*\n", ""),
        "poll: memory features",
    ),
    "a window that is not wiped behind its samples": (
        "src/anom_framer.c",
        (r"    anom_wipe\(sample\(framer, kept\)[^\n]*\n", ""),
        "window: memory framer.samples",
    ),
    "a reset that forgets the history": (
        "src/anom_pipeline.c",
        (
            r"(void anom_pipeline_reset.*?)    anom_context_restart\(&pipeline->context\);\n",
            r"\1    pipeline->context.wait = pipeline->context.plan->frames;\n    pipeline->context.has_given = 0;\n",
        ),
        "reset: memory context.history",
    ),
    "a copy of the window on the stack": (
        "src/anom_extractor.c",
        (
            r"(    int32_t complete = plan)",
            "    volatile int16_t copy[600];\n    for (int32_t i = 0; i < 60; i++)\n        copy[i] = frame[i];\n\\1",
        ),
        "poll: stack below the caller",
    ),
    "a sample in a variable": (
        "src/anom_extractor.c",
        (
            r"int32_t anom_extractor_push(.*?)(    int32_t complete = plan)",
            "static volatile int16_t peak;\n\nint32_t anom_extractor_push\\1    peak = frame[0];\n\\2",
        ),
        "poll: variable peak",
    ),
    "a sample in a register": (
        "src/anom_extractor.c",
        (
            r"(    int32_t complete = plan)",
            r'    __asm__ volatile(".fpu fpv4-sp-d16; vmov s9, %0" : : "r"(frame[0]));' + "\n\\1",
        ),
        "poll: register s9",
    ),
}


PATCHED = {}


def patched(emitted, fault):
    """Plan of a collar, and a program of it with a fault, which is compiled once."""
    plan, folder = emitted("cattle_collar")
    if fault in PATCHED:
        return plan, PATCHED[fault]
    file, (pattern, text), _ = FAULTS[fault]
    copy = folder.parent / fault.replace(" ", "_")
    shutil.copytree(folder, copy)
    source = (copy / file).read_text()
    changed = re.sub(pattern, text, source, count=1, flags=re.S)
    assert changed != source
    (copy / file).write_text(changed)
    PATCHED[fault] = compiled(plan, copy, M4)
    return plan, PATCHED[fault]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found_by_its_place(emitted, fault):
    plan, elf = patched(emitted, fault)
    found = {"build": [Twins(elf, M4.target, plan, 0).run()]}
    place = FAULTS[fault][2]
    assert place in found["build"][0].found
    kinds = checks.RAM if "register" not in place else checks.REGISTERS
    finding = checks.finding_of(found, kinds, "byte", {})
    assert finding.verdict is Verdict.FAILED and place in str(finding.evidence["residues"])
    if "window" in fault and "stack" in place:
        assert "int16" in found["build"][0].found[place], "the form of what stays is named"


@pytest.mark.parametrize(
    ("fault", "place"),
    [("a scratch that is forgotten", "poll: scratch"), ("a reset that forgets the history", "reset: context.history")],
)
def test_a_wipe_that_is_not_called_is_named(emitted, fault, place):
    plan, folder = emitted("cattle_collar")
    whole = wipes(compiled(plan, folder, M4), M4.target, plan, 0)
    assert whole.missing == {} and min(whole.calls.values()) > 0
    assert {"framer.samples", "context.history", "features", "scratch"} <= set(whole.fields)
    found = wipes(patched(emitted, fault)[1], M4.target, plan, 0)
    assert set(found.missing) == {place}
    finding = checks.finding_of_wipes({"build": found}, {})
    assert finding.verdict is Verdict.FAILED and place in finding.result
    assert checks.finding_of_wipes({"build": whole}, {}).verdict is Verdict.SHOWN


def test_controls_that_are_not_found_fail_the_check(emitted):
    plan, folder = emitted("human_motion")
    looked = Twins(compiled(plan, folder, M4), M4.target, plan, 0).run()
    assert checks.finding_of({"build": [looked]}, checks.RAM, "byte", {}).verdict is Verdict.SHOWN
    looked.controls.append("stack")
    assert checks.finding_of({"build": [looked]}, checks.RAM, "byte", {}).verdict is Verdict.FAILED
    assert checks.finding_of({"build": [looked]}, checks.REGISTERS, "byte", {}).verdict is Verdict.SHOWN


def test_a_program_of_the_user_is_run(emitted, tmp_path):
    plan, folder = emitted("human_motion")
    check = next(check for check in checks.CHECKS if check.id == "emulator.own-build")
    elf = tmp_path / "product.elf"
    subject = Subject(plan, None, tmp_path, elf=elf)
    keep = [f"anom_pipeline_{name}" for name in ("init", "push", "poll", "reset")]
    elf.write_bytes(linked(plan, folder, [*keep, f"anom_plan_{plan.name}"]))
    finding = check.run(subject)
    assert finding.verdict is Verdict.SHOWN and set(finding.looked_at) == {"product.elf", plan.name}
    assert "the program lacks anom_pipeline_gap, anom_pipeline_save" in finding.result
    looks = finding.evidence["looks after each function"]
    assert looks["reset"] and "gap" not in looks, "a function that is there is called, one that is not is named"
    assert finding == check.run(subject)
    other = emitted("cattle_collar")[0]
    with pytest.raises(anomsdk.InputError, match="does not hold the plan 'cattle_collar'"):
        check.run(Subject(other, None, tmp_path, elf=elf))
    with pytest.raises(anomsdk.InputError, match="give the plan, too"):
        check.run(Subject(None, None, tmp_path, elf=elf))
    elf.write_bytes(linked(plan, folder, [*keep[:2], f"anom_plan_{plan.name}"]))
    with pytest.raises(anomsdk.InputError, match="has no symbol anom_pipeline_poll,"):
        check.run(subject)
    for content in (b"", b"\x7fELF", elf.read_bytes()[:100]):
        elf.write_bytes(content)
        with pytest.raises(anomsdk.InputError, match=r"product\.elf"):
            check.run(subject)


def linked(plan, folder, keep):
    return compile_firmware(
        [*sorted((folder / "src").glob("*.c")), folder / plan_file(plan)],
        "cortex-m4",
        keep=keep,
        include=[folder, folder / "include", folder / "src"],
    )


def test_tools_that_are_missing_are_named(emitted, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    subject = Subject(emitted("human_motion")[0], None, tmp_path, elf=tmp_path / "product.elf")
    for check in checks.CHECKS:
        with pytest.raises(anomsdk.InputError, match=r"pip install 'anomsdk\[audit\]'"):
            check.run(subject)
