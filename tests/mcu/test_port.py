"""The C port on emulated cores: golden vectors, golden streams, and the results of the engines.

For each core all of it is compiled once, and so run by one test.
"""

import dataclasses

import pytest

import anomsdk
from anomsdk.mcu import TARGETS, Machine
from tests.support.c_vectors import c_source
from tests.support.emulated import EmulatedPipeline, firmware, passes_selftest
from tests.support.make import lively


@pytest.fixture(scope="module")
def chosen(plans, following):
    """Plans that raise alarms above a baseline, one of each extractor; one without a baseline; the reference model."""
    plain = dataclasses.replace(plans["external"], name="plain")
    return [plain, *following.values(), anomsdk.reference_model("audio_scene")]


@pytest.fixture(scope="module")
def built(chosen, tmp_path_factory):
    folder = tmp_path_factory.mktemp("firmware")
    (folder / "vectors.c").write_text(c_source())
    return firmware(chosen, folder, [folder / "vectors.c"], ["anom_vectors", "anom_vectors_name"])


@pytest.mark.parametrize("target", TARGETS)
def test_the_port(target, chosen, built):
    machine = Machine(built.compiled(target), target)
    failed = machine.run("anom_vectors")
    assert failed == 0, f"vectors: {name_of_case(machine, failed)}"
    for number, plan in enumerate(chosen):
        same_results(machine, plan)
        passes_selftest(machine, plan, number)


def same_results(machine, plan):
    """A stream with a gap gives the scores and events of the reference."""
    x = lively(plan)
    first, second = x[: len(x) * 3 // 5], x[len(x) * 3 // 5 :]
    lost = plan.samples_per_tick + 3
    with anomsdk.Pipeline(plan, "reference") as reference:
        expected = [*reference.process(first)]
        reference.gap(lost)
        expected += reference.process(second)
    assert len(expected) > 4, plan.name
    emulated = EmulatedPipeline(machine, plan)
    found = emulated.process(first)
    emulated.gap(lost)
    found += emulated.process(second)
    assert found == expected, plan.name
    assert [bytes(event) for result in found for event in result.events] == [
        bytes(event) for result in expected for event in result.events
    ]


def name_of_case(machine, number):
    address = machine.call("anom_vectors_name", number).result
    return machine.read_at(address, 200).partition(b"\0")[0].decode()
