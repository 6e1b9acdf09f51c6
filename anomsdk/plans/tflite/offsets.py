"""Check of the offsets of a .tflite file: every table, vector and string must lie inside the file.

The walk goes over the whole file, also over parts that `anomsdk.plans.tflite.reader` never reads: metadata,
signatures, buffers that no tensor names. It follows the schema, in which no table holds itself. It counts the parts
that it visits, so that a small file that refers to one place again and again costs no more than a large one.

Sources: tensorflow/lite/schema/schema.fbs (version 3) and the internals of FlatBuffers, https://flatbuffers.dev.
"""

from __future__ import annotations

import struct

MAX_PARTS = 1 << 16
"""Largest number of tables, vectors and strings in a file; each counts as often as something refers to it."""

_SCHEMA = """
Model version:4 operator_codes:[OperatorCode] subgraphs:[SubGraph] description:string buffers:[Buffer]
 metadata_buffer:[4] metadata:[Metadata] signature_defs:[SignatureDef]
OperatorCode deprecated_builtin_code:1 custom_code:string version:4 builtin_code:4
SubGraph tensors:[Tensor] inputs:[4] outputs:[4] operators:[Operator] name:string debug_metadata_index:4
Tensor shape:[4] type:1 buffer:4 name:string quantization:QuantizationParameters is_variable:1
 sparsity:SparsityParameters shape_signature:[4] has_rank:1 variant_tensors:[VariantSubType]
QuantizationParameters min:[4] max:[4] scale:[4] zero_point:[8] details_type:1 details:QuantizationDetails
 quantized_dimension:4
Operator opcode_index:4 inputs:[4] outputs:[4] builtin_options_type:1 builtin_options:BuiltinOptions
 custom_options:[1] custom_options_format:1 mutating_variable_inputs:[1] intermediates:[4]
 large_custom_options_offset:8 large_custom_options_size:8 builtin_options_2_type:1 builtin_options_2:BuiltinOptions2
 debug_metadata_index:4
Buffer data:[1] offset:8 size:8
Metadata name:string buffer:4
SignatureDef inputs:[TensorMap] outputs:[TensorMap] signature_key:string deprecated_tag:string subgraph_index:4
TensorMap name:string tensor_index:4
SparsityParameters traversal_order:[4] block_map:[4] dim_metadata:[DimensionMetadata]
DimensionMetadata format:1 dense_size:4 array_segments_type:1 array_segments:SparseIndexVector
 array_indices_type:1 array_indices:SparseIndexVector
Int32Vector values:[4]
Uint16Vector values:[2]
Uint8Vector values:[1]
VariantSubType shape:[4] type:1 has_rank:1
CustomQuantization custom:[1]
FullyConnectedOptions fused_activation_function:1 weights_format:1 keep_num_dims:1 asymmetric_quantize_inputs:1
 quantized_bias_type:1
ReshapeOptions new_shape:[4]
Other
"""
"""Tables with their fields in the order of the slots, as name:kind. A kind is the bytes of a number, [the bytes of an
item] of a vector, string, a table, or [a table] for a vector of tables."""

TABLES = {
    name: tuple(tuple(field.split(":")) for field in fields)
    for name, *fields in (line.split() for line in _SCHEMA.replace("\n ", " ").strip().splitlines())
}
"""Table -> its fields as (name, kind). Fields that a newer schema adds at the end are not followed."""

UNIONS = {
    "BuiltinOptions": {8: "FullyConnectedOptions", 17: "ReshapeOptions"},
    "BuiltinOptions2": {},
    "QuantizationDetails": {1: "CustomQuantization"},
    "SparseIndexVector": {1: "Int32Vector", 2: "Uint16Vector", 3: "Uint8Vector"},
}
"""Union -> {number in the field before it: table}. For other numbers only the frame of the table is checked."""


class OutsideError(ValueError):
    """Part that lies outside the file; the message names a field of the schema, and quotes nothing from the file."""


def check_offsets(data: bytes) -> None:
    """Refuse a file with an offset or a length that points outside the file.

    Parameters
    ----------
    data : bytes
        The whole file.

    Raises
    ------
    OutsideError

    Examples
    --------
    >>> from anomsdk.runtime.engines.probe import MODEL
    >>> check_offsets(MODEL)
    >>> check_offsets(MODEL[:-4])
    Traceback (most recent call last):
        ...
    anomsdk.plans.tflite.offsets.OutsideError: Model.buffers is outside the file
    """
    _Walk(data).run()


class _Walk:
    """Walk over the tables of a file: those still to be checked, and those already met."""

    def __init__(self, data: bytes) -> None:
        self.data, self.size, self.parts = data, len(data), 0
        self.waiting: list[tuple[int, str]] = []
        self.met: set[tuple[int, str]] = set()

    def run(self) -> None:
        self.table(self.target(0, "Model"), "Model")
        while self.waiting:
            self.fields(*self.waiting.pop())

    def number(self, kind: str, at: int, what: str) -> int:
        """Unpack a number that must lie inside the file; ``kind`` is a format of `struct`."""
        if not 0 <= at <= self.size - struct.calcsize(kind):
            raise OutsideError(f"{what} is outside the file")
        return int(struct.unpack_from(kind, self.data, at)[0])

    def target(self, at: int, what: str) -> int:
        """Return the position that the offset at ``at`` refers to."""
        self.parts += 1
        if self.parts > MAX_PARTS:
            raise OutsideError(f"{what} is one of more than {MAX_PARTS} parts of the file")
        offset = self.number("<I", at, what)
        if not 4 <= offset <= self.size - at - 4:
            raise OutsideError(f"{what} is outside the file")
        return at + offset

    def items(self, at: int, item_bytes: int, what: str) -> int:
        """Return the number of items of a vector; all items must lie inside the file."""
        count = self.number("<I", at, what)
        if count * item_bytes > self.size - at - 4:
            raise OutsideError(f"{what} is longer than the file")
        return count

    def table(self, at: int, name: str) -> None:
        if (at, name) not in self.met:
            self.met.add((at, name))
            self.waiting.append((at, name))

    def fields(self, at: int, name: str) -> None:
        """Check the frame of a table, and the targets of its fields."""
        frame = at - self.number("<i", at, name)
        frame_bytes, table_bytes = self.number("<H", frame, name), self.number("<H", frame + 2, name)
        whole = frame_bytes >= 4 and frame_bytes % 2 == 0 and frame + frame_bytes <= self.size
        if not whole or table_bytes < 4 or at + table_bytes > self.size:
            raise OutsideError(f"{name} is outside the file")
        slots = struct.unpack_from(f"<{frame_bytes // 2 - 2}H", self.data, frame + 4)
        if any(slot and not 4 <= slot < table_bytes for slot in slots):
            raise OutsideError(f"a field of {name} is outside its table")
        union = 0
        for slot, (field, kind) in zip(slots, TABLES[name], strict=False):
            if slot == 0:
                union = 0
                continue
            n_bytes = int(kind) if kind.isdecimal() else 4
            if slot + n_bytes > table_bytes:
                raise OutsideError(f"{name}.{field} is outside its table")
            if kind.isdecimal():
                union = self.data[at + slot] if n_bytes == 1 else 0
            else:
                self.referred(self.target(at + slot, f"{name}.{field}"), kind, union, f"{name}.{field}")

    def referred(self, at: int, kind: str, union: int, what: str) -> None:
        """Check the target of an offset; ``union`` is the number in the field before it."""
        inner = kind.strip("[]")
        if kind == "string":
            count = self.items(at, 1, what)
            if self.number("<B", at + 4 + count, what) != 0:
                raise OutsideError(f"{what} does not end where it should")
        elif inner.isdecimal():
            self.items(at, int(inner), what)
        elif kind != inner:
            for index in range(self.items(at, 4, what)):
                self.table(self.target(at + 4 + 4 * index, what), inner)
        else:
            self.table(at, UNIONS[inner].get(union, "Other") if inner in UNIONS else inner)
