"""Files into int16 blocks: exact where nothing has to change, one clear line where something is wrong."""

from __future__ import annotations

import fcntl
import io
import os
import struct
import subprocess
import sys
import threading
import time
import tracemalloc
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anomsdk.errors import InputError
from anomsdk.sources import SUFFIXES, ReadOptions, StreamFormat, audio, open_recordings, read_recording
from anomsdk.sources.formats import standard_input
from anomsdk.sources.formats.arrays import npz
from anomsdk.sources.formats.stored_samples import BLOCK_VALUES

RATE = 16_000
EXTREMES = [-32768, -32767, -1, 0, 1, 32766, 32767]


@pytest.fixture
def rng():
    return np.random.default_rng(20240)


def noise(rng, *shape):
    return rng.integers(-32768, 32768, shape, dtype=np.int16)


def read(path, *, rate_hz=RATE, columns=1, kind="audio"):
    (recording,) = open_recordings(path, StreamFormat(rate_hz, kind, columns))
    return read_recording(recording)


def refused(path, *, rate_hz=RATE, columns=1, kind="audio"):
    """The message with which a path is refused, at opening or while it is read."""
    with pytest.raises(InputError) as caught:
        for recording in open_recordings(path, StreamFormat(rate_hz, kind, columns)):
            read_recording(recording)
    message = str(caught.value)
    assert "\n" not in message and message.isprintable()
    assert ";" in message, "says what to do, after a semicolon"
    assert message.count("cannot be read") <= 1, "wrapped once"
    assert not str(path).isprintable() or str(path) == "-" or str(path) in message
    assert not str(path) or message.count(str(path)) <= 1 or str(path) == "-"
    return message


def open_files():
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return {str(link.readlink()) for link in links}


def wav_bytes(
    data,
    *,
    tag=1,
    channels=1,
    rate=RATE,
    bits=16,
    align=None,
    data_size=None,
    riff_size=None,
    before=b"",
    after=b"",
):
    align = channels * bits // 8 if align is None else align
    fmt = struct.pack("<4sIHHIIHH", b"fmt ", 16, tag, channels, rate, rate * align, align, bits)
    data_size = len(data) if data_size is None else data_size
    body = b"WAVE" + before + fmt + struct.pack("<4sI", b"data", data_size) + data + after
    return struct.pack("<4sI", b"RIFF", len(body) if riff_size is None else riff_size) + body


def npy_bytes(array, **keywords):
    stream = io.BytesIO()
    np.save(stream, array, **keywords)
    return stream.getvalue()


# --- what must not change


@pytest.mark.parametrize("suffix", [".wav", ".flac"])
@pytest.mark.parametrize("length", [1, 7, BLOCK_VALUES - 1, BLOCK_VALUES, BLOCK_VALUES + 1, 200_001])
def test_mono_16_bit_at_the_rate_passes_bit_for_bit(tmp_path, rng, suffix, length):
    samples = noise(rng, length)
    samples[: len(EXTREMES)] = EXTREMES[:length]
    soundfile.write(tmp_path / f"a{suffix}", samples, RATE, subtype="PCM_16")
    (recording,) = open_recordings(tmp_path / f"a{suffix}", StreamFormat(RATE))
    assert (recording.name, recording.notes, recording.length) == (f"a{suffix}", (), length)
    blocks = list(recording.blocks())
    assert all(block.dtype == np.int16 and block.ndim == 1 and len(block) <= BLOCK_VALUES for block in blocks)
    assert np.array_equal(np.concatenate(blocks), samples)
    assert np.array_equal(read_recording(recording), samples), "can be read again"


def test_exact_samples_never_become_float(tmp_path, rng, monkeypatch):
    """Guards the dtype handed to libsndfile, which scales by another factor on a detour through float."""
    soundfile.write(tmp_path / "a.flac", noise(rng, 1000), RATE)
    asked = []
    original = soundfile.SoundFile.read

    def spy(self, frames, dtype, **keywords):
        asked.append(dtype)
        return original(self, frames, dtype=dtype, **keywords)

    monkeypatch.setattr(soundfile.SoundFile, "read", spy)
    read(tmp_path / "a.flac")
    assert set(asked) == {"int16"}


@pytest.mark.parametrize("kind", ["wav", "npy", "npz", "csv"])
def test_rows_of_several_columns_are_never_altered(tmp_path, rng, kind):
    rows = noise(rng, 50_000, 3)
    path = tmp_path / f"a.{kind}"
    if kind == "wav":
        soundfile.write(path, rows, 100, subtype="PCM_16")
    elif kind == "npy":
        np.save(path, rows)
    elif kind == "npz":
        np.savez(path, x=rows, fs=100)
    else:
        np.savetxt(path, rows, fmt="%d", delimiter=",", header="x,y,z", comments="")
    (recording,) = open_recordings(path, StreamFormat(100, "external", 3))
    blocks = list(recording.blocks())
    assert len(blocks) > 1 and all(block.shape[1] == 3 and block.size <= BLOCK_VALUES for block in blocks)
    assert np.array_equal(np.concatenate(blocks), rows)
    assert recording.notes == () and recording.length == (None if kind == "csv" else 50_000)


def test_read_recording_is_writable_int16(tmp_path):
    np.save(tmp_path / "a.npy", np.arange(5, dtype=np.int16))
    samples = read(tmp_path / "a.npy")
    samples[0] = 9
    assert samples.dtype == np.int16 and samples.tolist() == [9, 1, 2, 3, 4]


def test_the_input_is_not_modified(tmp_path, rng):
    np.savez(tmp_path / "a.npz", x=noise(rng, 100), offsets=np.array([0, 40, 100]))
    soundfile.write(tmp_path / "b.wav", noise(rng, 100, 2), 44_100)
    before = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    for recording in open_recordings(tmp_path, StreamFormat(RATE)):
        read_recording(recording)[:] = 0
    assert before == {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}


# --- conversion


def test_channels_are_mixed_down_as_the_mean_rounded_half_to_even(tmp_path):
    pairs = np.array([[1, 2], [2, 3], [-1, -2], [32767, 32767], [-32768, -32768], [32767, -32768]], np.int16)
    soundfile.write(tmp_path / "a.wav", pairs, RATE, subtype="PCM_16")
    np.save(tmp_path / "a.npy", pairs)
    for recording in open_recordings(tmp_path, StreamFormat(RATE)):
        assert recording.notes[0] == "2 channels mixed down"
        assert read_recording(recording).tolist() == [2, 2, -2, 32767, -32768, 0]


@pytest.mark.parametrize("channels", [2, 3, 5, 8])
def test_mixing_equals_exact_rational_arithmetic(tmp_path, rng, channels):
    samples = noise(rng, 70_000, channels)
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="PCM_16")
    expected = np.rint(samples.astype(np.int64).sum(axis=1) / channels)
    assert np.array_equal(read(tmp_path / "a.wav"), expected)


def test_float_is_scaled_rounded_half_to_even_and_clipped(tmp_path):
    units = np.array([0.5, 1.5, 2.5, -0.5, -1.5, 100.4, 32767.4, 32767.6, 32768, 40000, -32768, -50000])
    for subtype in ("FLOAT", "DOUBLE"):
        soundfile.write(tmp_path / "a.wav", units / 32768, RATE, subtype=subtype)
        (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(RATE))
        assert "clipped" in recording.notes[0]
        wanted = [0, 2, 2, 0, -2, 100, 32767, 32767, 32767, 32767, -32768, -32768]
        assert read_recording(recording).tolist() == wanted


def test_other_widths(tmp_path):
    wide = np.array([0, 127, 128, 129, 384, -128, 2**23 - 1, -(2**23)], np.int32)  # 24 bits
    soundfile.write(tmp_path / "a.wav", wide << 8, RATE, subtype="PCM_24")
    (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(RATE))
    assert recording.notes == ("24-bit reduced to 16-bit",)
    assert read_recording(recording).tolist() == [0, 0, 0, 1, 2, 0, 32767, -32768]
    (tmp_path / "b.wav").write_bytes(wav_bytes(bytes([0, 127, 128, 129, 255, 1]), bits=8))
    (recording,) = open_recordings(tmp_path / "b.wav", StreamFormat(RATE))
    assert recording.notes == ("8-bit widened to 16-bit",)
    assert read_recording(recording).tolist() == [-32768, -256, 0, 256, 32512, -32512]


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610", "PCM_32"])
def test_any_subtype_of_wav(tmp_path, subtype):
    tone = np.sin(2 * np.pi * 440 * np.arange(8000) / RATE) * 0.5
    soundfile.write(tmp_path / "a.wav", tone, RATE, subtype=subtype)
    (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(RATE))
    samples = read_recording(recording)
    assert len(samples) == recording.length >= 8000 and recording.notes
    assert abs(samples[:8000].std() / (tone.std() * 32768) - 1) < 0.05


def test_ogg(tmp_path):
    if "OGG" not in soundfile.available_formats():
        pytest.skip("this libsndfile has no ogg")
    tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * 0.5
    soundfile.write(tmp_path / "a.ogg", tone, RATE, subtype="VORBIS")
    (recording,) = open_recordings(tmp_path / "a.ogg", StreamFormat(RATE))
    samples = read_recording(recording)
    assert len(samples) == RATE == recording.length and recording.notes == ("VORBIS decoded to 16-bit",)
    assert abs(samples.std() / (tone.std() * 32768) - 1) < 0.02


def tone_level_db(samples, frequency, rate):
    """Level of a sine by least squares, against full scale, and of all that is not it."""
    t = np.arange(len(samples)) / rate
    basis = np.stack([np.cos(2 * np.pi * frequency * t), np.sin(2 * np.pi * frequency * t)], axis=1)
    weights, *_ = np.linalg.lstsq(basis, samples.astype(float), rcond=None)
    rest = samples - basis @ weights
    return 20 * np.log10(np.hypot(*weights) / 32768), 20 * np.log10(rest.std() / 32768)


@pytest.mark.parametrize("file_rate, rate", [(44_100, 16_000), (48_000, 16_000), (8_000, 16_000)])
def test_resampling_keeps_frequency_level_and_length(tmp_path, file_rate, rate):
    t = np.arange(5 * file_rate) / file_rate
    left = np.sin(2 * np.pi * 1000 * t) * 0.5
    pair = np.rint(np.stack([left, left], axis=1) * 32768).astype(np.int16)
    soundfile.write(tmp_path / "a.wav", pair, file_rate, subtype="PCM_16")
    (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(rate))
    low = ("recorded at 8000 Hz, it holds nothing above 4000 Hz",) if file_rate < rate else ()
    assert recording.notes == ("2 channels mixed down", f"{file_rate} Hz resampled to {rate} Hz", *low)
    samples = read_recording(recording)
    assert abs(len(samples) - 5 * rate) <= 1 and abs(recording.length - len(samples)) <= 1
    middle = samples[rate : 4 * rate]
    level, rest = tone_level_db(middle, 1000, rate)
    assert abs(level - 20 * np.log10(0.5)) < 0.1
    assert rest < -90, "a wrong frequency or a seam between blocks would stay in the remainder"
    peak = np.argmax(np.abs(np.fft.rfft(middle * np.hanning(len(middle))))) * rate / len(middle)
    assert abs(peak - 1000) < 0.5


def test_resampling_takes_out_what_would_alias(tmp_path):
    t = np.arange(2 * 44_100) / 44_100
    soundfile.write(tmp_path / "a.wav", np.sin(2 * np.pi * 9_500 * t) * 0.5, 44_100, subtype="PCM_16")
    assert np.abs(read(tmp_path / "a.wav")[2000:-2000]).max() <= 1


@pytest.mark.parametrize("file_rate", [44_100, 8_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_the_result_does_not_depend_on_the_block_size(tmp_path, rng, monkeypatch, file_rate, channels):
    samples = noise(rng, 150_000, channels)
    soundfile.write(tmp_path / "a.wav", samples, file_rate, subtype="PCM_16")
    whole = read(tmp_path / "a.wav")
    for size in (64, 997, 10**7):
        monkeypatch.setattr(audio, "BLOCK_VALUES", size)
        (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(RATE))
        blocks = list(recording.blocks())
        assert all(0 < len(block) <= size for block in blocks)
        assert np.array_equal(np.concatenate(blocks), whole)


def test_an_npz_carries_its_rate(tmp_path, rng):
    samples = noise(rng, 44_100)
    np.savez(tmp_path / "a.npz", x=samples, fs=44_100.0, other=np.array(["ignored"]))
    soundfile.write(tmp_path / "a.wav", samples, 44_100, subtype="PCM_16")
    assert np.array_equal(read(tmp_path / "a.npz"), read(tmp_path / "a.wav"))
    np.savez(tmp_path / "b.npz", x=samples, fs=np.int32(RATE))
    assert np.array_equal(read(tmp_path / "b.npz"), samples)
    message = refused(tmp_path / "a.npz", columns=1, rate_hz=10)
    assert "44100 Hz" not in message and "10 Hz" in message


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_npz_recordings_are_the_slices_in_any_order(tmp_path, rng, save):
    samples, offsets = noise(rng, 300_000), np.array([0, 1, 100_000, 100_001, 299_999, 300_000])
    save(tmp_path / "file.npz", x=samples, offsets=offsets)
    recordings = open_recordings(tmp_path / "file.npz", StreamFormat(RATE))
    assert [r.name for r in recordings] == [f"file.npz[{i}]" for i in range(5)]
    assert [r.length for r in recordings] == np.diff(offsets).tolist()
    for index in [0, 1, 2, 3, 4, 4, 0, 2, 3, 1]:
        expected = samples[offsets[index] : offsets[index + 1]]
        assert np.array_equal(read_recording(recordings[index]), expected)
    pairs = list(zip(recordings[1].blocks(), recordings[3].blocks(), strict=False))
    first, second = (np.concatenate(blocks) for blocks in zip(*pairs, strict=True))
    assert np.array_equal(first, samples[1:100_000]), "two at once do not share a place"
    assert np.array_equal(second, samples[100_001:][: len(second)])


def test_a_compressed_npz_is_unpacked_once(tmp_path, rng, monkeypatch):
    """Guards against the cost of unpacking everything before recording i anew for every i."""
    np.savez_compressed(tmp_path / "a.npz", x=noise(rng, 5_000), offsets=np.arange(0, 5_001, 10))
    recordings = open_recordings(tmp_path / "a.npz", StreamFormat(RATE))
    opened = []
    original = npz._open_member
    monkeypatch.setattr(npz, "_open_member", lambda *a: opened.append(a) or original(*a))
    recordings = open_recordings(tmp_path / "a.npz", StreamFormat(RATE))
    opened.clear()
    assert sum(len(read_recording(r)) for r in recordings) == 5_000
    assert len(opened) == 1


# --- folders and names


def test_a_folder_is_sorted_and_nothing_hidden(tmp_path):
    for name in ("b.wav", "a.WAV", "sub/c.npy", ".hidden.npy", ".cache/d.npy", "sub/._e.npy", "notes.txt"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        if path.suffix == ".npy":
            np.save(path, np.zeros(3, np.int16))
        else:
            path.write_bytes(wav_bytes(bytes(6)))
    recordings = open_recordings(str(tmp_path), StreamFormat(RATE))
    assert [recording.name for recording in recordings] == ["a.WAV", "b.wav", "sub/c.npy"]
    assert all(read_recording(recording).tolist() == [0, 0, 0] for recording in recordings)


def test_a_bad_file_in_a_folder_is_named(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(3, np.int16))
    np.save(tmp_path / "b.npy", np.zeros(3))
    assert "b.npy: float64" in refused(tmp_path)


def test_nothing_to_read(tmp_path):
    assert "missing.wav: no such file" in refused(tmp_path / "missing.wav")
    assert "no such file" in refused("")
    assert "no recordings in this folder" in refused(tmp_path)
    (tmp_path / "a.mp3").write_bytes(b"ID3")
    assert "no recordings in this folder" in refused(tmp_path)
    assert "a.mp3: unknown kind of file" in refused(tmp_path / "a.mp3")
    os.mkfifo(tmp_path / "pipe.wav")
    assert "no regular file" in refused(tmp_path / "pipe.wav")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    refused(tmp_path / "loop.wav")
    refused(tmp_path / ("x" * 300 + ".wav"))


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_empty_file(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    assert f"a{suffix}: the file is empty" in refused(tmp_path / f"a{suffix}")


def test_a_name_that_cannot_be_printed_stays_on_one_line(tmp_path):
    path = tmp_path / "a\n\x1b[31m\udcff.npy"
    np.save(path, np.zeros(3))
    refused(path)


def test_no_permission(tmp_path, monkeypatch):
    (tmp_path / "a.wav").write_bytes(wav_bytes(bytes(6)))

    def denied(self, *_, **__):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", denied)
    assert "a.wav: cannot be read (Permission denied)" in refused(tmp_path / "a.wav")


@pytest.mark.parametrize("keywords", [{"rate_hz": 0}, {"rate_hz": RATE, "columns": 0}])
def test_impossible_wishes(tmp_path, keywords):
    with pytest.raises(InputError, match="at least 1"):
        open_recordings(tmp_path, StreamFormat(**keywords))


@pytest.mark.parametrize(
    "keywords, message",
    [
        ({"rate_hz": 0, "kind": "external"}, "above 0"),
        ({"rate_hz": -0.5, "kind": "external"}, "above 0"),
        ({"rate_hz": float("nan"), "kind": "external"}, "above 0"),
        ({"rate_hz": float("inf"), "kind": "external"}, "above 0"),
        ({"rate_hz": 0.5}, "whole number"),
        ({"rate_hz": 16_000.5}, "rate_hz = 16000.5; audio needs a whole number"),
        ({"rate_hz": float("nan")}, "whole number"),
        ({"rate_hz": float("inf")}, "whole number"),
        ({"rate_hz": RATE, "columns": 2}, "columns = 2; audio has 1"),
        ({"rate_hz": RATE, "kind": "sound"}, "kind = 'sound'; it must be audio, motion, external or diary"),
    ],
)
def test_wishes_that_do_not_go_together(tmp_path, keywords, message):
    with pytest.raises(InputError, match=message):
        open_recordings(tmp_path, StreamFormat(**keywords))


def test_a_whole_rate_may_be_a_float(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(10, np.int16), 44_100)
    (recording,) = open_recordings(tmp_path / "a.wav", StreamFormat(16_000.0))
    assert recording.notes == ("44100 Hz resampled to 16000 Hz",)


# --- wav headers

DATA = np.arange(100, dtype="<i2").tobytes()
JUNK = struct.pack("<4sI", b"JUNK", 3) + b"abc\0"


@pytest.mark.parametrize(
    "content",
    [
        wav_bytes(DATA),
        wav_bytes(DATA, before=JUNK),
        wav_bytes(DATA, after=struct.pack("<4sI", b"LIST", 4) + b"abcd"),
        wav_bytes(DATA) + b"trailing bytes",
    ],
    ids=["plain", "chunk before, odd and padded", "chunk behind", "trailing"],
)
def test_honest_wav_headers(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    assert np.array_equal(read(tmp_path / "a.wav"), np.arange(100))


@pytest.mark.parametrize("pad", [b"", b"\0"])
@pytest.mark.parametrize("counted", [0, 1])
def test_an_odd_data_chunk_with_or_without_its_pad_byte(tmp_path, pad, counted):
    data = bytes([128, 129, 130])
    (tmp_path / "a.wav").write_bytes(wav_bytes(data, bits=8, riff_size=36 + 3 + counted) + pad)
    assert read(tmp_path / "a.wav").tolist() == [0, 256, 512]


def test_extensible_and_rf64(tmp_path, rng):
    samples = noise(rng, 1000)
    for format_ in ("WAVEX", "RF64"):
        soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="PCM_16", format=format_)
        assert np.array_equal(read(tmp_path / "a.wav"), samples)
    content = (tmp_path / "a.wav").read_bytes()
    assert content[:4] == b"RF64"
    (tmp_path / "a.wav").write_bytes(content[:-1000])
    assert "of 2000 bytes of samples" in refused(tmp_path / "a.wav")


@pytest.mark.parametrize("length", range(1, 44))
def test_a_truncated_wav_header(tmp_path, length):
    (tmp_path / "a.wav").write_bytes(wav_bytes(DATA)[:length])
    assert "cut off before any samples" in refused(tmp_path / "a.wav")


@pytest.mark.parametrize(
    "content, message",
    [
        (wav_bytes(DATA, data_size=202), "200 of 202 bytes of samples"),
        (wav_bytes(DATA)[:-2], "198 of 200 bytes of samples"),
        (wav_bytes(b""), "no samples"),
        (wav_bytes(DATA, align=4), "correct the block align"),
        (wav_bytes(DATA, channels=2, align=2), "correct the block align"),
        (wav_bytes(DATA, bits=0, align=2), "correct the block align"),
        (wav_bytes(DATA, bits=0, align=0), "correct the block align"),
        (wav_bytes(DATA, rate=0), "1 channels at 0 Hz"),
        (wav_bytes(DATA, channels=0, align=2), "0 channels"),
        (wav_bytes(DATA, rate=99), "99 Hz is no audio rate"),
        (wav_bytes(DATA, rate=768_001), "768001 Hz is no audio rate"),
        (wav_bytes(bytes(65 * 4), channels=65), "65 channels, at most 64"),
        (wav_bytes(DATA[:-1]), "no whole number of frames"),
        (wav_bytes(DATA, before=struct.pack("<4sI", b"JUNK", 10**6)), "cut off before any samples"),
        (wav_bytes(DATA, tag=0x7777), "cannot be read"),
        (b"RIFF" + struct.pack("<I", 212) + b"WAVEdata" + struct.pack("<I", 200) + DATA, "no fmt chunk"),
        (b"RIFF\x10\0\0\0WAVEfmt \x04\0\0\0abcd", "fmt chunk is cut off"),
        (b"RIFX" + wav_bytes(DATA)[4:], "cut off before any samples: chunk 'fmt ' of 268,435,456 bytes"),
        (b"RIFF\x10\0\0\0AVI LIST", "no wav file"),
        (b"fLaC" + bytes(100), "no wav file"),
        (b"<!DOCTYPE html>\n" * 10, "no wav file"),
        (npy_bytes(np.zeros(100, np.int16)), "no wav file"),
    ],
)
def test_a_lying_wav_header(tmp_path, content, message):
    (tmp_path / "a.wav").write_bytes(content)
    answer = refused(tmp_path / "a.wav")
    assert "a.wav: " in answer and message in answer


def test_rates_at_the_limits_are_read(tmp_path):
    for rate in (100, 768_000):
        (tmp_path / "a.wav").write_bytes(wav_bytes(DATA * 300, rate=rate))
        assert abs(len(read(tmp_path / "a.wav")) - 30_000 * RATE / rate) <= 1


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 300.0])
@pytest.mark.parametrize("position", [0, 70_000])
def test_float_files_with_what_is_no_sample(tmp_path, value, position):
    samples = np.zeros((100_000, 2), np.float32)
    samples[position, 1] = value
    soundfile.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    with pytest.raises(InputError, match=rf"a\.wav: sample {position} \(from 0\) is {value:g}"):
        open_recordings(tmp_path / "a.wav", StreamFormat(RATE))
    assert str(tmp_path / "a.wav") not in open_files()


@pytest.mark.parametrize("subtype", ["PCM_24", "FLOAT"])
def test_rows_are_not_scaled(tmp_path, subtype):
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 3)), 100, subtype=subtype)
    assert "convert them to int16" in refused(tmp_path / "a.wav", rate_hz=100, columns=3, kind="external")


def test_rows_are_not_resampled_or_mixed(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros((10, 3)), 100, subtype="PCM_16")
    assert "100 rows a second" in refused(tmp_path / "a.wav", rate_hz=50, columns=3, kind="external")
    assert "3 columns" in refused(tmp_path / "a.wav", rate_hz=100, columns=2, kind="external")
    np.savez(tmp_path / "a.npz", x=np.zeros((10, 3), np.int16), fs=100)
    assert "100 rows a second" in refused(tmp_path / "a.npz", rate_hz=50, columns=3, kind="external")


def test_one_column_of_rows_is_not_taken_for_audio(tmp_path, rng, pipe):
    """Guards a plan of one external value a row against mixing and resampling, which would go unseen."""
    rows = noise(rng, 1000, 1)
    soundfile.write(tmp_path / "a.wav", rows, 100, subtype="PCM_16")
    np.save(tmp_path / "b.npy", rows)
    np.save(tmp_path / "c.npy", rows[:, 0])
    np.savez(tmp_path / "d.npz", x=rows, fs=100)
    np.savetxt(tmp_path / "e.csv", rows, fmt="%d")
    pipe.write(rows.tobytes())
    pipe.close()
    recordings = open_recordings(tmp_path, StreamFormat(100.0, "external"))
    recordings += open_recordings("-", StreamFormat(100.0, "external"))
    assert len(recordings) == 6
    for recording in recordings:
        assert recording.notes == () and np.array_equal(read_recording(recording), rows), recording.name
    assert "100 rows a second" in refused(tmp_path / "a.wav", rate_hz=50, kind="external")
    assert "100 rows a second" in refused(tmp_path / "d.npz", rate_hz=100.5, kind="external")
    np.save(tmp_path / "b.npy", np.zeros((10, 2), np.int16))
    assert "2 columns; give rows of 1 values" in refused(tmp_path / "b.npy", kind="external")


@pytest.mark.parametrize("fs", [0.5, np.float32(0.5), 0.1, 1e-3])
def test_rows_may_come_less_often_than_once_a_second(tmp_path, fs):
    rows = np.arange(20, dtype=np.int16).reshape(10, 2)
    np.savez(tmp_path / "a.npz", x=rows, fs=fs)
    assert np.array_equal(read(tmp_path / "a.npz", rate_hz=float(fs), columns=2, kind="external"), rows)
    message = refused(tmp_path / "a.npz", rate_hz=1, columns=2, kind="external")
    assert f"{float(fs)} rows a second; rows are not resampled, record at 1" in message
    assert "fs is" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("fs", [1e306, -1e308, 1e300, 2**63, -1.0, 0.0])
def test_rows_at_a_rate_of_no_sensor(tmp_path, fs):
    np.savez(tmp_path / "a.npz", x=np.arange(20, dtype=np.int16).reshape(10, 2), fs=fs)
    message = refused(tmp_path / "a.npz", rate_hz=1, columns=2, kind="external")
    assert f"{float(fs)}".removesuffix(".0") + " rows a second; rows are not resampled, record at 1" in message


# --- flac, ogg


@pytest.mark.parametrize("kept", [3, 4, 30, 42, 60, 1000, 0.5, 0.99, -1])
def test_a_truncated_flac(tmp_path, rng, kept):
    soundfile.write(tmp_path / "a.flac", noise(rng, 200_000), RATE, subtype="PCM_16")
    content = (tmp_path / "a.flac").read_bytes()
    kept = int(kept * len(content)) if isinstance(kept, float) else kept
    (tmp_path / "a.flac").write_bytes(content[:kept])
    refused(tmp_path / "a.flac")


def flac_promising(path, total):
    """A .flac of 100,000 samples of which the header says that there are `total`."""
    soundfile.write(path, np.arange(100_000).astype(np.int16), RATE, subtype="PCM_16")
    content = bytearray(path.read_bytes())
    packed = int.from_bytes(content[18:26], "big")  # 36 low bits: total samples
    assert packed & (1 << 36) - 1 == 100_000
    content[18:26] = (packed - 100_000 + total).to_bytes(8, "big")
    path.write_bytes(content)


def test_a_flac_that_promises_more_than_it_has(tmp_path):
    flac_promising(tmp_path / "a.flac", 104_096)
    refused(tmp_path / "a.flac")


def test_a_flac_of_unknown_length(tmp_path):
    flac_promising(tmp_path / "a.flac", 0)
    assert "does not say how long" in refused(tmp_path / "a.flac")


def test_no_samples_is_seen_at_opening(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(0, np.int16), RATE)
    with pytest.raises(InputError, match="no samples"):
        open_recordings(tmp_path / "a.wav", StreamFormat(RATE))


@pytest.mark.parametrize("suffix", [".flac", ".ogg"])
def test_something_else_under_that_suffix(tmp_path, suffix):
    (tmp_path / f"a{suffix}").write_bytes(wav_bytes(DATA))
    assert f"no {suffix[1:]} file" in refused(tmp_path / f"a{suffix}")


# --- npy


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.int32, np.uint8, np.uint16, bool, ">i2", "<U3"])
def test_an_array_of_the_wrong_type(tmp_path, dtype):
    np.save(tmp_path / "a.npy", np.zeros(10, dtype))
    np.savez(tmp_path / "a.npz", x=np.zeros(10, dtype))
    for path in (tmp_path / "a.npy", tmp_path / "a.npz"):
        assert f"{np.dtype(dtype)} values; convert to little-endian int16" in refused(path)


class Trap:
    """Unpickling leaves a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def test_pickles_are_never_loaded(tmp_path):
    import pickle

    trap = Trap(tmp_path / "sprung")
    objects = np.array([trap], dtype=object)
    np.save(tmp_path / "a.npy", objects, allow_pickle=True)
    (tmp_path / "b.npy").write_bytes(pickle.dumps(trap))
    np.savez(tmp_path / "c.npz", x=objects)
    np.savez(tmp_path / "d.npz", x=np.zeros(3, np.int16), offsets=objects)
    np.savez(tmp_path / "e.npz", x=np.zeros(3, np.int16), fs=objects)
    for name in ("a.npy", "c.npz", "d.npz", "e.npz"):
        assert "never unpickled" in refused(tmp_path / name)
    assert "no .npy array" in refused(tmp_path / "b.npy")
    assert not (tmp_path / "sprung").exists()


def header_only(descr="<i2", by_column=False, shape=(10,), data=b""):
    text = f"{{'descr': {descr!r}, 'fortran_order': {by_column}, 'shape': {shape}, }}"
    text += " " * (-(len(text) + 11) % 64) + "\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode() + data


@pytest.mark.parametrize(
    "content, message",
    [
        (npy_bytes(np.zeros((2, 3, 4), np.int16)), "3 dimensions"),
        (npy_bytes(np.array(3, np.int16)), "0 dimensions"),
        (npy_bytes(np.zeros(0, np.int16)), "no samples"),
        (npy_bytes(np.zeros((5, 0), np.int16)), "no samples"),
        (npy_bytes(np.zeros((2, 100), np.int16)), "100 channels, at most 64"),
        (npy_bytes(np.zeros(100, np.int16))[:-2], "198 bytes of values, not the 200"),
        (npy_bytes(np.zeros(100, np.int16)) + b"12", "202 bytes of values, not the 200"),
        (npy_bytes(np.zeros(100, np.int16))[:50], "no .npy array"),
        (npy_bytes(np.zeros(100, np.int16))[:5], "no .npy array"),
        (header_only(shape=(10**15,)), f"not the {2 * 10**15}"),
        (header_only(shape=(-10,), data=bytes(20)), "not the -20"),
        (header_only(shape=(-2, -5), data=bytes(20)), "20 bytes of values"),
        (header_only(shape="(" * 500), "no .npy array"),
        (header_only(descr="nonsense", data=bytes(20)), "no .npy array"),
        (b"\x93NUMPY\x03\x00" + header_only()[8:], "no .npy array"),
        (b"\x93NUMPY\x09\x00" + header_only()[8:], "no .npy array"),
        (wav_bytes(DATA), "no .npy array"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_a_damaged_npy(tmp_path, content, message):
    (tmp_path / "a.npy").write_bytes(content)
    answer = refused(tmp_path / "a.npy")
    assert "a.npy: " in answer and message in answer
    with zipfile.ZipFile(tmp_path / "b.npz", "w") as archive:
        archive.writestr("x.npy", content)
    assert message in refused(tmp_path / "b.npz")


@pytest.mark.parametrize("length", [10_001, 2**31 - 1, 2**32 - 1])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_no_room_is_made_for_a_header_that_a_damaged_npy_claims(tmp_path, name, length):
    content = b"\x93NUMPY\x02\x00" + struct.pack("<I", length) + npy_bytes(np.zeros(100_000, np.int16))[10:]
    (tmp_path / "a.npy").write_bytes(content)
    if name == "a.npz":
        with zipfile.ZipFile(tmp_path / name, "w") as archive:
            archive.writestr("x.npy", content)
    tracemalloc.start()
    assert "no .npy array" in refused(tmp_path / name)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 1 << 20


def test_headers_of_either_version_are_read(tmp_path):
    for version in ((1, 0), (2, 0)):
        with (tmp_path / "a.npy").open("wb") as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            np.lib.format.write_array(file, np.arange(100, dtype="<i2"), version)
        assert np.array_equal(read(tmp_path / "a.npy"), np.arange(100))


def test_rows_must_have_exactly_the_columns(tmp_path):
    np.save(tmp_path / "a.npy", np.zeros(10, np.int16))
    assert "1 columns; give rows of 2 values" in refused(tmp_path / "a.npy", columns=2, kind="external")
    np.save(tmp_path / "a.npy", np.zeros((10, 3), np.int16))
    assert "3 columns; give rows of 2 values" in refused(tmp_path / "a.npy", columns=2, kind="external")


# --- npz


@pytest.mark.parametrize(
    "offsets, message",
    [
        ([0, 60], "from 0 to 60; they must run from 0 to 100"),
        ([0, 101], "from 0 to 101"),
        ([1, 100], "from 1 to 100"),
        ([-1, 100], "from -1 to 100"),
        ([0, 50, 50, 100], "recording 1 is empty (50:50)"),
        ([0, 50, 40, 100], "recording 1 ends before it starts (50:40)"),
        ([0, 200, 100], "recording 1 ends before it starts (200:100)"),
        ([0], "offsets are int64 (1,)"),
        ([], "offsets are"),
        ([[0, 100]], "offsets are int64 (1, 2)"),
        ([[0, 50], [50, 100]], "offsets are int64 (2, 2)"),
        ([0.0, 100.0], "offsets are float64"),
        (np.array([0, 100], ">i8"), "offsets are >i8"),
        (["0", "100"], "offsets is <U3"),
    ],
)
def test_wrong_offsets(tmp_path, offsets, message):
    np.savez(tmp_path / "a.npz", x=np.zeros(100, np.int16), offsets=offsets)
    assert message in refused(tmp_path / "a.npz")


def test_more_offsets_than_are_held_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(npz, "MAX_RECORDINGS", 3)
    np.savez(tmp_path / "a.npz", x=np.zeros(100, np.int16), offsets=[0, 1, 2, 100])
    assert len(open_recordings(tmp_path / "a.npz", StreamFormat(RATE))) == 3
    np.savez(tmp_path / "a.npz", x=np.zeros(100, np.int16), offsets=[0, 1, 2, 3, 100])
    assert "offsets is int64 (5,)" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("fs", [[16000, 16000], np.nan, 16000.5, "16000"])
def test_a_wrong_fs(tmp_path, fs):
    np.savez(tmp_path / "a.npz", x=np.zeros(100, np.int16), fs=fs)
    assert "a.npz: fs is" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("fs", [0, -16000, 50, 10**9])
def test_an_absurd_fs(tmp_path, fs):
    np.savez(tmp_path / "a.npz", x=np.zeros(100, np.int16), fs=fs)
    assert f"{fs} Hz is no audio rate" in refused(tmp_path / "a.npz")


def test_an_npz_without_x(tmp_path):
    np.savez(tmp_path / "a.npz", samples=np.zeros(100, np.int16))
    assert "no array x" in refused(tmp_path / "a.npz")


@pytest.mark.parametrize("kept", [1, 10, 100, 0.5, 0.9, -1])
@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_truncated_npz(tmp_path, rng, kept, save):
    save(tmp_path / "a.npz", x=noise(rng, 10_000))
    content = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(content[: int(kept * len(content)) if isinstance(kept, float) else kept])
    refused(tmp_path / "a.npz")


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_a_flipped_bit_in_an_npz(tmp_path, rng, save):
    save(tmp_path / "a.npz", x=noise(rng, 10_000))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    content[len(content) // 2] ^= 4
    (tmp_path / "a.npz").write_bytes(content)
    assert "cannot be read" in refused(tmp_path / "a.npz")


def lying_npz(path, claimed, *, compress, content):
    """An .npz of which the directory claims that x.npy has `claimed` bytes."""
    with zipfile.ZipFile(path, "w", compress) as archive:
        archive.writestr("x.npy", content)
        true_size = len(content)
    raw = path.read_bytes()
    directory = raw.rindex(b"PK\x01\x02")
    assert struct.unpack_from("<I", raw, directory + 24)[0] == true_size
    raw = bytearray(raw)
    struct.pack_into("<I", raw, directory + 24, claimed)
    path.write_bytes(raw)


def test_a_zip_that_lies_about_its_sizes(tmp_path):
    claimed = 0xFFFFFFF0
    content = header_only(shape=((claimed - 128) // 2,), data=bytes(1000))
    assert len(content) == 1128
    for compress in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        lying_npz(tmp_path / "a.npz", claimed, compress=compress, content=content)
        message = refused(tmp_path / "a.npz")
        assert "x.npy claims to unpack from " in message and f" to {claimed} bytes" in message
    # Believable for deflate, and still untrue: seen when the data end.
    content = header_only(shape=(10_000,), data=np.random.default_rng(1).bytes(1000))
    lying_npz(tmp_path / "a.npz", 128 + 20_000, compress=zipfile.ZIP_DEFLATED, content=content)
    (recording,) = open_recordings(tmp_path / "a.npz", StreamFormat(RATE))
    with pytest.raises(InputError, match=r"cut off|cannot be read"):
        read_recording(recording)


def test_a_bomb_streams_in_bounded_memory(tmp_path):
    """A gigabyte of zeros in a megabyte: true, so it is read; the memory is that of a block."""
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as out,
    ):
        out.write(header_only(shape=(50_000_000,)))
        for _ in range(100):
            out.write(bytes(1_000_000))
    (recording,) = open_recordings(tmp_path / "a.npz", StreamFormat(RATE))
    assert peak_bytes(recording) < 4e6


def test_a_larger_bomb_is_refused_before_it_is_unpacked(tmp_path):
    """Three hundred mebibytes of zeros in a third of one: nobody waits until they are heard."""
    n = 150 << 20
    with (
        zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.npy", "w") as out,
    ):
        out.write(header_only(shape=(n,)))
        for _ in range(300):
            out.write(bytes(1 << 20))
    start = time.process_time()
    message = refused(tmp_path / "a.npz")
    assert time.process_time() - start < 1
    assert "x.npy unpacks to" in message and "300 MiB, as no recording does; if it is one, save it with" in message


@pytest.mark.parametrize("key", ["unit", "offsets", "fs"])
def test_a_bomb_beside_the_samples_is_refused(tmp_path, key):
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", npy_bytes(np.ones((100, 3))))
        with archive.open(f"{key}.npy", "w") as out:
            out.write(header_only(descr="<i8", shape=(300 << 17,)))
            for _ in range(300):
                out.write(bytes(1 << 20))
    stream_format = StreamFormat(50, "motion", 3, counts_per_g=4096, full_scale_g=8)
    with pytest.raises(InputError, match=f"{key}.npy unpacks to .* times its size"):
        open_recordings(tmp_path / "a.npz", stream_format, reading=ReadOptions(unit=None if key == "unit" else "g"))


@pytest.mark.parametrize("key", ["unit", "channels", "label"])
def test_text_of_no_characters_is_refused(tmp_path, key):
    """Beyond the last character that there is, numpy makes strings that end the interpreter when they are used."""
    texts = np.frombuffer(np.array([0x110000, 2**31, 0xFFFFFFFF], "<u4").tobytes(), "<U1")
    np.savez(tmp_path / "a.npz", x=np.ones((100, 3)), fs=50.0, **{"unit": np.array("g"), key: texts})
    stream_format = StreamFormat(50, "motion", 3, counts_per_g=4096, full_scale_g=8)
    with pytest.raises(InputError, match=f"{key} is no text; save it again"):
        open_recordings(tmp_path / "a.npz", stream_format) if key != "label" else npz.entries_of(
            tmp_path / "a.npz", "", key, 3
        )


@pytest.mark.parametrize("shape", ["(True,)", "(10, True)", "(True, 10)"])
def test_a_truth_value_is_no_size(tmp_path, shape):
    data = np.arange(10 if "10" in shape else 1, dtype=np.int16).tobytes()
    (tmp_path / "a.npy").write_bytes(header_only(shape=shape, data=data))
    assert "a.npy: a shape of (" in refused(tmp_path / "a.npy")
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("x.npy", npy_bytes(np.zeros(10, np.int16)))
        archive.writestr("fs.npy", header_only(descr="<f8", shape="(True,)", data=bytes(8)))
    assert "a.npz: fs: a shape of (True,), which is not of whole numbers; copy" in refused(tmp_path / "a.npz")


def test_many_columns_one_after_the_other_are_refused(tmp_path):
    """Each would open the file, and unpack all that stands before it."""
    np.savez_compressed(tmp_path / "a.npz", x=np.asfortranarray(np.ones((40, 2000), np.int16)))
    assert "2000 columns, stored by columns; save numpy.ascontiguousarray of it" in refused(tmp_path / "a.npz")


def test_unusual_zip_members(tmp_path):
    for compress in (zipfile.ZIP_LZMA, zipfile.ZIP_BZIP2):
        with zipfile.ZipFile(tmp_path / "a.npz", "w", compress) as archive:
            archive.writestr("x.npy", npy_bytes(np.zeros(1000, np.int16)))
        assert "packed by an unknown method" in refused(tmp_path / "a.npz")
    np.savez(tmp_path / "a.npz", x=np.zeros(10, np.int16))
    content = bytearray((tmp_path / "a.npz").read_bytes())
    for header, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        content[content.index(header) + flags] |= 1
    (tmp_path / "a.npz").write_bytes(content)
    assert "encrypted" in refused(tmp_path / "a.npz")


# --- csv


@pytest.mark.parametrize(
    "text",
    [
        "1\n-2\n3\n",
        "1\n-2\n3",
        "1\r\n-2\r\n3\r\n",
        "sample\n1\n-2\n3\n",
        "\ufeff1\n-2\n3\n",
        "\ufeffx\n1\n-2\n3\n\n\n",
        " 1 \n-2\n+3",
    ],
)
def test_csv(tmp_path, text):
    (tmp_path / "a.csv").write_bytes(text.encode())
    samples = read(tmp_path / "a.csv")
    assert samples.dtype == np.int16 and samples.tolist() == [1, -2, 3]


def test_a_csv_header_in_another_encoding(tmp_path):
    (tmp_path / "a.csv").write_bytes("Größe\n1\n-2\n".encode("latin-1"))
    assert read(tmp_path / "a.csv").tolist() == [1, -2]


def test_csv_of_many_blocks(tmp_path, rng):
    samples = noise(rng, 150_000)
    np.savetxt(tmp_path / "a.csv", samples, fmt="%d")
    (recording,) = open_recordings(tmp_path / "a.csv", StreamFormat(RATE))
    blocks = list(recording.blocks())
    assert max(map(len, blocks)) <= BLOCK_VALUES and np.array_equal(np.concatenate(blocks), samples)


@pytest.mark.parametrize(
    "text, columns, message",
    [
        ("1\nabc\n", 1, "line 2: 'abc' is no integer"),
        ("nan\n1\n", 1, "line 1: 'nan' is no integer"),
        ("inf\n1\n", 1, "line 1: 'inf' is no integer"),
        ("1.5\n1\n", 1, "line 1: '1.5' is no integer"),
        ("1\n2\n2.0\n", 1, "line 3: '2.0' is no integer"),
        ("1\n1_000\n", 1, "line 2: '1_000' is no integer"),
        ("32767\n-32768\n32768\n", 1, "line 3: '32768' is no integer in -32768..32767"),
        ("x\n-32769\n", 1, "line 2: '-32769' is no integer"),
        ("1\n" + "9" * 5000 + "\n", 1, "line 2: '99999999999999999999' is no integer"),
        ("1,2\n", 1, "line 1: 2 values, not 1"),
        ("1,2\n3\n", 2, "line 2: 1 values, not 2"),
        ("1,2\n3,4,\n", 2, "line 2: 3 values, not 2"),
        ("1,2\n,4\n", 2, "line 2: '' is no integer"),
        ("1;2\n3;4\n", 2, "not semicolons"),
        ("x;y\n1;2\n", 1, "separate with commas"),
        ("1\n2;\n", 1, "separate with commas"),
        ("1\t2\n", 2, "line 1: 1 values, not 2"),
        ("x,1\n1,2\n", 2, "line 1: 'x' is no integer"),
        ("x\ny\n1\n", 1, "line 2: 'y' is no integer"),
        ("1\n\n\n2\n", 1, "line 2: empty"),
        ("\n1\n", 1, "line 1: empty"),
        ("x\n", 1, "no samples"),
        ("\n\n", 1, "no samples"),
        ("1," * 40_000, 1, "line 1: 65536 characters"),
    ],
)
def test_a_wrong_csv(tmp_path, text, columns, message):
    (tmp_path / "a.csv").write_text(text)
    answer = refused(tmp_path / "a.csv", columns=columns, kind="audio" if columns == 1 else "external")
    assert "a.csv" in answer and message in answer


def test_a_csv_that_is_no_text(tmp_path):
    (tmp_path / "a.csv").write_bytes("1\n2\n".encode("utf-16"))
    (recording,) = open_recordings(tmp_path / "a.csv", StreamFormat(RATE))
    assert read_recording(recording).tolist() == [1, 2]
    (tmp_path / "a.csv").write_bytes(wav_bytes(DATA))
    refused(tmp_path / "a.csv")


def test_good_csv_rows_come_before_the_error(tmp_path):
    (tmp_path / "a.csv").write_text("1\n" * 70_000 + "x\n")
    (recording,) = open_recordings(tmp_path / "a.csv", StreamFormat(RATE))
    blocks = recording.blocks()
    assert len(next(blocks)) == BLOCK_VALUES
    with pytest.raises(InputError, match="line 70001"):
        next(blocks)


# --- standard input


class Pipe:
    """Stands in for sys.stdin: a pipe of the operating system, as the interpreter would wrap it."""

    def __init__(self, monkeypatch):
        reader, self.writer = os.pipe()
        self.stdin = os.fdopen(reader, "r")
        monkeypatch.setattr(sys, "stdin", self.stdin)

    def write(self, data):
        os.write(self.writer, data)

    def close(self):
        os.close(self.writer)


@pytest.fixture
def pipe(monkeypatch):
    pipe = Pipe(monkeypatch)
    yield pipe
    pipe.stdin.close()


def test_stdin_yields_what_has_arrived_and_keeps_half_a_sample(pipe):
    (recording,) = open_recordings("-", StreamFormat(RATE))
    assert (recording.name, recording.notes, recording.length) == ("standard input", (), None)
    blocks = recording.blocks()
    pipe.write(struct.pack("<hh", 1, -2) + b"\x03")
    assert next(blocks).tolist() == [1, -2]
    pipe.write(b"\x00" + struct.pack("<h", 32767))
    assert next(blocks).tolist() == [3, 32767]
    pipe.close()
    assert list(blocks) == []


def test_stdin_rows(pipe):
    (recording,) = open_recordings(Path("-"), StreamFormat(100, "external", 3))
    pipe.write(struct.pack("<4h", 1, 2, 3, 4))
    blocks = recording.blocks()
    assert next(blocks).tolist() == [[1, 2, 3]]
    pipe.write(struct.pack("<5h", 5, 6, 7, 8, 9))
    pipe.close()
    assert [block.tolist() for block in blocks] == [[[4, 5, 6], [7, 8, 9]]]


@pytest.mark.parametrize("columns, data, whole", [(1, b"\1\0\2", [1]), (2, b"\1\0\2\0\3\0", [[1, 2]])])
def test_stdin_ends_within_a_row(pipe, columns, data, whole):
    pipe.write(data)
    pipe.close()
    (recording,) = open_recordings("-", StreamFormat(RATE, "audio" if columns == 1 else "external", columns))
    blocks = recording.blocks()
    assert next(blocks).tolist() == whole
    with pytest.raises(InputError, match=r"standard input: ends with . of . bytes of a row"):
        next(blocks)


def test_empty_stdin(pipe):
    pipe.close()
    assert "standard input: there are no samples" in refused("-")


def test_less_than_a_sample_on_stdin(pipe):
    pipe.write(b"\1")
    pipe.close()
    assert "ends with 1 of 2 bytes" in refused("-")


def test_stdin_that_does_not_block_is_waited_for(pipe):
    fd = pipe.stdin.fileno()
    fcntl.fcntl(fd, fcntl.F_SETFL, fcntl.fcntl(fd, fcntl.F_GETFL) | os.O_NONBLOCK)
    writer = threading.Timer(0.1, lambda: (pipe.write(b"\5\0"), pipe.close()))
    writer.start()
    assert read("-").tolist() == [5]
    writer.join()


def test_no_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", None)
    assert "nothing is piped in" in refused("-")
    controller, terminal = os.openpty()
    with os.fdopen(terminal) as stream:
        monkeypatch.setattr(sys, "stdin", stream)
        assert "nothing is piped in" in refused("-")
    os.close(controller)


def test_stdin_without_a_raw_stream(monkeypatch):
    """As test runners of command lines replace it."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"\1\0\2\0")))
    assert read("-").tolist() == [1, 2]


def test_stdin_of_a_process(rng):
    samples = noise(rng, 300_001)
    script = (
        "import sys, numpy as np; from anomsdk.sources import StreamFormat, open_recordings;"
        "blocks = list(open_recordings('-', StreamFormat(16000))[0].blocks());"
        "assert max(map(len, blocks)) <= 65536;"
        "sys.stdout.buffer.write(np.concatenate(blocks).tobytes())"
    )
    done = subprocess.run([sys.executable, "-c", script], input=samples.tobytes(), capture_output=True, check=True)
    assert done.stdout == samples.tobytes()


def test_the_stdin_buffer_holds_no_sample_while_a_block_is_used(pipe, monkeypatch):
    """It held a backlog for good: short reads never overwrite the tail of a large buffer."""
    kept, made = [], standard_input.private_block
    monkeypatch.setattr(standard_input, "private_block", lambda size: kept.append(made(size)) or kept[-1])
    (recording,) = open_recordings("-", StreamFormat(RATE, "external", 2))
    blocks = recording.blocks()
    pipe.write(b"\7" * 16_384)
    assert next(blocks).size == 4096, "no more is taken from the pipe at once"
    assert not kept[0].any()
    next(blocks)
    pipe.write(b"\7" * 6)
    assert next(blocks).tolist() == [[1799, 1799]]
    assert np.count_nonzero(kept[0]) == 2, "half a row is kept"
    blocks.close()
    assert not kept[0].any()


# --- memory, handles, imports


def peak_bytes(recording):
    tracemalloc.start()
    try:
        total = sum(len(block) for block in recording.blocks())
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert total > 0
    return peak


@pytest.fixture(scope="module")
def long_folder(tmp_path_factory):
    """60 MB in every format, about 16 minutes at 32 kHz; 2 MB as csv."""
    folder = tmp_path_factory.mktemp("long")
    samples = np.random.default_rng(1).integers(-3000, 3000, 30_000_000, dtype=np.int16)
    np.save(folder / "a.npy", samples)
    np.save(folder / "columns.npy", samples.reshape(-1, 6))
    np.savez(folder / "stored.npz", x=samples, offsets=np.array([0, 29_000_000, 30_000_000]))
    np.savez_compressed(folder / "packed.npz", x=samples[:15_000_000], offsets=np.array([0, 14_000_000, 15_000_000]))
    soundfile.write(folder / "a.wav", samples, RATE, subtype="PCM_16")
    soundfile.write(folder / "stereo.wav", samples.reshape(-1, 2), 44_100, subtype="PCM_16")
    (folder / "many.wav").write_bytes(wav_bytes(samples.tobytes(), channels=60))
    soundfile.write(folder / "slow.wav", samples[:3_000_000], 1000, subtype="PCM_16")
    soundfile.write(folder / "a.flac", samples[:15_000_000], RATE, subtype="PCM_16")
    (folder / "a.csv").write_bytes(b"-1234\n" * 300_000)
    return folder


@pytest.mark.parametrize(
    "name, columns, index",
    [
        ("a.npy", 1, 0),
        ("columns.npy", 6, 0),
        ("stored.npz", 1, 0),
        ("stored.npz", 1, 1),
        ("packed.npz", 1, 0),
        ("packed.npz", 1, 1),
        ("a.wav", 1, 0),
        ("stereo.wav", 1, 0),
        ("many.wav", 1, 0),
        ("slow.wav", 1, 0),
        ("a.flac", 1, 0),
        ("a.csv", 1, 0),
    ],
)
def test_memory_does_not_grow_with_the_length(long_folder, name, columns, index):
    kind = "audio" if columns == 1 else "external"
    recording = open_recordings(long_folder / name, StreamFormat(RATE, kind, columns))[index]
    assert peak_bytes(recording) < 8e6


@pytest.mark.parametrize("name", ["stereo.wav", "packed.npz", "a.flac"])
def test_the_process_stays_small(long_folder, name):
    """What libsndfile and soxr allocate is seen only from outside."""
    script = (
        "import sys, soundfile, soxr, numpy; from anomsdk.sources import StreamFormat, open_recordings;"
        "from tests.support.peak import peak_kib as peak;"
        "recordings = open_recordings(sys.argv[1], StreamFormat(16000));"
        "blocks = (b for r in recordings for b in r.blocks()); next(blocks); before = peak();"
        "total = sum(len(b) for b in blocks); assert total > 1e6; print(peak() - before)"
    )
    done = subprocess.run([sys.executable, "-c", script, long_folder / name], capture_output=True, check=True)
    assert int(done.stdout) * 1024 < 16e6


@pytest.mark.parametrize("name", ["a.npy", "stored.npz", "a.wav", "stereo.wav", "a.csv"])
def test_files_are_closed(long_folder, name):
    path = str(long_folder / name)
    recordings = open_recordings(path, StreamFormat(RATE))
    assert path not in open_files(), "opening keeps nothing open"
    blocks = recordings[-1].blocks()
    next(blocks)
    assert path in open_files()
    blocks.close()
    assert path not in open_files(), "left half way"
    for recording in recordings:
        for _ in recording.blocks():
            pass
    assert path not in open_files(), "read to the end"


@pytest.mark.filterwarnings("error")
def test_an_npz_left_after_its_first_recording_is_closed_with_the_list(tmp_path):
    path = tmp_path / "a.npz"
    np.savez(path, x=np.zeros(100, np.int16), offsets=np.array([0, 50, 100]))
    recordings = open_recordings(path, StreamFormat(RATE))
    read_recording(recordings[0])
    del recordings
    assert str(path) not in open_files()


def test_keyboard_interrupt_passes(tmp_path, monkeypatch):
    np.save(tmp_path / "a.npy", np.zeros(10, np.int16))
    (recording,) = open_recordings(tmp_path / "a.npy", StreamFormat(RATE))
    monkeypatch.setattr(np, "empty", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        next(recording.blocks())
    assert str(tmp_path / "a.npy") not in open_files()


def test_importing_is_light():
    script = "import sys, anomsdk.sources;assert not {'soundfile', 'soxr', 'scipy', 'librosa'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


# --- anything at all


def seeds():
    samples = np.random.default_rng(2).integers(-3000, 3000, 500, dtype=np.int16)
    for format_, subtype in (
        ("WAV", "PCM_16"),
        ("WAV", "FLOAT"),
        ("WAV", "IMA_ADPCM"),
        ("RF64", "PCM_24"),
        ("FLAC", "PCM_16"),
    ):
        stream = io.BytesIO()
        soundfile.write(stream, samples, RATE, format=format_, subtype=subtype)
        yield ".flac" if format_ == "FLAC" else ".wav", stream.getvalue()
    yield ".npy", npy_bytes(samples)
    yield ".csv", "\n".join(map(str, samples[:50])).encode()
    for save in (np.savez, np.savez_compressed):
        stream = io.BytesIO()
        save(stream, x=samples, offsets=np.array([0, 100, 500]), fs=RATE)
        yield ".npz", stream.getvalue()


@pytest.mark.filterwarnings("ignore")
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damage_is_read_or_refused_in_one_line(tmp_path, data):
    """Guards against a traceback, or a line break, from zipfile, numpy or libsndfile."""
    suffix, content = data.draw(st.sampled_from(list(seeds())))
    content = bytearray(content)
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, min(len(content), 200) - 1) | st.integers(0, len(content) - 1))] = data.draw(
            st.integers(0, 255)
        )
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    try:
        for recording in open_recordings(path, StreamFormat(RATE)):
            for block in recording.blocks():
                assert block.dtype == np.int16 and 0 < len(block) <= BLOCK_VALUES
    except InputError as error:
        assert str(error).isprintable()
    assert str(path) not in open_files()


def test_cut_oggs_are_refused(tmp_path):
    if "OGG" not in soundfile.available_formats():
        pytest.skip("this libsndfile has no ogg")
    soundfile.write(tmp_path / "a.ogg", np.random.default_rng(0).uniform(-0.3, 0.3, 5 * RATE), RATE, subtype="VORBIS")
    data = (tmp_path / "a.ogg").read_bytes()
    pages = [i for i in range(1, len(data)) if data[i : i + 4] == b"OggS"]
    for length in (len(data) - 1, len(data) // 2, pages[-1], pages[-1] + 30):
        (tmp_path / "a.ogg").write_bytes(data[:length])
        with pytest.raises(InputError, match=r"cut off|cannot be read"):
            read_recording(open_recordings(tmp_path / "a.ogg", StreamFormat(RATE))[0])
