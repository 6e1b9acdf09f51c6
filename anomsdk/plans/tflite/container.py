"""Access to the tables of a .tflite file that checks every length and index before it is used."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.autoencoder import MAX_WIDTH
from anomsdk.errors import InputError, quoted
from anomsdk.plans.tflite.model import MAX_BYTES

_MAX_ITEMS = 4096  # tensors, buffers, operators: far more than a model within the limits needs
_MAX_NAME = 1024  # bytes
_MAX_RANK = 8
AGAIN = "export the model again"
CHAIN = "export one linear chain of layers"
QUANTISE = "quantise after training to full int8 (weights and activations)"


def names_of(enumeration: Any) -> dict[int, str]:
    """Map the values of an enumeration of the schema to their names."""
    return {value: key for key, value in vars(enumeration).items() if isinstance(value, int)}


def is_normal(scales: NDArray[Any]) -> bool:
    """Tell whether all scales are positive normal float32 numbers: no NaN, infinity or subnormal."""
    limits = np.finfo(np.float32)
    return bool(((scales >= limits.tiny) & (scales <= limits.max)).all())


def read_only(values: NDArray[Any]) -> NDArray[Any]:
    """Make an array read-only, and return it."""
    values.flags.writeable = False
    return values


@dataclass(frozen=True, eq=False)
class Tensor:
    """One tensor of the file; its constant is a view of the file."""

    name: str
    type: str  # as the schema spells it: INT8, FLOAT32
    shape: tuple[int, ...]
    signature: tuple[int, ...]  # the shape with -1 for open sizes; empty where all are fixed
    scales: NDArray[np.float32]  # empty: not quantised
    zero_points: NDArray[np.int64]
    dimension: int  # axis along which the scales run
    data: NDArray[np.uint8]  # a view of the file; empty: not a constant

    @property
    def count(self) -> int:
        """Number of values."""
        return math.prod(self.shape)


class Container:
    """Flatbuffers access that checks every length and index; `where` is the part that a message names."""

    def __init__(self, data: bytes, name: str) -> None:
        import tflite

        self.name, self.where, self.size = name, "", len(data)
        self.schema = tflite
        self.types = names_of(tflite.TensorType)
        self.model = tflite.Model.GetRootAs(data, 0)
        self.graph: Any = None

    def need(self, condition: object, message: str) -> None:
        """Refuse the file unless the condition holds."""
        if not condition:
            raise InputError(": ".join(filter(None, (self.name, self.where, message))))

    def count(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> int:
        """Return the length of a vector, checked before anything loops over the vector or copies it."""
        length = int(getattr(table, field + "Length")())
        limit = min(limit, self.size)
        self.need(length <= limit, f"it claims {length} entries of {field}, more than the {limit} possible: {AGAIN}")
        return length

    def vector(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> NDArray[Any]:
        """Return the values of a vector of numbers."""
        if self.count(table, field, limit) == 0:
            return np.zeros(0, np.int64)
        return np.asarray(getattr(table, field + "AsNumpy")())

    def integers(self, table: Any, field: str, limit: int = _MAX_ITEMS) -> tuple[int, ...]:
        """Return the values of a vector as Python integers."""
        return tuple(int(value) for value in self.vector(table, field, limit))

    def item(self, table: Any, field: str, index: int) -> Any:
        """Return an element of a vector of tables; the index is checked here, as the generated code does not."""
        self.need(0 <= index < self.count(table, field), f"{field} has no entry {index}: {AGAIN}")
        return getattr(table, field)(index)

    def text(self, raw: bytes | None) -> str:
        """Decode a name in the file, shortened for messages."""
        raw = raw or b""
        self.need(len(raw) <= _MAX_NAME, f"a name is longer than {_MAX_NAME} bytes: shorten it, {AGAIN}")
        return quoted(raw.decode("utf-8", "replace"), 80)

    def tensor(self, index: int) -> Tensor:
        """Read the tensor at an index of the graph."""
        table = self.item(self.graph, "Tensors", index)
        name = self.text(table.Name())
        self.need(not table.IsVariable(), f"{name} is a variable tensor: export a model without state")
        self.need(table.Sparsity() is None, f"{name} is a sparse tensor: export with dense weights")
        scales, zero_points, dimension = np.zeros(0), np.zeros(0), 0
        if (quantisation := table.Quantization()) is not None:
            self.need(quantisation.DetailsType() == 0, f"{name} has a custom quantisation: {QUANTISE}")
            scales = self.vector(quantisation, "Scale", MAX_WIDTH)
            zero_points = self.vector(quantisation, "ZeroPoint", MAX_WIDTH)
            dimension = int(quantisation.QuantizedDimension())
        return Tensor(
            name=name,
            type=self.types.get(table.Type(), f"type {table.Type()}"),
            shape=self.integers(table, "Shape", _MAX_RANK),
            signature=self.integers(table, "ShapeSignature", _MAX_RANK),
            scales=scales.astype(np.float32),
            zero_points=zero_points.astype(np.int64),
            dimension=dimension,
            data=self.buffer(table.Buffer(), name),
        )

    def buffer(self, index: int, name: str) -> NDArray[np.uint8]:
        """Return the bytes of a constant as a view of the file; empty if the tensor is not a constant."""
        from flatbuffers.number_types import Uint64Flags

        table = self.item(self.model, "Buffers", index)
        # Slots 6 and 8 are `offset` and `size`: old releases of the schema package have no method for them.
        external = any(table._tab.GetSlot(slot, 0, Uint64Flags) for slot in (6, 8))
        self.need(not external, f"{name} has its values in an external buffer: export them inside the model")
        return self.vector(table, "Data", MAX_BYTES).astype(np.uint8, copy=False)

    def operator(self, operator: Any) -> str:
        """Return the name of an operator, as the schema spells it."""
        code = self.item(self.model, "OperatorCodes", operator.OpcodeIndex())
        # The code was a byte at first: tflite takes the larger of the old field and the new one.
        number = max(code.DeprecatedBuiltinCode(), code.BuiltinCode())
        if number == self.schema.BuiltinOperator.CUSTOM:
            return f"the custom operator {self.text(code.CustomCode())}".rstrip()
        return names_of(self.schema.BuiltinOperator).get(number, f"builtin operator {number}")
