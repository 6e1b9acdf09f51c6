"""Emitted folders: they compile without a warning, run to the integers of the plan, and lose nobody's files."""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

import anomsdk
from anomsdk.cli import app as cli
from anomsdk.core.autoencoder import LayerPlan
from anomsdk.core.plan import canonical_tree
from anomsdk.cport.layout import in_memory, layout, pipeline_bytes
from anomsdk.cport.source import integer, plan_source
from anomsdk.cport.structs import supervisor_bytes
from anomsdk.demo import scene as demo
from anomsdk.errors import printable
from anomsdk.mcu.emit import SUMS, emitted_files, port_files
from anomsdk.runtime.engines.native import CPlan
from anomsdk.runtime.native_module import load_native
from tests.support.c_build import C_WARNINGS, COMPILERS, KERNELS, PORT, WARNINGS, clang, compiler, missing
from tests.support.make import FOLLOWED, SPECS, make_folder, noise
from tests.support.supervised import any_alarm, any_health

NAMES = {"bands": "room", "logmel": "machine", "external": "meter", "audio_scene": "audio_scene"}
COMMITTED = PORT / "examples" / "audio_scene"

SHARED = {"affine", "alert", "autoencoder", "baseline", "context", "event", "extractor", "fixed", "framer"}
SHARED |= {
    "copy",
    "downlink",
    "duty",
    "export",
    "pipeline",
    "reasons",
    "record",
    "rung",
    "score",
    "selftest",
    "sha256",
    "wipe",
}
HEARING = {"energy", "fft", "filterbank", "levels"}
STEMS = {
    "bands": SHARED | HEARING | {"bands"},
    "logmel": SHARED | HEARING | {"logmel"},
    "motion": SHARED | {"motion", "spectrum"},
    "external": SHARED | {"external"},
    "audio_scene": SHARED | HEARING | {"bands"},
}


@pytest.fixture(scope="session")
def sources(plans):
    """A plan of each extractor, and the reference model."""
    return {**plans, "audio_scene": anomsdk.reference_model("audio_scene")}


@pytest.fixture(scope="session")
def folders(sources, tmp_path_factory):
    """An emitted folder of each; tests that change something copy it."""
    root = tmp_path_factory.mktemp("emitted")
    return {kind: anomsdk.emit_c(plan, root / kind).folder for kind, plan in sources.items()}


class Workshop:
    """Compiles emitted files; what says the same is compiled once a compiler."""

    def __init__(self, folder):
        self._folder, self._objects = folder, {}

    def object(self, name, folder, source):
        """A header in src is the same in all folders, which a test holds; the plan's own are not."""
        own = [] if source.parent.name == "src" else [*folder.glob("*.h"), *folder.glob("examples/*.h")]
        key = name, *(path.read_bytes() for path in [source, *sorted(own)])
        if key not in self._objects:
            target = self._folder / f"{len(self._objects)}.o"
            compiler(name).run("-std=c99", "-O1", *C_WARNINGS, *includes(folder), "-c", source, "-o", target)
            self._objects[key] = target
        return self._objects[key]

    def program(self, name, folder, example, *more):
        """An example with all sources of the folder, and objects from elsewhere."""
        made = [self.object(name, folder, source) for source in [*everything(folder), folder / "examples" / example]]
        return self.link(name, [*made, *more])

    def link(self, name, objects):
        program = self._folder / f"program{len(list(self._folder.iterdir()))}"
        compiler(name).run(*dict.fromkeys(objects), "-o", program)
        return program


@pytest.fixture(scope="session")
def workshop(tmp_path_factory):
    return Workshop(tmp_path_factory.mktemp("objects"))


def includes(folder):
    return [f"-I{folder / 'include'}", f"-I{folder / 'src'}", f"-I{folder}", f"-I{folder / 'examples'}"]


def everything(folder):
    """Sources of the library."""
    return [*sorted((folder / "src").glob("*.c")), *folder.glob("anom_plan_*.c")]


def run(program, stdin=b""):
    return subprocess.run([program], input=stdin, capture_output=True, timeout=60)


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# What is in it


@pytest.mark.parametrize("kind", NAMES)
def test_the_sources_are_those_that_the_plan_needs(folders, kind):
    """A device has no room for an FFT that nobody runs; and a link proves nothing about what is too much."""
    folder = folders[kind]
    assert {path.stem for path in (folder / "src").glob("*.c")} == {f"anom_{stem}" for stem in STEMS[kind]}
    headers = {path.stem for path in (folder / "src").glob("*.h")}
    kernels = {path.stem for path in KERNELS if any(path.stem.startswith(f"anom_{stem}_") for stem in STEMS[kind])}
    stems = STEMS[kind] - {"selftest"} | {
        "assumptions",
        "kernels",
        "plan",
        "x86",
        "alarm",
        "diary",
        "health",
        "ladder",
        "supervisor",
    }
    assert headers == {f"anom_{stem}" for stem in stems} | kernels
    for name, data in port_files(kind.replace("audio_scene", "bands")).items():
        assert (folder / name).read_bytes() == data == (PORT / name).read_bytes()


@pytest.mark.parametrize("section", ["alarm", "health"])
def test_a_plan_with_a_section_brings_the_sources_of_its_stages(sources, tmp_path, native, section):
    """Without health there is no source of health; without either none of the three, as the test before says.

    The pipeline checks its sizes where it is compiled: here for pointers of 4 and 8 bytes.
    """
    rng = np.random.default_rng(0)
    plan = sources["external"]
    part = any_alarm(rng) if section == "alarm" else any_health(plan, rng)
    with_section = dataclasses.replace(plan, folder=None, **{section: part})
    files = emitted_files(with_section)
    more = {name for name in files if name.endswith(".c")} - set(emitted_files(plan))
    assert more == {f"src/anom_{stem}.c" for stem in ("alarm", "supervisor", *(["health"] * (section == "health")))}
    assert layout(with_section).buffers + in_memory(supervisor_bytes(with_section), 8) == size_in_c(with_section)
    anomsdk.emit_c(with_section, tmp_path / "out")
    expected = size_in_c(plan) + layout(with_section).supervisor + pipeline_bytes(4)
    check = f"typedef char right[ANOM_PLAN_METER_BYTES == {expected} ? 1 : -1];\n"
    (tmp_path / "check.c").write_text(f'#include "anom_plan_meter.h"\n{check}')
    flags = ["-std=c99", *C_WARNINGS, *includes(tmp_path / "out")]
    clang().run("-target", "x86-linux-gnu", *flags, "-c", tmp_path / "check.c", "-o", tmp_path / "check.o")
    for target in ("x86-linux-gnu", "x86_64-linux-gnu"):
        for source in everything(tmp_path / "out"):
            clang().run("-target", target, *flags, "-c", source, "-o", tmp_path / "source.o")


@pytest.mark.parametrize("kind", NAMES)
def test_every_file_is_readable_text_that_says_where_it_comes_from(folders, kind):
    for name, data in contents(folders[kind]).items():
        text = data.decode("ascii")
        assert text.endswith("\n") and "\r" not in text and not re.search(r"@\w+@", text), name
        assert name in (SUMS, "README.md") or max(map(len, text.splitlines())) <= 120, name
        assert name.startswith("src/") or name == "include/anomsdk.h" or "anomsdk emit-c" in text[:100], name


def test_the_same_plan_gives_the_same_bytes(sources, folders, tmp_path):
    """In another process, at another time, from another folder."""
    anomsdk.write_plan(sources["bands"], tmp_path / "plan.json")
    environment = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "Asia/Tokyo", "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "anomsdk", "emit-c", "plan.json", "--out", "x/y"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert contents(tmp_path / "x/y") == contents(folders["bands"])
    sums = subprocess.run(["sha256sum", "-c", SUMS], cwd=tmp_path / "x/y", capture_output=True, text=True)
    assert (sums.returncode, sums.stderr, sums.stdout.count(": OK\n")) == (0, "", len(contents(folders["bands"])) - 1)


def test_the_committed_example_is_what_is_emitted(folders):
    fresh = contents(folders["audio_scene"])
    names = {Path(name).name: data for name, data in fresh.items() if "audio_scene" in name}
    assert {path.name: path.read_bytes() for path in COMMITTED.iterdir()} == names, (
        f"emit audio_scene again, and copy {', '.join(sorted(names))} to {COMMITTED.name}/"
    )


# What compilers and processors make of it


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("kind", NAMES)
def test_it_compiles_and_passes_its_self_test(folders, workshop, kind, name):
    done = run(workshop.program(name, folders[kind], "selftest.c"))
    expected = f"{NAMES[kind]}: self-test passed: the integers are those of the plan"
    assert (done.returncode, done.stdout.decode().splitlines(), done.stderr) == (0, [expected], b"")


@pytest.mark.parametrize("changed", ["layers_0_weights", "layers_3_bias", "tables_normalisation_gain"])
def test_one_wrong_number_fails_the_self_test(folders, workshop, tmp_path, changed):
    folder = shutil.copytree(folders["bands"], tmp_path / "copy")
    (path,) = folder.glob("anom_plan_*.c")
    text = path.read_text()
    found = re.search(rf"{changed}\[[^]]*\] = \{{\s*(?:ANOM_WEIGHTS\( *)?(-?\d+)", text)
    other = 100 - int(found[1]) if "weights" in changed else 2 * int(found[1]) + 2000
    path.write_text(text[: found.start(1)] + str(other) + text[found.end(1) :])
    done = run(workshop.program("clang", folder, "selftest.c"))
    assert (done.returncode, done.stdout.splitlines()) == (1, [b"room: self-test FAILED: anom_selftest gave -5"])


def stream_and_events(kind, plan):
    """Bytes for stdin, and the lines that the events of the engine reference make."""
    samples = noise(60_000 if plan.columns == 1 else 6000, columns=plan.columns, seed=3)
    if kind == "audio_scene":
        samples = demo.scene()[0][: 30 * 16_000]
    with anomsdk.Pipeline(plan, "reference") as pipeline:
        lines = [f"{bytes(e).hex()} {r.hop} {r.score}" for r in pipeline.process(samples) for e in r.events]
    assert len(lines) >= 1
    return samples.astype("<i2").tobytes(), lines


@pytest.mark.parametrize("name", COMPILERS)
@pytest.mark.parametrize("kind", NAMES)
def test_main_prints_the_events_of_the_reference(sources, folders, workshop, kind, name):
    stream, lines = stream_and_events(kind, sources[kind])
    done = run(workshop.program(name, folders[kind], "main.c"), stream + b"\x7f")  # half a sample is none
    assert (done.returncode, done.stderr, done.stdout.decode().splitlines()) == (0, b"", lines)


@pytest.mark.parametrize(("kind", "block"), [("bands", 1000), ("external", 7)])
def test_main_takes_blocks_of_any_length(sources, folders, workshop, tmp_path, kind, block):
    """Longer than a window, and no multiple of it."""
    folder = shutil.copytree(folders[kind], tmp_path / "copy")
    text = (folder / "examples/main.c").read_text()
    (folder / "examples/main.c").write_text(re.sub(r"#define BLOCK \w+", f"#define BLOCK {block}", text))
    stream, lines = stream_and_events(kind, sources[kind])
    done = run(workshop.program("clang", folder, "main.c"), stream[: -2 * sources[kind].columns])
    assert (done.returncode, done.stderr, done.stdout.decode().splitlines()) == (0, b"", lines)


def test_two_plans_in_one_program(folders, workshop, tmp_path):
    """No name of one plan meets one of the other; they may share memory, one after the other."""
    (tmp_path / "both.c").write_text("""\
#include "anom_golden_meter.h"
#include "anom_golden_room.h"
#include "anom_plan_meter.h"
#include "anom_plan_room.h"

static ANOM_MEM(ANOM_PLAN_ROOM_BYTES + ANOM_PLAN_METER_BYTES) memory;

int main(void)
{
    int32_t room = anom_selftest(&memory, sizeof memory, &anom_plan_room, anom_golden_room);
    int32_t meter = anom_selftest(&memory, sizeof memory, &anom_plan_meter, anom_golden_meter);
    int32_t mixed = anom_selftest(&memory, sizeof memory, &anom_plan_meter, anom_golden_room);
    return room == 0 && meter == 0 && mixed == ANOM_ERROR_SELFTEST ? 0 : 1;
}
""")
    both = folders["bands"], folders["external"]
    objects = [workshop.object("clang", folder, source) for folder in both for source in everything(folder)]
    flags = [flag for folder in both for flag in includes(folder)]
    clang().run("-std=c99", *C_WARNINGS, *flags, "-c", tmp_path / "both.c", "-o", tmp_path / "both.o")
    assert run(workshop.link("clang", [*objects, tmp_path / "both.o"])).returncode == 0


@pytest.mark.parametrize("standard", ["c++11", "c++20"])
def test_the_header_in_cpp(folders, workshop, tmp_path, standard):
    (tmp_path / "main.cpp").write_text("""\
#include "anom_plan_room.h"
#include "anom_golden_room.h"

static ANOM_MEM(ANOM_PLAN_ROOM_BYTES) memory;
static int16_t block[ANOM_PLAN_ROOM_COLUMNS * ANOM_PLAN_ROOM_SAMPLES_TO_FIRST_TICK];

int main()
{
    anom_pipeline *pipeline;
    if (anom_selftest(&memory, sizeof memory, &anom_plan_room, anom_golden_room) != 0) return 1;
    if (anom_pipeline_init(&pipeline, &memory, sizeof memory, &anom_plan_room) != 0) return 2;
    int32_t n = 0, ticks = 0;
    anom_result result;
    while (n < ANOM_PLAN_ROOM_SAMPLES_TO_FIRST_TICK) {
        n += anom_pipeline_push(pipeline, block + n, ANOM_PLAN_ROOM_SAMPLES_TO_FIRST_TICK - n);
        if (ticks != 0) return 3;
        ticks += anom_pipeline_poll(pipeline, &result);
    }
    return ticks == 1 ? 0 : 4;
}
""")
    folder, target = folders["bands"], tmp_path / "main.o"
    flags = [f"-std={standard}", "-fno-exceptions", *WARNINGS, *includes(folder)]
    clang(cpp=True).run(*flags, "-c", tmp_path / "main.cpp", "-o", target)
    objects = [workshop.object("clang", folder, source) for source in everything(folder)]
    assert run(workshop.link("clang", [*objects, target])).returncode == 0


@pytest.mark.parametrize("target", ["x86_64-windows-gnu", "aarch64-macos"])
def test_it_compiles_for_other_hosts(folders, target, tmp_path):
    folder = folders["audio_scene"]
    for source in [*everything(folder), *sorted((folder / "examples").glob("*.c"))]:
        flags = ["-target", target, "-std=c99", "-O1", *C_WARNINGS, *includes(folder)]
        clang().run(*flags, "-c", source, "-o", tmp_path / "x.o")


def test_other_sources_are_refused_when_compiled(folders, tmp_path):
    folder = shutil.copytree(folders["bands"], tmp_path / "copy")
    header = folder / "src" / "anom_plan.h"
    header.write_text(header.read_text().replace("#define ANOM_PLAN_FORMAT 8", "#define ANOM_PLAN_FORMAT 9"))
    command = [*clang().command, *includes(folder), "-c", folder / "anom_plan_room.c", "-o", tmp_path / "x.o"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode != 0
    assert 'error: "anom_plan_room.c was emitted for other sources than those in src: emit it again' in done.stderr


def test_make_builds_it(folders, tmp_path):
    folder = shutil.copytree(folders["audio_scene"], tmp_path / "copy")
    tools = [f"{tool}={sys.executable} -m ziglang {name}" for tool, name in (("CC", "cc"), ("AR", "ar"))]
    for target, words in (("selftest", "audio_scene: self-test passed"), ("all", "build/main"), ("clean", "rm -rf")):
        command = ["make", *tools, f"CFLAGS=-O1 {' '.join(C_WARNINGS)}", target]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        assert done.returncode == 0 and words in done.stdout, done.stderr
        assert (folder / "build" / "selftest").exists() == (target != "clean")
    assert contents(folder) == contents(folders["audio_scene"])


def test_cmake_builds_it(folders, tmp_path):
    if shutil.which("cmake") is None:
        missing("no cmake on this machine")
    for line in ("cmake -S SOURCE -B .", "cmake --build .", "ctest --output-on-failure"):
        command = line.replace("SOURCE", str(folders["external"])).split()
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
    assert "100% tests passed" in done.stdout and run(tmp_path / "main").returncode == 0


# Numbers


def size_in_c(plan):
    """Bytes that the C port asks for, without the struct at their beginning."""
    native = load_native()
    return native.lib.anom_pipeline_bytes(CPlan(plan, native).pointer) - pipeline_bytes(native.ffi.sizeof("void *"))


def with_hidden(plan, widths):
    """The same with other hidden layers; of zeros, for only their widths matter here."""
    edges = [plan.n_inputs, *widths, plan.n_inputs]
    layers = []
    for n_in, n_out in pairwise(edges):
        values = [np.zeros(n, t) for n, t in ((n_out, np.int32), (1, np.int32), (1, np.int8))]
        layers.append(LayerPlan(np.zeros((n_out, n_in), np.int8), *values, 0, 0, 0, -128, 127))
    return dataclasses.replace(plan, layers=tuple(layers))


def with_bands(plan, n):
    """The same with n bands, where it has bands and n is not 0; more than bins, too: some are empty then."""
    if n == 0 or plan.extractor.kind in ("motion", "external"):
        return plan
    tables = {"edges": np.zeros(2 * n + 2, np.uint16), "offset_q10": np.zeros(n, np.int32)}
    bank = dataclasses.replace(plan.extractor.filterbank, **tables)
    return dataclasses.replace(plan, extractor=dataclasses.replace(plan.extractor, filterbank=bank))


@given(
    kind=st.sampled_from(FOLLOWED),
    fft_length=st.sampled_from([64, 256, 1024, 4096]),
    width=st.integers(1, 40),
    frames=st.integers(1, 30),
    statistics=st.integers(1, 4),
    hidden=st.lists(st.integers(1, 3000), max_size=6),
    many=st.sampled_from([0, 100, 256]),
)
@example(kind="bands", fft_length=64, width=1, frames=1, statistics=1, hidden=[], many=256)
@example(kind="logmel", fft_length=64, width=1, frames=1, statistics=1, hidden=[], many=256)
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_memory_is_what_the_c_port_asks_for(
    tmp_path_factory, kind, fft_length, width, frames, statistics, hidden, many
):
    names = ["mean", "deviation", "max", "min"][:statistics]
    n_bands = min(width, {64: 2, 256: 8, 1024: 24, 4096: 40}[fft_length])
    text = re.sub(r"n_(bands|mels) = \d+", rf"n_\1 = {n_bands}", SPECS[kind])
    text = re.sub(r"n_features = \d+", f"n_features = {width}", text)
    text = re.sub(r"fft_length = \d+", f"fft_length = {fft_length}", text)
    text = re.sub(r"hop_length = \d+", f"hop_length = {fft_length // 2}", text)
    text = re.sub(r"band_ms = \d+", f"band_ms = {fft_length // 2 / 16 * 4:g}", text)
    text = re.sub(
        r"window_s = .*",
        f"window_s = {min(1024, fft_length // 4 + width % 4) / 50}\ngravity_s = 0.2",
        text.replace("gravity_s = 0.5\n", ""),
    )
    text = re.sub(r"frames = \d+", f"frames = {frames}", text)
    text = re.sub(r"statistics = .*", f"statistics = {json.dumps(names)}", text)
    plan = with_bands(anomsdk.plan(make_folder(tmp_path_factory.mktemp("plan"), text)), many)
    plan = with_hidden(plan, hidden)
    assert layout(plan).buffers == size_in_c(plan)
    assert all(size % 8 == 0 for size in dataclasses.astuple(layout(plan)))


@pytest.mark.parametrize(("target", "pointer"), [("x86-linux-gnu", 4), ("x86_64-linux-gnu", 8)])
@pytest.mark.parametrize("kind", NAMES)
def test_the_header_says_how_many_bytes(sources, folders, tmp_path, kind, target, pointer):
    name = NAMES[kind].upper()
    expected = size_in_c(sources[kind]) + pipeline_bytes(pointer)
    check = (
        f'#include "anom_plan_{NAMES[kind]}.h"\ntypedef char right[ANOM_PLAN_{name}_BYTES == {expected} ? 1 : -1];\n'
    )
    (tmp_path / "check.c").write_text(check)
    flags = ["-target", target, "-std=c99", *C_WARNINGS, *includes(folders[kind])]
    clang().run(*flags, "-c", tmp_path / "check.c", "-o", tmp_path / "check.o")


def fft_bytes(length):
    """Of the tables that C has instead of the plan's: a whole window, three twiddles a butterfly, the split's."""
    stages = (4, 16, 64, 256) if length in (128, 512, 2048) else (2, 8, 32, 128, 512)
    twiddles = sum(3 * (done - 1) for done in stages if done < length // 2)
    return 2 * length + 4 * (twiddles + length // 4 - 1)


@pytest.mark.parametrize("kind", NAMES)
def test_header_and_readme_state_the_plan(sources, folders, kind):
    plan, name = sources[kind], NAMES[kind].upper()
    header = (folders[kind] / f"anom_plan_{plan.name}.h").read_text()
    stated = dict(re.findall(rf"#define ANOM_PLAN_{name}_(\w+) (\w+)", header))
    assert stated == {
        "COLUMNS": str(plan.columns),
        "RATE_MILLIHERTZ": str(plan.sensor.rate_millihertz),
        "WINDOW": str(plan.framer.window),
        "HOP": str(plan.framer.hop),
        "SAMPLES_TO_FIRST_TICK": str(plan.samples_to_first_tick),
        "SAMPLES_PER_TICK": str(plan.samples_per_tick),
        "N_INPUTS": str(plan.n_inputs),
        "TAG": f"0x{plan.tag:04x}",
    }
    text = (folders[kind] / "README.md").read_text()
    rows = dict(re.findall(r"^\| (.+?) \| (.+?) \|$", text, re.M))
    memory = size_in_c(plan)
    assert rows["id"] == f"`{plan.id}`" and rows["score_id"] == f"`{plan.score_id}`"
    assert rows[f"**`ANOM_PLAN_{name}_BYTES`, 32-bit processor**"] == f"**{memory + 112:,}**"
    assert rows[f"**`ANOM_PLAN_{name}_BYTES`, 64-bit processor**"] == f"**{memory + 184:,}**"
    parts = list(rows)[list(rows).index("memory of a pipeline") + 1 :][:6]
    assert sum(int(rows[part].replace(",", "")) for part in parts) == memory, parts
    tree = canonical_tree(plan)
    model = array_bytes(tree.pop("layers")) + sum(map(filling_of, plan.layers))
    fft = fft_bytes(tree["extractor"].pop("fft")["length"]) if kind != "external" else 0
    codes = len(getattr(plan.context, "statistics", ()))
    assert rows["model: weights, biases, multipliers, shifts"] == f"{model:,}"
    assert rows["tables of features, context, score and reasons"] == f"{array_bytes(tree) + fft + codes:,}"
    assert rows["multiply-accumulates of the model a tick"] == f"{plan.macs:,}"
    assert rows["samples a second"] == f"{plan.rate_hz:,g}" == ("10" if kind == "external" else "16000"[:2] + ",000")
    assert rows["samples from one tick to the next"] == f"{plan.samples_per_tick:,}"


def filling_of(layer):
    """Weights that fill up blocks of four outputs by four inputs."""
    n_out, n_in = layer.weights.shape
    return (n_out + -n_out % 4) * (n_in + -n_in % 4) - n_out * n_in


def array_bytes(tree):
    """Bytes of all arrays of a plan file's section."""
    if isinstance(tree, list):
        return sum(map(array_bytes, tree))
    if not isinstance(tree, dict):
        return 0
    return len(base64.b64decode(tree["data"])) if "data" in tree else sum(map(array_bytes, tree.values()))


# Numbers at the edges of C


def test_a_plan_with_an_empty_table(sources, workshop, tmp_path):
    """No bin is shared by two bands: C has no array without entries, and no arithmetic on NULL."""
    plan = sources["bands"]
    edges = np.repeat(plan.extractor.filterbank.edges[::2], 2)
    shared = np.zeros(0, np.int16)
    bank = dataclasses.replace(plan.extractor.filterbank, edges=edges, minus_rise_q15=shared)
    plan = dataclasses.replace(plan, extractor=dataclasses.replace(plan.extractor, filterbank=bank))
    folder = anomsdk.emit_c(plan, tmp_path / "x").folder
    assert "tables_filterbank_minus_rise_q15[1] = {0}; /* none */" in (folder / "anom_plan_room.c").read_text()
    assert run(workshop.program("clang", folder, "selftest.c")).returncode == 0


@pytest.mark.parametrize("name", COMPILERS)
def test_the_largest_numbers_of_each_field(sources, folders, tmp_path, name):
    plan = sources["bands"]
    layer = plan.layers[0]
    extreme = np.resize(np.array([-(2**31), 2**31 - 1, -(2**31) + 1], np.int32), len(layer.bias))
    plan = dataclasses.replace(
        plan,
        layers=(dataclasses.replace(layer, bias=extreme), *plan.layers[1:]),
        levels=dataclasses.replace(plan.levels, raise_score=2**32 - 1, clear_score=2**31),
        baseline=dataclasses.replace(plan.baseline, start=2**32 - 1, limit_q16=2**48, hold=2**31 - 1),
    )
    (tmp_path / "plan.c").write_text(plan_source(plan))
    for bits in ("-m64", "-m32") if name == "clang" else ("-m64",):
        target = ["-target", {"-m64": "x86_64-linux-gnu", "-m32": "x86-linux-gnu"}[bits]] if name == "clang" else []
        flags = ["-std=c99", *C_WARNINGS, *includes(folders["bands"])]
        compiler(name).run(*target, *flags, "-c", tmp_path / "plan.c", "-o", tmp_path / "plan.o")


def test_integers_as_c_constants():
    assert [integer(x) for x in (0, -1, 2**31 - 1, 1 - 2**31)] == ["0", "-1", "2147483647", "-2147483647"]
    assert [integer(x) for x in (-(2**31), 2**31, 2**32 - 1)] == ["INT32_MIN", "2147483648u", "4294967295u"]
    assert [integer(x) for x in (2**32, 2**48)] == ["INT64_C(4294967296)", "INT64_C(281474976710656)"]


def test_a_plan_that_proves_nothing_is_not_emitted(sources, tmp_path):
    plan = dataclasses.replace(sources["external"], timing=dataclasses.replace(sources["external"].timing, m=9))
    with pytest.raises(anomsdk.InputError, match="alert: m of n is 9 of 5"):
        anomsdk.emit_c(plan, tmp_path / "x")
    assert list(tmp_path.iterdir()) == []


# Where it is written


def refused(plan, folder, words):
    """Refused in one line, and nothing is changed."""
    before = {path: path.read_bytes() if path.is_file() else None for path in folder.parent.rglob("*")}
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        anomsdk.emit_c(plan, folder)
    assert "\n" not in str(caught.value) and str(caught.value).startswith(printable(folder))
    assert {path: path.read_bytes() if path.is_file() else None for path in folder.parent.rglob("*")} == before


def test_its_own_folder_is_replaced_and_an_empty_one_filled(sources, folders, tmp_path):
    (tmp_path / "x").mkdir()
    anomsdk.emit_c(sources["bands"], tmp_path / "x")
    (tmp_path / "x" / "build").mkdir()
    (tmp_path / "x" / "build" / "main").write_text("made by make")
    (tmp_path / "x" / "README.md").unlink()
    emitted = anomsdk.emit_c(sources["external"], str(tmp_path / "x"))
    assert contents(tmp_path / "x") == contents(folders["external"]) == emitted_files(sources["external"])
    assert list(emitted.files) == sorted(contents(tmp_path / "x"))
    assert [path.name for path in tmp_path.iterdir()] == ["x"]


def test_nothing_of_others_is_overwritten(sources, folders, tmp_path, monkeypatch):
    plan = sources["external"]
    (tmp_path / "file").write_text("mine")
    refused(plan, tmp_path / "file", "is not a folder; give a new folder")
    for name, target in (("dangling", "nowhere"), ("to-folder", folders["bands"]), ("to-file", "file")):
        (tmp_path / name).symlink_to(target)
        refused(plan, tmp_path / name, "is a symbolic link; give the folder that it leads to")
    assert contents(folders["bands"]) == emitted_files(sources["bands"])
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    refused(plan, tmp_path / "mine", "is not empty, and was not written by emit-c")
    (tmp_path / "mine" / SUMS).write_text(f"{'0' * 64}  notes.txt\n")
    refused(plan, tmp_path / "mine", "is not empty, and was not written by emit-c")
    (tmp_path / "mine" / SUMS).write_bytes(b"")
    refused(plan, tmp_path / "mine", "is not empty, and was not written by emit-c")
    shutil.copytree(folders["bands"], tmp_path / "added")
    (tmp_path / "added" / "src" / "driver.c").write_text("mine")
    refused(plan, tmp_path / "added", "holds src/driver.c, which emit-c did not write; give a new folder")
    shutil.copytree(folders["bands"], tmp_path / "edited")
    with (tmp_path / "edited" / "examples" / "main.c").open("a") as file:
        file.write("/* mine */\n")
    refused(plan, tmp_path / "edited", "holds examples/main.c, which was changed since emit-c wrote it")
    shutil.copytree(folders["bands"], tmp_path / "linked")
    (tmp_path / "linked" / "drivers").symlink_to(tmp_path / "mine")
    refused(plan, tmp_path / "linked", "holds drivers, a symbolic link")
    for name in ("README.md", "src", "build", SUMS):
        place = tmp_path / f"linked {name}"
        shutil.copytree(folders["bands"], place)
        (place / "build").mkdir()
        (place / name).rename(tmp_path / f"moved {name}")
        (place / name).symlink_to(tmp_path / f"moved {name}")
        refused(plan, place, f"holds {name}, a symbolic link")
    shutil.copytree(folders["bands"], tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here" / "src")
    refused(plan, tmp_path / "here", "is the folder that you are in")


def test_a_folder_that_cannot_be_written_is_one_line(sources, tmp_path):
    plan = sources["external"]
    (tmp_path / "file").write_text("")
    refused(plan, tmp_path / "file" / "x", "cannot be written below .*file; give another folder$")
    refused(plan, tmp_path / ("x" * 300), "cannot be written: File name too long")
    refused(plan, tmp_path / "a\0b", "cannot be written: ")
    for folder in (None, 7):
        with pytest.raises(anomsdk.InputError, match="is no path"):
            anomsdk.emit_c(plan, folder)
    with pytest.raises(anomsdk.InputError, match="expected a Plan, got str"):
        anomsdk.emit_c("audio_scene", tmp_path / "x")


@pytest.mark.parametrize("fails_at", [1, 2])
def test_a_rename_that_fails_leaves_the_old_folder(sources, folders, tmp_path, monkeypatch, fails_at):
    anomsdk.emit_c(sources["bands"], tmp_path / "x")
    rename, calls = Path.rename, []

    def failing(self, target):
        calls.append(target)
        if len(calls) == fails_at:
            raise OSError(28, "No space left on device")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", failing)
    refused(sources["external"], tmp_path / "x", "cannot be written: No space left on device")
    assert contents(tmp_path / "x") == contents(folders["bands"])
    assert len(calls) == 2 * fails_at - 1, "and the old one was put back"


# The command


def test_the_command_says_what_it_wrote(sources, folders, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(cli.app, ["emit-c", "audio_scene", "--out", "firmware"])
    assert (result.exit_code, result.stderr) == (0, "")
    assert contents(tmp_path / "firmware") == contents(folders["audio_scene"])
    readme = (tmp_path / "firmware" / "README.md").read_text()
    lines = dict(line.split(maxsplit=1) for line in result.stdout.splitlines())
    assert lines["wrote"] == f"firmware: {len(contents(tmp_path / 'firmware'))} files"
    assert f"32-bit processor** | **{lines['memory'].split()[0]}** |" in readme
    assert f"score and reasons | {lines['tables'].split()[0]} |" in readme
    assert f"multipliers, shifts | {lines['model'].split()[0]} |" in readme
    assert lines["try"] == "it   make -C firmware selftest"


def test_bad_input_ends_with_2_and_leaves_nothing(sources, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("bent.json").write_bytes(sources["bands"].canonical_bytes.replace(b'"hop":256', b'"hop":128'))
    Path("taken").mkdir()
    Path("taken/notes.txt").write_text("mine")
    for plan, out, words in (
        ("bent.json", "x", "does not match its sha256"),
        ("missing", "x", "is no file, folder or reference model"),
        ("audio_scene", "taken", "taken: is not empty, and was not written by emit-c; give a new folder"),
        ("audio_scene", "", "is the folder that you are in"),
        ("audio_scene", "..", "is the folder that you are in"),
    ):
        before = sorted(tmp_path.rglob("*"))
        result = CliRunner().invoke(cli.app, ["emit-c", plan, "--out", out])
        assert (result.exit_code, result.stdout) == (2, "") and words in result.stderr, result.stderr
        assert result.stderr.startswith("error: ") and result.stderr.count("\n") == 1
        assert sorted(tmp_path.rglob("*")) == before
    assert CliRunner().invoke(cli.app, ["emit-c", "audio_scene"]).exit_code == 2
