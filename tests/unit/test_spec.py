"""The spec: every field that is wrong is named in one line."""

import copy

import pytest

import anomsdk
from anomsdk import PipelineSpec
from tests.support.make import SPECS


@pytest.fixture
def tree():
    return PipelineSpec.from_toml(SPECS["bands"]).model_dump(mode="json")


@pytest.mark.parametrize("kind", SPECS)
def test_toml_round_trip(kind):
    spec = PipelineSpec.from_toml(SPECS[kind])
    assert PipelineSpec.from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize("value", ["chosen", 0.0, 12.5, 2_592_000.0])
def test_baselines_that_are_fine(tree, value):
    tree["score"]["baseline_s"] = value
    spec = PipelineSpec.from_dict(tree)
    assert spec.score.baseline_s == value and PipelineSpec.from_toml(spec.to_toml()) == spec


@pytest.mark.parametrize(("ram", "flash"), [(None, None), (4096, None), (None, 1), (4096, 16384)])
def test_budgets_are_written_where_there_are_any(tree, ram, flash):
    tree["model"] |= {"max_ram": ram, "max_flash": flash}
    spec = PipelineSpec.from_dict(tree)
    text = spec.to_toml()
    assert PipelineSpec.from_toml(text) == spec and (spec.model.max_ram, spec.model.max_flash) == (ram, flash)
    for key, value in (("max_ram", ram), ("max_flash", flash)):
        assert f"\n{key} = {'none' if value is None else value}".replace("none", '"none"') in text


def test_defaults_are_those_of_the_documentation():
    alert = PipelineSpec.from_toml(SPECS["bands"].split("[alert]")[0]).alert
    assert (alert.raise_score, alert.clear_ratio, alert.high_ratio, alert.m, alert.n) == ("calibrated", 0.8, 4.0, 3, 5)
    score = PipelineSpec.from_toml(SPECS["bands"]).score
    assert (score.baseline_s, score.baseline_hold_s) == (0, 60)
    assert (alert.on_delay_s, alert.off_delay_s, alert.cooldown_s) == (0, 10, 60)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("format", 2, "format: input should be 1"),
        ("name", "a b", "name: "),
        ("bogus", 1, "bogus: unknown key"),
        ("sensor.rate_hz", 0, "sensor.rate_hz: "),
        ("sensor.rate_hz", 16000.5, "rate_hz of audio must be a whole number"),
        ("sensor.rate_hz", float("nan"), "sensor.rate_hz: "),
        ("sensor.rate_hz", "16000", "sensor.rate_hz: "),
        ("sensor.kind", "external", 'needs sensor.kind "audio"'),
        ("sensor.kind", "radar", "sensor: kind must be audio, motion, external or diary"),
        ("features.fft_length", 500, "fft_length must be a power of two"),
        ("features.hop_length", 256.5, "features.hop_length: "),
        ("features.hop_length", 0, "features.hop_length: "),
        ("features.hop_length", 513, "samples would be skipped"),
        ("features.band_ms", 7.9, "features.band_ms 7.9 is less than half a hop of 16 ms; lengthen it"),
        ("features.band_ms", 65600, "features.band_ms 65600 is 4100 hops, more than 4096"),
        (
            "features.band_ms",
            None,
            "band_ms is missing; set it to the ms over which energies are summed, or set band_hops",
        ),
        ("features.band_hops", 4, "band_ms and band_hops are both given; remove one of them"),
        ("features.band_hops", 4097, "features.band_hops: "),
        ("features.allow_speech_features", 1, "features.allow_speech_features: "),
        ("features.fmin_hz", 0, "features.fmin_hz: "),
        ("features.fmin_hz", 7500, "fmin_hz 7500 is not below fmax_hz"),
        ("features.fmax_hz", 8001, "above half the rate"),
        ("features.n_bands", 0, "features.n_bands: "),
        ("features.n_mels", 40, "features.n_mels: unknown key"),
        ("features.kind", "motionx", "features"),
        ("features.normalisation", "model", 'needs context.kind "stack"'),
        ("context.frames", 0, "context.frames: "),
        ("context.statistics", [], "context.statistics: "),
        ("context.statistics", ["mean", "mean"], "statistics names one twice"),
        ("context.statistics", ["mode"], "context.statistics"),
        ("model.max_macs", 0, "model.max_macs: "),
        ("context.statistics", "mean", "context.statistics: input should be a list (it is 'mean')"),
        ("model.max_ram", 0, "model.max_ram: input should be greater than or equal to 1 (it is 0)"),
        ("model.max_ram", 4096.5, "model.max_ram: input should be a valid integer (it is 4096.5)"),
        ("model.max_ram", True, "model.max_ram: input should be a valid integer"),
        ("model.max_flash", -1, "model.max_flash: input should be greater than or equal to 1 (it is -1)"),
        ("model.max_flash", "16 kB", "model.max_flash: input should be a valid integer (it is '16 kB')"),
        ("model.max_rom", 1, "model.max_rom: unknown key"),
        ("score.baseline_s", -1, 'score.baseline_s: must be "chosen" or a number of seconds from 0 to 2592000'),
        ("score.baseline_s", "calibrated", 'score.baseline_s: must be "chosen" or a number'),
        ("score.baseline_s", 2_592_001, 'score.baseline_s: must be "chosen" or a number'),
        ("score.baseline_hold_s", -1, "score.baseline_hold_s: "),
        ("score.baseline_hold_s", "chosen", "score.baseline_hold_s: "),
        ("alert.m", 6, "m 6 is more than n 5"),
        ("alert.n", 17, "alert.n: "),
        ("alert.clear_ratio", 1.2, "clear level above the alarm level"),
        ("alert.high_ratio", 0.5, "high level at or below the alarm level"),
        ("alert.raise_score", 0, "alert.raise_score: "),
        ("alert.raise_score", -3, "alert.raise_score: "),
        ("alert.off_delay_s", -1, "alert.off_delay_s: "),
        ("alert.cooldown_s", float("inf"), "alert.cooldown_s: "),
    ],
)
def test_what_is_wrong_is_named(tree, path, value, words):
    changed = copy.deepcopy(tree)
    *parents, last = path.split(".")
    section = changed
    for key in parents:
        section = section[key]
    section[last] = value
    with pytest.raises(anomsdk.InputError) as caught:
        PipelineSpec.from_dict(changed, source="spec.toml")
    message = str(caught.value)
    assert words in message and message.startswith("spec.toml: ") and "\n" not in message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format = ", "not valid TOML"),
        ("", "format: field required"),
        ("a = " + "[" * 5000, "not valid TOML"),
        ("format = 1\nformat = 1", "not valid TOML"),
    ],
)
def test_what_is_no_spec(text, words):
    with pytest.raises(anomsdk.InputError, match=words) as caught:
        PipelineSpec.from_toml(text)
    assert "\n" not in str(caught.value)


def test_files_that_are_none(tmp_path):
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "large.toml").write_bytes(b"#" * (1 << 21))
    for name, words in (
        ("missing.toml", "cannot be read"),
        ("binary.toml", "not UTF-8"),
        ("large.toml", "larger than"),
    ):
        with pytest.raises(anomsdk.InputError, match=words):
            PipelineSpec.from_file(tmp_path / name)
