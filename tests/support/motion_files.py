"""Small files of motion for tests: one signal, in whatever dress, and the counts that it must give."""

from __future__ import annotations

import ast
import re

import numpy as np

from anomsdk.sources import ReadOptions, StreamFormat, open_recordings, read_recording

W3 = StreamFormat(50, "motion", 3, 2048, None, 16)
W6 = StreamFormat(50, "motion", 6, 2048, 16, 16)
N = 400


def carried(n=N, axes=3, seed=7, digits=3):
    """Rows in g and deg/s of something that is carried: gravity, and a walk; with so many digits."""
    rng = np.random.default_rng(seed)
    t = np.arange(n)[:, None] / 50
    rows = np.sin(2 * np.pi * (1.3 + 0.2 * np.arange(axes)) * t) * 0.4 + rng.normal(0, 0.1, (n, axes))
    rows[:, 2] += 1
    rows[:, 3:] *= 100
    return np.round(rows, digits)


def counts(rows, stream_format=W3):
    per_unit = np.array([stream_format.counts_per_g] * 3 + [stream_format.counts_per_dps or 1] * 3)[: rows.shape[1]]
    return np.clip(np.rint(rows * per_unit), -32768, 32767).astype(np.int16)


def table(path, columns, sep=","):
    """Write columns {heading: cells of text}."""
    lines = [sep.join(columns), *(sep.join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def advised(message):
    """Parameters that a message names with a value, as `read` takes them: its advice, to be followed."""
    found = re.findall(r"`([a-z_]+)=([^`]+)`", message)
    return {name: str(ast.literal_eval(value)) for name, value in found}


def read(path, stream_format=W3, **reading):
    """The recording's counts and its notes."""
    (recording,) = open_recordings(path, stream_format, reading=ReadOptions.parsed(**reading))
    return read_recording(recording), recording.notes
