"""Recordings as grouped clips: cut the same however they are read, named and counted when they are damaged."""

from __future__ import annotations

import itertools
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from anomsdk.errors import InputError
from anomsdk.sources import StreamFormat, open_recordings
from anomsdk.sources.clips import Clips, clip_from_array, open_clips, pieces, survey
from anomsdk.sources.dropouts import ConstantCutter, shortest_constant
from tests.support.make import noise, without_constant

RATE = 16_000


def write(path, samples, rate=RATE):
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate)


def damaged(path, samples=40_000):
    """A .npy whose header is fine and whose samples end early: it shows only while it is read."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [str(value) for value in range(samples)] + ["not a number"]
    path.with_suffix(".csv").write_text("\n".join(lines))


def opened(path, **keywords):
    stream_format = StreamFormat(
        *(keywords.pop(name, default) for name, default in (("rate_hz", RATE), ("kind", "audio"), ("columns", 1)))
    )
    return open_clips(path, stream_format, **keywords)


def refused(path, **keywords):
    with pytest.raises(InputError) as caught:
        survey(opened(path, **keywords), skip_bad=keywords.get("skip_bad", False))
    message = str(caught.value)
    assert message.isprintable() and ";" in message
    return message


# --- what is cut


runs = st.lists(st.tuples(st.sampled_from([-32768, -32767, 0, 5, 32767]), st.integers(1, 9)), min_size=1, max_size=20)


@given(runs=runs, blocks=st.lists(st.integers(0, 12), min_size=1, max_size=40), shortest=st.integers(2, 7))
@settings(max_examples=400, deadline=None)
def test_the_cutter_is_without_constant_however_the_stream_is_cut(runs, blocks, shortest):
    samples = np.concatenate([np.full(n, value, np.int16) for value, n in runs])
    cutter, found, start = ConstantCutter(shortest), [], 0
    for length in [*blocks, len(samples)]:
        found += cutter.push(samples[start : start + length])
        start += length
    found += cutter.finish()
    joined = []
    for new_piece, block in found:
        assert len(block) > 0
        if new_piece:
            joined.append([])
        joined[-1] += block.tolist()
    assert joined == [piece[:, 0].tolist() for piece in without_constant(samples[:, None], shortest)]
    assert (cutter.kept, cutter.cut) == (sum(map(len, joined)), len(samples) - sum(map(len, joined)))
    at_edge = [(edge, len(list(run))) for edge, run in itertools.groupby(abs(samples.astype(int)) >= 32767)]
    assert cutter.clipped == sum(n for edge, n in at_edge if edge and n > 1)


@given(blocks=st.lists(st.integers(1, 9), min_size=1, max_size=9))
def test_rows_are_constant_only_when_every_column_is(blocks):
    """Guards a comparison of single values: an axis at rest is no drop-out."""
    rows = np.array([[1, 2]] * 2 + [[1, 3]] * 5 + [[1, 2], [4, 2], [4, 3]], np.int16)
    cutter, found, start = ConstantCutter(4), [], 0
    for length in [*blocks, len(rows)]:
        found += cutter.push(rows[start : start + length])
        start += length
    found += cutter.finish()
    assert np.concatenate([block for _, block in found]).tolist() == [*rows[:2].tolist(), *rows[7:].tolist()]
    assert cutter.cut == 5 and sum(new for new, _ in found) == 2


def test_a_file_is_cut_where_training_cuts_it(tmp_path):
    sound = noise(70_000, seed=1)
    sound[10_000:11_600] = 7  # exactly 0.1 s
    sound[20_000:21_598] = 7  # a little less
    sound[65_000:69_000] = 0  # across the end of a block
    write(tmp_path / "a.wav", sound)
    (clip,) = opened(tmp_path / "a.wav").clips
    wanted = [piece[:, 0] for piece in without_constant(sound[:, None], shortest_constant(RATE))]
    assert len(wanted) == 3 and [len(piece) for piece in pieces(clip)] == [len(piece) for piece in wanted]
    assert all(np.array_equal(a, b) for a, b in zip(pieces(clip), wanted, strict=True))
    (_, (facts,)) = survey(Clips((clip,)))
    assert facts.piece_lengths == tuple(map(len, wanted)) and facts.cut == 70_000 - facts.kept == 1600 + 4000


def test_rows_of_other_sensors_are_never_cut(tmp_path):
    rows = np.zeros((500, 3), np.int16)
    np.save(tmp_path / "a.npy", rows)
    (clip,) = opened(tmp_path / "a.npy", kind="external", rate_hz=10, columns=3).clips
    assert np.array_equal(pieces(clip)[0], rows)
    assert np.array_equal(pieces(clip_from_array("a", 1, rows, kind="external", rate_hz=10))[0], rows)


def test_a_long_clip_is_read_in_little_memory(tmp_path):
    sound = np.concatenate([noise(3_000_000), np.zeros(3_000_000, np.int16), noise(3_000_000, seed=1)])
    np.save(tmp_path / "a.npy", sound)
    clips = opened(tmp_path / "a.npy")
    survey(clips)  # what is imported and cached on the way does not count
    tracemalloc.start()
    _, (facts,) = survey(clips)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(facts.piece_lengths) == 2 and sum(facts.piece_lengths) + facts.cut == len(sound)
    assert peak < 4_000_000, "18 MB were read"


def test_padding_does_not_make_another_clip_of_the_same_samples():
    sound = noise(20_000)
    padded = np.concatenate([np.zeros(8000, np.int16), sound, np.zeros(8000, np.int16)])
    _, facts = survey(Clips(tuple(clip_from_array("a", "a", x) for x in (sound, padded, sound[1:]))))
    assert facts[0].digest == facts[1].digest != facts[2].digest


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros(10), "int16"),
        ([1, 2], "int16"),
        (np.zeros(0, np.int16), "shape (0,)"),
        (np.zeros((5, 2), np.int16), "shape (5, 2)"),
    ],
)
def test_arrays_that_are_no_sound_are_refused(samples, words):
    with pytest.raises(InputError) as caught:
        clip_from_array("x", "g", samples)
    assert words in str(caught.value) and "x: " in str(caught.value)


# --- groups


def test_recordings_are_their_own_group_and_sub_folders_are_one(tmp_path):
    for name in ("flat/a.wav", "flat/b.wav", "days/mon/a.wav", "days/mon/b.wav", "days/tue/a.wav"):
        write(tmp_path / name, noise(2000))
    flat = opened(tmp_path / "flat").clips
    assert len({clip.group for clip in flat}) == 2 and [clip.name for clip in flat] == ["a.wav", "b.wav"]
    assert [clip.group for clip in opened(tmp_path / "days").clips] == ["mon", "mon", "tue"]
    assert len({clip.group for clip in opened(tmp_path / "days", group="file").clips}) == 3
    assert len({clip.group for clip in opened(tmp_path / "flat", group="folder").clips}) == 1
    assert {clip.group for clip in flat}.isdisjoint(clip.group for clip in opened(tmp_path / "days/mon").clips), (
        "files of the same name in other folders are other recordings"
    )


@pytest.fixture
def archive(tmp_path):
    path = tmp_path / "a.npz"
    labels = {"subject": np.array([1, 1, 2, 2]), "label": np.array(["Rain", "Sea waves", "Rain", "Dog"])}
    other = {"normal": np.array([True, True, True, False]), "unit": np.array("counts"), "scale": np.ones(3)}
    np.savez(path, x=noise(4000), offsets=np.arange(0, 4001, 1000), fs=RATE, **labels, **other)
    return path


def test_arrays_of_an_npz_group_its_recordings(archive):
    assert [clip.group for clip in opened(archive, group="subject").clips] == ["1", "1", "2", "2"]
    assert len({clip.group for clip in opened(archive).clips}) == 4
    assert len({clip.group for clip in opened(archive, group="file").clips}) == 1
    for key, problem in (("cow", "no array cow"), ("scale", "scale has not one entry"), ("unit", "unit has not one")):
        message = refused(archive, group=key)
        assert problem in message
        assert "arrays with one entry for each of its 4 recordings: label, normal, subject" in message
    write(archive.parent / "b.wav", noise(2000))
    assert "b.wav: has no array subject" in refused(archive.parent, group="subject")


def test_recordings_of_an_npz_are_chosen_by_what_they_say(archive):
    def chosen(text):
        return [clip.name for clip in opened(f"{archive}:{text}", group="subject").clips]

    assert chosen("label=Rain") == ["a.npz[0]", "a.npz[2]"]
    assert chosen("label=Sea waves,Dog") == ["a.npz[1]", "a.npz[3]"]
    assert chosen("normal=True:subject=2") == ["a.npz[2]"]
    (clip,) = opened(f"{archive}:label=Dog", group="subject").clips
    assert clip.group == "2" and np.array_equal(pieces(clip)[0], noise(4000)[3000:])
    assert "no label is Rian; there is Dog, Rain, Sea waves" in refused(f"{archive}:label=Rian")
    assert "no array lable" in refused(f"{archive}:lable=Rain")
    assert "no recording fulfils all conditions" in refused(f"{archive}:label=Dog:subject=1")
    for text in ("label", "label=", "=Rain", "label=Rain:"):
        assert "file.npz:key=value" in refused(f"{archive}:{text}")
    literal = Path(f"{archive}:label=Dog.wav")
    write(literal, noise(2000))
    assert [clip.name for clip in opened(literal).clips] == ["a.npz:label=Dog.wav"]


# --- what cannot be read


@pytest.fixture
def half_bad(tmp_path):
    for name in ("a.wav", "c.wav"):
        write(tmp_path / name, noise(20_000))
    (tmp_path / "b.wav").write_bytes(b"no sound at all")
    damaged(tmp_path / "d.csv")
    return tmp_path


def test_bad_files_are_an_error_unless_they_are_left_out(half_bad):
    message = refused(half_bad)
    assert "b.wav" in message and message.endswith("; `skip_bad` leaves it out")
    clips = opened(half_bad, skip_bad=True)
    assert [clip.name for clip in clips.clips] == ["a.wav", "c.wav", "d.csv"] and len(clips.bad) == 1
    seen = []
    good, facts = survey(clips, skip_bad=True, progress=seen.append)
    assert [clip.name for clip in good.clips] == ["a.wav", "c.wav"] and len(facts) == 2 and seen == [1, 2, 3]
    assert ["b.wav" in good.bad[0], "d.csv, line" in good.bad[1], len(good.bad)] == [True, True, 2]
    with pytest.raises(InputError, match=r"d\.csv.*; `skip_bad` leaves it out"):
        survey(clips)


def test_nothing_readable_is_an_error_in_any_case(half_bad):
    for name in ("a.wav", "c.wav"):
        (half_bad / name).unlink()
    assert "none of 1 recordings" in refused(half_bad, skip_bad=True)
    (half_bad / "d.csv").unlink()
    assert "none of its 1 files can be used" in refused(half_bad, skip_bad=True)
    assert "b.wav" in refused(half_bad / "b.wav", skip_bad=True)
    assert "read more than once" in refused("-")


def test_sources_tell_of_files_that_they_leave_out(half_bad):
    bad = []
    found = open_recordings(half_bad, StreamFormat(RATE), on_bad=bad.append)
    assert [recording.name for recording in found] == ["a.wav", "c.wav", "d.csv"]
    assert len(bad) == 1 and "b.wav: no wav file" in bad[0]
    with pytest.raises(InputError, match=r"b\.wav"):
        open_recordings(half_bad, StreamFormat(RATE))
