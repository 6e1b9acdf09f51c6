"""What a spec, and a plan, of motion must not say: each refusal names what is wrong."""

from dataclasses import replace

import numpy as np
import pytest

from anomsdk.core.fixed import log2_q10
from anomsdk.core.motion import FEATURES
from anomsdk.core.plan import MotionSensorPlan
from anomsdk.errors import InputError
from anomsdk.planner.front_end import extractor_plan
from anomsdk.planner.spec import PipelineSpec

SPEC = {
    "format": 1,
    "name": "collar",
    "sensor": {"kind": "motion", "rate_hz": 50, "axes": 6, "counts_per_g": 2048, "counts_per_dps": 16},
    "features": {"kind": "motion", "window_s": 2, "hop_s": 1, "gravity_s": 1},
    "context": {"kind": "stack", "frames": 2},
}


def plan_of(**features):
    spec = PipelineSpec.from_dict({**SPEC, "features": {**SPEC["features"], **features}})
    return extractor_plan(spec, None)


@pytest.mark.parametrize(
    ("section", "changes", "line"),
    [
        ("sensor", {"rate_hz": 9}, "sensor.rate_hz"),
        ("sensor", {"rate_hz": 201}, "sensor.rate_hz"),
        ("sensor", {"axes": 4}, "sensor.axes"),
        ("sensor", {"counts_per_g": 0}, "sensor.counts_per_g"),
        ("sensor", {"counts_per_dps": None}, "counts_per_dps is missing: 6 axes hold a gyroscope"),
        ("sensor", {"axes": 3}, "counts_per_dps is for a gyroscope, and 3 axes hold none"),
        ("sensor", {"full_scale_g": 17}, "full_scale_g 17 is 34816 counts, beyond int16"),
        ("features", {"hop_s": 3}, "hop_s 3 is longer than window_s 2"),
        ("features", {"gravity_s": 3}, "gravity_s 3 is longer than window_s 2"),
        (
            "features",
            {"hop_s": 0.009},
            "hop_s 0.009 is less than half a sample, 20 ms; lengthen it",
        ),
        ("features", {"window_s": 1e308}, "window_s 1e+308 is 1000000000 samples, not 4 to 1024"),
        ("features", {"select": ["posture_change"], "gravity_s": 1.995}, "gravity_s must be shorter than window_s"),
        ("features", {"window_s": 0.06, "hop_s": 0.02, "gravity_s": 0.04}, "window_s 0.06 is 3 samples, not 4 to 1024"),
        ("features", {"window_s": 20.5}, "window_s 20.5 is 1025 samples, not 4 to 1024"),
        ("features", {"gravity_s": 0.02}, "gravity_s 0.02 is 1 sample; lengthen it to 2 samples or more"),
        ("features", {"select": []}, "features.select"),
        ("features", {"select": ["odba", "odba"]}, "select names a feature twice"),
        ("features", {"select": ["speed"]}, "select has 'speed', which is none of"),
        ("features", {"select": ["odba"], "orientation_free": True}, "select has odba, which changes as the device"),
        ("features", {"select": ["posture_change"], "gravity_s": 2}, "gravity_s must be shorter than window_s"),
        ("features", {"band_edges_hz": [4, 2]}, "band_edges_hz must rise"),
        ("features", {"band_edges_hz": [0, 2]}, "band_edges_hz must rise, from above 0 Hz"),
        ("features", {"band_edges_hz": [2, 26]}, "band_edges_hz ends at 26 Hz, above half the rate, 25 Hz"),
        ("features", {"floor_mg": -1}, "features.floor_mg"),
        ("features", {"normalisation": "model"}, "features.normalisation"),
    ],
)
def test_a_spec_of_motion_is_refused_by_name(section, changes, line):
    tree = {**SPEC, section: {**SPEC[section], **changes}}
    with pytest.raises(InputError, match=r"^spec: ") as refused:
        PipelineSpec.from_dict(tree)
    assert line in str(refused.value) and "\n" not in str(refused.value)


def test_rotation_takes_a_gyroscope():
    sensor = {**SPEC["sensor"], "axes": 3, "counts_per_dps": None}
    with pytest.raises(InputError, match=r"select has rotation_mean, but sensor.axes is 3: there is no gyroscope"):
        PipelineSpec.from_dict(
            {**SPEC, "sensor": sensor, "features": {**SPEC["features"], "select": ["rotation_mean"]}}
        )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"axes": 4}, "4 axes, not 3 or 6"),
        ({"window": 3}, "a window of 3 samples"),
        ({"window": 1025}, "a window of 1025 samples"),
        ({"gravity": 1}, "a running mean of 1 samples"),
        ({"gravity": 101}, "a running mean of 101 samples"),
        ({"window_q31": 2**31 // 100 + 2}, "window_q31 is not 2**31 / 100"),
        ({"gravity_q31": 2**31 // 50 - 2}, "gravity_q31 is not 2**31 / 50"),
        ({"window_log2_q10": 6810}, "window_log2_q10 is 6810, which is not log2(100)"),
        ({"jerk_log2_q10": 6780}, "jerk_log2_q10 is 6780, which is not log2(99)"),
        ({"floor": 0}, "floor is 0, not 1 to 32767"),
        ({"rotation_floor": 32768}, "rotation_floor is 32768"),
        ({"features": ()}, "no features"),
        ({"features": ("odba", "speed")}, "features are unknown, named twice, or not in their order"),
        ({"features": tuple(FEATURES)[1::-1]}, "features are unknown, named twice, or not in their order"),
        (
            {"features": ("magnitude_mean", "magnitude_mean")},
            "features are unknown, named twice, or not in their order",
        ),
        ({"axes": 3}, "features of rotation take 6 axes"),
    ],
)
def test_a_plan_of_motion_is_refused_by_name(changes, line):
    plan = plan_of()
    plan.check()
    with pytest.raises(InputError) as refused:
        replace(plan, **changes).check()
    assert f"motion: {line}" in str(refused.value)


def test_the_spectrum_is_of_the_window():
    with pytest.raises(InputError, match="the spectrum is of another length than the window"):
        replace(plan_of(), spectrum=plan_of(window_s=1.5).spectrum).check()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"cos_q15": np.zeros(1025, np.int16), "sin_q15": np.zeros(1025, np.int16)}, "1025 samples, not"),
        ({"sin_q15": np.zeros(99, np.int16)}, "sin_q15"),
        ({"cos_q15": np.full(100, -32768, np.int16)}, "a value of cos_q15 is -32768"),
        ({"first_bin": np.array([0, 2, 4, 8, 16], np.uint16)}, "the bins of the bands do not rise from 1"),
        ({"first_bin": np.array([1, 2, 2, 8, 16], np.uint16)}, "the bins of the bands do not rise from 1"),
        ({"first_bin": np.array([1, 2, 4, 8, 52], np.uint16)}, "do not rise from 1 to at most 51"),
        ({"floor": np.array([1, 1, 0, 1], np.int32)}, "a floor is below 1"),
        ({"floor": np.zeros(0, np.int32)}, "0 bands"),
        ({"bin_floor": 0}, "bin_floor is 0"),
        ({"bin_floor": 2**31}, "bin_floor is 2147483648"),
    ],
)
def test_a_spectrum_is_refused_by_name(changes, line):
    spectrum = plan_of().spectrum
    with pytest.raises(InputError) as refused:
        replace(spectrum, **changes).check()
    assert line in str(refused.value)


SENSOR = MotionSensorPlan(
    rate_millihertz=50_000, axes=6, counts_per_kilo_g=1, counts_per_kilo_dps=1, full_scale_milli_g=1
)
MOST = 32_768_000


@pytest.mark.parametrize(
    ("axes", "name", "low", "high"),
    [
        (6, "counts_per_kilo_g", 1, MOST),
        (6, "counts_per_kilo_dps", 1, MOST),
        (3, "counts_per_kilo_dps", 0, 0),
        (6, "rate_millihertz", 10_000, 200_000),
    ],
)
def test_a_sensor_is_taken_up_to_its_bounds(axes, name, low, high):
    sensor = replace(SENSOR, axes=axes, counts_per_kilo_dps=1 if axes == 6 else 0)
    for value in (low, high):
        replace(sensor, **{name: value}).check()
    for value in (low - 1, high + 1):
        with pytest.raises(InputError, match=rf"{value}.* not {low} to {high}|{value} mHz is not {low} to {high}"):
            replace(sensor, **{name: value}).check()


@pytest.mark.parametrize("name", ["window_log2_q10", "jerk_log2_q10"])
def test_a_logarithm_is_taken_up_to_two_steps_above_that_of_the_table(name):
    plan = plan_of()
    n = plan.window - (name == "jerk_log2_q10")
    least = int(log2_q10(np.array(n)))
    for value in (least, least + 2):
        replace(plan, **{name: value}).check()
    for value in (least - 1, least + 3):
        with pytest.raises(InputError, match=rf"{name} is {value}, which is not log2\({n}\)"):
            replace(plan, **{name: value}).check()
