"""Streaming speed of the engines, as a ratio to a float loop that does the same job in the same run."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np

import anomsdk
from anomsdk.core.plan import Plan
from anomsdk.engines.tflite import model_bytes

LENGTH, HOP, N_MELS, FRAMES = 1024, 512, 64, 5
RATE = 16_000


def float_loop(plan: Plan) -> Callable[[np.ndarray], int]:
    """What one would write: float32 numpy, one rfft, mel product and logarithm a hop, then the model in
    tflite-runtime with its default resolver."""
    import librosa
    import tflite_runtime.interpreter as tflite

    window = np.hanning(LENGTH + 1)[:-1].astype(np.float32)
    mel = librosa.filters.mel(sr=RATE, n_fft=LENGTH, n_mels=N_MELS).astype(np.float32)
    interpreter = tflite.Interpreter(model_content=model_bytes(plan), num_threads=1)
    interpreter.allocate_tensors()
    given, taken = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

    def run(x: np.ndarray) -> int:
        history = np.zeros((FRAMES, N_MELS), np.float32)
        ticks = 0
        for start in range(0, len(x) - LENGTH + 1, HOP):
            frame = x[start : start + LENGTH].astype(np.float32) * (window / 32768)
            power = np.abs(np.fft.rfft(frame)).astype(np.float32) ** 2
            history[:-1] = history[1:]
            history[-1] = 10 * np.log10(mel @ power + 1e-11)
            inputs = np.clip(np.round(history.reshape(1, -1) + 50), -128, 127).astype(np.int8)
            interpreter.set_tensor(given, inputs)
            interpreter.invoke()
            error = inputs.astype(np.int32) - interpreter.get_tensor(taken)
            ticks += int((error * error).sum()) >= 0
        return ticks

    return run


def engine_stream(plan: Plan, engine: str, block: int) -> Callable[[np.ndarray], int]:
    """A pipeline fed in blocks."""

    def run(x: np.ndarray) -> int:
        with anomsdk.Pipeline(plan, engine) as pipeline:
            return sum(len(pipeline.process(x[at : at + block])) for at in range(0, len(x), block))

    return run


def ratios(
    ours: Callable[[np.ndarray], int], peer: Callable[[np.ndarray], int], x: np.ndarray, rounds: int = 5
) -> np.ndarray:
    """Speed of ours over the peer's, taken in turn on the same samples: one ratio a round."""
    ours(x), peer(x)
    found = []
    for _ in range(rounds):
        seconds = []
        for run in (ours, peer):
            begin = time.perf_counter()
            run(x)
            seconds.append(time.perf_counter() - begin)
        found.append(seconds[1] / seconds[0])
    return np.array(found)
