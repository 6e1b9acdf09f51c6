"""The planner: its tables against the libraries that define them, and what it refuses."""

import json
import math
import re

import numpy as np
import pytest

import anomsdk
from anomsdk.core.alert import Alert
from anomsdk.core.rung import TimingPlan, levels
from anomsdk.planner import front_end, layers, tables
from anomsdk.planner.calibration import Calibration, alarm_levels
from anomsdk.planner.features import BandsFeatures, LogmelFeatures
from anomsdk.planner.spec import PipelineSpec
from tests.support.make import SPECS, make_folder


def mel_features(**change):
    return LogmelFeatures(
        **{"kind": "logmel", "fft_length": 1024, "hop_length": 512, "n_mels": 128, "fmax_hz": 8000.0, **change}
    )


def dense(bank, n_bins, norms):
    """Weights (n_bands, n_bins) that a bank's integers stand for."""
    weights = np.zeros((bank.n_bands, n_bins))
    rises = iter(-bank.minus_rise_q15 / 32768)
    for segment, (start, end) in enumerate(zip(bank.edges, bank.edges[1:], strict=False)):
        for k in range(start, end):
            band, shared = segment // 2, segment % 2 == 0
            rise = next(rises) if shared else 1.0
            if band < bank.n_bands:
                weights[band, k] += rise
            if shared and band > 0:
                weights[band - 1, k] += 1 - rise
    return weights * np.asarray(norms)[:, None]


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize(
    ("length", "n_mels", "fmin", "fmax"), [(1024, 128, 0.0, 8000.0), (512, 40, 20.0, 4000.0), (2048, 64, 50.0, 7600.0)]
)
def test_mel_weights_are_librosas(scale, length, n_mels, fmin, fmax):
    import librosa

    features = mel_features(fft_length=length, n_mels=n_mels, fmin_hz=fmin, fmax_hz=fmax, mel_scale=scale)
    bank = tables.mel_filterbank(features, 16000)
    norms = 2.0 ** ((bank.offset_q10 / 1024) - 1 - 2 * math.log2(length / 2**45))
    oracle = librosa.filters.mel(
        sr=16000, n_fft=length, n_mels=n_mels, fmin=fmin, fmax=fmax, htk=scale == "htk", norm="slaney", dtype=np.float64
    )
    ours = dense(bank, length // 2 + 1, norms)
    assert np.abs(ours / norms[:, None] - oracle / norms[:, None]).max() < 5e-4  # offsets have 10 bits
    assert ((ours > 0) == (oracle > 3e-5 * norms[:, None])).mean() > 0.999


def test_mel_without_norm():
    import librosa

    bank = tables.mel_filterbank(mel_features(mel_norm="none"), 16000)
    oracle = librosa.filters.mel(sr=16000, n_fft=1024, n_mels=128, norm=None, dtype=np.float64)
    assert np.abs(dense(bank, 513, np.ones(128)) - oracle).max() <= 2**-16 + 1e-9
    assert len(set(bank.offset_q10.tolist())) == 1


@pytest.mark.parametrize("length", [64, 512, 4096])
def test_window_and_cosine_are_scipys(length):
    from scipy.signal import get_window

    window = tables.hann_q15(length)
    assert (np.abs(window - 32768 * get_window("hann", length)[: length // 2 + 1]) <= 1).all()
    assert (window[:-1] == np.minimum(32767, np.round(32768 * get_window("hann", length)[: length // 2]))).all()
    cos = 32768 * np.cos(2 * np.pi * np.arange(length // 4 + 1) / length)
    assert (tables.cos_q15(length) == np.minimum(32767, np.round(cos))).all()


def test_a_tie_goes_up_however_the_last_bits_fell():
    for tie in (0.5, 1.5, -0.5, 16383.5):
        assert tables.rounded(tie) == tables.rounded(tie - 1e-12) == tables.rounded(tie + 1e-12) == math.floor(tie) + 1
    assert tables.rounded(2.4) == 2 and tables.rounded(-2.6) == -3


def band_features(**change):
    return BandsFeatures(
        **{
            "kind": "bands",
            "fft_length": 512,
            "hop_length": 256,
            "n_bands": 16,
            "fmin_hz": 100.0,
            "fmax_hz": 7500.0,
            "band_ms": 256.0,
            **change,
        }
    )


@pytest.mark.parametrize("fmax", [7500.0, 8000.0])
def test_bands_add_up_to_the_range_that_they_cover(fmax):
    features = band_features(fmax_hz=fmax)
    bank = tables.bands_filterbank(features, 16000)
    weights = dense(bank, 257, np.ones(16))
    edges = 100 * (fmax / 100) ** (np.arange(17) / 16) / 31.25
    assert np.allclose(weights.sum(axis=1), np.diff(edges), atol=1e-3)
    assert weights.sum(axis=0).max() <= 1 + 1e-9


@pytest.mark.parametrize(
    ("n_mels", "fmin", "fmax", "rate", "first", "last"),
    [(1, 1375.0, 2000.0, 16000, 12, 15), (1, 0.0, 1750.0, 8000, 1, 27), (3, 1125.0, 8000.0, 16000, 10, 63)],
)
def test_a_bin_at_the_end_of_the_filters_is_in_none(n_mels, fmin, fmax, rate, first, last):
    """Bins 11, 28 and 9 lie on fmin and fmax; computed corners lie a last bit beside them."""
    bank = tables.mel_filterbank(
        mel_features(fft_length=128, hop_length=64, n_mels=n_mels, fmin_hz=fmin, fmax_hz=fmax), rate
    )
    assert (bank.edges[0], bank.edges[-1] - 1) == (first, last)


def test_a_bin_on_a_corner_begins_the_next_filter():
    """3000 Hz, bin 24, is the middle corner of 1125 to 8000 Hz: the peak of filter 1, and where filter 2 rises from 0."""
    bank = tables.mel_filterbank(mel_features(fft_length=128, hop_length=64, n_mels=3, fmin_hz=1125.0), 16000)
    assert 24 in bank.edges[4:5] and bank.minus_rise_q15[24 - bank.edges[0]] == 0


def test_a_rise_on_a_tie_goes_up_for_all_its_error():
    """The middle edge of two bands is the root of fmin * fmax, and its rise 32763.5: float64 says 2e-9 less."""
    from decimal import Decimal, getcontext

    getcontext().prec = 50
    low, high = 1037.454359671649, 2998.243099451065
    edge = (Decimal(low) * Decimal(high)).sqrt() / (Decimal(16000) / 4096) + Decimal("0.5")
    assert abs((453 - edge) * 32768 - Decimal("32763.5")) < Decimal("1e-7")
    features = band_features(fft_length=4096, n_bands=2, fmin_hz=low, fmax_hz=high)
    assert tables.bands_filterbank(features, 16000).minus_rise_q15[1] == -32764


def test_a_delay_of_whole_ticks_is_no_tick_longer(tmp_path):
    """In float64 a quotient of seconds and ticks of 0.3 s is a last bit above the whole number of some of them."""
    text = SPECS["external"].replace("stride = 1", "stride = 3").partition("[alert]")[0]
    ticks = [n for n in range(1, 400) if (n * 3 / 10) / (3 / 10) > n]
    assert len(ticks) > 3
    for n in ticks[:4]:
        alert = (
            f"[alert]\non_delay_s = {n * 3 / 10!r}\noff_delay_s = {n * 3 / 10!r}\ncooldown_s = {n * 3 / 10 + 1e-6!r}"
        )
        timing = anomsdk.plan(make_folder(tmp_path / str(n), text + alert)).timing
        assert (timing.on_delay, timing.off_delay, timing.cooldown) == (n, n, n + 1)


@pytest.mark.parametrize(
    ("counts_per_g", "full_scale_g", "milli_g"),
    [
        (2100, None, 15603),
        (2048, 15.9996, 15999),
        (2048, None, 16000),
        (1000 / 9.80665, None, 321343),
        (1.0005, None, 32735264),
    ],
)
def test_clipping_never_lies_above_the_sensors(counts_per_g, full_scale_g, milli_g):
    sensor = {"kind": "motion", "rate_hz": 50, "counts_per_g": float(counts_per_g), "full_scale_g": full_scale_g}
    tree = PipelineSpec.from_toml(SPECS["motion"]).model_dump(mode="json")
    made = front_end.sensor_plan(PipelineSpec.from_dict(tree | {"sensor": sensor}))
    made.check()
    assert made.full_scale_milli_g == milli_g
    assert made.full_scale_milli_g * made.counts_per_kilo_g <= 32768 * 10**6
    assert made.full_scale_milli_g <= 1000 * (full_scale_g or 32768 / counts_per_g)


def test_a_level_above_the_highest_score_is_the_highest(tmp_path):
    """A score of 2**32 - 1 was normal: no level is above it, and the plan takes the highest there is."""
    table = alarm_levels([np.full(64, 2**32 - 1)])
    assert table.raise_score(1, 1, 0, 0) == table.raise_score(3, 5, 8, 4.0) == 2**32 - 1
    assert alarm_levels([np.full(64, 2**32 - 2)]).raise_score(1, 1, 0, 0) == 2**32 - 1
    folder = make_folder(tmp_path, SPECS["external"], raise_score=2**32)
    assert anomsdk.plan(folder).levels.raise_score == 2**32 - 1


def test_a_band_narrower_than_a_bin_is_refused():
    with pytest.raises(
        anomsdk.InputError, match=r"features.n_bands: band 0 \(100 to 107 Hz\) is narrower than one bin"
    ):
        tables.bands_filterbank(band_features(n_bands=64), 16000)


def test_a_mel_band_without_a_bin_is_refused():
    with pytest.raises(anomsdk.InputError, match="holds no bin of the spectrum"):
        tables.mel_filterbank(mel_features(fft_length=256, hop_length=128, n_mels=128), 16000)


def test_multipliers_are_those_of_tensorflow_lite():
    assert layers.quantize_multiplier(0.5) == (2**30, 0)
    assert layers.quantize_multiplier(1.0) == (2**30, 1)
    assert layers.quantize_multiplier(1 - 2**-40) == (2**30, 1)
    assert layers.quantize_multiplier(2.0**-40) == (0, 0)
    mantissa, shift = layers.quantize_multiplier(0.0123456789)
    assert abs(mantissa * 2.0 ** (shift - 31) - 0.0123456789) < 2**-38
    with pytest.raises(anomsdk.InputError, match="beyond what 32 bits can hold"):
        layers.quantize_multiplier(2.0**31)


def edit(folder, pattern, text):
    path = folder / "spec.toml"
    changed = re.sub(pattern, text, path.read_text(), count=1)
    assert changed != path.read_text()
    path.write_text(changed)


@pytest.fixture
def room(tmp_path):
    return make_folder(tmp_path / "room", SPECS["bands"])


def test_the_alert_section_needs_no_recordings(room):
    before = anomsdk.plan(room)
    edit(room, "off_delay_s = 0.5", "off_delay_s = 3\nm = 2\nn = 4")
    after = anomsdk.plan(room)
    assert after.timing.m == 2 and after.timing.off_delay == 47 and after.levels.raise_score > before.levels.raise_score


def test_planning_writes_nothing(room):
    before = {p.name: p.read_bytes() for p in room.iterdir()}
    anomsdk.plan(str(room))
    assert {p.name: p.read_bytes() for p in room.iterdir()} == before


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (
            lambda f: edit(f, "hop_length = 256", "hop_length = 128"),
            "features.hop_length has changed since calibration.json",
        ),
        (lambda f: edit(f, "frames = 4", "frames = 5"), "context.frames has changed"),
        (lambda f: (f / "calibration.json").unlink(), 'normalisation is "learnt", but there is no calibration.json'),
        (lambda f: (f / "model.tflite").unlink(), "there is no such file"),
        (lambda f: (f / "spec.toml").unlink(), "cannot be read"),
        (lambda f: (f / "calibration.json").write_text("{}"), "train again"),
        (lambda f: (f / "calibration.json").write_text("[" * 10**5), "train again"),
        (lambda f: (f / "calibration.json").write_bytes(b"\xff"), "train again"),
    ],
)
def test_what_does_not_fit_is_named(room, damage, words):
    damage(room)
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        anomsdk.plan(room)
    assert "\n" not in str(caught.value)


def test_another_model_than_the_calibrated_one_is_refused(room):
    data = bytearray((room / "model.tflite").read_bytes())
    data[data.index(b"anomsdk")] ^= 1  # its description: the model is still a valid one
    (room / "model.tflite").write_bytes(data)
    with pytest.raises(anomsdk.InputError, match="belongs to another model"):
        anomsdk.plan(room)


def test_a_folder_that_is_none(tmp_path):
    with pytest.raises(anomsdk.InputError, match="no such folder"):
        anomsdk.plan(tmp_path / "no")


def test_a_model_of_another_width_is_refused(room, tmp_path):
    other = make_folder(tmp_path / "other", SPECS["external"])
    (room / "model.tflite").write_bytes((other / "model.tflite").read_bytes())
    calibration = json.loads((room / "calibration.json").read_text())
    calibration["model_sha256"] = json.loads((other / "calibration.json").read_text())["model_sha256"]
    (room / "calibration.json").write_text(json.dumps(calibration))
    with pytest.raises(anomsdk.InputError, match="takes 18 and gives 18 values, but the features and context make 54"):
        anomsdk.plan(room)


@pytest.mark.parametrize(
    ("m", "n", "delay", "high"), [(1, 1, 0, 0), (3, 5, 0, 0), (2, 9, 2, 0), (3, 5, 4, 2.0), (16, 16, 1, 0)]
)
def test_the_calibrated_level_is_the_lowest_that_does_not_alarm(m, n, delay, high):
    rng = np.random.default_rng(3)
    recordings = [rng.integers(0, 10**6, 300), np.cumsum(rng.integers(-999, 1000, 500)) + 10**5, np.zeros(0, int)]
    recordings = [np.maximum(r, 0) for r in recordings]
    timing = TimingPlan(m, n, delay, 0, 0, 52429, round(high * 65536))
    table = alarm_levels(recordings)

    def alarms(raise_score):
        return sum(
            len(alert.step(int(score), 0)) > 0
            for r in recordings
            for alert in [Alert(timing, levels(raise_score, timing), 0)]
            for score in r
        )

    level = table.raise_score(m, n, delay, high)
    assert alarms(level) == 0
    assert alarms(level - 1) > 0


@pytest.mark.parametrize("delay", [3, 5, 7, 100])
def test_a_delay_between_two_rows_is_on_the_safe_side(delay):
    rng = np.random.default_rng(4)
    recordings = [rng.integers(0, 10**6, 400) for _ in range(3)]
    timing = TimingPlan(2, 3, delay, 0, 0, 52429, 0)
    level = levels(alarm_levels(recordings).raise_score(2, 3, delay, 0), timing)
    for recording in recordings:
        alert = Alert(timing, level, 0)
        assert not any(alert.step(int(score), 0) for score in recording)


def test_calibration_round_trip(room):
    calibration = Calibration.from_file(room / "calibration.json")
    assert Calibration.model_validate_json(calibration.model_dump_json()) == calibration
