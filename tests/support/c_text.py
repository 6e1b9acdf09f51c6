"""Reads the text of the C port: enough of C for the way these sources are written, and no more."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Argument:
    """A parameter of a function, or a field of a struct."""

    type: str  # without const, * and []
    name: str
    is_pointer: bool
    is_const: bool  # what it points at
    length: str | None = None  # of an array in place
    comment: str = ""


@dataclass(frozen=True)
class Function:
    """A prototype or a definition."""

    name: str
    arguments: tuple[Argument, ...]
    is_static: bool


def without_comments(text: str) -> str:
    """Each comment becomes as many spaces and line breaks as it had characters."""
    return re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match[0]), text, flags=re.S)


def first_comment_line(text: str) -> str:
    """First line of the comment that opens the file."""
    match = re.match(r"/\* (.*?)(?: \*/)?$", text, re.M)
    assert match, "does not begin with a comment"
    return match[1]


def functions(text: str) -> list[Function]:
    """Prototypes and definitions, in order."""
    found = re.finditer(
        r"^((?:static )?(?:inline )?)((?:const )?\w+ \**)(\w+)\(([^(){};]*)\)(?:;|\n\{)",
        without_comments(text),
        re.M,
    )
    return [
        Function(
            match[3], tuple(map(_argument, match[4].split(","))), "static" in match[1] and "inline" not in match[1]
        )
        for match in found
    ]


def structs(text: str) -> dict[str, list[Argument]]:
    """Fields of each named struct."""
    found = re.finditer(r"^(?:typedef )?struct (\w+) \{\n(.*?)^\}", text, re.M | re.S)
    return {match[1]: _fields(match[2]) for match in found}


def _fields(body: str) -> list[Argument]:
    lines = re.findall(r"^    ([^;\n]+);[ \t]*(?:/\* (.*?)(?: \*/)?)?$", body, re.M)
    return [_argument(declaration, comment) for declaration, comment in lines if "(*" not in declaration]


def _argument(declaration: str, comment: str = "") -> Argument:
    match = re.fullmatch(r"\s*(const )?(\w+) (\**)(\w+)(?:\[(\w*)\]| : \d+)?\s*", declaration)
    assert match, f"cannot read {declaration!r}"
    const, kind, stars, name, length = match.groups()
    return Argument(kind, name, bool(stars) or length is not None, const is not None, length, comment)


def function_pointers(text: str, struct: str) -> list[str]:
    """Members of a struct that are functions, in order."""
    match = re.search(rf"^typedef struct {struct} \{{\n(.*?)^\}}", without_comments(text), re.M | re.S)
    assert match, f"no struct {struct}"
    return re.findall(r"\(\*(\w+)\)\(", match[1])


def initialiser(text: str, name: str) -> list[str]:
    """What a constant is initialised with, entry by entry."""
    match = re.search(rf"\b{name}(?:\[\d*\])? = \{{(.*?)\}};", without_comments(text), re.S)
    assert match, f"{name} is not initialised"
    return [entry for entry in re.split(r"[,\s]+", match[1]) if entry]


def constants(text: str) -> dict[str, int | str]:
    """What `#define` names: integers, and strings without their quotes."""
    found = re.findall(r'^#define (\w+) (?:\(?(-?\d+|0x[0-9A-Fa-f]+)\)?|"(.*?)")\s*(?:/\*.*)?$', text, re.M)
    return {name: int(number, 0) if number else string for name, number, string in found}
