"""Plan files: strict reading, atomic writing, and the reference models that come with the package.

A plan file holds the canonical bytes of the plan: a file with the same content in other bytes is refused.
This module needs numpy only.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
import types
import typing
from collections import Counter
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from anomsdk.core.extractor import ExtractorPlan
from anomsdk.core.plan import EXTRACTORS, FORMAT, MAX_PROVENANCE, MAX_TEXT, Plan, canonical_json
from anomsdk.errors import InputError, quoted
from anomsdk.utils.files import packaged_folder, read_limited, write_atomically

MAX_BYTES = 16 << 20
MAX_DEPTH = 8
MAX_ITEMS = 10_000
"""Largest number of objects, lists and keys in a file: many times that of the largest plan."""

_INT_DIGITS = 15
_OWN_KEYS = {"format", "sha256", *(field.name for field in fields(Plan))}
"""Keys that a message may name before the file is known to be a plan; others may be secrets."""
_ANNOTATION_DTYPES = {
    "int8": "i1",
    "uint8": "u1",
    "int16": "<i2",
    "uint16": "<u2",
    "int32": "<i4",
    "uint32": "<u4",
}


def read_plan(path: str | Path) -> Plan:
    """Read a plan.json.

    Parameters
    ----------
    path : a file that `write_plan` wrote

    Returns
    -------
    Plan, proven anew: hash, canonical form, shapes and 32-bit bounds

    Raises
    ------
    InputError : missing, damaged, of another version, or not in canonical form

    Examples
    --------
    >>> import anomsdk
    >>> from anomsdk.plans.file import reference_models_folder
    >>> anomsdk.read_plan(reference_models_folder() / "audio_scene" / "plan.json").name
    'audio_scene'
    """
    if not isinstance(path, (str, Path)):
        raise InputError(f"read_plan: {type(path).__name__} is no path; give a str or a pathlib.Path")
    path = Path(path)
    data = read_limited(path, MAX_BYTES)
    return parse_plan(data, name=str(path), folder=path.parent)


def parse_plan(data: bytes, *, name: str, folder: Path | None = None) -> Plan:
    """Parse the bytes of a plan file; errors begin with ``name``."""
    if len(data) > MAX_BYTES:
        raise InputError(f"{name}: larger than {MAX_BYTES} bytes; is this a plan.json?")
    try:
        tree = _strict_json(data)
        plan = _plan_from(tree, folder)
    except InputError as error:
        raise InputError(f"{name}: {error}") from None
    if plan.canonical_bytes != data:
        raise InputError(
            f"{name}: not in canonical form (edited or reformatted?); write it again with: anomsdk plan DIR"
        )
    return plan


def write_plan(plan: Plan, path: str | Path) -> None:
    """Write a plan file atomically: a reader sees the old file or the new one, never a part of it.

    Examples
    --------
    >>> import anomsdk, tempfile
    >>> plan = anomsdk.reference_model("audio_scene")
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     anomsdk.write_plan(plan, f"{folder}/plan.json")
    ...     anomsdk.read_plan(f"{folder}/plan.json") == plan
    True
    """
    write_atomically(Path(path), plan.canonical_bytes)


def reference_models_folder() -> Path:
    """Return the folder of the reference models: in the installed package, or in the checkout."""
    return packaged_folder("reference_models")


def reference_model_names() -> list[str]:
    """Return the sorted names of the reference models that have a plan."""
    return sorted(path.parent.name for path in reference_models_folder().glob("*/plan.json"))


def reference_model(name: str) -> Plan:
    """Read the plan of a reference model that comes with the package.

    Examples
    --------
    >>> import anomsdk
    >>> anomsdk.reference_model("audio_scene").sensor.kind
    'audio'
    """
    names = reference_model_names()
    if name not in names:
        raise InputError(f"'{name}' is no reference model; choose from {', '.join(names)}")
    return read_plan(reference_models_folder() / name / "plan.json")


# Reading


def _strict_json(data: bytes) -> Any:
    if data.startswith(b"version https://git-lfs"):
        raise InputError("is a Git LFS pointer, not the plan itself; run: git lfs pull")
    try:
        text = data.decode("ascii")
    except UnicodeDecodeError:
        raise InputError("not a plan: holds bytes that are not ASCII; give a plan.json") from None
    _check_depth(text)
    try:
        return json.loads(
            text,
            object_pairs_hook=_distinct_keys,
            parse_int=_small_int,
            parse_float=_no_float,
            parse_constant=_no_float,
        )
    except json.JSONDecodeError as error:
        raise InputError(
            f"not valid JSON at byte {error.pos} (cut short?): {error.msg}; restore it or plan again"
        ) from None
    except RecursionError:
        raise InputError("nested too deeply for a plan; give a plan.json") from None


def _check_depth(text: str) -> None:
    """Refuse too many items and too deep nesting before the JSON parser runs. No string of a plan holds a bracket."""
    if text.count("[") + text.count("{") + text.count(":") > MAX_ITEMS:
        raise InputError(f"more than {MAX_ITEMS} objects and keys, which no plan has; give a plan.json")
    depth = 0
    for bracket in re.finditer(r"[\[\]{}]", text):
        depth += 1 if bracket[0] in "[{" else -1
        if depth > MAX_DEPTH:
            raise InputError(f"nested deeper than {MAX_DEPTH} levels, which no plan is; give a plan.json")


def _distinct_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    tree = dict(pairs)
    if len(tree) != len(pairs):
        twice = {key for key, n in Counter(key for key, _ in pairs).items() if n > 1} & _OWN_KEYS
        raise InputError(f"{f'key {min(twice)!r}' if twice else 'a key'} stands there twice; restore it or plan again")
    return tree


def _small_int(digits: str) -> int:
    if len(digits) > _INT_DIGITS:
        raise InputError(f"a number of {len(digits)} digits, more than {_INT_DIGITS}; restore it or plan again")
    return int(digits)


def _no_float(digits: str) -> Any:
    raise InputError("a number that is no integer, which a plan cannot hold; restore it or plan again")


def _plan_from(tree: Any, folder: Path | None) -> Plan:
    if not isinstance(tree, dict) or "format" not in tree or "sha256" not in tree:
        raise InputError("not a plan: format or sha256 is missing; give a plan.json")
    if tree["format"] != FORMAT or isinstance(tree["format"], bool):
        raise InputError(
            f"plan format {quoted(tree['format'], 20)} is unknown: this version reads format {FORMAT}; plan again"
        )
    digest = tree.pop("sha256")
    actual = hashlib.sha256(canonical_json(tree)).hexdigest()
    if digest != actual:
        raise InputError("damaged: the content does not match its sha256; restore it or plan again")
    del tree["format"]
    try:
        plan = Plan(**_dataclass_values(Plan, tree, "plan"), folder=folder)
        plan.check()
    except InputError as error:
        raise InputError(f"{error}; plan again") from None
    return plan


def _dataclass_values(kind: type, tree: Any, where: str) -> dict[str, Any]:
    if not isinstance(tree, dict):
        raise InputError(f"{where}: is {_json_type(tree)}, must be an object")
    hints = typing.get_type_hints(kind)
    wanted = [f.name for f in fields(kind) if f.metadata.get("canonical", True)]
    unknown = set(tree) - set(wanted) - ({"kind"} if hasattr(kind, "kind") else set())
    if unknown:
        raise InputError(f"{where}: unknown key '{quoted(min(unknown))}'")
    missing = {name for name in set(wanted) - set(tree) if not _is_optional(hints[name])}
    if missing:
        raise InputError(f"{where}: key '{min(missing)}' is missing")
    return {name: _value(hints[name], tree[name], f"{where}.{name}") for name in wanted if name in tree}


def _is_optional(hint: Any) -> bool:
    """Return True for the type of a section that a plan may leave out."""
    return type(None) in typing.get_args(hint)


def _value(hint: Any, node: Any, where: str) -> Any:
    if _is_optional(hint):
        (hint,) = (each for each in typing.get_args(hint) if each is not type(None))
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is int:
        if type(node) is not int:
            raise InputError(f"{where}: is {_json_type(node)}, must be an integer")
        return node
    if hint is str:
        if type(node) is not str or len(node) > MAX_TEXT:
            raise InputError(f"{where}: must be a string of at most {MAX_TEXT} characters")
        return node
    if origin is np.ndarray or origin is NDArray:  # numpy 2 made NDArray a type of its own
        return _array(node, _ANNOTATION_DTYPES[_innermost(hint).__name__], where)
    if origin is tuple:
        if not isinstance(node, list) or len(node) > 256:
            raise InputError(f"{where}: must be a list of at most 256 entries")
        return tuple(_value(args[0], item, f"{where}[{i}]") for i, item in enumerate(node))
    if hint is ExtractorPlan or origin in (typing.Union, types.UnionType):
        kinds = EXTRACTORS if hint is ExtractorPlan else _kinds_of(args)
        name = node.get("kind") if isinstance(node, dict) else None
        if not isinstance(name, str) or name not in kinds:
            raise InputError(f"{where}: kind must be one of {', '.join(sorted(kinds))}")
        return _value(kinds[name], node, where)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return hint(**_dataclass_values(hint, node, where))
    if not isinstance(node, dict) or len(node) > MAX_PROVENANCE:
        raise InputError(f"{where}: must be an object of strings")
    return {key: _value(str, item, f"{where}.{quoted(key)}") for key, item in node.items()}


def _kinds_of(options: tuple[Any, ...]) -> dict[str, Any]:
    """Map the kinds of a section that may be one of several classes to these classes."""
    return {kind: option for option in options for kind in getattr(option, "kinds", None) or (option.kind,)}


def _innermost(hint: Any) -> Any:
    """Return the scalar type of an array annotation."""
    args = typing.get_args(hint)
    return _innermost(args[-1]) if args else hint


def _array(node: Any, dtype: str, where: str) -> Any:
    if not isinstance(node, dict) or set(node) != {"data", "dtype", "shape"}:
        raise InputError(f"{where}: must be an array with data, dtype and shape")
    if node["dtype"] != dtype:
        raise InputError(f"{where}: dtype must be {dtype}")
    shape = node["shape"]
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= 2
        or not all(type(n) is int and 0 <= n <= 1 << 16 for n in shape)
    ):
        raise InputError(f"{where}: shape must be one or two sizes up to 65536")
    try:
        raw = base64.b64decode(node["data"], validate=True)
    except (binascii.Error, ValueError, TypeError):
        raise InputError(f"{where}: data is not base64") from None
    if len(raw) != int(np.prod(shape, dtype=np.int64)) * np.dtype(dtype).itemsize:
        raise InputError(f"{where}: {len(raw)} bytes of data do not fit shape {shape} of {dtype}")
    return np.frombuffer(raw, dtype).reshape(shape)


def _json_type(node: Any) -> str:
    names = {dict: "an object", list: "a list", str: "a string", bool: "true or false", int: "a number"}
    return names.get(type(node), "null")
