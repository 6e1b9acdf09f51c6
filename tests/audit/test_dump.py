"""Dumps of an emulated device: what it may hold, what it forgot to wipe, and files that are of something else."""

import numpy as np
import pytest

import anomsdk
from anomsdk.audit.check import Verdict
from anomsdk.audit.firmware.dump import played_canary, search_dump
from anomsdk.audit.firmware.maps import read_map
from anomsdk.audit.firmware.pipelines import fields_of, pipelines
from tests.support.audited import RAM, RAM_BYTES, Device, built, gnu_map, lld_map, plan_of, program

HEARD = 17_000
"""Samples that the device hears: a tick and a part of a window."""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Objects of a reference model for a Cortex-M4."""
    return built(tmp_path_factory.mktemp("built"), plan_of("audio_scene"))


def dumped(made, folder, *flags, fault="", ends=False):
    """Dump and maps of a device that has heard the canary."""
    folder.mkdir(exist_ok=True)
    elf = program(made, folder, fault, flags)
    device = Device(elf)
    assert device.hear(played_canary(made.plan)[:HEARD]) == 1
    if ends:
        device.machine.run("device_end")
    (folder / "ram.bin").write_bytes(device.dump())
    (folder / "gnu.map").write_text(gnu_map(elf))
    (folder / "lld.map").write_text(lld_map(elf))
    return folder


@pytest.fixture(scope="module")
def clean(made, tmp_path_factory):
    """Folder with the dump of a device that forgets nothing."""
    return dumped(made, tmp_path_factory.mktemp("clean"))


@pytest.mark.parametrize("named", [None, "gnu.map", "lld.map"])
def test_a_device_that_forgets_nothing(clean, made, named):
    found = search_dump(clean / "ram.bin", made.plan, clean / named if named else None)
    assert found.verdict is Verdict.SHOWN and found.evidence["residues"] == []
    assert found.evidence["base"] == f"{RAM:#010x}" and found.evidence["signal"] == "the canary"
    (pipeline,) = found.evidence["pipelines"]
    assert pipeline["samples in the framer"] == HEARD - (HEARD - 512) // 256 * 256 - 256
    assert named is None or pipeline["at"].startswith("memory at ")
    assert {"int16", "windowed int32", "spectrum int32", "features int8", "inputs int8"} <= set(found.evidence["rule"])


@pytest.mark.parametrize(
    ("flag", "fault", "where", "what"),
    [
        ("-DFORGETS_DMA", "", "dma_buffer", "as int16"),
        ("-DFORGETS_STDIO", "", "stdio_buffer", "as text, a row a line"),
        ("-DNOTHING", "HISTORY", "history", "as int16"),
        ("-DNOTHING", "WIPE", ": scratch", "bytes that should be zero"),
    ],
)
def test_what_a_device_forgets_is_found_and_named(made, tmp_path, flag, fault, where, what):
    folder = dumped(made, tmp_path / "device", flag, fault=fault)
    found = search_dump(folder / "ram.bin", made.plan, folder / "gnu.map")
    assert found.verdict is Verdict.FAILED
    assert [each for each in found.evidence["residues"] if where in each["where"] and what in each["what"]]
    assert where in found.result
    assert not fault or where == ": scratch" or len(found.evidence["residues"]) == 1


def test_without_a_signal_the_window_itself_is_searched_for(made, tmp_path):
    """The device has heard something that nobody knows, and a driver has a copy of it."""
    elf = program(made, tmp_path, flags=("-DFORGETS_DMA",))
    device, rng = Device(elf), np.random.default_rng(5)
    device.hear(rng.integers(-9000, 9000, 1000).astype(np.int16))
    (tmp_path / "ram.bin").write_bytes(device.dump())
    (tmp_path / "x.map").write_text(gnu_map(elf))
    found = search_dump(tmp_path / "ram.bin", made.plan, tmp_path / "x.map")
    assert found.verdict is Verdict.FAILED and "of the window in the framer as int16 in dma_buffer" in found.result
    other = search_dump(tmp_path / "ram.bin", made.plan, signal=np.arange(3000, dtype=np.int16) * 7)
    assert other.verdict is Verdict.FAILED, "a residue counts even if the signal is another"


def test_a_signal_that_the_device_has_not_heard_shows_nothing(clean, made):
    other = np.random.default_rng(1).integers(-9000, 9000, 20_000).astype(np.int16)
    found = search_dump(clean / "ram.bin", made.plan, signal=other)
    assert found.verdict is Verdict.NOT_SHOWN and "has not heard it" in found.result


def test_after_a_reset_only_a_signal_that_is_given_shows_something(made, tmp_path):
    folder = dumped(made, tmp_path / "ended", ends=True)
    found = search_dump(folder / "ram.bin", made.plan)
    assert found.verdict is Verdict.NOT_SHOWN and "the framer is empty" in found.result
    given = search_dump(folder / "ram.bin", made.plan, signal=played_canary(made.plan))
    assert given.verdict is Verdict.SHOWN


@pytest.mark.parametrize("field", ["scratch", "features", "framer.samples"])
def test_one_byte_that_should_be_zero_is_named(clean, made, field, tmp_path):
    dump = bytearray((clean / "ram.bin").read_bytes())
    at = pipelines(bytes(dump), made.plan)[0].offset + fields_of(made.plan)[field].offset
    at += fields_of(made.plan)[field].size - 1
    assert dump[at] == 0
    dump[at] = 1
    (tmp_path / "ram.bin").write_bytes(dump)
    found = search_dump(tmp_path / "ram.bin", made.plan, clean / "gnu.map")
    assert found.verdict is Verdict.FAILED and f"memory at 0x20000008: {field}+" in found.result


@pytest.mark.parametrize("map_name", ["gnu.map", "lld.map"])
def test_a_copy_of_features_is_found(clean, made, tmp_path, map_name):
    """A task that keeps the model's inputs for a display."""
    inputs = anomsdk.features(made.plan, played_canary(made.plan)[:HEARD])
    dump = bytearray((clean / "ram.bin").read_bytes())
    dump[-1000 : -1000 + inputs.size] = inputs.tobytes()
    (tmp_path / "ram.bin").write_bytes(dump)
    found = search_dump(tmp_path / "ram.bin", made.plan, clean / map_name)
    assert found.verdict is Verdict.FAILED and "of the signal as inputs int8" in found.result
    assert "in no symbol of the map" in found.result


def test_samples_among_the_counters_of_a_pipeline_are_named(clean, made, tmp_path):
    """Only the fields that hold something of the signal may hold it."""
    dump = bytearray((clean / "ram.bin").read_bytes())
    at = pipelines(bytes(dump), made.plan)[0].offset + fields_of(made.plan)["pipeline.alert.rung.in_row"].offset
    dump[at : at + 16] = played_canary(made.plan)[500:508].tobytes()
    (tmp_path / "ram.bin").write_bytes(dump)
    found = search_dump(tmp_path / "ram.bin", made.plan, clean / "gnu.map")
    assert found.verdict is Verdict.FAILED
    assert "8 elements of the signal as int16 in memory at 0x20000008: pipeline.alert.rung.in_row+0" in found.result


# What is refused


def refused(match, *arguments, **named):
    with pytest.raises(anomsdk.InputError, match=match) as error:
        search_dump(*arguments, **named)
    assert "\n" not in str(error.value)


def test_dumps_of_the_wrong_size_and_format(clean, made, tmp_path):
    whole, plan = (clean / "ram.bin").read_bytes(), made.plan
    (tmp_path / "short.bin").write_bytes(whole[:-4])
    refused(
        f"holds {RAM_BYTES - 4:,} bytes from 0x20000000, but the memory ram",
        tmp_path / "short.bin",
        plan,
        clean / "gnu.map",
    )
    (tmp_path / "cut.bin").write_bytes(whole[:0x1400])
    refused("but the sections of variables in the map has", tmp_path / "cut.bin", plan, clean / "lld.map")
    (tmp_path / "long.bin").write_bytes(whole + bytes(100))
    assert search_dump(tmp_path / "long.bin", plan, clean / "gnu.map").verdict is Verdict.SHOWN, "it may hold more"
    (tmp_path / "empty.bin").write_bytes(b"")
    refused("is empty", tmp_path / "empty.bin", plan)
    (tmp_path / "x.hex").write_text(":020000040800F2\n")
    refused("is Intel HEX, not raw bytes", tmp_path / "x.hex", plan)
    refused("is an ELF file, not raw bytes", clean / "device.elf", plan)
    refused("cannot be read: no such file", tmp_path / "missing.bin", plan)
    for data in (bytes(RAM_BYTES), b"\x55" * 99, np.random.default_rng(0).bytes(4096)):
        (tmp_path / "other.bin").write_bytes(data)
        refused("holds no pipeline of the plan audio_scene", tmp_path / "other.bin", plan)


def test_another_plan_another_map_another_base(clean, made, tmp_path):
    dump, plan = clean / "ram.bin", made.plan
    refused("holds no pipeline of the plan human_motion", dump, plan_of("human_motion"))
    text = (clean / "gnu.map").read_text()
    address = read_map(clean / "gnu.map").address("anom_plan_audio_scene")
    (tmp_path / "other.map").write_text(text.replace(f"{address:#018x}", f"{address + 64:#018x}"))
    refused("is the map of another build: it has anom_plan_audio_scene at", dump, plan, tmp_path / "other.map")
    (tmp_path / "none.map").write_text(text.replace("anom_plan_audio_scene", "anom_plan_kitchen"))
    refused("does not name anom_plan_audio_scene", dump, plan, tmp_path / "none.map")
    (tmp_path / "words.map").write_text("no map\n")
    refused("is no map of GNU ld or lld", dump, plan, tmp_path / "words.map")
    refused("is not where .* begins: the pipeline in it says 0x20000000", dump, plan, base=0x1FFF0000)
    assert search_dump(dump, plan, base=RAM).verdict is Verdict.SHOWN


@pytest.mark.parametrize("signal", [np.zeros(9), np.zeros((9, 2), np.int16), np.zeros(0, np.int16)])
def test_a_signal_of_the_wrong_kind(clean, made, signal):
    refused("`signal` is", clean / "ram.bin", made.plan, signal=signal)
