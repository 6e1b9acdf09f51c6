"""Kinds have one home each: registries have the same keys, enumerations one table, and docs and C say the same."""

import ast
import inspect
import json
import re
import typing

import numpy as np
import pytest

from anomsdk.audit.retention import extractor_state
from anomsdk.audit.scan import stage_forms
from anomsdk.core import pipeline, plan
from anomsdk.core.alarm import Annunciation
from anomsdk.core.context import STATISTICS
from anomsdk.core.event import Condition, Input, Kind, Promise, State
from anomsdk.core.ladder import Unit
from anomsdk.core.motion import FEATURES, MotionPlan, Values, _Window
from anomsdk.core.reasons import Direction, Group
from anomsdk.cport import extractors as cport
from anomsdk.cport import structs as cport_structs
from anomsdk.planner import features, front_end
from anomsdk.planner.sections import DiarySensor, MotionSensor, Sensor
from anomsdk.planner.spec import PipelineSpec
from anomsdk.plans import extractors as plans_in_words
from anomsdk.train.alarm_levels import one_group
from anomsdk.train.data import input_maps
from anomsdk.train.models import family
from anomsdk.train.search import variants
from anomsdk.watch.sinks import console
from tests.support import planned
from tests.support.house import PACKAGE
from tests.support.make import ROOT, SPECS

KINDS = tuple(plan.EXTRACTORS)
REGISTRIES = {
    "core: the section of a plan": plan.EXTRACTORS,
    "core: the stage": pipeline.EXTRACTORS,
    "planner": front_end.EXTRACTORS,
    "cport": cport.EXTRACTORS,
    "plans: in words": plans_in_words.EXTRACTORS,
    "train: what a search tries": variants.EXTRACTORS,
    "a spec's features section": {
        typing.get_args(typing.get_type_hints(section)["kind"])[0]: section
        for section in typing.get_args(features.AnyFeatures)
    },
    "audit: what memory is searched for": stage_forms.EXTRACTORS,
    "audit: what memory keeps": extractor_state.EXTRACTORS,
    "plans of the tests": SPECS,
}
HOMES = {
    "audit/retention/extractor_state.py",
    "audit/scan/stage_forms.py",
    "core/plan.py",
    "core/pipeline.py",
    "planner/features.py",
    "planner/front_end.py",
    "cport/extractors.py",
    "plans/extractors.py",
    "train/search/variants.py",
    *(f"core/{kind}.py" for kind in KINDS),
}
"""Files that may know one kind of extractor from another: each registry, and the stage itself."""
ONE_OF_THEM = {
    "planner/speech.py": "the words of a refusal",
}
"""Files that name one kind for a reason of their own, and have a default that holds for any other."""
VECTORS = ROOT / "tests/vectors/context.json"
SPEC = (ROOT / "docs/spec.md").read_text(encoding="utf-8")
CONFIGURATION = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")


# --- extractors


@pytest.mark.parametrize("where", REGISTRIES)
def test_every_registry_has_every_kind(where):
    assert set(REGISTRIES[where]) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_is_the_same_in_every_registry(kind):
    section = plan.EXTRACTORS[kind]
    assert section.kind == kind
    assert section.sensor in ("audio", "motion", "external", "diary")
    assert front_end.EXTRACTORS[kind].section is REGISTRIES["a spec's features section"][kind]
    assert (ROOT / f"firmware_port/src/anom_{kind}.h").exists() and (ROOT / f"tests/vectors/{kind}.json").exists()
    assert f'"anom_{kind}.h"' in (ROOT / "firmware_port/native/build_native.py").read_text(encoding="utf-8")
    assert f"`{kind}`" in CONFIGURATION and f"## {kind.capitalize()}\n" in SPEC


def kinds_named(path):
    """Kinds of extractors that a file tells apart: in isinstance, in a comparison, or as the key of a table."""
    classes = {f"{kind.capitalize()}{part}": kind for kind in KINDS for part in ("Plan", "Features")}
    words = {"logmel", "bands"}  # motion and external are kinds of sensors, too, and days are a unit of time
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "isinstance":
            found |= {classes[n.id] for n in ast.walk(node.args[1]) if isinstance(n, ast.Name) and n.id in classes}
        if isinstance(node, ast.Compare):
            found |= {n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value in words}
        if isinstance(node, ast.Dict):
            found |= {n.value for n in node.keys if isinstance(n, ast.Constant) and n.value in words}
    return found


def test_kinds_are_told_apart_at_home_only():
    named = {
        path.relative_to(PACKAGE).as_posix(): found for path in PACKAGE.rglob("*.py") if (found := kinds_named(path))
    }
    assert "core/plan.py" in named, "the scan sees a registry"
    assert {name: found for name, found in named.items() if name not in HOMES | set(ONE_OF_THEM)} == {}
    assert set(ONE_OF_THEM) <= set(named), "an excuse that nothing needs"


# --- contexts, sensors, models


class Another:
    """A context, sensor or model of a kind that nothing knows."""

    kind, rate_hz, frames, stride, hidden, deviations = "another", 10.0, 2, 1, (2,), 4.0


LADDERS = {
    "cport: context": lambda spec, other: cport_structs.front_fields(planned_extractor(spec), other),
    "planner: context": lambda spec, other: front_end.context_plan(with_part(spec, context=other), 4, None),
    "planner: sensor": lambda spec, other: front_end.sensor_plan(with_part(spec, sensor=other)),
    "train: inputs": lambda spec, other: input_maps.n_model_inputs(other, 4),
    "train: words": lambda spec, other: variants.words_of(with_part(spec, context=other)),
}


def with_part(spec, **parts):
    return spec.model_copy(update=parts)


def planned_extractor(spec):
    return front_end.extractor_plan(spec, None)


@pytest.mark.parametrize("where", LADDERS)
def test_no_ladder_takes_a_kind_that_it_does_not_know(where):
    spec = PipelineSpec.from_toml(SPECS["bands"])
    with pytest.raises(AssertionError, match="a kind without a branch"):
        LADDERS[where](spec, Another())


def test_no_model_is_trained_for_a_kind_that_is_not_known():
    with pytest.raises(ValueError, match=r"candidate\.kind is 'another'"):
        family.train_candidate(Another(), np.zeros((9, 4)), None, seed=0)


def test_every_kind_of_sensor_has_its_words():
    kinds = {
        kind
        for sensor in (Sensor, MotionSensor, DiarySensor)
        for kind in typing.get_args(typing.get_type_hints(sensor)["kind"])
    }
    assert kinds == {section.sensor for section in plan.EXTRACTORS.values()} == set(console._WHAT)
    assert len({one_group(1, kind) for kind in kinds}) == len(kinds)


# --- statistics


def rows(page, heading):
    """First cells of the table that begins with these headings, with the rest of their rows."""
    lines = page[page.index(heading) :].splitlines()[2:]
    table = list(iter(lambda: lines.pop(0), ""))
    return {
        cells[0].strip(): [c.strip() for c in cells[1:]] for cells in (line.strip("|").split("|") for line in table)
    }


def test_statistics_have_codes_of_their_own_and_stand_in_the_docs():
    assert sorted(s.code for s in STATISTICS.values()) == list(range(len(STATISTICS)))
    assert list(rows(SPEC, "| statistic | formula | range |")) == [f"`{name}`" for name in STATISTICS]
    named = [f"`{name}`" for name in STATISTICS]
    assert ", ".join(named) in SPEC, "the plan file's field"
    line = next(line for line in CONFIGURATION.splitlines() if line.startswith("| `statistics` |"))
    assert [name for name in named if name not in line] == []
    steps = next(line for line in SPEC.splitlines() if line.startswith("| statistic `"))
    assert re.findall(r"`\w+`", steps) == named
    unsteady = next(line for line in SPEC.splitlines() if line.startswith("| statistic") and "UNSTEADY" in line)
    assert re.findall(r"`(\w+)`", unsteady) == [name for name, each in STATISTICS.items() if each.unsteady]


@pytest.mark.parametrize("name", STATISTICS)
@pytest.mark.parametrize("frames", [1, 2, 7, 256])
def test_a_statistic_stays_in_its_range_and_needs_most_of_it(name, frames):
    """The planner proves 32 bits with the range: one that is too narrow is an overflow, too wide a coarser map."""
    statistic = STATISTICS[name]
    halves = np.where(np.arange(frames) < frames // 2, -128, 127)
    ends = [np.full(frames, -128), np.full(frames, 127), np.arange(frames) % 2 * 255 - 128, halves, halves[::-1]]
    drawn = np.random.default_rng(frames).choice([-128, -1, 0, 127], (200, frames))
    found = statistic.value(np.concatenate([ends, drawn])[:, :, None].astype(np.int64))
    low, high = statistic.range(frames)
    assert low <= found.min() and found.max() <= high, f"{name} leaves its range of {low} to {high}"
    five, six = statistic.value(np.array([[[5]] * frames, [[6]] * frames]))[:, 0].tolist()
    if five == six:  # a difference between frames: of one frame there is none
        needed = 0.45 if frames > 1 else 0
    else:
        assert six - five == statistic.steps(frames), f"{name} of all values one higher is not its steps higher"
        needed = 1
    assert max(-found.min(), found.max()) >= needed * max(-low, high), f"the range of {name} is too wide"


def test_golden_vectors_have_every_statistic_of_one_frame_and_of_more():
    """In C the last frame stands apart from the history, which is empty where there is one frame."""
    cases = [case["given"]["context"] for case in json.loads(VECTORS.read_text(encoding="utf-8"))["cases"]]
    summaries = [context for context in cases if context["kind"] == "summary"]
    for alone in (True, False):
        named = {name for context in summaries if (context["frames"] == 1) == alone for name in context["statistics"]}
        assert set(STATISTICS) - named == set(), f"no case of {'one frame' if alone else 'several frames'}"


# --- features of motion


def test_features_of_motion_have_bits_methods_and_a_place_in_the_docs():
    assert [feature.bit for feature in FEATURES.values()] == list(range(len(FEATURES)))
    methods = [name for name, _ in inspect.getmembers(_Window, inspect.isfunction) if not name.startswith("_")]
    assert sorted(methods) == sorted(FEATURES), "a formula for each, and none without a name"
    formulas = SPEC[SPEC.index("## Motion\n") : SPEC.index("## External\n")]
    line = next(line for line in CONFIGURATION.splitlines() if line.startswith("| `select` |"))
    for name in FEATURES:
        assert re.search(rf"^\|[^|]*`{name}`", formulas, re.M), f"{name} has no formula in docs/spec.md"
        assert f"`{name}`" in line, f"{name} is not in docs/configuration.md"


def test_groups_of_motion_stand_in_the_docs():
    table = rows(SPEC[SPEC.index("### Groups and gains") :], "| code | features |")
    for name, feature in FEATURES.items():
        if feature.values is not Values.BANDS:
            groups = [group.name for group in dict.fromkeys(feature.groups(4))]
            assert f"`{name}`" in table[", ".join(groups)][0], f"{name} in the table of {groups}"


@pytest.mark.parametrize("n_bands", [1, 3, 16])
def test_widths_and_groups_of_motion_agree(n_bands):
    for name, feature in FEATURES.items():
        assert len(feature.groups(n_bands)) == feature.width(n_bands), name
        assert feature.axes in (3, 6) and feature.range(50)[0] < feature.range(50)[1]


@pytest.mark.parametrize(("stem", "table"), [("context", STATISTICS), ("motion", FEATURES)])
def test_golden_vectors_have_every_name(stem, table):
    text = (ROOT / f"tests/vectors/{stem}.json").read_text(encoding="utf-8")
    assert [name for name in table if f'"{name}"' not in text] == []


def test_the_planner_of_the_tests_has_every_name():
    """It plans from the specification alone, with lists of its own."""
    assert list(planned.STATISTICS) == list(STATISTICS) and list(FEATURES) == planned.MOTION


# --- groups, directions, states


def test_codes_of_groups_and_directions_stand_in_the_docs():
    for heading, members in (("| direction | number |", Direction), ("| state | number |", State)):
        table = rows(SPEC, heading)
        assert {name: int(cells[0].split()[0]) for name, cells in table.items()} == {m.name: m.value for m in members}
    said = {}
    for codes, (names, *_) in rows(SPEC, "| code | name | features |").items():
        if " to " in codes:
            first, last = map(int, codes.split(" to "))
            said |= {f"PART_{k + 1}": first + k for k in range(last - first + 1)}
        else:
            said |= dict(zip(names.split(", "), map(int, codes.split(", ")), strict=True))
    assert said == {group.name: group.value for group in Group}


def test_codes_of_events_and_signals_stand_in_the_docs():
    """Kinds, inputs, conditions with their bits, and bits of the annunciation, as the specification numbers them."""
    tables = (
        ("| kind | number | when | score | codes, bytes 11 and 12 |", Kind),
        ("| input | code |", Input),
        ("| news | code | argument |", Promise),
        ("| news of a level | code | meaning |", Promise),
        ("| unit | number |", Unit),
    )
    for heading, members in tables:
        found = {name: int(cells[0]) for name, cells in rows(SPEC, heading).items()}
        assert found == {member.name: member.value for member in members}
    conditions = rows(SPEC, "| code | condition | bit of the health byte | found by |")
    assert {(int(code), name, int(bit)) for code, (name, bit, *_) in conditions.items()} == {
        (each.value, each.name, each.bit) for each in Condition
    }
    signals = rows(SPEC, "| bit | value | name | set where |")
    assert {(int(value), name) for value, name, *_ in signals.values()} == {
        (bit.value, bit.name) for bit in Annunciation
    }


def test_states_have_words():
    assert len({state.word for state in State}) == len(State) == 6
    assert State(2) is State.UNACK_ALARM and int(State.PENDING) == 1


def test_motion_plans_name_known_features(plans):
    section = plans["motion"].extractor
    assert isinstance(section, MotionPlan) and set(section.features) <= set(FEATURES)
