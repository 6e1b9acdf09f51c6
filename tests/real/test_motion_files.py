"""The recordings of motion at hand, all of them, as they are stored."""

import numpy as np
import pytest

from anomsdk.sources import ReadOptions, StreamFormat, open_recordings
from tests.support.make import ROOT

DATA = ROOT.parent / "shared" / "data"
needs_data = pytest.mark.skipif(
    not (DATA / "sisfall_dev.npz").exists(), reason="../shared/data is absent: recordings of motion are needed"
)
WAIST = ReadOptions(axes=("waist_ax", "waist_ay", "waist_az", "waist_gx", "waist_gy", "waist_gz"))


def stream_format(rate_hz, axes):
    return StreamFormat(rate_hz, "motion", axes, 2048, 16 if axes == 6 else None, 16)


@needs_data
@pytest.mark.parametrize(
    "name, array, rate_hz, axes, in_g, reading",
    [
        ("umafall_dev", "x", 20, 6, 1, WAIST),
        ("umafall_dev", "phone_x", 50, 3, 1, ReadOptions(array="phone_x", unit="g")),
        ("sisfall_dev", "x", 50, 3, 1, None),
        ("wasp_cow_dev", "x", 10, 6, 1 / 9.80665, None),
        ("wasp_cow_mounts_dev", "x", 10, 3, 1 / 9.80665, None),
    ],
)
def test_counts_are_what_the_file_says(name, array, rate_hz, axes, in_g, reading):
    with np.load(DATA / f"{name}.npz") as file:
        x, scale = file[array], file[f"{array[:-1]}scale"]
        n = len(file[f"{array[:-1]}offsets"]) - 1
    unit = np.array([in_g * 2048] * 3 + [16] * 3)[:axes]
    expected = np.clip(np.rint(x[:, :axes] * (np.broadcast_to(scale, x.shape[1])[:axes] * unit)), -32768, 32767)
    found = open_recordings(DATA / f"{name}.npz", stream_format(rate_hz, axes), reading=reading)
    assert len(found) == n
    blocks = np.concatenate([block for recording in found for block in recording.blocks()])
    assert np.abs(blocks - expected).max() <= 1, "products in another order may fall on the other side of a tie"
    assert (blocks != expected).mean() < 1e-3


@needs_data
def test_phones_that_saturate_are_named():
    found = open_recordings(
        DATA / "umafall_dev.npz", stream_format(50, 3), reading=ReadOptions(array="phone_x", unit="g")
    )
    assert sum(any("saturated at 4 g" in note for note in each.notes) for each in found) > 3
