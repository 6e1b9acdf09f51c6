"""Sound as programs really write it: what is whole is read, what is odd is said, what cannot be right is refused."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile

from anomsdk.errors import InputError
from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording
from anomsdk.sources.formats.sound import plausibility

RATE = 16_000
X = (np.random.default_rng(7).standard_normal(3000) * 900).astype("<i2")
DATA = X.tobytes()


def chunk(name, data, *, size=None, pad=None, order="<"):
    pad = len(data) % 2 if pad is None else pad
    return name + struct.pack(order + "I", len(data) if size is None else size) + data + bytes(pad)


def fmt(*, tag=1, channels=1, bits=16, align=None, order="<", more=b""):
    align = channels * bits // 8 if align is None else align
    return chunk(
        b"fmt ", struct.pack(order + "HHIIHH", tag, channels, RATE, RATE * align, align, bits) + more, order=order
    )


def extensible(bits, valid, tag=1, channels=1, tail="000000001000800000aa00389b71"):
    more = struct.pack("<HHI", 22, valid, 0) + struct.pack("<H", tag) + bytes.fromhex(tail)
    return fmt(tag=0xFFFE, bits=bits, channels=channels, more=more)


def riff(*chunks, form=b"RIFF", size=None, order="<"):
    body = b"WAVE" + b"".join(chunks)
    return form + struct.pack(order + "I", len(body) if size is None else size) + body


def opened(path, content=None, reading=None):
    if content is not None:
        Path(path).write_bytes(content)
    (recording,) = open_recordings(path, StreamFormat(RATE), reading=reading)
    return recording


def refusal(path, content=None, reading=None):
    with pytest.raises(InputError) as caught:
        read_recording(opened(path, content, reading))
    assert ";" in str(caught.value) and str(path) in str(caught.value)
    return str(caught.value)


# --- sizes that were never written, and odd chunks

DS64 = chunk(b"ds64", struct.pack("<QQQI", 36 + 36 + len(DATA), len(DATA), len(X), 0))
UNSET = "the header was never completed"


@pytest.mark.parametrize(
    "content, said",
    [
        (riff(fmt(), chunk(b"data", DATA), size=0), "RIFF size 0"),
        (riff(fmt(), chunk(b"data", DATA), size=0xFFFFFFFF), "RIFF size 4,294,967,295"),
        (riff(fmt(), chunk(b"data", DATA), size=len(DATA)), "RIFF size 6,000"),
        (riff(fmt(), chunk(b"data", DATA), size=len(DATA) + 44), "RIFF size 6,044"),
        (riff(fmt(), chunk(b"data", DATA, size=0xFFFFFFFF), size=0xFFFFFFFF), UNSET),  # ffmpeg - into a pipe
        (riff(fmt(), chunk(b"data", DATA, size=0x7FFFF000), size=0x7FFFF024), UNSET),  # sox
        (riff(fmt(), chunk(b"data", DATA, size=0x7FFFFFFF), size=0x7FFFFFFF), UNSET),
        (riff(fmt(), chunk(b"data", DATA, size=0x80000000), size=0x80000024), UNSET),  # arecord
        (riff(fmt(), chunk(b"data", DATA, size=0xFFFFFFFF - 36), size=0xFFFFFFFF), UNSET),
        (riff(fmt(), chunk(b"data", DATA, size=0), size=0), UNSET),  # a recorder that lost its power
        (riff(fmt(), chunk(b"data", DATA, size=0), size=36), UNSET),
        (riff(fmt(), chunk(b"data", DATA, size=0), size=4), UNSET),
        (riff(fmt(), chunk(b"data", DATA + b"\x01", size=0, pad=0), size=0), "1 bytes of an incomplete frame left out"),
        (riff(DS64, fmt(), chunk(b"data", DATA, size=0xFFFFFFFF), form=b"RF64", size=0xFFFFFFFF), None),
        (riff(DS64, fmt(), chunk(b"data", DATA, size=0xFFFFFFFF), form=b"BW64", size=0xFFFFFFFF), None),
        (riff(DS64, fmt(), chunk(b"data", DATA), form=b"RF64", size=0xFFFFFFFF), None),
        (riff(DS64, fmt(), chunk(b"data", DATA, size=0), form=b"RF64", size=0xFFFFFFFF), None),
        (
            riff(chunk(b"ds64", bytes(28)), fmt(), chunk(b"data", DATA, size=0xFFFFFFFF), form=b"RF64", size=2**32 - 1),
            UNSET,
        ),
        (
            riff(
                chunk(b"ds64", b"\xff" * 28), fmt(), chunk(b"data", DATA, size=0xFFFFFFFF), form=b"RF64", size=2**32 - 1
            ),
            UNSET,
        ),
        (riff(chunk(b"JUNK", bytes(28)), fmt(), chunk(b"PAD ", bytes(7)), chunk(b"data", DATA)), None),
        (riff(fmt(), chunk(b"LIST", b"INFOodd", pad=0), chunk(b"data", DATA)), "chunk 'LIST' without its pad byte"),
        (riff(fmt(), chunk(b"LIST", b"INFOeven", pad=1), chunk(b"data", DATA)), "with one pad byte too many"),
        (riff(fmt(), chunk(b"bext", bytes(603), pad=0), chunk(b"data", DATA)), "chunk 'bext' without its pad byte"),
        (riff(fmt(), chunk(b"odd!", bytes(5), pad=0), chunk(b"data", DATA)), "chunk 'odd!' without its pad byte"),
        (riff(fmt(), chunk(b"LIST", bytes(4000)), chunk(b"data", DATA)), None),
        (riff(fmt(), chunk(b"fact", bytes(4)), chunk(b"cue ", bytes(4)), chunk(b"data", DATA)), None),
        (riff(fmt(), chunk(b"data", DATA), chunk(b"guan", b"GUANO|Version: 1.0")), None),
        (riff(fmt(), chunk(b"data", DATA), chunk(b"wamd", bytes(15), pad=0)), None),
        (riff(fmt(), chunk(b"data", DATA)) + bytes(512), "512 bytes behind the last chunk are left out"),
        (riff(fmt(), chunk(b"data", DATA), bytes(512)), "512 bytes behind the last chunk are left out"),
        (riff(fmt(), chunk(b"data", DATA[:2000]), chunk(b"data", DATA[2000:])), "2 data chunks, joined"),
        (riff(fmt(), chunk(b"data", DATA[:2000]), chunk(b"LIST", b"x"), chunk(b"data", DATA[2000:])), "2 data chunks"),
        (riff(fmt(), chunk(b"data", DATA), chunk(b"LIST", b"INFO", size=1 << 20)), "12 bytes behind the last chunk"),
        (riff(fmt(), fmt(), chunk(b"data", DATA)), None),
        (riff(fmt(more=b"\0\0"), chunk(b"data", DATA)), None),
        (riff(extensible(16, 16), chunk(b"data", DATA)), None),
        (riff(extensible(16, 0), chunk(b"data", DATA)), None),
    ],
)
def test_whole_samples_are_read_and_what_is_odd_is_named(tmp_path, content, said):
    recording = opened(tmp_path / "a.wav", content)
    assert np.array_equal(read_recording(recording), X)
    assert recording.odd == recording.notes
    assert recording.notes == () if said is None else [said in note for note in recording.notes] == [True]


@pytest.mark.parametrize(
    "content, message",
    [
        (riff(fmt(), chunk(b"data", b"")), "no samples"),
        (riff(fmt(), chunk(b"data", b""), chunk(b"LIST", b"INFO")), "no samples"),  # and not LIST as samples
        (riff(chunk(b"data", DATA), fmt()), "no fmt chunk before the samples"),
        (riff(fmt(), fmt(bits=8), chunk(b"data", DATA)), "two fmt chunks that differ"),
        (riff(fmt(), chunk(b"data", DATA, size=len(DATA) + 2)), "cut off after 6000 of 6002 bytes of samples"),
        (riff(fmt(), chunk(b"LIST", DATA, size=1 << 24)), "chunk 'LIST' of 16,777,216 bytes reaches beyond the file"),
        (
            riff(DS64, fmt(), chunk(b"data", DATA, size=64), form=b"RF64", size=0xFFFFFFFF),
            "data size 64, and 6,000 in the ds64 chunk",
        ),
        (riff(fmt(tag=0xFFFE), chunk(b"data", DATA)), "names no sub-format"),
        (riff(extensible(16, 16, tail="00" * 14), chunk(b"data", DATA)), "unknown sub-format"),
        (riff(extensible(16, 24), chunk(b"data", DATA)), "24 valid bits of 16"),
        (riff(fmt(tag=3, bits=16), chunk(b"data", DATA)), "16 bits of format 3"),
        (riff(fmt(tag=1, bits=64), chunk(b"data", DATA)), "64 bits of format 1"),
        (b"riff\x2e\x91\xcf\x11" + bytes(100), "begins as a .w64"),
        (b"FORM\0\0\0\x10AIFFCOMM" + bytes(100), "begins as a .aiff"),
        (b"caff" + bytes(100), "begins as a .caf"),
        (b"\0\0\0\x20ftypM4A " + bytes(100), "begins as a .m4a"),
        (b"\x1f\x8b\x08" + bytes(100), "begins as a .gz"),
        (b"ID3\x04" + bytes(100), "begins as a .mp3"),
        (b"\xff\xfb\x90\x64" + bytes(500), "begins as a .mp3"),
        (b"OggS" + bytes(100), "begins as a .ogg"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, content, message):
    assert message in refusal(tmp_path / "a.wav", content)


def test_sizes_of_more_than_4_gib_that_wrapped(tmp_path):
    path = tmp_path / "a.wav"
    start = riff(fmt(), chunk(b"data", b"", size=6000), size=6036)
    path.write_bytes(start)
    with path.open("r+b") as file:
        file.truncate(len(start) + 6000 + (1 << 32))  # a hole: it takes no room
    recording = opened(path)
    assert recording.length == (6000 + (1 << 32)) // 2
    assert recording.odd == ("more than 4 GiB (data size 6000): read to the end of the file",)


def test_big_endian(tmp_path):
    content = riff(
        fmt(order=">"),
        chunk(b"LIST", b"INFO", order=">"),
        chunk(b"data", X.astype(">i2").tobytes(), order=">"),
        form=b"RIFX",
        order=">",
    )
    recording = opened(tmp_path / "a.wav", content)
    assert recording.notes == () and np.array_equal(read_recording(recording), X)


@pytest.mark.parametrize("tag, subtype", [(6, "ALAW"), (7, "ULAW")])
def test_companded_samples_are_those_of_the_standard(tmp_path, tag, subtype):
    recording = opened(tmp_path / "a.wav", riff(fmt(tag=tag, bits=8), chunk(b"data", bytes(range(256)))))
    assert recording.notes == (f"{subtype} decoded to 16-bit",)
    peer, _ = soundfile.read(tmp_path / "a.wav", dtype="int16")
    assert np.array_equal(read_recording(recording), peer)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "PCM_U8", "FLOAT", "DOUBLE", "ULAW", "ALAW"])
@pytest.mark.parametrize("channels", [1, 3])
def test_values_are_those_of_libsndfile(tmp_path, subtype, channels):
    wave = np.random.default_rng(1).uniform(-0.9, 0.9, (70_001, channels))
    soundfile.write(tmp_path / "a.wav", wave, RATE, subtype=subtype)
    peer = soundfile.read(tmp_path / "a.wav", always_2d=True)[0] * 32768
    assert np.array_equal(read_recording(opened(tmp_path / "a.wav")), np.clip(np.rint(peer.mean(1)), -32768, 32767))


# --- values that are not what the header says


def as_24(values):
    return b"".join(struct.pack("<i", value)[:3] for value in values.tolist())


WIDE = (np.random.default_rng(3).standard_normal(3000) * 2**19).astype("<i4")  # 24 bits, the lowest in use


@pytest.mark.parametrize(
    "content",
    [
        riff(extensible(32, 24), chunk(b"data", WIDE.tobytes())),
        riff(fmt(bits=24, align=4), chunk(b"data", WIDE.tobytes())),
    ],
)
def test_24_bits_at_the_bottom_of_32_are_moved_up_where_the_header_says_24(tmp_path, content):
    recording = opened(tmp_path / "a.wav", content)
    assert recording.odd == ("24-bit values at the bottom of 32 bits, shifted up",)
    assert np.array_equal(read_recording(recording), np.rint(WIDE / 256))


@pytest.mark.parametrize(
    "content, expected",
    [
        (riff(extensible(32, 24), chunk(b"data", (WIDE << 8).tobytes())), WIDE / 256),
        (riff(fmt(bits=24, align=4), chunk(b"data", (WIDE << 8).tobytes())), WIDE / 256),
        (riff(fmt(bits=32), chunk(b"data", (WIDE << 8).tobytes())), WIDE / 256),
        (riff(fmt(bits=32), chunk(b"data", (X.astype("<i4") << 16).tobytes())), X),
        (riff(fmt(bits=32), chunk(b"data", ((X >> 6).astype("<i4") << 16).tobytes())), X >> 6),  # quiet, from 16 bits
        (riff(fmt(bits=32), chunk(b"data", ((WIDE << 8) + 77).tobytes())), WIDE / 256 + 77 / 65536),
        (riff(fmt(bits=32), chunk(b"data", bytes(4000))), np.zeros(1000)),
        (riff(extensible(16, 12), chunk(b"data", (X >> 4 << 4).tobytes())), X >> 4 << 4),
    ],
)
def test_what_lies_at_the_top_stays(tmp_path, content, expected):
    recording = opened(tmp_path / "a.wav", content)
    assert recording.odd == () and np.array_equal(read_recording(recording), np.rint(expected))


@pytest.mark.parametrize("header", [fmt(bits=32), extensible(32, 24)])
def test_a_quiet_recording_of_24_bits_in_32_is_read_and_said(tmp_path, header):
    """Or 16 bits that became 24, at the bottom of 32: nobody can tell."""
    recording = opened(tmp_path / "a.wav", riff(header, chunk(b"data", (WIDE >> 6 << 8).tobytes())))
    assert (
        len(recording.odd) == 1 and "scale it up if it holds 24-bit values at the bottom of 32 bits" in recording.odd[0]
    )
    assert np.array_equal(read_recording(recording), np.rint((WIDE >> 6) / 256))


@pytest.mark.parametrize("bits, shift", [(24, 8), (16, 16)])
def test_bits_at_the_bottom_of_32_are_refused_where_nothing_is_said(tmp_path, bits, shift):
    values = WIDE if bits == 24 else X.astype("<i4")
    answer = refusal(tmp_path / "a.wav", riff(fmt(bits=32), chunk(b"data", values.tobytes())))
    assert f"as if {bits}-bit values stood at the bottom of 32 bits; shift them up by {shift} bits, or" in answer
    again = opened(tmp_path / "a.wav", riff(fmt(bits=32), chunk(b"data", (values << shift).tobytes())))
    assert np.array_equal(read_recording(again), np.rint(values / 2 ** (bits - 16))), "the remedy works"


def test_16_bits_at_the_bottom_of_24_are_said(tmp_path):
    quiet = X.astype("<i4")
    recording = opened(tmp_path / "a.wav", riff(fmt(bits=24), chunk(b"data", as_24(quiet))))
    assert len(recording.odd) == 1 and "it holds 16-bit values at the bottom of 24 bits" in recording.odd[0]
    assert np.array_equal(read_recording(recording), np.rint(quiet / 256))
    loud = opened(tmp_path / "a.wav", riff(fmt(bits=24), chunk(b"data", as_24(quiet << 8))))
    assert loud.odd == () and np.array_equal(read_recording(loud), X)


def test_12_bits_at_the_bottom_of_16_are_moved_up_where_the_header_says_12(tmp_path):
    values = np.clip(X // 2, -2048, 2047)
    recording = opened(tmp_path / "a.wav", riff(extensible(16, 12), chunk(b"data", values.tobytes())))
    assert recording.odd == ("12-bit values at the bottom of 16 bits, shifted up",)
    assert np.array_equal(read_recording(recording), values * 16)


def test_a_loud_moment_of_a_long_quiet_recording_is_not_overlooked(tmp_path, monkeypatch):
    """A look at places of it says 24 at the bottom of 32: all of it is read before that is believed."""
    monkeypatch.setattr(plausibility, "SURVEYED_VALUES", 1 << 17)
    monkeypatch.setattr("anomsdk.sources.formats.sound.sound_files.SURVEYED_VALUES", 1 << 17)
    values = np.tile(WIDE, 200)
    values[150_000] = 2**30
    content = riff(fmt(bits=32), chunk(b"data", values.tobytes()))
    assert read_recording(opened(tmp_path / "a.wav", content))[150_000] == 2**14


QUIET = np.random.default_rng(4).integers(-9, 10, 5000)


@pytest.mark.parametrize(
    "values, message",
    [
        (QUIET, "whole numbers up to 9"),
        (np.where(np.arange(5000) % 50, 0, QUIET), "whole numbers"),  # mostly silence
        (np.sign(QUIET), "whole numbers up to 1"),
        (QUIET * 0.731, "of the values that are not 0 lie beyond full scale"),  # resampled, or made louder
        (QUIET * 14.0, "whole numbers up to 126"),  # 8 bits
        (
            np.where(np.arange(5000) % 50, 0.1, 30.5) * np.sin(np.arange(5000)),
            "of the values that are not 0",
        ),  # a few, far beyond
        (X + 0.5, "full scale is 1.0"),
        (WIDE.astype(float), "full scale is 1.0"),
        (WIDE * 256.0, "full scale is 1.0"),
        (QUIET * 1e-7, "above"),
    ],
)
@pytest.mark.parametrize("subtype", ["FLOAT", "DOUBLE"])
def test_floats_that_are_no_share_of_full_scale(tmp_path, values, message, subtype):
    soundfile.write(tmp_path / "a.wav", values.astype(float), RATE, subtype=subtype)
    assert message in refusal(tmp_path / "a.wav")


@pytest.mark.parametrize("level", [1e-4, 0.1, 1.0])
def test_floats_that_the_header_calls_integers(tmp_path, level):
    values = (level * np.sin(np.arange(5000) / 7)).astype("<f4")
    assert "32-bit floats that the header calls integers" in refusal(
        tmp_path / "a.wav", riff(fmt(bits=32), chunk(b"data", values.tobytes()))
    )
    loud = (2**31 * 0.99 * np.sin(np.arange(5000) / 7)).astype("<i4")
    square = np.where(np.arange(5000) // 50 % 2, 2**30, -(2**30)).astype("<i4")
    for integers in (loud, square):
        content = riff(fmt(bits=32), chunk(b"data", integers.tobytes()))
        assert np.array_equal(read_recording(opened(tmp_path / "a.wav", content)), np.rint(integers / 65536))


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("bits", [0x7F800001, 0xFFA00000, 0x7FC00000, 0x7F800000])
def test_floats_that_are_no_number_are_named_without_a_warning(tmp_path, bits):
    values = np.full(100, 0.1, "<f4").view("<u4")
    values[70] = bits
    answer = refusal(tmp_path / "a.wav", riff(fmt(tag=3, bits=32), chunk(b"data", values.tobytes())))
    assert "sample 70 (from 0) is " in answer and "repair or cut the recording" in answer


def test_floats_that_are_a_share_of_full_scale(tmp_path):
    impulse = np.zeros(5000)
    impulse[77] = 1.0
    square = np.where(np.arange(5000) // 50 % 2, 1.0, -1.0)
    overdriven = 1.4 * np.sin(np.arange(5000) / 9) * (np.arange(5000) > 3500)
    for values, odd in (
        (impulse, 0),
        (square, 0),
        (np.zeros(5000), 0),
        (QUIET / 32768, 0),
        (0.9 * np.sin(np.arange(5000)), 0),
        (np.where(np.arange(5000) % 97, 0.1 * np.sin(np.arange(5000)), 1.2), 1),
    ):
        soundfile.write(tmp_path / "a.wav", values, RATE, subtype="FLOAT")
        recording = opened(tmp_path / "a.wav")
        assert len(recording.odd) == odd, recording.odd
        expected = np.clip(np.rint(values.astype(np.float32).astype(float) * 32768), -32768, 32767)
        assert np.array_equal(read_recording(recording), expected)
    soundfile.write(tmp_path / "a.wav", overdriven, RATE, subtype="FLOAT")
    assert "of the values that are not 0" in refusal(tmp_path / "a.wav"), "half of what is there is cut off"


@pytest.mark.parametrize("dtype", ["<f4", "<f8"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_an_array_of_floats_says_how_to_make_it_int16(tmp_path, dtype, suffix):
    path = tmp_path / f"a{suffix}"
    values = (X / 32768).astype(dtype)
    np.save(path, values) if suffix == ".npy" else np.savez(path, x=values)
    assert "multiply by 32768 where full scale is 1.0" in refusal(path)


def test_a_flac_behind_a_tag_of_songs(tmp_path):
    soundfile.write(tmp_path / "a.flac", X, RATE)
    whole = (tmp_path / "a.flac").read_bytes()
    (tmp_path / "a.flac").write_bytes(b"ID3\x03\0\0\0\0\x01\x02" + bytes(130) + whole)
    assert np.array_equal(read_recording(opened(tmp_path / "a.flac")), X)
    assert "begins as a .mp3" not in refusal(tmp_path / "a.flac", b"ID3\x03\0\0\0\0\0\x02" + bytes(130))


# --- channels

TONE = (4000 * np.sin(np.arange(40_000) / 7)).astype(np.int16)
FAINT = np.random.default_rng(5).integers(-1, 2, 40_000).astype(np.int16)


def stored(path, channels):
    rows = np.stack(channels, 1)
    if path.suffix == ".npy":
        np.save(path, rows)
    elif path.suffix == ".npz":
        np.savez(path, x=rows, fs=RATE)
    else:
        soundfile.write(path, rows, RATE, subtype="PCM_16")
    return path


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.npy", "a.npz"])
@pytest.mark.parametrize(
    "channels, said",
    [
        ([TONE, 0 * TONE], "channel 2 of 2 is dead (constant) (`channel=1` takes that one alone)"),
        ([0 * TONE + 37, TONE], "channel 1 of 2 is dead (constant) (`channel=2` takes that one alone)"),
        ([FAINT, TONE], "channel 1 of 2 is 71 dB below the loudest (`channel=2` takes that one alone)"),
        (
            [TONE, -TONE],
            "channels 1, 2 inverted against the others, mixing cancels them (`channel=1` takes that one alone)",
        ),
        ([TONE // 2 + 500, -TONE + 20 * FAINT], "channels 1, 2 inverted"),
        ([TONE, -TONE + 1200 * FAINT], "channels 1, 2 inverted"),  # correlation -.94
        ([TONE, -TONE + 2600 * FAINT], None),  # -.80: both hear something of their own
        ([TONE, TONE, -TONE, TONE], "channel 3 inverted"),
        (
            [TONE, 0 * TONE, 0 * TONE, 0 * TONE, 0 * TONE, 0 * TONE],
            "2 more such channels (`channel=1` takes that one alone)",
        ),
        ([TONE, TONE], None),
        ([TONE, np.roll(TONE, 11)], None),  # 90 degrees
        ([TONE, TONE // 8 + 300], None),
        ([0 * TONE, 0 * TONE], None),
    ],
)
def test_a_channel_that_spoils_the_mix_is_said(tmp_path, name, channels, said):
    recording = opened(stored(tmp_path / name, channels))
    assert recording.notes[: len(recording.notes) - len(recording.odd)] == (f"{len(channels)} channels mixed down",)
    assert (said in ", ".join(recording.odd)) if said else recording.odd == ()
    assert np.array_equal(read_recording(recording), np.rint(np.mean(channels, 0)))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.npy", "a.npz"])
def test_a_chosen_channel_is_taken_as_it_is(tmp_path, name):
    path = stored(tmp_path / name, [TONE, -TONE, FAINT])
    for number, expected in enumerate((TONE, -TONE, FAINT), 1):
        recording = opened(path, reading=ReadOptions.parsed(channel=str(number)))
        assert recording.notes == (f"channel {number} of 3",) and recording.odd == ()
        samples = read_recording(recording)
        assert samples.dtype == np.int16 and np.array_equal(samples, expected)
    assert opened(path, reading=ReadOptions.parsed(channel="mix")) == opened(path)
    assert "3 channels, and `channel=4`" in refusal(path, reading=ReadOptions(channel=4))
    np.save(tmp_path / "mono.npy", TONE)
    assert np.array_equal(read_recording(opened(tmp_path / "mono.npy", reading=ReadOptions(channel=1))), TONE)
    assert "1 channel, and `channel=2`" in refusal(tmp_path / "mono.npy", reading=ReadOptions(channel=2))


def test_a_chosen_channel_is_resampled_alone(tmp_path):
    soundfile.write(tmp_path / "two.wav", np.stack([FAINT, TONE], 1), 48_000, subtype="PCM_16")
    soundfile.write(tmp_path / "one.wav", TONE, 48_000, subtype="PCM_16")
    two = read_recording(opened(tmp_path / "two.wav", reading=ReadOptions(channel=2)))
    assert np.array_equal(two, read_recording(opened(tmp_path / "one.wav")))


@pytest.mark.parametrize("text", ["0", "-1", "left", "1.5", "", "99999", "\u0663"])
def test_no_channel(tmp_path, text):
    with pytest.raises(InputError, match=r"`channel.*; give a number"):
        opened(stored(tmp_path / "a.wav", [TONE, TONE]), reading=ReadOptions.parsed(channel=text))


def test_a_channel_is_of_sound(tmp_path):
    with pytest.raises(InputError, match="`channel`: selects a channel of sound, and this is external; leave it out"):
        open_recordings(tmp_path, StreamFormat(100, "external", 2), reading=ReadOptions(channel=1))


def test_long_recordings_are_looked_at_in_places(tmp_path, monkeypatch):
    """What is looked at of a file of any length is bounded, unless something is odd."""
    monkeypatch.setattr("anomsdk.sources.formats.sound.sound_files.SURVEYED_VALUES", 1 << 17)
    seen = []

    def spy(blocks, channels, step):
        def counted():
            for block in blocks:
                seen.append(block.size)
                yield block

        return original(counted(), channels, step)

    original = plausibility.statistics_of
    monkeypatch.setattr("anomsdk.sources.formats.sound.sound_files.statistics_of", spy)
    for name in ("a.wav", "a.flac", "a.ogg"):
        del seen[:]
        two = np.stack([np.tile(TONE, 10), np.tile(TONE // 2, 10)], 1)
        soundfile.write(tmp_path / name, two, RATE, subtype="VORBIS" if name == "a.ogg" else "PCM_16")
        assert opened(tmp_path / name).odd == ()
        assert sum(seen) == 1 << 17 < two.size


# --- what is piped into -


@pytest.fixture
def piped(monkeypatch):
    """Standard input that hands on what it is given in pieces, and blocks of it as lists."""

    class Raw:
        def __init__(self, pieces):
            self.pieces = list(pieces)

        def readinto(self, room):
            piece = self.pieces.pop(0) if self.pieces else b""
            n = min(len(piece), len(room))
            room[:n] = piece[:n]
            if piece[n:]:
                self.pieces.insert(0, piece[n:])
            return n

    def start(*pieces, reading=None, columns=1):
        class Stdin:
            buffer = type("Buffer", (), {"raw": Raw(pieces)})()
            isatty = staticmethod(lambda: False)

        monkeypatch.setattr("sys.stdin", Stdin)
        stream_format = StreamFormat(RATE) if columns == 1 else StreamFormat(50, "external", columns)
        (recording,) = open_recordings("-", stream_format, reading=reading)
        return [block.reshape(-1).tolist() for block in recording.blocks()]

    return start


MP3 = (b"\xff\xfb\x90\x64" + bytes(413)) * 3


@pytest.mark.parametrize(
    "start, kind",
    [
        (riff(fmt(), chunk(b"data", DATA)), "wav"),
        (riff(DS64, form=b"RF64"), "wav"),
        (b"RIFX" + bytes(60), "wav"),
        (b"fLaC" + bytes(60), "flac"),
        (b"OggS" + bytes(60), "ogg"),
        (b"ID3\x03" + bytes(60), "mp3"),
        (MP3, "mp3"),
        (b"FORM" + bytes(60), "aiff"),
        (b"caff" + bytes(60), "caf"),
        (b".snd" + bytes(60), "au"),
        (b"\x93NUMPY\x01\x00v\x00" + bytes(60), "npy"),
        (b"PK\x03\x04" + bytes(60), "npz"),
        (b"PAR1" + bytes(60), "parquet"),
        (b"\x1f\x8b\x08\x00" + bytes(60), "gz"),
        (b"BZh91AY&SY" + bytes(60), "bz2"),
        (b"\0\0\0\x20ftypM4A " + bytes(60), "m4a"),
        (b"\x1aE\xdf\xa3" + bytes(60), "webm"),
    ],
)
@pytest.mark.parametrize("cut", [None, 1, 2, 3, 5])
def test_a_file_that_is_piped_in_is_refused_before_a_sample_is_handed_on(piped, start, kind, cut):
    if cut is not None and (start is MP3 or kind in ("m4a", "bz2")) and cut < 12:
        return  # known by more than the first four bytes, which are not waited for
    pieces = [start] if cut is None else [start[:cut], start[cut:]]
    with pytest.raises(InputError, match=rf"standard input: is a \.{kind} file, not raw samples; ") as refused:
        piped(*pieces)
    # What is proposed works: a file that cannot be read by its name is decoded, to the rate and channel of the plan.
    read = kind in ("wav", "flac", "ogg", "npy", "npz", "parquet", "gz")
    assert ("give the file's name" in str(refused.value)) == read
    ways = rf"(-c 1 -r|-ac 1 -ar) {RATE} -\)$" if kind != "bz2" else "unpack it first"
    assert read or re.search(ways, str(refused.value))


@pytest.mark.parametrize(
    "text",
    [
        b"12,-4,1003\n13,-5,1001\n12,-4,1002\n14,0,998\n",
        b"time,ax,ay,az\n0.00,0.1,0.2,9.8\n0.02,0.1,0.2,9.7\n",
        b"\xef\xbb\xbftime;ax;ay;az\r\n0,00;0,1;0,2;9,8\r\n",
        b"100\n-200\n300\n-400\n500\n600\n",
        b"1 2 3\n4 5 6\n",
    ],
)
@pytest.mark.parametrize("size", [1, 5, 1000])
def test_text_that_is_piped_in_is_refused(piped, text, size):
    with pytest.raises(InputError, match=r"is text, not raw samples; save it to a \.csv"):
        piped(*(text[at : at + size] for at in range(0, len(text), size)))


@pytest.mark.parametrize(
    "samples",
    [
        X[:50],
        np.full(60, 0x2020, "<i2"),  # stuck at what is two spaces as text
        np.full(3, 0x3031, "<i2"),
        np.array([0x3031], "<i2"),
        np.array([-1025, 0x6490, 7, -1025] * 20, "<i2"),  # begins as a frame of an .mp3
        np.arange(8000, 8300, dtype="<i2"),
    ],
)
@pytest.mark.parametrize("size", [1, 3, 4, 1000])
def test_samples_that_are_piped_in_are_samples(piped, samples, size):
    data = samples.astype("<i2").tobytes()
    blocks = piped(*(data[at : at + size] for at in range(0, len(data), size)))
    assert [value for block in blocks for value in block] == samples.tolist()
    assert piped(data, columns=len(samples)) == [samples.tolist()]


def test_floats_that_are_piped_in_are_refused(piped):
    wave = (0.2 * np.sin(np.arange(1, 500) / 9)).astype("<f4")
    with pytest.raises(InputError, match="is 32-bit floats, not 16-bit integers; convert it on the way"):
        piped(wave.tobytes())
    loud = (15_000 + 900 * np.sin(np.arange(500) / 9)).astype("<i2")  # a narrow range, on one side
    assert piped(loud.tobytes()) == [loud.tolist()]


WAVE = np.random.default_rng(7).normal(0, 900, 4000) + 3000 * np.sin(np.arange(4000) / 9)
I4, I2, F8 = WAVE.astype("<i4"), WAVE.astype("<i2"), WAVE / 32768


@pytest.mark.parametrize(
    "sent, form",
    [
        (I2.astype(">i2"), "16-bit big-endian integers"),
        ((WAVE / 40).astype(">i2"), "16-bit big-endian integers"),
        ((I2.view("u2") ^ 0x8000).astype("<u2"), "16-bit unsigned integers"),
        (((I2 >> 8) + 128).astype("u1"), "8-bit unsigned integers"),  # arecord's default
        ((I2 >> 8).astype("i1"), "8-bit signed integers"),
        (I4 << 16, "two channels of which one is dead, or 32-bit integers"),
        ((WAVE * 65536).astype("<i4"), "32-bit integers"),
        ((WAVE * 256).astype("<i4") << 8, "32-bit integers"),  # an I2S microphone
        (I4, "16 bits at the bottom of 32"),
        ((WAVE * 256).astype("<i4").view("u1").reshape(-1, 4)[:, :3], "24-bit integers"),
        (np.stack([I2, I2], axis=1), "two channels"),
        (np.stack([I2, 0 * I2], axis=1), "two channels of which one is dead, or 32-bit integers"),
        (F8.astype("<f4"), "32-bit floats"),
        (F8.astype(">f4"), "32-bit floats"),
        (WAVE.astype("<f4"), "32-bit floats"),  # full scale is 32768
        (F8.astype("<f8"), "64-bit floats"),
    ],
)
@pytest.mark.parametrize("silence", [0, 9000])
def test_other_samples_than_16_bit_mono_that_are_piped_in_are_refused(piped, sent, form, silence):
    quiet = {"u1": 128, "<u2": 0x8000}.get(sent.dtype.str if "16" in form else sent.dtype.str[1:], 0)
    before = np.full((silence, *sent.shape[1:]), quiet, sent.dtype).tobytes()
    with pytest.raises(InputError, match=rf"is {form}, not 16-bit .*; convert it on the way \(sox -r {RATE} -t .*\)$"):
        piped(before + sent.tobytes())


@pytest.mark.parametrize(
    "samples",
    [
        I2,
        I2 >> 8,
        I2 >> 8 << 8,  # 8 bits at the top of 16
        I2 >> 4 << 4,
        I2 + 9000,
        np.clip(50 * WAVE, -32768, 32767),  # clipped
        np.random.default_rng(0).normal(0, 9000, 4000).clip(-32768, 32767),
        np.random.default_rng(0).integers(-1, 2, 4000),
        15_000 * np.sign(np.sin(np.arange(4000) / 5 + 0.1)),
        20_000 * np.sin(np.arange(4000) * np.pi / 2 + 0.3),
        9_000 * np.sin(np.arange(4000) * 3.1),
        500 * (np.arange(4000) % 100 == 0),
        np.zeros(4000),
    ],
)
def test_what_may_be_16_bit_mono_is_taken(piped, tmp_path, samples):
    data = np.asarray(samples).astype("<i2")
    assert [value for block in piped(data.tobytes()) for value in block] == data.tolist()
    recording = opened(tmp_path / "a.wav", riff(fmt(), chunk(b"data", data.tobytes())))
    assert recording.notes == () and read_recording(recording).tolist() == data.tolist()


@pytest.mark.parametrize(
    "sent, form",
    [
        ((I2.view("u2") ^ 0x8000).astype("<u2"), "16-bit unsigned integers"),  # of a converter, as it gave them
        (I2.astype(">i2"), "16-bit big-endian integers"),
        ((WAVE * 256).astype("<i4") << 8, "32-bit integers"),
        (F8.astype("<f4"), "32-bit floats"),
    ],
)
def test_samples_that_are_other_than_the_header_says_are_refused(tmp_path, sent, form):
    for silence in (0, 300):
        data = bytes(24 * silence) + sent.tobytes()
        said = refusal(tmp_path / "a.wav", riff(fmt(), chunk(b"data", data)))
        assert f"the header says 16-bit mono, and the samples look like {form}; correct the header" in said


def test_two_equal_channels_that_the_header_calls_one_are_said(tmp_path):
    recording = opened(tmp_path / "a.wav", riff(fmt(), chunk(b"data", np.repeat(I2, 2).tobytes())))
    assert recording.odd == (
        "the header says 16-bit mono, and the samples look like two channels: correct it if they are",
    )


@pytest.mark.parametrize(
    "text", [b"6Lx+aGVsbG8gd29ybGQ" * 30, b"0a1fffee03c2" * 40, "1,2\n3,4\n5,6\n".encode("utf-16")]
)
def test_text_without_lines_that_is_piped_in_is_refused(piped, text):
    with pytest.raises(InputError, match="is text, not raw samples"):
        piped(text)


@pytest.mark.parametrize(
    "start, kind",
    [
        (b"RIFF\0\0\0\0AVI " + bytes(60), "avi"),
        (b"Creative Voice File\x1a" + bytes(60), "voc"),
        (b"NIST_1A\n   1024\n" + bytes(60), "sph"),
        ((b"\xff\xf1\x50\x80\x0d\x1f\xfc" + bytes(97)) * 2, "aac"),
    ],
)
def test_other_containers_that_are_piped_in_are_named(piped, start, kind):
    with pytest.raises(InputError, match=rf"is a \.{kind} file, not raw samples; decode it on the way"):
        piped(start)


def test_sound_of_a_lower_rate_says_what_it_does_not_hold(tmp_path):
    for rate, odd in ((8000, ("recorded at 8000 Hz, it holds nothing above 4000 Hz",)), (48_000, ())):
        soundfile.write(tmp_path / "a.wav", X, rate)
        assert opened(tmp_path / "a.wav").odd == odd


def test_quiet_samples_are_handed_on_as_they_come(piped):
    assert piped(*(X[at : at + 2].tobytes() for at in range(0, 10, 2)))[0] == X[:2].tolist()


def test_standard_input_is_one_channel(piped):
    assert piped(DATA, reading=ReadOptions(channel=1)) == [X.tolist()]
    with pytest.raises(InputError, match="standard input: 1 channel, and `channel=2`"):
        piped(DATA, reading=ReadOptions(channel=2))
