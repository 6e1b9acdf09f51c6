"""Extension of mkdocstrings: renders the sections of this package's docstrings as Markdown.

The sections look like numpydoc, but a sentence follows ``name :``, not a type. Types are in the signature.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_HEADING = re.compile(r"^(Parameters|Returns|Yields|Raises|Examples)\n-+\n", re.M)


def as_markdown(text: str) -> str:
    """Convert the sections of a docstring to bold headings, lists and code blocks."""
    start, *parts = _HEADING.split(text)
    found = [start.strip()]
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        found.append(f"**{name}**")
        if name == "Examples":
            found += [_examples(body)]
        elif name in ("Parameters", "Raises"):
            found += ["\n".join(_entry(entry) for entry in re.split(r"\n(?=\S)", body.strip()))]
        else:
            found += [body.strip()]
    return "\n\n".join(found)


def _entry(entry: str) -> str:
    names, _, meaning = " ".join(entry.split()).partition(" : ")
    shown = ", ".join(f"`{name}`" for name in names.split(", "))
    return f"- {shown}: {meaning}" if meaning else f"- {names}"


def _examples(body: str) -> str:
    return f"```pycon\n{re.sub(r'  # doctest:.*', '', body.strip())}\n```"


class Docstrings(griffe.Extension):
    """Extension of griffe that converts every docstring when its object is read."""

    def on_instance(self, *, obj: griffe.Object, **_: Any) -> None:
        """Convert the docstring of a module, class, function or attribute. griffe calls this."""
        if obj.docstring is not None:
            obj.docstring.value = as_markdown(obj.docstring.value)
