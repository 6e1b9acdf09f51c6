"""Model of a .tflite file, a chain of int8 FULLY_CONNECTED layers, and the largest sizes that are read."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

MAX_BYTES = 16 * 1024 * 1024
ACTIVATIONS = ("NONE", "RELU", "RELU6", "RELU_N1_TO_1")
MAX_BIAS_SCALE_ERROR = 0.02  # output steps: the bound of tflite's GetQuantizedConvolutionMultipler


@dataclass(frozen=True, eq=False)
class FullyConnected:
    """One int8 layer of the file: output = activation(requantise(weights @ input + bias)).

    Real value = scale * (integer - zero point). Arrays that come from the reader are read-only.
    """

    name: str  # name in messages, e.g. "layer 3 (functional_1/dense_2/MatMul)"
    weights: NDArray[np.int8]  # (n_out, n_in)
    bias: NDArray[np.int32]  # (n_out,) in steps of input scale * weight scale; zeros where the file has none
    input_scale: float  # exactly the float32 in the file
    input_zero_point: int  # [-128, 127]
    weight_scales: NDArray[np.float32]  # (1,): per tensor; (n_out,): per channel
    weight_zero_point: int  # [-128, 127] per tensor, 0 per channel
    output_scale: float  # exactly the float32 in the file
    output_zero_point: int  # [-128, 127]
    activation: str  # one of ACTIVATIONS


@dataclass(frozen=True, eq=False)
class TfliteModel:
    """Layers of a file in the order in which they run, int8 from end to end."""

    layers: tuple[FullyConnected, ...]
    sha256: str  # of the whole file, 64 hex digits
    input_type: str  # "int8" | "uint8" | "float32": type of the input in the file itself
    output_type: str  # type of the output in the file itself

    @property
    def n_in(self) -> int:
        """Number of inputs of the first layer."""
        return int(self.layers[0].weights.shape[1])

    @property
    def n_out(self) -> int:
        """Number of outputs of the last layer."""
        return int(self.layers[-1].weights.shape[0])

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one inference."""
        return sum(int(layer.weights.size) for layer in self.layers)
