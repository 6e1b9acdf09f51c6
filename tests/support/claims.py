"""The register of claims, docs/claims.toml, and the pages that claims stand on, as sentences without markup."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from anomsdk.utils.files import packaged_folder
from tests.support.make import ROOT

try:
    import tomllib
except ModuleNotFoundError:
    import tomli as tomllib

KEYS = {"id", "sentence", "places", "checks", "by", "limits", "about"}
"""Keys of an entry of the register; the first three must be there, and a check or a test."""

_CLAIMING = re.compile(
    r"\b(keeps?|kept|wip(es?|ed)|zeroe?s?|zeroed|overw\w+|leaves? (no|nothing)|leaves the|never leaves?|nothing|"
    r"holds? (no|nothing|at most)|no (sample|feature|recording|score)s?|forgets|same bits|equal in|(ends|dies) the process)\b",
    re.I,
)
"""Words by which a sentence says what is kept, wiped, leaves or is the same."""
_OTHERWISE = re.compile(
    r"keeps (a|the|your|another) (promise|budget)|keeps the best|fetches nothing|trained nothing|means nothing|"
    r"knows nothing|what a device keeps|"
    r"as long as you keep|keep to a budget|nothing else is checked|yours to wipe",
    re.I,
)
"""Such words with another meaning: promises and budgets are kept, too."""
_LIMITS = re.compile(r"who is not covered|what is not claimed|what it does not claim|what a promise", re.I)
"""Headings of sections that say where claims end."""


class Claim(NamedTuple):
    """One entry of the register."""

    id: str
    sentence: str
    places: Sequence[str]
    checks: Sequence[str] = ()
    by: Sequence[str] = ()
    limits: Sequence[str] = ()
    about: str = ""


def register() -> list[Claim]:
    tree = tomllib.loads((packaged_folder("register") / "claims.toml").read_text(encoding="utf-8"))
    return [Claim(**entry) for entry in tree["claim"]]


def plain(text: str) -> str:
    """Text without the markup of Markdown, C comments and docstrings, on one line."""
    text = re.sub(r"^[ \t]*(/\*|\*/|\*(?= )|[-*>|]+ |#+ |\d+\. )", " ", text, flags=re.M)
    text = " ".join(text.split())
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return " ".join(re.sub(r"\*\*|`|\|", " ", text).replace(" ,", ",").replace(" .", ".").split())


def section(text: str, anchor: str) -> str:
    """The section of a page below the heading whose anchor this is, with the sections within it."""
    for heading in re.finditer(r"^(#+) (.*)$", text, re.M):
        slug = re.sub(r"[^\w -]", "", heading[2].lower()).replace(" ", "-")
        if slug == anchor:
            after = re.search(rf"^#{{1,{len(heading[1])}}} ", text[heading.end() :], re.M)
            return text[heading.start() : heading.end() + after.start() if after else None]
    return ""


def stands_in(claim: Claim, place: str) -> bool:
    """The sentence stands in this place: a file below the root, and after a # the anchor of its section."""
    name, _, anchor = place.partition("#")
    path = ROOT / name
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8")
    return plain(claim.sentence).casefold() in plain(section(text, anchor) if anchor else text).casefold()


def claiming(page: str | Path) -> Iterator[tuple[int, str]]:
    """Sentences of a page that say what is kept, with the line on which their paragraph begins.

    Sections and paragraphs that say where claims end make none, nor do those that say how a claim is shown, nor blocks of
    code. Of a header it is the first comment.

    Parameters
    ----------
    page : file of Markdown or C: its path, or its name below the root
    """
    text = (ROOT / page).read_text(encoding="utf-8").partition("\n#ifndef ")[0]
    text = re.sub(r"^```.*?^```$", lambda found: "\n" * found[0].count("\n"), text, flags=re.S | re.M)
    heading, pieces = "", []
    for number, line in enumerate(text.splitlines(), 1):
        if found := re.match(r"#+ (.*)", line):
            heading = found[1]
            pieces.append((number, "", heading))
        elif not line.strip(" */"):
            pieces.append((number, "", heading))
        elif line.startswith("|"):
            pieces += [(number, cell, heading) for cell in line.strip("| ").split(" | ")]
            pieces.append((number, "", heading))
        elif re.match(r" *- ", line):
            pieces.append((number, line, heading))
        else:
            first, words, under = pieces.pop() if pieces else (number, "", heading)
            pieces.append((first if words else number, f"{words}\n{line}" if words else line, under))
    for number, words, under in pieces:
        if _LIMITS.search(under) or words.startswith(("**Limits.**", "**Shown by**")):
            continue
        for sentence in re.split(r"(?<=[.!?]) (?=[A-Z]|anomsdk )", plain(words)):
            if _CLAIMING.search(_OTHERWISE.sub("", sentence)):
                yield number, sentence


def unregistered(page: str | Path) -> list[str]:
    """Sentences of a page that make a claim and are in no entry of the register for this page, each with its line."""
    known = [
        plain(claim.sentence)
        for claim in register()
        if str(page) in {place.partition("#")[0] for place in claim.places}
    ]
    return [
        f"{page}:{number}: {sentence}"
        for number, sentence in claiming(page)
        if not any(sentence in each or each.rstrip(".") in sentence for each in known)
    ]
