"""Training on a sensor at rest: one clear line before the search, or a model whose integers fit."""

import numpy as np
import pytest

import anomsdk
from anomsdk.core.autoencoder import Autoencoder, check_layers
from anomsdk.planner.layers import layer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.input_maps import unlearnt_extractor
from anomsdk.train.data.sensor_at_rest import check_moves, feature_names
from anomsdk.train.models.family import Candidate
from anomsdk.train.models.network import Dense, Network
from anomsdk.train.models.quantise import quantise
from anomsdk.train.models.support import NotOfferedError
from anomsdk.train.search.cross_validation import int8_layers
from anomsdk.train.search.search import Search
from tests.support.make import SPECS

EXTERNAL = PipelineSpec.from_toml(SPECS["external"] + "[model]\nmax_macs = 120\n")
FEW = SPECS["motion"].replace(
    "hop_s = 0.26", 'hop_s = 0.26\nselect = ["magnitude_mean", "magnitude_deviation", "jerk_max", "axis_mean"]'
)
MOTION = PipelineSpec.from_toml(FEW + "[model]\nmax_macs = 200\n")
ROOM = PipelineSpec.from_toml(SPECS["bands"].replace("band_ms = 64", "band_ms = 32") + "[model]\nmax_macs = 800\n")


def resting(spec, i, seconds=60, apart=0):
    n = round(spec.sensor.rate_hz * seconds)
    return np.full((n, spec.columns), 700 + apart * i, np.int16)


def fit(spec, recordings, out, **more):
    return anomsdk.train.fit(spec, recordings, out=out, **more)


@pytest.mark.parametrize("spec", [EXTERNAL, MOTION], ids=["external", "motion"])
@pytest.mark.parametrize("apart", [0, 5], ids=["all alike", "each at another level"])
def test_recordings_in_which_nothing_changes_are_refused_before_the_search(spec, apart, tmp_path, monkeypatch):
    monkeypatch.setattr(Search, "run", lambda *_: pytest.fail("it searched"))
    with pytest.raises(anomsdk.InputError) as caught:
        fit(spec, [resting(spec, i, apart=apart) for i in range(5)], tmp_path / "out")
    words = str(caught.value)
    assert "no feature changes within any of 5 recordings" in words and "record it in use" in words
    assert "\n" not in words and feature_names(unlearnt_extractor(spec))[0] in words
    assert not (tmp_path / "out").exists()


def test_features_that_never_change_are_named_and_it_trains_on_the_others(tmp_path):
    rng = np.random.default_rng(0)
    recordings = [resting(EXTERNAL, i, 300) for i in range(5)]
    for rows in recordings:
        rows[:, 0] += rng.integers(-50, 51, len(rows)).astype(np.int16)
    lines = []
    plan = fit(EXTERNAL, recordings, tmp_path / "out", report=lines.append)
    assert any("5 of 6 features never change within a recording (value 2, value 3" in line for line in lines)
    odd = recordings[0].copy()
    odd[100:, 3] += 400
    assert anomsdk.score(plan, odd).max() > 3 * anomsdk.score(plan, recordings[0]).max()


@pytest.mark.parametrize("spec", [EXTERNAL, MOTION, ROOM], ids=["external", "motion", "audio"])
def test_at_rest_but_for_the_noise_of_the_converter_it_trains_and_works(spec, tmp_path):
    rng = np.random.default_rng(1)
    seconds = {"external": 100, "motion": 120, "audio": 8}[spec.sensor.kind]
    recordings = []
    for i in range(6):
        rows = resting(spec, i, seconds) + rng.integers(-1, 2, (round(spec.sensor.rate_hz * seconds), spec.columns))
        recordings.append(np.clip(rows if spec.columns > 1 else rows[:, 0] - 700, -32768, 32767).astype(np.int16))
    plan = fit(spec, recordings, tmp_path / "out")
    check_layers(plan.layers)
    odd = np.clip(recordings[0] + rng.normal(0, 300, recordings[0].shape), -32768, 32767).astype(np.int16)
    assert anomsdk.score(plan, odd).max() > 3 * anomsdk.score(plan, recordings[0]).max()


def test_a_single_step_in_each_recording_trains(tmp_path):
    """Windows of two or three values only: k-means found the same mean more than once, and a bias of 2**31 of it."""
    recordings = [resting(MOTION, i, 120) for i in range(6)]
    for i, rows in enumerate(recordings):
        rows[1000 + 17 * i, 0] += 1
    spec = MOTION.model_copy(update={"model": MOTION.model.model_copy(update={"max_macs": 12_000})})
    monkey = pytest.MonkeyPatch()
    with monkey.context() as patched:
        kinds = [Candidate("nearest mean", (56, 8), 7.0), Candidate("mahalanobis", (), 4.0)]
        patched.setattr("anomsdk.train.search.search.candidates", lambda *_: kinds)
        plan = fit(spec, recordings, tmp_path / "out")
    check_layers(plan.layers)


@pytest.mark.parametrize(
    "weight", [np.zeros((3, 3)), np.full((3, 3), 1e-12), np.diag([1.0, 1e-9, 0.0])], ids=["zero", "tiny", "mixed"]
)
@pytest.mark.parametrize("bias", [1e-3, 1.0, 50.0])
def test_a_bias_beside_weights_of_nothing_keeps_its_value_in_32_bits(weight, bias):
    scale = 12 / 127
    first = Dense(weight, np.array([bias, -bias, bias]), relu=True)
    last = Dense(weight, np.array([bias, -bias, 0.0]))
    x = np.random.default_rng(0).standard_normal((200, 3))
    for network in (Network((last,)), Network((first, last))):
        layers = tuple(layer_plan(layer) for layer in quantise(network, x, scale))
        check_layers(layers)
        got = Autoencoder(layers).run(np.rint(x / scale).astype(np.int64)) * scale
        assert np.abs(got - np.clip(network.run(x), -12, 12)).max() <= 2 * scale


def test_a_sensor_that_never_moves_a_layer_keeps_room_when_its_sums_are_scaled_up():
    """Large weights of inputs that are all 0: the range of what comes out is no finer than 32 bits allow."""
    network = Network((Dense(np.full((4, 2), 5e4), np.zeros(2)), Dense(np.full((2, 4), 1e-3), np.zeros(4))))
    check_layers(tuple(layer_plan(layer) for layer in quantise(network, np.zeros((50, 4)), 4 / 127)))


def test_cross_validation_refuses_what_cannot_be_held_in_32_bits_before_it_judges():
    wide = Network((Dense(np.full((4, 4), 1e9), np.full(4, 1e-3)),))  # a scale ratio of 2**27: sums leave 32 bits
    with pytest.raises(NotOfferedError, match=r"no int8 form .*32 bits"):
        int8_layers(wide, np.zeros((10, 4)), 4 / 127)


def test_names_of_features_are_as_many_as_features():
    for name in ("bands", "logmel", "motion", "external"):
        extractor = unlearnt_extractor(PipelineSpec.from_toml(SPECS[name]))
        names = feature_names(extractor)
        assert len(names) == len(set(names)) == extractor.n_features


def test_one_frame_says_nothing_of_rest():
    extractor = unlearnt_extractor(EXTERNAL)
    check_moves(extractor, [[np.zeros((1, 6), np.int32)]] * 3)
    with pytest.raises(anomsdk.InputError, match="no feature changes"):
        check_moves(extractor, [[np.zeros((1, 6), np.int32)] * 2] * 3)
