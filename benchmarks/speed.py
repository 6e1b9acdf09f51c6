"""Speed of the engines on streams, as a multiple of the speed of a float loop that does the same work in that run."""

from __future__ import annotations

import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

import anomsdk
from anomsdk.core.bands import BandsPlan
from anomsdk.core.plan import Plan
from anomsdk.plans.tflite.writer import write_anew
from anomsdk.runtime.engines.tflite import model_bytes

RATE = 16_000
SMALL = """
format = 1
name = "small"
sensor = {kind = "audio", rate_hz = 16000}
context = {kind = "stack", frames = 5}
[features]
kind = "logmel"
fft_length = 1024
hop_length = 512
n_mels = 64
fmax_hz = 8000
allow_speech_features = true
"""
"""Spec whose features cost more than its model."""


def float_loop(plan: Plan) -> Callable[[np.ndarray], int]:
    """Make a float implementation of a plan, as an engineer would write it without anomsdk.

    It uses float32 numpy, with one rfft and band product a hop and one logarithm a frame, and then runs the model in
    tflite-runtime with its default resolver.

    Returns
    -------
    a function from samples to the number of ticks
    """
    import tflite_runtime.interpreter as tflite

    interpreter = tflite.Interpreter(model_content=write_anew(model_bytes(plan), name=plan.name), num_threads=1)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]
    window, hop, per_frame = plan.framer.window, plan.framer.hop, plan.extractor.hops_per_frame
    taper = (np.hanning(window + 1)[:-1] / 32768).astype(np.float32)
    bank = _bank(plan)
    summary = plan.context.kind == "summary"

    def run(x: np.ndarray) -> int:
        history = np.zeros((plan.context.frames, plan.extractor.n_features), np.float32)
        energies = []
        gathered = ticks = 0
        for start in range(0, len(x) - window + 1, hop):
            frame = x[start : start + window].astype(np.float32) * taper
            energies.append(bank @ (np.abs(np.fft.rfft(frame)).astype(np.float32) ** 2))
            if len(energies) < per_frame:
                continue
            history[:-1] = history[1:]
            history[-1] = _levels(energies)
            energies = []
            gathered += 1
            if gathered < plan.context.frames:
                continue
            values = _summary(history) if summary else history
            inputs = np.clip(np.round(values.reshape(1, -1) + 50), -128, 127).astype(np.int8)
            interpreter.set_tensor(given, inputs)
            interpreter.invoke()
            error = inputs.astype(np.int32) - interpreter.get_tensor(taken)
            ticks += int((error * error).sum()) >= 0
        return ticks

    return run


def _bank(plan: Plan) -> NDArray[np.float32]:
    """Weights (bands, bins) of mel filters or of rectangular bands."""
    import librosa

    n, window = plan.extractor.filterbank.n_bands, plan.framer.window
    if not isinstance(plan.extractor, BandsPlan):
        return librosa.filters.mel(sr=RATE, n_fft=window, n_mels=n).astype(np.float32)
    edges = plan.extractor.filterbank.edges[1::2].astype(int)
    bank = np.zeros((n, window // 2 + 1), np.float32)
    for band, (low, high) in enumerate(pairwise(edges)):
        bank[band, low:high] = 1
    return bank


def _levels(energies: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """Feature levels in dB of the hops of a frame: the mean energy; of several hops also peak and crest."""
    if len(energies) == 1:
        return 10 * np.log10(energies[0] + 1e-11)
    gathered = np.array(energies)
    levels = 10 * np.log10(gathered.mean(axis=0) + 1e-11)
    together = 10 * np.log10(gathered.sum(axis=1) + 1e-11)
    return np.concatenate([levels, [together.max(), together.max() - together.mean()]]).astype(np.float32)


def _summary(history: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean, mean absolute deviation and maximum of each feature."""
    mean = history.mean(axis=0)
    return np.concatenate([mean, np.abs(history - mean).mean(axis=0), history.max(axis=0)])


def engine_stream(plan: Plan, engine: str, block: int) -> Callable[[np.ndarray], int]:
    """Make a function that runs a pipeline block by block."""

    def run(x: np.ndarray) -> int:
        with anomsdk.Pipeline(plan, engine) as pipeline:
            blocks = (x[at : at + block] for at in range(0, len(x), block))
            return sum(result.judged for each in blocks for result in pipeline.process(each))

    return run


def engine_score(plan: Plan, engine: str) -> Callable[[np.ndarray], int]:
    """Make a function that scores a whole stream in one call of `anomsdk.score`."""
    return lambda x: len(anomsdk.score(plan, x, engine))


def ratios(
    ours: Callable[[np.ndarray], int], peer: Callable[[np.ndarray], int], x: np.ndarray, rounds: int = 5
) -> np.ndarray:
    """Speed of the first function over that of the second, measured in turns on the same samples: (rounds,)."""
    assert ours(x) == peer(x), "both give as many ticks"
    found = []
    for _ in range(rounds):
        seconds = []
        for run in (ours, peer):
            begin = time.perf_counter()
            run(x)
            seconds.append(time.perf_counter() - begin)
        found.append(seconds[1] / seconds[0])
    return np.array(found)
