"""Durations of a spec at rates where they are no whole number of hops or samples: the nearest, and it is said."""

import subprocess
import sys

import numpy as np
import pytest

import anomsdk
from anomsdk.planner.front_end import extractor_plan, framer_plan
from anomsdk.planner.spec import PipelineSpec
from anomsdk.train.search.variants import variants_of
from anomsdk.watch.session import Watch
from tests.support.make import BANDS, EXTERNAL, MOTION, make_folder

AUDIO_RATES = (8000, 11025, 22050, 44100, 48000)
MOTION_RATES = (12.5, 26, 31.25, 52, 104)


def room(rate, length, *, n_bands=3):
    text = BANDS.replace("rate_hz = 16000", f"rate_hz = {rate}").replace("band_ms = 64", length)
    text = text.replace("n_bands = 16", f"n_bands = {n_bands}").replace("fmin_hz = 100", "fmin_hz = 400")
    return text.replace("fmax_hz = 7500", "fmax_hz = 3500")


@pytest.mark.parametrize(
    ("rate", "hops", "note"),
    [
        (8000, 8, None),
        (16000, 16, None),
        (11025, 11, "features.band_ms 256: 11 hops of 256 samples at 11025 Hz, 255.4195 ms"),
        (22050, 22, "features.band_ms 256: 22 hops of 256 samples at 22050 Hz, 255.4195 ms"),
        (44100, 44, "features.band_ms 256: 44 hops of 256 samples at 44100 Hz, 255.4195 ms"),
        (48000, 48, None),
    ],
)
def test_band_ms_is_the_nearest_number_of_hops_at_every_rate(rate, hops, note):
    spec = PipelineSpec.from_toml(room(rate, "band_ms = 256"))
    assert spec.hops_per_frame == hops == extractor_plan(spec, None).hops_per_frame
    assert spec.notes == (() if note is None else (note,))


@pytest.mark.parametrize("rate", AUDIO_RATES)
@pytest.mark.parametrize("hops", [1, 7, 4096])
def test_band_hops_are_exact_at_every_rate(rate, hops):
    spec = PipelineSpec.from_toml(room(rate, f"band_hops = {hops}"))
    assert spec.hops_per_frame == hops and spec.notes == ()
    assert PipelineSpec.from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize(("ms", "hops"), [(8, 1), (23.9, 1), (24, 2), (40, 3), (250, 16), (263.9, 16), (264, 17)])
def test_half_a_hop_goes_to_the_longer(ms, hops):
    spec = PipelineSpec.from_toml(BANDS.replace("band_ms = 64", f"band_ms = {ms}"))
    assert spec.hops_per_frame == hops and len(spec.notes) == 1


def test_a_rounded_plan_says_so_and_is_that_of_the_hops(tmp_path):
    in_ms = anomsdk.plan(make_folder(tmp_path / "ms", room(22050, "band_ms = 256")))
    in_hops = anomsdk.plan(make_folder(tmp_path / "hops", room(22050, "band_hops = 22")))
    assert (in_ms.id, in_ms.score_id) == (in_hops.id, in_hops.score_id)
    assert in_ms.provenance["rounded"] == "features.band_ms 256: 22 hops of 256 samples at 22050 Hz, 255.4195 ms"
    assert "rounded" not in in_hops.provenance


def test_commands_and_training_print_it(tmp_path):
    folder = make_folder(tmp_path / "room", room(22050, "band_ms = 256"))
    note = "features.band_ms 256: 22 hops of 256 samples at 22050 Hz, 255.4195 ms"

    def command(*arguments):
        return subprocess.run([sys.executable, "-m", "anomsdk", *arguments], capture_output=True, text=True).stdout

    assert f"rounded  {note}\n" in command("plan", str(folder))
    assert note in command("inspect", str(folder))
    lines = []
    with pytest.raises(anomsdk.InputError, match="train"):
        spec = PipelineSpec.from_file(folder / "spec.toml")
        anomsdk.train.fit(spec, [np.zeros(10, np.int16)], out=tmp_path / "out", report=lines.append)
    assert lines[0] == note


@pytest.mark.parametrize("length", ["band_ms = 256", "band_hops = 22"])
def test_the_search_doubles_what_was_given(length):
    spec = PipelineSpec.from_toml(room(22050, length))
    longer = [varied.hops_per_frame for variant in variants_of(spec) if (varied := variant(spec)) is not None]
    assert 44 in longer and min(longer) == 22


@pytest.mark.parametrize("rate", MOTION_RATES)
@pytest.mark.parametrize("seconds", [(2, 0.25, 1), (1.5, 0.3, 0.5), (1.02, 0.26, 0.77)])
def test_motion_takes_any_duration_at_any_rate(rate, seconds, tmp_path):
    text = MOTION.replace("rate_hz = 50", f"rate_hz = {rate}")
    keys = dict(zip(("window_s", "hop_s", "gravity_s"), seconds, strict=True))
    text = text.replace(
        "window_s = 1.02\nhop_s = 0.26\ngravity_s = 0.5", "\n".join(f"{k} = {v}" for k, v in keys.items())
    )
    spec = PipelineSpec.from_toml(text)
    made, framer = extractor_plan(spec, None), framer_plan(spec)
    for samples, (key, s) in zip((made.window, framer.hop, made.gravity), keys.items(), strict=True):
        assert abs(samples - s * rate) <= 0.5
        said = [note for note in spec.notes if note.startswith(f"features.{key} {s:g}: {samples} sample")]
        assert len(said) == (samples != s * rate)
    plan = anomsdk.plan(make_folder(tmp_path / "collar", text))
    assert plan.provenance.get("rounded", "") == "; ".join(spec.notes)


@pytest.mark.parametrize("rate", MOTION_RATES)
@pytest.mark.parametrize("samples", [4, 5, 25, 333, 1024])
def test_motion_takes_every_number_of_samples(rate, samples):
    """Ten digits say any of them, without a note."""
    text = MOTION.replace("rate_hz = 50", f"rate_hz = {rate}")
    lengths = f"window_s = {samples / rate:.10f}\nhop_s = {(samples - 1) / rate:.10f}\ngravity_s = {2 / rate:.10f}"
    spec = PipelineSpec.from_toml(text.replace("window_s = 1.02\nhop_s = 0.26\ngravity_s = 0.5", lengths))
    assert (spec.window_length, spec.hop_length, spec.notes) == (samples, samples - 1, ())


@pytest.mark.parametrize(
    ("rate", "seconds", "samples"), [(12.5, 1.16, 15), (100, 0.145, 15), (26, 0.25, 7), (10, 1.45, 15)]
)
def test_half_a_sample_goes_to_the_longer(rate, seconds, samples):
    """1.16 s at 12.5 Hz are 14.5 samples, though float64 says 14.499999999999998."""
    text = MOTION.replace("rate_hz = 50", f"rate_hz = {rate}").replace("window_s = 1.02", "window_s = 2")
    text = text.replace("hop_s = 0.26", f"hop_s = {seconds}")
    assert PipelineSpec.from_toml(text).hop_length == samples


@pytest.mark.parametrize(
    ("rate", "millihertz", "note"),
    [(86.1328125, 86133, "sensor.rate_hz 86.1328125: 86.133 Hz"), (31.25, 31250, None), (1 / 3, 333, "0.333 Hz")],
)
def test_rows_of_any_rate(rate, millihertz, note, tmp_path):
    """Rows of 512 samples at 44,100 Hz: a plan has whole mHz, and rows stored at their true rate fit it."""
    folder = make_folder(tmp_path / "rows", EXTERNAL.replace("rate_hz = 10", f"rate_hz = {rate!r}"))
    plan = anomsdk.plan(folder)
    assert plan.sensor.rate_millihertz == millihertz
    assert plan.provenance.get("rounded", "").endswith(note or "") and ("rounded" in plan.provenance) == (
        note is not None
    )
    np.savez(tmp_path / "a.npz", x=np.zeros((50, 6), np.int16), fs=rate)
    with Watch(plan) as watch:
        (recording,) = watch.open(tmp_path / "a.npz")
        assert sum(len(block) for block in recording.blocks()) == 50
        np.savez(tmp_path / "b.npz", x=np.zeros((50, 6), np.int16), fs=rate + 0.002)
        with pytest.raises(anomsdk.InputError, match="rows are not resampled"):
            watch.open(tmp_path / "b.npz")


def test_gravity_as_long_as_the_window_in_samples_turns_nothing():
    """1.99 s and 2 s are both 25 samples at 12.5 Hz: the posture could never change."""
    text = MOTION.replace("rate_hz = 50", "rate_hz = 12.5").replace("window_s = 1.02", "window_s = 2")
    made = extractor_plan(PipelineSpec.from_toml(text.replace("gravity_s = 0.5", "gravity_s = 1.99")), None)
    assert made.gravity == made.window and "posture_change" not in made.features


@pytest.mark.parametrize("rate", [*AUDIO_RATES, 22050])
def test_delays_last_at_least_as_long_at_every_rate(rate, tmp_path):
    text = room(rate, "band_ms = 256").replace("off_delay_s = 0.5", "off_delay_s = 5\non_delay_s = 0.1")
    plan = anomsdk.plan(make_folder(tmp_path / "room", text))
    tick_s = plan.samples_per_tick / rate
    for ticks, seconds in ((plan.timing.off_delay, 5), (plan.timing.on_delay, 0.1), (plan.timing.cooldown, 1)):
        assert ticks * tick_s >= seconds - 1e-9 and (ticks - 1) * tick_s < seconds
