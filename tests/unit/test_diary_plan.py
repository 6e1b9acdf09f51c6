"""Diary section of a spec: what is planned, what is refused, and what the plan says of it."""

from __future__ import annotations

import shutil

import pytest

import anomsdk
from anomsdk.audit.retention.leaving import leaving
from anomsdk.core.diary import COLUMNS
from anomsdk.errors import InputError
from anomsdk.mcu.emit import _sections, port_files
from anomsdk.plans.describe import as_text, describe
from anomsdk.plans.file import parse_plan, reference_models_folder


def planned(folder, name, section):
    """Plan of a reference model with a diary section."""
    made = folder / name
    shutil.copytree(reference_models_folder() / name, made)
    spec = made / "spec.toml"
    spec.write_text(f"{spec.read_text()}\n[diary]\n{section}\n")
    return anomsdk.plan(made)


def test_defaults(tmp_path):
    """Slots of an hour; all columns for motion with both features, scores and coverage for sound."""
    motion, sound = (planned(tmp_path, name, "") for name in ("cattle_collar", "audio_scene"))
    for plan in (motion, sound):
        assert plan.diary.slot_q16 * plan.framer.hop / 65536 / plan.rate_hz == pytest.approx(3600, rel=1e-9)
        assert parse_plan(plan.canonical_bytes, name="plan") == plan
        old = anomsdk.reference_model(plan.name)
        assert plan.score_id == old.score_id
        assert plan.id != old.id
        assert b"diary" not in old.canonical_bytes
    assert motion.diary.columns == tuple(COLUMNS)
    assert sound.diary.columns == ("mean_score", "highest_score", "coverage")
    assert motion.diary.gain_q16 == round(1e7 * 65536 / motion.sensor.counts_per_kilo_g)
    assert sound.diary.gain_q16 == 0


def test_columns_of_a_spec(tmp_path):
    """Names in the order of the spec; a text with the section is read back as it was."""
    plan = planned(tmp_path, "cattle_collar", 'slot_s = 900\ncolumns = ["coverage", "jerk_mean"]')
    assert plan.diary.columns == ("coverage", "jerk_mean")
    spec = anomsdk.PipelineSpec.from_file(tmp_path / "cattle_collar" / "spec.toml")
    assert anomsdk.PipelineSpec.from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize(
    ("name", "section", "says"),
    [
        ("cattle_collar", "slot_s = 899", "diary.slot_s: .*899"),
        ("cattle_collar", "slot_s = 7201", "diary.slot_s: .*7201"),
        ("cattle_collar", 'columns = ["bands"]', "diary.*columns has .*bands"),
        ("cattle_collar", 'columns = ["coverage", "coverage"]', "diary.*columns names one twice"),
        ("cattle_collar", "columns = []", "diary.columns"),
        ("cattle_collar", "slot = 900", "diary.slot: unknown key"),
        ("audio_scene", 'columns = ["vedba_mean"]', "diary.columns: vedba_mean and jerk_mean need the features"),
    ],
)
def test_refused(tmp_path, name, section, says):
    """One line that names the key."""
    with pytest.raises(InputError, match=says) as caught:
        planned(tmp_path, name, section)
    assert "\n" not in str(caught.value)


def test_facts_and_what_leaves(tmp_path):
    """Inspect names slot, columns, units and bytes; an hour of rows is counted."""
    plan = planned(tmp_path, "cattle_collar", "slot_s = 1800")
    facts = describe(plan)
    assert facts["diary"]["slot_s"] == 1800
    assert facts["diary"]["row_bytes"] == 20
    assert "vedba_mean (0.1 mg)" in as_text(facts)
    assert facts["retention"]["diary_s"] == 1800
    (flow,) = (flow for flow in leaving(plan) if flow.name == "rows of the diary")
    assert (flow.messages, flow.bytes) == (2, 40)
    assert 2 * 2 * 13 < flow.bits < 2 * 5 * 16
    assert not any(flow.name == "rows of the diary" for flow in leaving(anomsdk.reference_model("cattle_collar")))


def test_only_a_plan_with_a_diary_links_it(tmp_path):
    """The source of the diary is emitted for its plans alone."""
    plan = planned(tmp_path, "cattle_collar", "")
    with_it, without = (
        set(port_files("motion", _sections(each))) for each in (plan, anomsdk.reference_model("cattle_collar"))
    )
    assert with_it - without == {"src/anom_diary.c"}
