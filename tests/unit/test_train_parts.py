"""The parts of training: what the models are, how they are judged, what they are judged on."""

import tracemalloc

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as scipy_mahalanobis
from sklearn.covariance import ledoit_wolf

from anomsdk.core.autoencoder import Autoencoder
from anomsdk.core.score import largest_score
from anomsdk.errors import InputError
from anomsdk.planner.front_end import Q10_PER_DB
from anomsdk.planner.layers import layer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.sources.clips import Clip, clip_from_array
from anomsdk.train.data.corpus import gather
from anomsdk.train.data.feature_levels import feature_levels_of
from anomsdk.train.data.input_maps import InputMaps
from anomsdk.train.models.family import KINDS, Candidate, family, score_weights, train_candidate
from anomsdk.train.models.linear import MAHALANOBIS_STEPS, mahalanobis, principal_components
from anomsdk.train.models.means import nearest_mean
from anomsdk.train.models.network import Dense, Network, train_autoencoder
from anomsdk.train.models.quantise import quantise, short_scale
from anomsdk.train.probes.sound import STRENGTHS, disturbed_rows, sound_event
from anomsdk.train.search.budget import Needs
from anomsdk.train.search.cross_validation import CrossValidation
from anomsdk.train.search.journal import Journal
from anomsdk.train.search.search import _MOVED, Margin, Search, _choice, _why
from anomsdk.train.search.trials import Trial
from anomsdk.train.search.variants import variants_of, words_of
from tests.support.make import FOLLOWED, SPECS
from tests.unit.test_train import QUICK, room


def rows(n=3000, width=12, seed=0):
    """Correlated normal rows of about unit variance."""
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((n, 4)) @ rng.standard_normal((4, width)) + 0.3 * rng.standard_normal((n, width))
    return x / x.std(axis=0)


# Models


def test_the_residual_of_the_one_layer_is_the_mahalanobis_distance():
    x, scale = rows() + 0.2, 12 / 127
    residual = (x - mahalanobis(x, scale).run(x))[:20] / (MAHALANOBIS_STEPS * scale)
    inverse, mean = np.linalg.inv(ledoit_wolf(x)[0]), x.mean(axis=0)
    expected = [scipy_mahalanobis(row, mean, inverse) for row in x[:20]]
    assert np.allclose(np.linalg.norm(residual, axis=1), expected)


def test_the_residual_of_the_bottleneck_is_what_the_components_leave():
    from sklearn.decomposition import PCA

    x = rows() + 0.2
    pca = PCA(4).fit(x)
    left = x - pca.inverse_transform(pca.transform(x))
    assert np.allclose(x - principal_components(x, 4, whitened=False).run(x), left)


def test_whitened_components_are_the_distance_of_probabilistic_pca():
    from sklearn.decomposition import PCA

    x = rows() + 0.2
    pca = PCA(4, svd_solver="full").fit(x)
    pca.explained_variance_ *= (len(x) - 1) / len(x)  # maximum likelihood, as in the paper
    pca.noise_variance_ *= (len(x) - 1) / len(x)
    residual = x - principal_components(x, 4, whitened=True).run(x)
    centred = x - x.mean(axis=0)
    distance = np.einsum("ij,jk,ik->i", centred, pca.get_precision(), centred)
    assert np.allclose((residual**2).sum(axis=1) / pca.noise_variance_, distance)


def test_the_residual_is_the_distance_to_the_nearest_mean():
    from sklearn.cluster import KMeans

    x = rows() + 0.2
    distances = KMeans(5, n_init=4, random_state=3).fit(x).transform(x)
    nearest, second = np.sort(distances**2, axis=1)[:, :2].T
    network = nearest_mean(x, 5, seed=3)
    assert [layer.weight.shape for layer in network.layers] == [(12, 20), (20, 5), (5, 12)]
    found = ((x - network.run(x)) ** 2).sum(axis=1)
    clear = second - nearest > 1 / 16
    assert clear.mean() > 0.95
    assert np.allclose(found[clear], nearest[clear])
    assert (found[~clear] <= second[~clear] + 1e-9).all()


def test_fewer_different_inputs_than_means_are_reconstructed_all_the_same():
    x = np.repeat([[1.0, -2.0], [3.0, 0.5]], 50, axis=0)
    assert np.allclose(nearest_mean(x, 8, seed=0).run(x), x)


def test_the_means_do_not_depend_on_the_number_of_threads():
    from threadpoolctl import threadpool_limits

    x = np.random.default_rng(0).standard_normal((5000, 6))
    with threadpool_limits(1):
        one = nearest_mean(x, 8, seed=0)
    for layer, same in zip(one.layers, nearest_mean(x, 8, seed=0).layers, strict=True):
        assert np.array_equal(layer.weight, same.weight) and np.array_equal(layer.bias, same.bias)


def test_a_layer_with_a_ceiling_ends_its_int8_range_there():
    x = np.linspace(-8, 8, 400)[:, None]
    steep = Dense(np.full((1, 1), 10.0), np.zeros(1), relu=True, ceiling=1.0)
    network = Network((steep, Dense(np.ones((1, 1)), np.zeros(1))))
    assert network.run(x).max() == 1.0
    first, last = quantise(network, x, 8 / 127)
    assert first.output_scale == pytest.approx(1 / 254, rel=1e-3)
    assert quantise(network, x / 100, 8 / 127)[0].output_scale == first.output_scale, "whatever the rows reach"
    outputs = Autoencoder(tuple(map(layer_plan, (first, last)))).run(np.rint(x * 127 / 8).astype(np.int64))
    assert outputs.max() == round(127 / 8)


@pytest.mark.parametrize("kind", KINDS)
def test_int8_scores_are_those_of_the_network(kind):
    """Normal rows, and rows that are not: the ranks of the scores, and their size."""
    x = np.clip(rows(), -8, 8)
    hidden = {"mahalanobis": (), "nearest mean": (12, 4), "autoencoder": (16,)}
    candidate = Candidate(kind, hidden.get(kind, (4,)), 8.0)
    scale = candidate.deviations / 127
    network, _ = train_candidate(candidate, x, None, seed=0, epochs=30)
    layers = quantise(network, x, scale)
    for layer in layers[:-1]:
        assert layer.output_zero_point == -127 and layer.activation == "RELU"
    odd = np.clip(x[:500] + np.random.default_rng(1).standard_normal((500, 12)) * 0.7, -8, 8)
    for part, closest in ((x[:500], 0.97), (odd, 0.99)):
        integers = np.rint(part / scale).astype(np.int64)
        outputs = Autoencoder(tuple(map(layer_plan, layers))).run(integers)
        of_int8 = ((integers - outputs) ** 2).sum(axis=1)
        of_float = ((integers - network.run(integers * scale) / scale) ** 2).sum(axis=1)
        assert np.corrcoef(of_int8, of_float)[0, 1] > closest
        assert 0.85 < np.median(of_int8) / np.median(of_float) < 1.15


def test_linear_hidden_values_are_lifted_not_cut():
    """A bottleneck as ReLU layer: the negative half of each component is kept."""
    x = np.clip(rows(), -8, 8)
    network = principal_components(x, 4, whitened=False)
    layers = quantise(network, x, 8 / 127)
    integers = np.rint(x / (8 / 127)).astype(np.int64)
    outputs = Autoencoder(tuple(map(layer_plan, layers))).run(integers)
    assert np.abs(outputs * 8 / 127 - network.run(x)).max() < 0.25


def test_scales_are_so_short_that_their_products_are_exact():
    rng = np.random.default_rng(0)
    for a, b in rng.uniform(1e-4, 1, (100, 2)):
        a, b = short_scale(a), short_scale(b)
        assert float(np.float32(a)) == a and float(np.float32(a) * np.float32(b)) == a * b


def test_ctrl_c_inside_an_epoch_stops_the_training(monkeypatch):
    """scikit-learn catches the interrupt itself, and only warns."""
    from sklearn.neural_network import MLPRegressor

    def interrupted(self, *_):
        raise KeyboardInterrupt

    monkeypatch.setattr(MLPRegressor, "_backprop", interrupted)
    x = np.random.default_rng(0).standard_normal((200, 6))
    with pytest.raises(KeyboardInterrupt):
        train_autoencoder(x, (4, 2, 4), seed=0, held_out=x)


def test_training_stops_where_the_held_out_rows_stop_gaining():
    """On pure noise an overcomplete network learns its rows by heart."""
    rng = np.random.default_rng(0)
    x, held = rng.standard_normal((60, 10)), rng.standard_normal((60, 10))
    seen = []
    _, epochs = train_autoencoder(x, (30, 3, 30), seed=0, held_out=held, epochs=3000, progress=seen.append)
    assert epochs < seen[-1] < 3000, "the network returned is that of an earlier epoch"


@pytest.mark.parametrize(("n", "budget"), [(54, 30_000), (640, 300_000), (18, 1000), (3, 100)])
def test_the_family_keeps_the_budget(n, budget):
    found = family(n, budget)
    assert found and all(candidate.macs(n) <= budget for candidate in found)
    assert ("mahalanobis" in {candidate.kind for candidate in found}) == (n * n <= budget)
    assert len({str(candidate) for candidate in found}) == len(found)
    assert [c.macs(n) for c in found] == sorted(c.macs(n) for c in found)


@pytest.mark.parametrize("n", [1, 54, 640, 4096])
def test_score_weights_keep_the_score_in_32_bits(n):
    from anomsdk.core.score import ScorePlan

    errors = np.random.default_rng(0).standard_normal((50, n)) * np.geomspace(1e-3, 1e3, n)
    weights = score_weights(Candidate("autoencoder", (8,), 6.0, weighted=True), errors)
    plan = ScorePlan(np.array(weights, np.uint8), 0, 0, 1, 1, 0)
    assert min(weights) >= 1 and largest_score(plan) <= 2**32 - 1
    assert n == 1 or weights[0] > weights[-1], "what is never reconstructed well counts less"
    assert set(score_weights(Candidate("autoencoder", (8,), 6.0), errors)) == {1}


# Recordings


def clips(n=8, seconds=3):
    return [clip_from_array(str(i), str(i // 2), room(i, seconds)) for i in range(n)]


def test_other_gains_are_heard_through_the_whole_chain():
    """Levels of the amplified samples, saturated where they exceed 16 bits."""
    loud = (room(3) * 4.0).clip(-32768, 32767).astype(np.int16)
    x = np.concatenate([loud, np.zeros(4000, np.int16), room(1)])
    (recorded,) = gather(QUICK, [clip_from_array("a", "g", x)], seed=0, excerpts=0, gain_db=6.0).recordings
    expected = [
        feature_levels_of(QUICK, (part * 10.0 ** (gain_db / 20)).round().clip(-32768, 32767).astype(np.int16))
        for part in (loud, room(1))
        for gain_db in (-6.0, 6.0)
    ]
    assert [(found == wanted).all() for found, wanted in zip(recorded.at_gains, expected, strict=True)] == [True] * 4


def test_rows_have_no_gain():
    spec = PipelineSpec.from_toml(SPECS["external"])
    rows_of_six = np.arange(600, dtype=np.int16).reshape(100, 6)
    clip = clip_from_array("a", "g", rows_of_six, kind="external", rate_hz=10)
    assert gather(spec, [clip], seed=0, excerpts=0, gain_db=6.0).recordings[0].at_gains == ()


def test_pieces_and_groups_are_those_of_the_clips():
    x = np.concatenate([room(0), np.zeros(4000, np.int16), room(1)])
    corpus = gather(QUICK, [clip_from_array("a", "g", x)], seed=0, excerpts=0)
    (recorded,) = corpus.recordings
    assert (recorded.name, recorded.group, corpus.cut_s) == ("a", "g", 0.25)
    for piece, alone in zip(recorded.pieces, (room(0), room(1)), strict=True):
        assert (piece == feature_levels_of(QUICK, alone)).all()


def test_segments_are_cut_to_the_sample():
    x = np.concatenate([room(0), room(1), room(2)[:50_000]])
    corpus = gather(QUICK, [clip_from_array("a", "g", x)], seed=0, excerpts=0, segment_s=6.0)
    assert [r.group for r in corpus.recordings] == ["g #0", "g #1", "g #2"]
    for recorded, alone in zip(corpus.recordings, (room(0), room(1), room(2)[:50_000]), strict=True):
        assert (recorded.pieces[0] == feature_levels_of(QUICK, alone)).all()


def test_nothing_of_a_damaged_recording_is_kept():
    """Not even its first segments: what is said to be left out is left out."""

    def read():
        yield room(0)
        raise InputError("b: cut off")

    damaged = Clip("b", "b", None, "audio", 16_000, 1, None, read)
    corpus = gather(
        QUICK, [clip_from_array("a", "a", room(1)), damaged], seed=0, excerpts=0, segment_s=2.0, skip_bad=True
    )
    assert {r.group for r in corpus.recordings} == {"a #0", "a #1", "a #2"} and corpus.bad == ("b: cut off",)
    assert corpus.seconds == 6


def test_copies_are_counted():
    twice = [clip_from_array(str(i), str(i), room(i % 3)) for i in range(6)]
    corpus = gather(QUICK, twice, seed=0, excerpts=0)
    assert corpus.copies == 3 and any("3 of 6 recordings are copies" in line for line in corpus.lines())


def test_memory_does_not_grow_with_the_samples():
    """Forty seconds more are 1.3 MB of samples; what stays of them is their levels."""
    second = (np.random.default_rng(0).standard_normal(16_000) * 500).astype(np.int16)
    spec = PipelineSpec.from_toml(SPECS["bands"].replace("band_ms = 64", "band_ms = 256"))
    peaks = []
    for seconds in (20, 60):
        sounds = (np.roll(second, 37 * i) for i in range(seconds))
        clip = Clip("long", "g", None, "audio", 16_000, 1, None, lambda sounds=sounds: sounds)
        tracemalloc.start()
        corpus = gather(spec, [clip], seed=0, excerpts=0)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
        assert corpus.seconds == seconds
    assert peaks[1] - peaks[0] < 0.1 * 40 * 32_000


def test_excerpts_are_a_fair_sample_of_everything(monkeypatch):
    monkeypatch.setattr("anomsdk.train.data.excerpts.PROBES", 1)

    def read():
        rng = np.random.default_rng(0)
        for i in range(40):  # stretches that can be told apart by their level, 1 dB each
            yield (rng.standard_normal(16_000 * 5) * 30 * 10 ** (i / 20)).astype(np.int16)

    long = Clip("long", "g", None, "audio", 16_000, 1, None, read)
    excerpts = gather(QUICK, [long], seed=0, excerpts=12).recordings[0].excerpts
    loudness = [np.median(excerpt.normal[:, :-2]) / Q10_PER_DB for excerpt in excerpts]
    assert len(excerpts) == 12
    assert min(loudness) < -20 and max(loudness) > 5, "of -27 to 13 dB: not only the first or the last"


# Probes


def test_sounds_are_events_within_the_band():
    rng = np.random.default_rng(0)
    for _ in range(60):
        x = sound_event(16_000, rng)
        assert 800 <= len(x) <= 16_000 and np.abs(x).max() == 16_000
        spectrum = np.abs(np.fft.rfft(x.astype(float))) ** 2
        assert spectrum[: len(x) * 40 // 16_000 + 1].sum() < 0.5 * spectrum.sum()


def test_disturbed_rows_differ_in_some_columns_for_a_while():
    rng = np.random.default_rng(0)
    x = np.round(rng.standard_normal((100, 8)) * 50).astype(np.int16)
    for strength in STRENGTHS:
        for _ in range(40):
            changed = disturbed_rows(x, strength, 20, rng) != x
            assert 1 <= changed.any(axis=0).sum() <= 4 and 1 <= changed.any(axis=1).sum() <= 20
    moved = [np.abs(disturbed_rows(x, s, 20, np.random.default_rng(i)) - x).max() for s in STRENGTHS for i in range(40)]
    assert np.mean(moved[:40]) > 1.3 * np.mean(moved[40:])


# Judgement


@pytest.fixture(scope="module")
def corpus():
    return gather(QUICK, clips(), seed=0, gain_db=6.0)


def judge(corpus):
    return CrossValidation(QUICK, corpus, anomalous=None, seed=0)


def test_every_group_is_held_out_once(corpus):
    folds = judge(corpus)._folds
    assert sorted(label for fold in folds for label in fold) == ["0", "1", "2", "3"]


def test_what_a_fold_holds_out_teaches_it_nothing(corpus):
    """Everything that a fold has learnt is the same when what it holds out is another recording."""
    held = judge(corpus)._folds[0]
    others = [
        clip_from_array(
            clip.name, clip.group, (room(50 + i, 3) // 3).astype(np.int16) if clip.group in held else room(i, 3)
        )
        for i, clip in enumerate(clips())
    ]
    candidate = Candidate("mahalanobis", (), 12.0)
    found = []
    for each in (corpus, gather(QUICK, others, seed=0, gain_db=6.0)):
        run = judge(each)._run(candidate, 0).trained
        found.append((run.maps.features, run.maps.inputs, [layer.weights.tolist() for layer in run.layers]))
    assert found[0] == found[1]


def test_the_area_is_that_of_the_scores_that_would_run(corpus):
    """The judge's integers are those of a plan: same inputs, same scores."""
    import anomsdk
    from anomsdk.planner.calibration import Calibration, alarm_levels, signal_sections
    from anomsdk.planner.planner import plan_from
    from anomsdk.plans.tflite.reader import parse_tflite
    from anomsdk.plans.tflite.writer import write_tflite

    spec = QUICK.model_copy(update={"score": QUICK.score.model_copy(update={"baseline_s": 0.0})})
    trained = CrossValidation(spec, corpus, anomalous=None, seed=0).train(Candidate("mahalanobis", (), 12.0), 0)
    model = parse_tflite(write_tflite(list(trained.layers)), name="m")
    calibration = Calibration(
        format=1,
        model_sha256=model.sha256,
        signal=signal_sections(spec),
        features=trained.maps.features,
        inputs=trained.maps.inputs,
        score_weights=trained.weights,
        alarm_levels=alarm_levels([np.array([5])]),
        recordings=1,
        hours=1.0,
        provenance={},
    )
    plan = plan_from(spec, model, calibration)
    x = room(77)
    inputs = trained.maps.run(feature_levels_of(spec, x))
    assert (anomsdk.features(plan, x) == inputs).all()
    assert (anomsdk.score(plan, x) == trained.scores(inputs)).all()


def test_the_share_of_clipped_windows_is_that_of_the_rows_that_would_train(corpus):
    judge = CrossValidation(QUICK, corpus, anomalous=None, seed=0)
    rows = judge._whole(1.0)[1]
    at_an_end = [max(abs(int(value)) for value in row) == 127 for row in rows]
    assert judge.clipped(1.0) == np.mean(at_an_end) and judge.clipped(1.0) > 0.5
    assert judge.clipped(1.0) > judge.clipped(3.0) > judge.clipped(30.0) == 0.0


def test_a_fold_may_have_no_excerpt():
    """Recordings of one group that are too short for a probe do not keep the others from being judged on."""
    short = [clip_from_array("s", "s", room(9)[: 16_000 + 512])]
    for seed in range(4):  # whichever fold it is in
        corpus = gather(QUICK, [*clips(4), *short], seed=0, excerpts=2)
        assert (
            0.3
            < CrossValidation(QUICK, corpus, anomalous=None, seed=seed).judge(Candidate("mahalanobis", (), 12.0)).auc
            <= 1
        )


def test_better_models_have_larger_areas(corpus):
    """One that has not been trained is worse than one that has."""
    good = judge(corpus).judge(Candidate("mahalanobis", (), 12.0))
    poor = judge(corpus).judge(Candidate("components", (1,), 1.0))
    assert good.auc > poor.auc + 0.02 and abs(good.auc - good.float_auc) < 0.02


def test_gains_widen_what_is_normal(corpus):
    plain = [piece for recording in corpus.recordings for piece in recording.pieces]
    wide, narrow = (InputMaps(QUICK, pieces, 6.0) for pieces in (list(judge(corpus)._heard(corpus.recordings)), plain))
    ratio = np.array(wide.features.half_width) / np.array(narrow.features.half_width)
    assert (ratio[:-1] > 1.2).all() and abs(ratio[-1] - 1) < 0.05, "all but the crest"


# Search


def trial(kind, auc, macs):
    return Trial(Candidate(kind, (macs,), 6.0), auc, auc, 0, macs)


def test_the_choice_is_the_cheapest_of_the_first_kind_that_is_as_good_and_says_so():
    best, near = trial("autoencoder", 0.9, 5000), trial("mahalanobis", 0.891, 3000)
    assert _choice([best, trial("mahalanobis", 0.889, 100)], Margin()) is best
    assert _why([best, trial("mahalanobis", 0.889, 100)], best, Margin()) == "the best autoencoder"
    assert _choice([best, near], Margin()) is near
    assert _why([best, near], near, Margin()) == (
        "the best mahalanobis; of the kinds within 0.01 of the best it comes first: it finds more of what is weaker than "
        "the probes"
    )
    cheaper = trial("autoencoder", 0.8985, 900)
    assert _choice([best, cheaper], Margin()) is cheaper
    assert _why([best, cheaper], cheaper, Margin()) == "the cheapest autoencoder within 0.002 of the best one"


def test_it_is_said_how_to_have_a_cheaper_one():
    alike = [trial("mahalanobis", 0.998, 2916), trial("whitened components", 0.998, 432), trial("components", 0.9, 16)]
    assert _choice(alike, Margin()) is alike[0]
    assert _why(alike, alike[0], Margin()).endswith("than the probes. Set model.max_macs below 2,916 for one of 432")
    assert _why(alike[:1], alike[0], Margin()) == "the best mahalanobis"


def test_a_kind_that_comes_first_on_movements_is_taken_within_its_margin():
    first, cheap, best = trial("nearest mean", 0.85, 960), trial("mahalanobis", 0.89, 64), trial("components", 0.9, 32)
    assert _choice([cheap, best, first], _MOVED) is first
    assert _why([cheap, best, first], first, _MOVED) == (
        "the best nearest mean; of the kinds within 0.06 of the best it comes first: generated movements tell kinds apart "
        "no better. Set model.max_macs below 960 for one of 32"
    )
    assert _choice([cheap, trial("components", 0.92, 32), first], _MOVED) is cheap


@pytest.mark.parametrize("kind", FOLLOWED)
def test_no_variant_is_finer_than_the_spec(kind):
    """More bands, or shorter ones, reveal more: that is for a person to decide."""
    spec = PipelineSpec.from_toml(SPECS[kind])
    varied = [variant(spec) for variant in variants_of(spec)]
    assert len([v for v in varied if v is not None]) >= 2
    for other in varied:
        if other is None:
            continue
        assert other != spec and other.sensor == spec.sensor
        for key in ("n_bands", "n_mels", "n_features"):
            assert getattr(other.features, key, 0) <= getattr(spec.features, key, 0)
        assert getattr(other.features, "band_ms", 0) >= getattr(spec.features, "band_ms", 0)


ROOMY = QUICK.model_copy(update={"model": QUICK.model.model_copy(update={"max_macs": 4000})})
"""Autoencoders fit, too."""


class FakeJudge:
    """Areas by rule: contexts of eight frames are better, and so is following the score."""

    n_folds = 4
    is_labelled = False

    def __init__(self, spec):
        self.spec = spec

    def judge(self, candidate, progress=None):
        area = 0.7 + 0.1 * (self.spec.context.frames == 8) + 0.05 * (candidate.kind == "autoencoder")
        area += 0.01 * (candidate.deviations == 8 and candidate.kind == "autoencoder") + 0.02 * candidate.weighted
        return Trial(candidate, area, area, 0, candidate.macs(20))

    def baselines(self, candidate, seconds):
        return [{0.0: 0.5, 4.0: 0.7, 16.0: 0.699}.get(s, 0.6) for s in seconds]


@pytest.mark.parametrize("scope", ["model", "full"])
def test_the_search_finds_what_is_best(scope):
    done, lines = [], []
    found = Search(FakeJudge, Journal(None, []), lines.append, lambda d, t: done.append((d, t))).run(ROOMY, scope)
    assert found.trial.candidate.kind == "autoencoder" and found.trial.candidate.deviations == 8
    assert found.trial.candidate.weighted
    assert found.spec.context.frames == (8 if scope == "full" else 4)
    assert found.spec.score.baseline_s == 16, "of two as good, the slower"
    assert done[-1][0] == done[-1][1] and [d for d, _ in done] == sorted(d for d, _ in done)
    assert found.as_text().splitlines()[2].startswith(">")
    assert f"\ntaken: {found.why}" in found.as_text()
    assert found.why.endswith("then +-8 dev, which gained 0.010; then weighted, which gained 0.020")
    assert ("on 16 x 32 ms, 8 frames" in found.why) == (scope == "full")


@pytest.mark.parametrize(("clipped", "is_tried"), [(0.031, False), (0.03, True)])
def test_a_range_that_many_normal_windows_leave_is_not_tried_on_generated_movements(clipped, is_tried):
    class Clipping(FakeJudge):
        def judge(self, candidate, progress=None):
            return Trial(candidate, 0.9, 0.9, 0, candidate.macs(8))

        def clipped(self, deviations):
            return clipped if deviations < 7 else 0.0

    motion = {
        "sensor": {"kind": "motion", "rate_hz": 50, "counts_per_g": 2048},
        "context": {"kind": "stack", "frames": 1},
    }
    features = {"kind": "motion", "window_s": 1, "hop_s": 0.5, "gravity_s": 0.5, "orientation_free": True}
    spec = PipelineSpec.from_dict({"format": 1, "name": "wrist", **motion, "features": features})
    found = Search(Clipping, Journal(None, []), lambda line: None, lambda d, t: None).run(spec, "model")
    tried = sorted(trial.candidate.deviations for _, trial in found.trials if trial.candidate.kind == "nearest mean")
    assert [round(each, 2) for each in tried if each < 7] == [4.67] * is_tried
    assert ("3.1 % of the normal windows leave its range" in found.as_text()) == (not is_tried)


def test_variants_that_need_too_many_bytes_are_not_even_read():
    most = Needs(ROOMY).of(Candidate("autoencoder", (32,), 6.0))
    budgets = {"max_ram": most.ram, "max_flash": most.flash}
    spec = ROOMY.model_copy(update={"model": ROOMY.model.model_copy(update=budgets)})
    opened, lines = [], []

    def judge(spec):
        opened.append(spec)
        return FakeJudge(spec)

    found = Search(judge, Journal(None, []), lines.append, lambda d, t: None).run(spec, "full")
    assert found.spec.context.frames == 4, "eight are better, but need more"
    for each in opened:
        assert Needs(each).alone().within(spec.model) and each.context.frames <= 4
    assert any(line.startswith("not tried: 16 x 32 ms, 8 frames, ") and "max_ram" in line for line in lines)
    needs = {words_of(each): Needs(each) for each in opened}
    assert all(needs[words].of(trial.candidate).within(spec.model) for words, trial in found.trials)


def test_no_trial_is_in_the_table_twice():
    """Not even that of the cheapest model, which is tried in every setting and may also be the best of its kind."""

    class Cheap(FakeJudge):
        def judge(self, candidate, progress=None):
            area = 0.9 - candidate.macs(20) / 10_000
            return Trial(candidate, area, area, 0, candidate.macs(20))

    found = Search(Cheap, Journal(None, []), lambda line: None, lambda d, t: None).run(ROOMY, "full")
    assert len({(words, trial.candidate) for words, trial in found.trials}) == len(found.trials)


def test_no_trial_is_done_twice():
    journal = Journal(None, [])
    Search(FakeJudge, journal, lambda line: None, lambda d, t: None).run(ROOMY, "full")

    class Refusing(FakeJudge):
        def judge(self, candidate, progress=None):
            raise AssertionError

    Search(Refusing, journal, lambda line: None, lambda d, t: None).run(ROOMY, "full")
