"""What the port takes on a device: stack, flash, RAM and instructions, and what it asks of a C library."""

import dataclasses
import json

import pytest
from elftools.elf.elffile import ELFFile

import anomsdk
from anomsdk.core.diary import COLUMNS, DiaryPlan
from anomsdk.core.duty import DutyPlan
from anomsdk.mcu import Machine
from tests.support.board import BOARDS, said, sources_of
from tests.support.c_build import C_PROGRAMS, SOURCES
from tests.support.emulated import MeasuredPipeline, firmware
from tests.support.ladder_costs import LadderCosts, with_ladder
from tests.support.make import SPECS, lively, make_folder
from tests.support.sizes import LIBRARY_STACK, call_graph, callable_program, linked, linked_bytes, pushed_bytes, stacks
from tests.support.supervised_models import supervised

pytestmark = pytest.mark.boards

GCC = [name for name in BOARDS if name != "s390x"]
MOST_STACK = 600
MOST_CODE = 8000
MOST_RAM = 5000
MOST_RECORD_CODE = 1460

LIBC = {"memcpy", "memmove", "memset"}
MAY_NEED = {
    "cortex-m0": LIBC
    | {"__aeabi_lmul", "__aeabi_idiv", "__aeabi_uidiv", "__aeabi_idivmod", "__aeabi_uidivmod"}
    | {"__aeabi_llsl", "__aeabi_llsr", "__aeabi_lasr"},
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
    found = stacks(needed(name), tmp_path)
    each = ", ".join(f"{function.removeprefix('anom_pipeline_')} {size}" for function, size in found.functions.items())
    figure(f"stack   {name:12} {BOARDS[name].optimise} {each}, selftest {found.selftest}; at most, bytes")
    assert max(found.functions.values()) <= MOST_STACK
    assert {"anom_bands:bands_levels", "anom_logmel:logmel_levels"} <= found.reached, (
        "calls through pointers are followed"
    )


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4f"])
def test_stack_and_instructions_as_measured(name, tmp_path, figure):
    """The program that gcc made, on an emulated core: what is used is within the bound, and near it."""
    board = needed(name)
    plan = anomsdk.reference_model("audio_scene")
    made = firmware([plan], tmp_path)
    flags = ["-fcallgraph-info=su", *(f"-I{path}" for path in made.include), *made.flags]
    program = callable_program(board, made.sources, tmp_path, flags, made.keep)
    files = (path for path in tmp_path.glob("anom_*.ci") if "anom_plan_" not in path.name)
    graph = call_graph(files, extractors=[f"anom_{plan.extractor.kind}"])
    machine = Machine(program.read_bytes(), name.removesuffix("f"))
    pipeline = MeasuredPipeline(machine, plan)
    with anomsdk.Pipeline(plan, "reference") as reference:
        assert pipeline.process(lively(plan)) == reference.process(lively(plan))
    for function, calls in pipeline.calls.items():
        bound, used = graph.deepest(f"anom_pipeline_{function}")[0], max(call.stack_bytes for call in calls)
        unused = 128 if function == "push" else 0  # wiped only after a copy between other alignments
        assert used <= bound <= used + LIBRARY_STACK + 40 + unused, function
        most = max(call.instructions for call in calls)
        figure(f"used    {name:12} -Os {function}: stack {used} of {bound} bytes, {most:,} instructions at most")


@pytest.mark.parametrize("name", GCC)
def test_code_and_ram(name, tmp_path, figure):
    """A program that watches with audio_scene: all that is linked, but its tables, its model and the board's own."""
    board = needed(name)
    plan = anomsdk.reference_model("audio_scene")
    found = linked(board, plan, tmp_path)
    assert {"anom_fft.o", "anom_fixed.o", "anom_pipeline.o"} <= found.files, "the map was understood"
    assert not {"anom_selftest.o", "anom_sha256.o", "anom_logmel.o"} & found.files
    figure(
        f"size    {name:12} {board.optimise} code {found.code} bytes ({found.runtime} of them libc and libgcc), "
        f"tables and model {found.data}, RAM {found.ram}"
    )
    if board.optimise == "-Os":
        assert found.code <= MOST_CODE
    assert found.ram == anomsdk.emit_c(plan, tmp_path / "again").ram_bytes <= MOST_RAM


@pytest.mark.parametrize("sections", ["alert", "alarm and health"])
def test_save_restore_and_duty(sections, tmp_path, figure):
    """What they add to a program on Cortex-M4; the record lies in memory of the caller, and none is added."""
    alarm, board = sections != "alert", needed("cortex-m4f")
    plan = supervised("audio_scene", alarm={}, health={})[0] if alarm else anomsdk.reference_model("audio_scene")
    duty = dataclasses.replace(plan, duty=DutyPlan(10 * 16000, 60 * 16000), folder=None)
    without = linked(board, plan, tmp_path / "without")
    both = linked(dataclasses.replace(board, compiler=(*board.compiler, "-DRECORDS")), duty, tmp_path / "both")
    assert {"anom_record.o", "anom_duty.o"} & without.files == set()
    assert {"anom_record.o", "anom_duty.o"} <= both.files
    code = both.code - without.code
    figure(f"record  cortex-m4f  {board.optimise} {sections}: save, restore and duty add code {code}, RAM 0 bytes")
    assert 0 < code <= MOST_RECORD_CODE
    assert both.ram == without.ram


@pytest.mark.parametrize(
    ("features", "needs"),
    [
        (["magnitude_mean", "odba", "posture_change", "jerk_max"], False),
        (["magnitude_mean", "band_energies"], True),
        (["dominant_frequency"], True),
    ],
)
def test_the_spectrum_is_linked_where_a_feature_of_motion_needs_it(features, needs, tmp_path):
    spec = SPECS["motion"].replace("gravity_s = 0.5", f"gravity_s = 0.5\nselect = {json.dumps(features)}")
    (tmp_path / "plan").mkdir()
    plan = anomsdk.plan(make_folder(tmp_path / "plan", spec))
    found = linked(needed("cortex-m4f"), plan, tmp_path / "linked")
    assert "anom_motion.o" in found.files
    assert ("anom_spectrum.o" in found.files) == needs


@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m4f", "rv32imc"])
def test_stack_without_a_spectrum(name, tmp_path):
    """What no plan names is not counted, and motion needs no other."""
    needed(name).objects(SOURCES, tmp_path, ["-fcallgraph-info=su"])
    files = sorted(tmp_path.glob("*.ci"))
    without = call_graph(files, extractors=["anom_motion"], transform=None)
    assert "anom_spectrum_run" in call_graph(files, extractors=["anom_motion"]).reached("anom_pipeline_poll")
    assert "anom_motion:motion_levels" in without.reached("anom_pipeline_poll")
    assert "anom_spectrum_run" not in without.reached("anom_pipeline_poll")


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
    assert outside <= MAY_NEED[name] and "memmove" in outside
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


@pytest.mark.parametrize("kind", ["external", "bands", "logmel"])
@pytest.mark.parametrize("name", ["cortex-m0", "cortex-m3", "cortex-m4f", "cortex-m7f"])
def test_instructions_are_those_that_qemu_counts(name, kind, tmp_path, plans):
    """One program in QEMU, by a timer, and in the emulator of anomsdk.mcu: calls, and profiles by function."""
    board, plan = needed(name), plans[kind]
    sources, flags = sources_of(plan, tmp_path / "emitted")
    rows, hops = plan.framer.hop, 3 + 2 * plan.samples_to_first_tick // plan.framer.hop
    flags += [f"-DBLOCK_ROWS={rows}", f"-DBLOCK_VALUES={rows * plan.columns}", f"-DHOPS={hops}"]
    program = board.program([*sources, C_PROGRAMS / "board_count.c"], tmp_path / "built", flags)
    status, lines = board.run(program, "-icount", "shift=6")
    ticks = {what: int(number) for what, number in map(str.split, lines)}
    assert status == 0
    machine = Machine(program.read_bytes(), name.removesuffix("f"))
    nothing = machine.call("nothing").instructions
    results = {"watch": plan.ticks_in(hops * rows)}
    if kind == "external":  # the golden stream of the others is long
        results["work"] = 0
    for what, result in results.items():
        call = machine.call(what)
        assert call.signed == result
        assert abs((ticks[what] - ticks["nothing"]) * 40 / 64 - (call.instructions - nothing)) < 2
        assert machine.profile(what).instructions == call.instructions


DAYS = ("anom_days.o", "anom_profile.o", "anom_figures.o")
MOST_DAYS_CODE, MOST_DIARY_CODE = 3880, 1250


def test_days_and_diary(tmp_path, figure):
    """What a plan of days and what a diary adds to a program on Cortex-M4; other plans hold none of it."""
    board, collar = needed("cortex-m4f"), anomsdk.reference_model("cattle_collar")
    slot_q16 = round(900 * collar.rate_hz / collar.framer.hop * 65536)
    diary = dataclasses.replace(collar, folder=None, diary=DiaryPlan(slot_q16, 65536, tuple(COLUMNS)))
    plans = {"collar": collar, "diary": diary, "days": anomsdk.reference_model("cattle_days")}
    ram = {name: linked(board, plan, tmp_path / name).ram for name, plan in plans.items()}
    sizes = {name: linked_bytes((tmp_path / name / "map").read_text()) for name in plans}
    assert not {*DAYS, "anom_diary.o"} & sizes["collar"].keys()
    assert not {*DAYS} & sizes["diary"].keys() and "anom_diary.o" not in sizes["days"]
    groups = sizes["days"]["anom_score.o"] - sizes["collar"]["anom_score.o"]
    days = sum(sizes["days"][file] for file in DAYS) + groups
    figure(
        f"days    cortex-m4f  {board.optimise} days, profile, figures and groups {days} bytes of code "
        f"(groups {groups}), RAM of cattle_days {ram['days']}; diary {sizes['diary']['anom_diary.o']}, "
        f"RAM {ram['diary'] - ram['collar']} bytes"
    )
    assert groups > 0 and days <= MOST_DAYS_CODE
    assert 0 < sizes["diary"]["anom_diary.o"] <= MOST_DIARY_CODE


MOST_LADDER_CODE, MOST_LADDER_RAM = 1800, 448
MOST_DOWNLINK_CODE = 64
"""With the call in a program."""
MOST_LADDER_RECORD_CODE = 350
"""The ladder's part of save and restore, which each ladder links but with -DANOM_WITHOUT_RECORDS."""
MOST_AT_REST, MOST_OF_A_TICK = 400, 1200
MOST_OF_ANY_HITS, MOST_BY_A_DAY, MOST_AT_ONCE = 1600, 3000, 4600
"""Beyond 1,200: all rungs raise with hits that differ; a day breaks a promise; both, and a day waits to be counted."""


def test_ladder(tmp_path, figure):
    """What a ladder of 24 rungs adds to a plan with an alarm on Cortex-M4; a plan without one holds none of it."""
    board = needed("cortex-m4f")

    def built(plan, *flags):
        with_flags = dataclasses.replace(board, compiler=(*board.compiler, *flags))
        return linked(with_flags, plan, tmp_path / f"{plan.id}{''.join(flags)}")

    plain = dataclasses.replace(supervised("audio_scene", alarm={})[0], folder=None)
    plan = with_ladder(plain)
    without, ladder = built(plain), built(plan, "-DLADDER")
    unsaved = built(plan, "-DLADDER", "-DANOM_WITHOUT_RECORDS")
    exports, records = built(plan, "-DLADDER", "-DEXPORTS"), built(plan, "-DLADDER", "-DRECORDS")
    assert not {"anom_ladder.o", "anom_export.o"} & without.files
    assert "anom_ladder.o" in ladder.files and not {"anom_export.o", "anom_record.o"} & ladder.files
    orders = built(plan, "-DLADDER", "-DDOWNLINKS")
    assert "anom_downlink.o" in orders.files and not any("anom_downlink.o" in each.files for each in (without, ladder))
    assert orders.ram == ladder.ram
    assert 0 < orders.code - ladder.code <= MOST_DOWNLINK_CODE
    code, ram = unsaved.code - without.code, ladder.ram - without.ram
    part = ladder.code - unsaved.code
    figure(
        f"ladder  cortex-m4f  {board.optimise} code {code}, its part of a record {part}, RAM {ram} bytes; export {exports.code - ladder.code}, downlink {orders.code - ladder.code}, "
        f"record {records.code - ladder.code} (without a ladder {built(plain, '-DRECORDS').code - without.code})"
    )
    assert 0 < code <= MOST_LADDER_CODE
    assert 0 < part <= MOST_LADDER_RECORD_CODE
    assert 0 < ram <= MOST_LADDER_RAM


def test_instructions_of_a_ladder(tmp_path, figure):
    """The worst tick: all 24 rungs raise, stand or clear, and a day ends."""
    plan = with_ladder(supervised("audio_scene", alarm={})[0])
    costs = LadderCosts(plan, tmp_path)
    at_rest, most, broken, any_hits = costs.at_rest(), costs.most(), costs.broken(), costs.of_any_hits()
    by_a_day, at_once = costs.broken_by_a_day(), costs.of_all_at_once()
    figure(
        f"ladder  cortex-m4   -Os {at_rest} instructions a tick at rest, {most} at most, {broken} where it breaks, "
        f"{any_hits} where all hits differ, "
        f"{by_a_day} where a day breaks it, {at_once} where all comes at once"
    )
    assert at_rest <= MOST_AT_REST
    assert max(most, broken) <= MOST_OF_A_TICK
    assert any_hits <= MOST_OF_ANY_HITS
    assert by_a_day <= MOST_BY_A_DAY
    assert at_once <= MOST_AT_ONCE
