"""Writes tests/vectors: the cases of tests/stems, and what tests/scalar.py gives for them.

python -m tests.support.make_vectors [stem ...]
"""

from __future__ import annotations

import json
import sys

from tests.scalar import canonical
from tests.support.stems import DECODER, STEMS, VECTORS, Json, module_of

SOURCE = "docs/spec.md, as tests/scalar.py computes it"
WIDTH = 120
SHORT = 40


def vectors(stem: str) -> Json:
    """What the file of a stem holds."""
    module = module_of(stem)
    cases = [
        {"name": name, "guards": guards, "given": given, "expect": module.by_scalar(given)}
        for name, guards, given in module.cases()
    ]
    return {"stem": stem, "source": SOURCE, "cases": cases}


def text(value: Json, indent: int = 0) -> str:
    """JSON that can be read: in one line what fits, short items in filled lines, else an item a line."""
    flat = json.dumps(value)
    if indent + len(flat) <= WIDTH or not isinstance(value, dict | list):
        return flat
    margin, end = " " * (indent + 1), "\n" + " " * indent
    if isinstance(value, dict):
        items = [f"{json.dumps(key)}: {_text_of(key, item, indent + 1)}" for key, item in value.items()]
        return "{\n" + ",\n".join(margin + item for item in items) + end + "}"
    items = [text(item, indent + 1) for item in value]
    lines = filled(items, WIDTH - len(margin) - 1) if max(map(len, items)) <= SHORT else items
    return "[\n" + ",\n".join(margin + line for line in lines) + end + "]"


def _text_of(key: str, value: Json, indent: int) -> str:
    """A plan is in its canonical form: with a line feed it is the bytes of its file."""
    return canonical(value) if key == "plan" else text(value, indent)


def filled(items: list[str], width: int) -> list[str]:
    """Lines of as many items as fit."""
    lines = items[:1]
    for item in items[1:]:
        if len(lines[-1]) + 2 + len(item) <= width:
            lines[-1] += f", {item}"
        else:
            lines.append(item)
    return lines


def main() -> None:
    for stem in sys.argv[1:] or (*STEMS, DECODER):
        (VECTORS / f"{stem}.json").write_text(text(vectors(stem)) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
