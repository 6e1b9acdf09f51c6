"""`anomsdk footprint`: what it counts is what is linked and what runs, and the command keeps its promises."""

import dataclasses
import importlib.util
import json
import re
import struct
import sys

import numpy as np
import pytest
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.core.event import Event, State
from anomsdk.cport.layout import constant_bytes, layout
from anomsdk.mcu import TARGETS, Machine, Profile, Program, footprint
from anomsdk.mcu.measuring import as_json, as_text
from anomsdk.mcu.stages import measure, watching_program
from anomsdk.plans.tflite.reader import parse_tflite
from anomsdk.plans.tflite.writer import write_tflite
from tests.support.make import EXTERNAL, SPECS, make_folder, random_layers

EVERYWHERE = {"affine", "alert", "autoencoder", "baseline", "context", "event", "extractor", "framer", "library"}
EVERYWHERE |= {"copy", "fixed", "pipeline", "reasons", "rung", "score", "wipe"}
SPECTRAL = {"fft", "filterbank", "levels"}
STAGES = {
    "bands": SPECTRAL | {"bands", "energy"},
    "logmel": SPECTRAL | {"logmel"},
    "motion": {"motion", "spectrum"},
    "external": {"external"},
    "days": {"days", "figures", "profile"},
}


@pytest.fixture(scope="module")
def elfs(plans, tmp_path_factory):
    """The program of each plan for a Cortex-M4."""
    folder = tmp_path_factory.mktemp("emitted")
    return {
        kind: watching_program(plan, anomsdk.emit_c(plan, folder / kind), "cortex-m4") for kind, plan in plans.items()
    }


@pytest.fixture(scope="module")
def found(plans):
    return {kind: footprint(plan, "cortex-m4") for kind, plan in plans.items()}


class Called(Machine):
    """Counts as `call` does, which knows of no functions, and keeps what was called."""

    def __init__(self, elf, target):
        super().__init__(elf, target)
        self.calls = []

    def profile(self, name, *arguments, limit=0):
        call = self.call(name, *arguments)
        self.calls.append((name.removeprefix("anom_pipeline_"), call))
        return Profile(call.result, call.stack_bytes, {None: call.instructions})


@pytest.mark.parametrize("kind", SPECS)
def test_hops_are_what_calls_count_and_the_same_each_time(plans, elfs, kind):
    def run(machine):
        return measure(machine, plans[kind], lambda done, total: None)

    machine = Called(elfs[kind], "cortex-m4")
    first, again, called = (run(each) for each in (*(Machine(elfs[kind], "cortex-m4") for _ in range(2)), machine))
    assert first == again
    assert first.stack_bytes == called.stack_bytes == max(call.stack_bytes for _, call in machine.calls)
    names = [name for name, _ in machine.calls]
    assert names.count("init") == 2 and names.count("gap") == names.count("reset") == 1
    gap = names.index("gap")
    pushes = [i for i in range(gap) if names[i] == "push"]
    begin = pushes[-len(first.hops)]  # before it stands the last hop without a tick
    assert set(names[begin:gap]) == {"push", "poll"} and len(pushes) == len(first.hops) + 1
    total = sum(call.instructions for _, call in machine.calls[begin:gap])
    assert sum(hop.instructions.total() for hop in first.hops) == total
    assert [hop.ticked for hop in first.hops] == [hop.ticked for hop in called.hops]
    for hops, others in ((first.hops, called.hops), (first.quiet, called.quiet)):
        assert [hop.instructions.total() for hop in hops] == [hop.instructions.total() for hop in others]
        for hop in hops:
            assert {stage for stage, n in hop.instructions.items() if n} <= set(first.stages)


@pytest.mark.parametrize("kind", SPECS)
def test_it_runs_what_a_device_runs(plans, elfs, kind):
    """Whole ticks, as many hops apart as the plan has."""
    plan = plans[kind]
    machine = Machine(elfs[kind], "cortex-m4")
    measured = measure(machine, plan, lambda done, total: None)
    per_tick = plan.samples_per_tick // plan.framer.hop
    assert len(measured.hops) == per_tick * sum(hop.ticked for hop in measured.hops) >= 8
    assert measured.hops[-1].ticked and sum(hop.ticked for hop in measured.hops) >= 2
    assert not any(hop.ticked for hop in measured.quiet) and len(measured.quiet) > 0


def test_the_stack_is_that_of_an_alarm_too(tmp_path):
    """Of a plan, too, that would never raise one."""
    deaf = "[alert]\nraise_score = 4000000000\nhigh_ratio = 0\nm = 3\non_delay_s = 1\n"
    plan = anomsdk.plan(make_folder(tmp_path / "deaf", EXTERNAL.partition("[alert]")[0] + deaf))
    machine = Machine(watching_program(plan, anomsdk.emit_c(plan, tmp_path / "emitted"), "cortex-m4"), "cortex-m4")
    measure(machine, plan, lambda done, total: None)
    n_events, event = struct.unpack_from("<i16s", machine.read("result"), 8)
    assert n_events == 1 and Event.from_bytes(event).state == State.UNACK_ALARM


@pytest.mark.parametrize("kind", SPECS)
def test_flash_adds_up_to_what_is_linked(plans, elfs, found, kind):
    flash, program = found[kind].flash, Program.from_elf(elfs[kind])
    assert program.section_bytes.keys() == {".text", ".rodata", ".bss"}
    added = program.symbol("raised_by").size
    assert flash.code + flash.tables + flash.model + added == sum(
        program.section_bytes[name] for name in (".text", ".rodata")
    )

    plan = plans[kind]
    tables, model = constant_bytes(plan)
    prefix = f"plan_{plan.name}_"
    own = [s for s in program.symbols if s.source == f"anom_plan_{plan.name}.c" or s.name == f"anom_plan_{plan.name}"]
    assert flash.model == model == sum(s.size for s in own if re.match(rf"{prefix}layers_\d+_", s.name))
    parts = ("tables", "layers", *(("groups", "reference") if kind == "days" else ()))
    structs = [s for s in own if s.name in (f"anom_plan_{plan.name}", *(f"{prefix}{part}" for part in parts))]
    assert len(structs) == 1 + len(parts) and flash.tables == tables + sum(s.size for s in structs)

    rest = [s for s in program.symbols if s.section in (".text", ".rodata") and s not in own]
    covered = {at for s in rest for at in range(s.address, s.address + s.size)}
    assert 0 <= flash.code + added - len(covered) < 4 * len(program.symbols), "and what aligns them"
    names = {s.name for s in program.symbols}
    assert "anom_selftest" not in names and "anom_pipeline_gap" in names
    assert {s.source for s in rest} >= {"anom_fixed.c" if kind != "external" else "anom_external.c", "compiler_rt"}


@pytest.mark.parametrize("kind", SPECS)
def test_ram_is_what_the_header_asks_for(plans, elfs, found, kind, tmp_path):
    ram = found[kind].ram
    asked = anomsdk.emit_c(plans[kind], tmp_path / "emitted").ram_bytes
    assert ram.state + ram.scratch == asked == Program.from_elf(elfs[kind]).symbol("memory").size
    assert ram.scratch == layout(plans[kind]).scratch
    assert 50 < ram.stack < (720 if kind == "days" else 600)


@pytest.mark.parametrize("kind", SPECS)
def test_stages_are_those_of_the_sources_and_add_up(plans, elfs, found, kind):
    one = found[kind]
    assert one.mean_hop.keys() == EVERYWHERE | STAGES[kind] == one.worst_hop.keys()
    for hop in (one.mean_hop, one.quiet_hop, one.tick_hop, one.worst_hop):
        assert all(isinstance(n, int) and n >= 0 for n in hop.values())
    assert one.quiet_hop["autoencoder"] == 0 < plans[kind].macs < one.tick_hop["autoencoder"]
    hops = measure(Machine(elfs[kind], "cortex-m4"), plans[kind], lambda done, total: None).hops
    assert sum(one.mean_hop.values()) == round(sum(hop.instructions.total() for hop in hops) / len(hops))
    assert sum(one.worst_hop.values()) == max(hop.instructions.total() for hop in hops)
    share = one.ticks / one.hops
    mixed = {stage: share * one.tick_hop[stage] + (1 - share) * one.quiet_hop[stage] for stage in one.mean_hop}
    assert all(abs(mixed[stage] - n) <= 2 for stage, n in one.mean_hop.items() if stage != "autoencoder")
    assert sum(one.worst_hop.values()) >= sum(one.tick_hop.values()) >= sum(one.mean_hop.values())
    hops_per_second = plans[kind].rate_hz / plans[kind].framer.hop
    assert one.mhz == sum(one.mean_hop.values()) * hops_per_second / 1e6
    assert one.worst_mhz == sum(one.worst_hop.values()) * hops_per_second / 1e6
    assert one.dominant[0] == {"motion": "motion", "external": "autoencoder", "days": "figures"}.get(kind, "fft")
    assert one.dominant[1] == max(one.mean_hop.values()) / sum(one.mean_hop.values())


def test_a_larger_model_costs_in_its_own_stage_only(tmp_path):
    """Its scratch is wiped, and what follows it depends on its score."""
    small, large = (footprint(with_hidden(tmp_path / str(n), n), "cortex-m0") for n in (16, 32))
    for stage in small.mean_hop.keys() - {"autoencoder", "library", "wipe", "alert", "rung", "baseline"}:
        assert small.mean_hop[stage] == large.mean_hop[stage], stage
    assert 1.5 < large.mean_hop["autoencoder"] / small.mean_hop["autoencoder"] < 2
    assert large.flash.code == small.flash.code and large.flash.tables == small.flash.tables
    assert large.flash.model - small.flash.model == 16 * (
        20 + 20 + 4 + 4 + 1
    )  # weights in blocks, bias, multiplier, shift


def with_hidden(folder, n_hidden):
    """A plan of rows whose model has one hidden layer."""
    make_folder(folder, EXTERNAL)
    data = write_tflite(random_layers([18, n_hidden, 18], np.random.default_rng(0)))
    (folder / "model.tflite").write_bytes(data)
    tree = json.loads((folder / "calibration.json").read_text())
    tree["model_sha256"] = parse_tflite(data, name="model").sha256
    (folder / "calibration.json").write_text(json.dumps(tree))
    return anomsdk.plan(folder)


def test_a_hop_that_is_always_a_tick(tmp_path):
    spec = EXTERNAL.replace("frames = 3", "frames = 1")
    found = footprint(anomsdk.plan(make_folder(tmp_path / "each", spec)), "m3")
    assert found.target == "cortex-m3" and found.hops == found.ticks and found.quiet_hop is None
    assert "without a tick" not in as_text(found) and "autoencoder" in as_text(found)


def test_the_small_core_takes_more(plans, found):
    small = footprint(plans["bands"], "cortex-m0")
    assert sum(small.mean_hop.values()) > sum(found["bands"].mean_hop.values())
    assert (small.ram.state, small.ram.scratch) == (found["bands"].ram.state, found["bands"].ram.scratch)
    assert small.flash.model == found["bands"].flash.model


def test_where_ticks_are_long_some_hops_stand_for_the_others(tmp_path, monkeypatch):
    spec = SPECS["bands"].replace("stride = 1", "stride = 4").replace("off_delay_s = 0.5", "off_delay_s = 3")
    plan = anomsdk.plan(make_folder(tmp_path / "long", spec))
    elf = watching_program(plan, anomsdk.emit_c(plan, tmp_path / "emitted"), "cortex-m4")

    def run(enough):
        monkeypatch.setattr(sys.modules["anomsdk.mcu.stages"], "_ENOUGH_HOPS", enough)
        return measure(Machine(elf, "cortex-m4"), plan, lambda done, total: None).hops

    every, some = run(32), run(4)
    assert len(every) == 2 * 16 == 2 * len(some)
    assert sum(hop.weight for hop in every) == sum(hop.weight for hop in some) == 32
    assert [hop for hop in some if hop.ticked] == [hop for hop in every if hop.ticked]
    totals = [sum(hop.weight * hop.instructions.total() for hop in hops) for hops in (some, every)]
    assert totals[0] == pytest.approx(totals[1], rel=1e-3) and totals[0] > 0


# The command


def run(*arguments):
    return CliRunner().invoke(cli.app, ["footprint", *map(str, arguments)])


@pytest.fixture(scope="module")
def saved(plans, tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "plan.json"
    anomsdk.write_plan(plans["external"], path)
    return path


def test_json_is_all_of_stdout(saved, found):
    done = run(saved, "--target", "cortex-m4", "--json")
    assert done.exit_code == 0, done.output
    tree = json.loads(done.stdout)
    assert tree == as_json(found["external"])
    assert list(tree) == ["target", "flash_bytes", "ram_bytes", "instructions_per_hop", "mhz", "radio_a_day"]
    assert tree["target"] == "cortex-m4"
    assert tree["flash_bytes"].keys() == {"code", "tables", "model"}
    assert tree["ram_bytes"].keys() == {"state", "scratch", "stack"}
    total = tree["instructions_per_hop"].pop("total")
    assert total == sum(tree["instructions_per_hop"].values())
    assert tree["instructions_per_hop"] == found["external"].mean_hop
    assert tree["mhz"] == pytest.approx(total * 10 / 1e6, rel=0.005)


def test_text_shows_each_number(saved, found):
    done = run(saved, "--target", "cortex-m4")
    assert done.exit_code == 0, done.output
    one = found["external"]
    shown = re.sub(r"(?<=\d),(?=\d)", "", done.stdout)
    numbers = [*dataclasses.asdict(one.flash).values(), *dataclasses.asdict(one.ram).values()]
    numbers += [one.flash.total, one.ram.total, sum(one.mean_hop.values()), sum(one.worst_hop.values())]
    assert {str(n) for n in numbers} <= set(re.findall(r"\d+", shown))
    row = next(line.split() for line in shown.splitlines() if line.startswith("pipeline"))
    mean, quiet, tick, worst = (hop["pipeline"] for hop in (one.mean_hop, one.quiet_hop, one.tick_hop, one.worst_hop))
    assert tick > quiet > 0 and row[1:] == [str(n) for n in (mean, quiet, tick - quiet, worst)]
    assert "Instructions are not cycles" in shown and "autoencoder" in shown.partition("\ninstructions")[0]
    assert max(map(len, done.stdout.splitlines())) <= 100


@pytest.mark.parametrize("target", ["avr", "cortex-m1", ""])
def test_an_unknown_target_is_refused(saved, target):
    done = run(saved, "--target", target)
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr == f"error: target '{target}' is unknown; choose from {', '.join(TARGETS)}\n"


def test_a_plan_that_cannot_be_read_is_refused(tmp_path):
    (tmp_path / "plan.json").write_text("{")
    done = run(tmp_path / "plan.json", "--target", "m4", "--json")
    assert done.exit_code == 2 and done.stdout == ""
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize("module", ["ziglang", "unicorn", "elftools"])
def test_what_is_missing_is_said_before_anything_is_done(saved, monkeypatch, module):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name, *rest: None if name == module else find(name, *rest))
    home = sys.modules["anomsdk.mcu.measuring"]  # the attribute of that name is the function
    monkeypatch.setattr(home, "emit_c", lambda *_: pytest.fail("too late"))
    done = run(saved, "--target", "cortex-m4", "--json")
    assert done.exit_code == 2 and done.stdout == ""
    assert "pip install 'anomsdk[mcu]'" in done.stderr and done.stderr.count("\n") == 1


def test_progress_ends_where_it_was_announced(plans, elfs):
    seen = []
    measure(Machine(elfs["external"], "cortex-m4"), plans["external"], lambda *each: seen.append(each))
    assert {total for _, total in seen} == {len(seen)}
    assert [done for done, _ in seen] == list(range(1, len(seen) + 1))
