"""What a trained model stores, looked at from outside: no single window of a recording.

An attacker has the int8 weights and the biases, takes vectors out of them in every way that the kinds of model suggest,
and compares these with windows. The windows that trained must be no closer to them than other windows of the same
source: the negative control.
"""

import numpy as np
import pytest

import anomsdk
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.data.corpus import clips_of, gather
from anomsdk.train.models.family import MEANS, Candidate, family, train_candidate
from anomsdk.train.models.linear import Directions
from anomsdk.train.models.means import nearest_mean, supported
from anomsdk.train.models.network import Dense, Network
from anomsdk.train.models.quantise import quantise
from anomsdk.train.models.support import MOST_OF_ONE, NotOfferedError, Origins, without_rare_units
from anomsdk.train.search.cross_validation import CrossValidation
from tests.support.make import SPECS

N_IN = 24


def windows(n, seed, odd=0):
    """Correlated inputs with heavy tails; the first ``odd`` of them far from all others, each in its own direction."""
    mixing = np.random.default_rng(1234).standard_normal((5, N_IN)) / 2.5
    rng = np.random.default_rng(seed)
    x = rng.standard_t(5, (n, 5)) @ mixing + 0.5 * rng.standard_normal((n, N_IN))
    x[:odd] = 8 * rng.standard_normal((odd, N_IN))
    return np.clip(x, -12, 12)


def stored_vectors(layers):
    """Rows, columns, biases, and what a linear model was made of: directions, covariance and mean."""
    weights = [layer.weights * layer.weight_scales[:, None].astype(float) for layer in layers]
    biases = [layer.bias * layer.input_scale * layer.weight_scales.astype(float) for layer in layers]
    found = []
    for weight, bias in zip(weights, biases, strict=True):
        found += [*weight] if weight.shape[1] == N_IN else []
        found += [*weight.T, bias] if weight.shape[0] == N_IN else []
    if len(layers) == 1:
        residual = np.eye(N_IN) - weights[0]
        found += [*residual, *np.linalg.eigh((residual + residual.T) / 2)[1].T, *np.linalg.pinv(residual @ residual.T)]
        found.append(np.linalg.lstsq(residual, biases[0], rcond=None)[0])
    if len(layers) == 2:
        both = weights[1] @ weights[0]
        left, _, right = np.linalg.svd(both)
        found += [*both, *left.T, *right]
    vectors = np.array([vector for vector in found if np.linalg.norm(vector) > 1e-9])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def alignment(x, vectors):
    """Cosine of each window, without a sign, with the vector that is closest to it."""
    return np.abs((x / np.linalg.norm(x, axis=1, keepdims=True)) @ vectors.T).max(axis=1)


def int8_of(candidate, x, **more):
    x = np.clip(x, -candidate.deviations, candidate.deviations)  # as inputs are
    network, _ = train_candidate(candidate, x, None, seed=0, **more)
    return quantise(network, x, candidate.deviations / 127)


def remembered(layers, trained):
    """By how much the odd window that trained, row 0, is closer to the weights than any of forty that did not."""
    vectors = stored_vectors(layers)
    others = np.concatenate([windows(1, 1000 + seed, odd=1) for seed in range(40)])
    return float(alignment(trained[:1], vectors)[0] - alignment(others, vectors).max())


KINDS = [
    (Candidate("mahalanobis", (), 12.0), {}),
    (Candidate("mahalanobis", (), 4.0, shrinkage=0.1), {}),
    (Candidate("components", (8,), 12.0), {}),
    (Candidate("whitened components", (8,), 12.0), {}),
    (Candidate("autoencoder", (8,), 6.0), {"epochs": 150}),
    (Candidate("autoencoder", (32,), 6.0), {"epochs": 150}),
    (Candidate("nearest mean", (56, 8), 7.0), {}),
]


@pytest.mark.parametrize("n", [50, 400])
@pytest.mark.parametrize(("candidate", "more"), KINDS, ids=lambda each: str(each) if each else "")
def test_no_kind_stores_an_odd_window(candidate, more, n):
    found = []
    for seed in range(3):
        x = windows(n, seed, odd=1)
        try:
            found.append(remembered(int8_of(candidate, x, **more), x))
        except NotOfferedError:
            continue  # nothing is stored at all
    assert all(each <= 0.02 for each in found), found
    assert found or n == 50, "with enough windows there is a model"


def test_the_attack_finds_what_the_rules_prevent(monkeypatch):
    """The planted control: with the rules off, weights of few windows point at an odd one."""
    monkeypatch.setattr("anomsdk.train.models.linear.MOST_OF_ONE", 2.0)
    monkeypatch.setattr("anomsdk.train.models.linear._MOST_OF_COMPONENT", 2.0)
    for candidate in (KINDS[0][0], KINDS[2][0], KINDS[3][0]):
        x = windows(50, 0, odd=1)
        assert remembered(int8_of(candidate, x), x) > 0.1, str(candidate)
    monkeypatch.setattr("anomsdk.train.models.support.LEAST_WINDOWS", 1)
    monkeypatch.setattr("anomsdk.train.models.support.LEAST_OF_OTHERS", 0)
    monkeypatch.setattr("anomsdk.train.models.support.LEAST_GROUPS", 1)
    x[0] *= 2
    means = nearest_mean(x, 8, seed=0, origins=Origins(*[np.arange(50)] * 3, least_groups=1)).layers[-1].weight
    assert np.abs(means - x[0]).max(axis=1).min() < 1e-9, "a mean is one window"


def test_what_few_windows_would_make_up_is_left_out_of_a_covariance():
    x = windows(2000, 0, odd=3)
    found = Directions.of(x, Origins.unknown(len(x)))
    assert found.influence.max() <= MOST_OF_ONE and 3 <= len(x) - len(found.inputs) <= 100
    assert not any((found.inputs == odd).all(axis=1).any() for odd in x[:3])
    clean = windows(2000, 0)
    gaussian = np.random.default_rng(0).standard_normal(clean.shape)
    assert len(Directions.of(gaussian, Origins.unknown(2000)).inputs) == 2000, "ordinary rows all stay"


def test_an_odd_window_trains_no_autoencoder(monkeypatch):
    given = []
    trained = Network((Dense(np.eye(N_IN), np.zeros(N_IN)),))
    monkeypatch.setattr(
        "anomsdk.train.models.family.train_autoencoder", lambda x, *_, **__: (given.append(x) or trained, 1)
    )
    x = windows(400, 0, odd=2)
    train_candidate(Candidate("autoencoder", (8,), 6.0), x, None, seed=0)
    assert 380 <= len(given[0]) <= 398
    assert not any((given[0] == odd).all(axis=1).any() for odd in x[:2])


def of_groups(*sizes):
    """Origins of windows of groups of these sizes, one second apart."""
    group = np.repeat(np.arange(len(sizes)), sizes)
    return Origins(np.arange(len(group)), group, np.concatenate([np.arange(n, dtype=float) for n in sizes]))


@pytest.mark.parametrize(
    ("origins", "enough"),
    [
        (of_groups(16, 16), True),
        (of_groups(16, 15), False),
        (of_groups(40), False),
        (of_groups(40, 1), False),
        (of_groups(40, 4), True),
    ],
)
def test_a_mean_rests_on_32_windows_of_two_groups(origins, enough):
    assert origins.support(np.ones(len(origins.group), bool)) == enough


def test_one_window_at_many_gains_is_one_window():
    origins = of_groups(15, 15)
    three = Origins(np.tile(origins.window, 3), np.tile(origins.group, 3), np.tile(origins.start_s, 3))
    assert three.n_windows == 30 and not three.support(np.ones(90, bool))


def test_of_one_recording_a_mean_rests_on_ten_stretches_a_minute_apart():
    def made(stretches, apart_s):
        starts = np.concatenate([k * apart_s + np.arange(4) * 0.5 for k in range(stretches)])
        n = len(starts)
        return Origins(np.arange(n), np.zeros(n, np.int64), starts, 2.0, least_groups=1, least_stretches=10)

    assert made(10, 70.0).support(np.ones(40, bool))
    assert not made(9, 70.0).support(np.ones(36, bool)), "nine stretches"
    assert not made(10, 60.0).support(np.ones(40, bool)), "less than a minute from the end of one to the next"
    assert "10 stretches 60 s apart" not in made(10, 70.0).rule() or "32 windows" in made(10, 70.0).rule()


def test_a_mean_of_one_group_goes_and_the_others_stay_as_they_were():
    rng = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [20.0, 0.0], [0.0, 20.0]])
    x = np.concatenate([c + rng.standard_normal((60, 2)) for c in centres])
    shared = np.arange(60) % 2
    origins = Origins(np.arange(180), np.concatenate([shared, shared, np.zeros(60, np.int64)]), np.zeros(180))
    means = supported(x, centres, origins)
    assert np.array_equal(means, centres[:2])
    stored = nearest_mean(x, 3, seed=0, origins=origins).layers[-1].weight
    assert len(stored) == 2 and (stored[:, 1] < 5).all()
    alone = Origins(np.arange(180), np.repeat([0, 1, 2], 60), np.zeros(180))
    with pytest.raises(NotOfferedError, match="fewer than 2 means rest on 32 windows of 2 groups"):
        nearest_mean(x, 3, seed=0, origins=alone)


def test_a_hidden_unit_that_answers_to_few_windows_is_emptied():
    x = np.random.default_rng(0).standard_normal((200, 3))
    x[0] = [30.0, 0.0, 0.0]
    encoder = Dense(np.array([[1.0, 1.0, 1.0], [0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]), np.array([0.0, -20.0, -99.0]), True)
    decoder = Dense(np.array([[1.0, 0, 0], [5.0, 6.0, 7.0], [1.0, 2.0, 3.0]]), np.zeros(3))
    first, last = without_rare_units(Network((encoder, decoder)), x, Origins.unknown(200)).layers
    assert first.weight[:, 1].tolist() == [0, 0, 0] and first.bias[1] == 0 and last.weight[1].tolist() == [0, 0, 0]
    assert np.array_equal(first.weight[:, [0, 2]], encoder.weight[:, [0, 2]]), "one for all, one for nothing: they stay"
    assert np.array_equal(last.weight[[0, 2]], decoder.weight[[0, 2]])


def test_no_model_has_more_freedom_than_windows():
    for candidate in family(54, 1 << 20) + family(33, 1 << 20, correlated=True):
        needed = candidate.least_windows(54)
        assert needed >= 32
        if candidate.kind == "autoencoder":
            assert needed * 54 >= 4 * candidate.macs(54)
    assert [Candidate("nearest mean", (k * (k - 1), k), 7.0).least_windows(33) for k in MEANS] == [256, 512]


SPEC = PipelineSpec.from_dict(
    {
        "format": 1,
        "name": "meter",
        "sensor": {"kind": "external", "rate_hz": 1},
        "features": {"kind": "external", "n_features": 3},
        "context": {"kind": "stack", "frames": 2},
        "model": {"max_macs": 60},
    }
)


def judge_of(recordings, groups, segment_s=0.0):
    corpus = gather(SPEC, list(clips_of(SPEC, recordings, groups, "r")), seed=0, excerpts=0, segment_s=segment_s)
    return CrossValidation(SPEC, corpus, anomalous=None, seed=0)


def rows(n, seed):
    return np.random.default_rng(seed).normal(0, 100, (n, 3)).astype(np.int16)


def test_groups_reach_the_means_as_they_were_given():
    judge = judge_of([rows(50, i) for i in range(4)], ["a", "b", "a", "b"])
    origins = judge._whole(7.0)[2]
    assert origins.least_groups == 2 and sorted(np.bincount(origins.group)) == [98, 98] and origins.n_windows == 196


def test_a_copy_in_another_group_is_no_other_group():
    origins = judge_of([rows(50, 0), rows(50, 0), rows(50, 1)], ["a", "b", "a"])._whole(7.0)[2]
    assert set(origins.group.tolist()) == {0} and origins.n_windows == 98 and origins.least_groups == 1


def test_segments_of_one_recording_are_one_group_with_a_time():
    origins = judge_of([rows(1200, 0)], None, segment_s=300.0)._whole(7.0)[2]
    assert (origins.least_groups, origins.least_stretches) == (1, 10) and set(origins.group.tolist()) == {0}
    assert origins.support(np.ones(len(origins.group), bool)) and 1190 < origins.start_s.max() < 1200
    assert not origins.support(origins.start_s < 500)


def test_the_table_says_what_is_not_offered_and_why(tmp_path):
    lines = []
    with pytest.raises(anomsdk.InputError, match="too few recordings for a model that stores no single window"):
        anomsdk.train.fit(SPEC, [rows(6, i) for i in range(6)], out=tmp_path / "none")
    more = {"model": {"max_macs": 400}, "context": {"kind": "stack", "frames": 4}}
    spec = PipelineSpec.from_dict(SPEC.model_dump(exclude_none=True) | more)
    anomsdk.train.fit(spec, [rows(24, i) for i in range(6)], out=tmp_path / "some", report=lines.append)
    table = next(line for line in lines if "AUC int8" in line)
    assert "not offered" not in table.splitlines()[0]
    assert any(
        line.startswith("not offered: autoencoder 16") and "windows to learn from" in line
        for line in table.splitlines()
    ), table


def test_what_is_not_offered_is_not_chosen_and_the_kinds_that_are_go_on(monkeypatch, tmp_path):
    """Motion of one wearer, cut into segments of one short recording: no mean has ten stretches to rest on."""
    spec = PipelineSpec.from_toml(
        SPECS["motion"].replace(
            "hop_s = 0.26", 'hop_s = 0.26\nselect = ["magnitude_mean", "magnitude_deviation", "vedba_max"]'
        )
        + "[model]\nmax_macs = 900\n"
    )
    rate, n = round(spec.sensor.rate_hz), spec.columns
    walk = np.random.default_rng(0).normal(0, 300, (rate * 200, n)).astype(np.int16)
    lines = []
    options = anomsdk.train.Options(segment_s=40.0)
    plan = anomsdk.train.fit(spec, [walk], out=tmp_path / "m", options=options, report=lines.append)
    assert any("not offered: nearest mean of 8" in line and "10 stretches 60 s apart" in line for line in lines)
    assert plan.provenance and "nearest" not in str(plan.provenance)
