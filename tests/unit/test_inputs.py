"""Inputs from outside: arguments and plans that cannot take them."""

from __future__ import annotations

import numpy as np
import pytest

import anomsdk
from anomsdk import InputError
from tests.support.supervised_models import supervised

INPUTS = {
    "acknowledge": (),
    "silence": (3,),
    "cancel": (),
    "out_of_service": (),
    "test": (),
    "supply": (True,),
    "self_test": (True,),
    "missing": (3,),
    "clock": (3,),
}
OF_HEALTH = ("supply", "self_test", "missing", "clock")


@pytest.fixture(scope="module")
def plans():
    return {
        "none": anomsdk.reference_model("human_motion"),
        "alarm": supervised("human_motion", alarm={}, health=None)[0],
        "health": supervised("human_motion", alarm=None, health={})[0],
    }


@pytest.mark.parametrize("name", INPUTS)
def test_a_plan_without_the_section_is_told_which_one_to_add(plans, name):
    section = "health" if name in OF_HEALTH else "alarm"
    with anomsdk.Pipeline(plans["none"]) as pipeline, pytest.raises(InputError) as caught:
        getattr(pipeline, name)(*INPUTS[name])
    assert str(caught.value) == (
        f"Pipeline.{name}: plan human_motion has no {section} section; add [{section}] to its spec.toml and plan again"
    )
    with anomsdk.Pipeline(plans["alarm"]) as pipeline:
        if name in OF_HEALTH:
            with pytest.raises(InputError, match=r"add \[health\]"):
                getattr(pipeline, name)(*INPUTS[name])
        else:
            assert getattr(pipeline, name)(*INPUTS[name])[0].events[0].kind == anomsdk.Kind.RESTART
    with anomsdk.Pipeline(plans["health"]) as pipeline:
        assert getattr(pipeline, name)(*INPUTS[name])[0].events[0].kind == anomsdk.Kind.RESTART


def test_annunciation_needs_a_section(plans):
    with anomsdk.Pipeline(plans["none"]) as pipeline:
        assert pipeline.health == 0
        with pytest.raises(InputError, match=r"^Pipeline.annunciation: .*; add \[alarm\] to its spec.toml and plan"):
            _ = pipeline.annunciation


@pytest.mark.parametrize("wrong", [-1, 2**31, 2**32, True, False, np.True_, 1.0, "3", None, np.array(3)])
def test_a_silence_is_a_number_of_ticks(plans, wrong):
    with anomsdk.Pipeline(plans["alarm"]) as pipeline:
        with pytest.raises(InputError, match=r"silence: `ticks`: .* is not a whole number from 0 to 2147483647"):
            pipeline.silence(wrong)
        assert [bytes(each.events[0])[0] & 15 for each in pipeline.silence(np.int64(3))] == [5, 4], "nothing was done"


@pytest.mark.parametrize("wrong", [2, -1, None, "on", 1.0])
def test_a_switch_is_on_or_off(plans, wrong):
    with anomsdk.Pipeline(plans["health"]) as pipeline:
        for method, argument in ((pipeline.supply, "low"), (pipeline.out_of_service, "on")):
            with pytest.raises(InputError, match=f"`{argument}`: .* is not True or False"):
                method(wrong)


@pytest.mark.parametrize("low", [True, 1, np.True_, np.float32(3.1) < 3.3])
def test_a_switch_may_come_from_numpy(plans, low):
    with anomsdk.Pipeline(plans["health"]) as pipeline:
        assert pipeline.supply(low)[-1].events[0].condition == anomsdk.Condition.SUPPLY
        assert pipeline.supply(~np.bool_(low))[-1].events[0].active is False
