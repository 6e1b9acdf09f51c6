"""Every spec that is written holds every key, so that each documented edit finds its line; and plan says what it did."""

import re
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

import anomsdk
from anomsdk.planner.sections import word_for_none
from anomsdk.planner.spec import PipelineSpec
from anomsdk.planner.spec_text import OPTIONAL_SECTIONS, SECTIONS
from anomsdk.plans.changes import changes
from anomsdk.plans.file import reference_models_folder
from tests.support.command_line import anomsdk_command

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).parents[2]
SPECS = {
    "audio, logmel": {
        "sensor": {"kind": "audio", "rate_hz": 16000},
        "features": {"kind": "logmel", "fft_length": 512, "hop_length": 256, "n_mels": 20, "fmax_hz": 8000},
        "context": {"kind": "stack", "frames": 3},
    },
    "audio, bands": {
        "sensor": {"kind": "audio", "rate_hz": 16000},
        "features": {"kind": "bands", "fft_length": 512, "hop_length": 256, "n_bands": 16, "fmin_hz": 100, "fmax_hz": 7500,
                     "band_hops": 16},
        "context": {"kind": "summary", "frames": 4, "statistics": ["mean", "max"]},
        "alert": {"raise_score": 1234, "m": 2},
    },
    "motion": {
        "sensor": {"kind": "motion", "rate_hz": 50, "counts_per_g": 2048},
        "features": {"kind": "motion", "window_s": 2, "hop_s": 1},
        "context": {"kind": "stack", "frames": 1},
        "score": {"baseline_s": "chosen"},
    },
    "motion, everything": {
        "sensor": {"kind": "motion", "rate_hz": 50, "axes": 6, "counts_per_g": 2048, "counts_per_dps": 16, "full_scale_g": 8},
        "features": {"kind": "motion", "window_s": 2, "hop_s": 1, "select": ["vedba_mean"], "band_edges_hz": [1, 2.5, 5]},
        "context": {"kind": "stack", "frames": 1},
        "model": {"max_ram": 9000, "max_flash": 20000},
    },
    "external": {
        "sensor": {"kind": "external", "rate_hz": 10},
        "features": {"kind": "external", "n_features": 2, "counts_per_unit": 1e-6},
        "context": {"kind": "stack", "frames": 2},
        "alarm": {"latch": True, "cancel_s": 20},
        "health": {"stuck_s": 30},
    },
    "audio, watched over": {
        "sensor": {"kind": "audio", "rate_hz": 16000},
        "features": {"kind": "logmel", "fft_length": 512, "hop_length": 256, "n_mels": 20, "fmax_hz": 8000},
        "context": {"kind": "stack", "frames": 3},
        "health": {},
    },
}  # fmt: skip


def spec_of(name):
    return PipelineSpec.from_dict({"format": 1, "name": "written", **SPECS[name]})


def check_whole(text, spec):
    """The text means the spec, and its keys are the fields of the model."""
    assert PipelineSpec.from_toml(text) == spec
    tree = tomllib.loads(text)
    assert {"format", "name", *SECTIONS, *OPTIONAL_SECTIONS} == set(PipelineSpec.model_fields)
    left_out = {name for name in OPTIONAL_SECTIONS if getattr(spec, name) is None}
    assert set(tree) == set(PipelineSpec.model_fields) - left_out
    for section in set(tree) - {"format", "name"}:
        assert set(tree[section]) == set(type(getattr(spec, section)).model_fields), section


@pytest.mark.parametrize("name", list(SPECS))
def test_a_spec_is_written_with_every_key_and_what_it_means(name):
    spec = spec_of(name)
    check_whole(spec.to_toml(), spec)
    for line in spec.to_toml().splitlines():
        assert "#" in line or " = " not in line or line.startswith(("format", "name", "kind")), line


@pytest.mark.parametrize("name", list(SPECS))
def test_keys_are_added_to_what_a_person_wrote_and_nothing_else_changes(name):
    spec = spec_of(name)
    lines = [
        line for line in spec.to_toml().splitlines() if not re.match(r"(stride|max_|off_delay|floor_mg|mel_norm)", line)
    ]
    if "score" not in SPECS[name]:
        start = lines.index("[score]")
        del lines[start - 1 : start + 3]
    text = "\n".join(["# Mine.", *lines, "", "# The end."])
    sparse = PipelineSpec.from_toml(text)
    found = sparse.completed(text)
    check_whole(found, sparse)
    rest = iter(found.splitlines())
    assert all(line in rest for line in text.splitlines()), "each line is there, in its order"
    assert sparse.completed(found) == found


def test_sections_in_one_line_are_written_anew():
    text = """
format = 1
name = "written"
sensor = {kind = "external", rate_hz = 10}
features = {kind = "external", n_features = 2}
context = {kind = "stack", frames = 2}
"""
    spec = PipelineSpec.from_toml(text)
    check_whole(spec.completed(text), spec)


def test_a_key_without_a_value_says_so_in_its_word():
    spec = spec_of("motion")
    text = spec.to_toml()
    for line in ('full_scale_g = "none"', 'select = "all"', 'band_edges_hz = "default"', 'max_ram = "none"'):
        assert f"\n{line} " in text
    assert word_for_none(type(spec.alert), "m") is None
    with pytest.raises(anomsdk.InputError, match=r"alert\.m"):
        PipelineSpec.from_toml(re.sub(r"\nm = \S+", '\nm = "none"', text))
    with pytest.raises(anomsdk.InputError, match=r"model\.max_ram"):
        PipelineSpec.from_toml(text.replace('max_ram = "none"', 'max_ram = "all"'))


def rows(seed):
    return np.random.default_rng(seed).normal(0, 100, (1500, 2)).round().astype(np.int16)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Folders that train and calibrate wrote, from a sparse spec.toml, and the reference models."""
    here = tmp_path_factory.mktemp("written")
    (here / "spec.toml").write_text(
        'format = 1\nname = "rows"\n[sensor]\nkind = "external"\nrate_hz = 10 # slow\n[features]\nkind = "external"\n'
        'n_features = 2\n[context]\nkind = "stack"\nframes = 2\n[model]\nmax_macs = 40\n'
    )
    for i in range(5):
        (here / "normal").mkdir(exist_ok=True)
        np.save(here / "normal" / f"{i}.npy", rows(i))
    trained = anomsdk.train.fit_from(here / "spec.toml", here / "normal", here / "trained").folder
    from_python = anomsdk.train.fit(spec_of("external"), [rows(i) for i in range(5)], out=here / "python").folder
    calibrated = anomsdk.train.calibrate(trained, [rows(9)], out=here / "calibrated").folder
    shipped = [path.parent for path in reference_models_folder().glob("*/spec.toml")]
    assert len(shipped) >= 4
    return [trained, from_python, calibrated, *shipped]


def test_every_folder_holds_every_key(folders):
    for folder in folders:
        text = (folder / "spec.toml").read_text()
        check_whole(text, PipelineSpec.from_toml(text))
    assert "rate_hz = 10 # slow\n" in (folders[0] / "spec.toml").read_text()
    assert "rate_hz = 10 # slow\n" in (folders[2] / "spec.toml").read_text()


def edits():
    """Every ``sed`` of the documentation that changes a spec."""
    pages = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [
        pytest.param(found[1], found[2], id=f"{page.name}: {found[0]}")
        for page in pages
        for found in re.finditer(r"sed -i '?s/([^/]*)/([^/]*)/'? \S*spec\.toml", page.read_text())
    ]


def test_the_documentation_has_edits():
    assert len(edits()) >= 3


@pytest.mark.parametrize(("pattern", "replacement"), edits())
def test_every_documented_edit_changes_the_plan_of_every_folder(folders, pattern, replacement, tmp_path):
    for folder in folders:
        if not (folder / "plan.json").exists():
            continue  # its model comes with make bench
        copy = tmp_path / folder.name
        shutil.copytree(folder, copy)
        before, path = anomsdk.plan(copy), copy / "spec.toml"
        was = path.read_text()
        path.write_text(re.sub(pattern, replacement, was, flags=re.MULTILINE))
        key, value = replacement.split(" = ")
        if re.search(rf"^{key} = {value}\b", was, re.MULTILINE):
            continue  # it says so already
        assert changes(before, anomsdk.plan(copy)), folder


def test_plan_says_what_changed_and_that_nothing_did(folders, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(folders[0], copy)
    (copy / "plan.json").unlink()
    first = anomsdk_command("plan", copy).stdout
    assert "\nchanged" not in first and "nothing changed" not in first
    path = copy / "spec.toml"
    said = anomsdk_command("plan", copy).stdout
    assert "\nnothing changed: every value of the plan is what it was" in said
    for key, value in (("max_macs", "29999"), ("allow_speech_features", "true"), ("max_ram", "100000")):
        was = path.read_text()
        path.write_text(re.sub(rf"^{key} = .*", f"{key} = {value}", was, flags=re.MULTILINE))
        # What is no part of a plan is said to be so: the edit did not miss its line.
        last = anomsdk_command("plan", copy).stdout.splitlines()[-2:]
        assert last[0].startswith("nothing changed: every value of the plan") and key in last[1]
        path.write_text(was)
    path.write_text(re.sub(r"^off_delay_s = \S+", "off_delay_s = 2.5", path.read_text(), flags=re.MULTILINE))
    said = anomsdk_command("plan", copy).stdout
    assert said.endswith("\nchanged  id changed, score_id changed\n  timing.off_delay: 100 -> 25 ticks\n")
    path.write_text(re.sub(r"^raise_score = \S+", "raise_score = 77", path.read_text(), flags=re.MULTILINE))
    said = anomsdk_command("plan", copy).stdout
    assert "\nchanged  id changed, score_id same\n  levels.clear_score: " in said
    assert re.search(r"\n  levels\.raise_score: \d+ -> 77\n", said)
    (copy / "plan.json").write_text("{")
    said = anomsdk_command("plan", copy)
    assert "\nchanged  the old plan.json is not known: " in said.stdout and said.status == 0
    assert "\nnothing changed" in anomsdk_command("plan", copy).stdout


def test_another_model_is_said_in_lines_that_can_be_read(folders):
    old, new = anomsdk.plan(folders[0]), anomsdk.reference_model("audio_scene")
    found = changes(old, new)
    assert len(found) == 41 and found[-1].startswith("and ") and found[-1].endswith(" more")
    assert all(len(line) < 200 for line in found)
    assert "extractor.kind: external -> bands" in found
