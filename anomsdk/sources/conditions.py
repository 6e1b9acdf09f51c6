"""Conditions on labels, ``subject=3,4:sick!=true``: which recordings of an .npz, or rows of a table, are meant."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.npz import entries
from anomsdk.sources.formats.stored import refusing

_CHOOSING = re.compile(r"(.*?\.(?:npz|csv|csv\.gz|parquet)):(.*)", re.IGNORECASE | re.DOTALL)
_TRUTH = {"true": 1.0, "false": 0.0}


@dataclass(frozen=True)
class Condition:
    """What an array of an .npz, or a column of a table, must say, or must not.

    Parameters
    ----------
    key : name of the array or column
    values : as somebody wrote them: one, or several with commas between them
    excluded : none of them may be said; else one of them must be
    """

    key: str
    values: str
    excluded: bool = False

    def picked(self, there: Collection[str], where: str) -> frozenset[str]:
        """Which of the values that occur fulfil the condition.

        Parameters
        ----------
        there : all values that occur, as text
        where : what messages call the file

        Raises
        ------
        InputError : a value that does not occur: it is misspelt; the message lists what there is

        Examples
        --------
        >>> sorted(Condition("sick", "true", excluded=True).picked({"True", "False"}, "herd.npz"))
        ['False']
        """
        named = set[str]()
        for value in [self.values] if self.values in there else self.values.split(","):
            found = _same(value.strip(), there)
            if not found and self._must_occur(there):
                listed = quoted(", ".join(quoted(each) or "(empty)" for each in _in_order(there)[:20]), 200)
                raise InputError(
                    f"{where}: no {printable(self.key)} is {printable(value)}; there is {listed or 'nothing'}"
                )
            named |= found
        return frozenset(set(there) - named if self.excluded else named)

    def _must_occur(self, there: Collection[str]) -> bool:
        return True


@dataclass(frozen=True)
class OfAny(Condition):
    """A condition on several files together: each value must occur in one of them.

    Parameters
    ----------
    there : the values that occurred so far
    """

    there: set[str] = field(default_factory=set, compare=False)

    def picked(self, there: Collection[str], where: str) -> frozenset[str]:
        """As `Condition.picked`; a value that does not occur may do so in another file."""
        self.there.update(there)
        return super().picked(there, where)

    def _must_occur(self, there: Collection[str]) -> bool:
        return False

    def check(self, where: str) -> None:
        """Refuse a value that occurred in none of the files.

        Parameters
        ----------
        where : what messages call all of them
        """
        Condition(self.key, self.values, self.excluded).picked(self.there, where)


class NothingChosenError(InputError):
    """No recording of a file fulfils all conditions."""


def conditions_in(text: str, where: str, example: str) -> tuple[Condition, ...]:
    """The conditions of ``key=value,value:key!=value``; all of them must hold.

    Parameters
    ----------
    text : as somebody wrote it
    where : what messages call it
    example : what the message shows as right

    Raises
    ------
    InputError : a part is no condition
    """
    found = []
    for part in text.split(":"):
        key, equals, values = part.partition("=")
        excluded = key.endswith("!")
        key = key.removesuffix("!").strip()
        if not key or not equals or not values.strip():
            raise InputError(f"{where}: {printable(part) or 'nothing'} chooses nothing; write {example}")
        found.append(Condition(key, values.strip(), excluded))
    return tuple(found)


def parsed(text: str) -> tuple[str, tuple[Condition, ...]]:
    """A path, and what is chosen behind it, as in ``file.npz:subject!=5``; a file with literally this name wins.

    Raises
    ------
    InputError : what is behind the path is no condition
    """
    with refusing(printable(text)):
        if Path(text).exists() or not (found := _CHOOSING.fullmatch(text)):
            return text, ()
    name = Path(found[1]).name
    suffix = ".npz" if name.lower().endswith(".npz") else Path(name).suffix
    example = f"file{suffix}:key=value,value or file{suffix}:key!=value"
    return found[1], conditions_in(found[2], printable(text), example)


def picked(path: Path, where: str, n: int, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Which recordings of an .npz fulfil all conditions; without conditions, all of any file."""
    left = set(range(n))
    for each in conditions:
        found = entries(path, where, each.key, n)
        values = each.picked(set(found), where)
        left = {index for index in left if found[index] in values}
    if not left:
        raise NothingChosenError(f"{where}: no recording is all of this; choose less")
    return tuple(sorted(left))


def _same(value: str, there: Collection[str]) -> set[str]:
    """The same text; where there is none, the same number or truth value."""
    if value in there:
        return {value}
    meant = _meaning(value)
    return set() if meant is None else {each for each in there if _meaning(each) == meant}


def _meaning(text: str) -> float | None:
    word = text.strip().lower()
    if word in _TRUTH:
        return _TRUTH[word]
    try:
        return float(word) if "_" not in word else None
    except ValueError:
        return None


def _in_order(values: Collection[str]) -> list[str]:
    """Numbers by their size, then text."""
    return sorted(values, key=lambda each: (_meaning(each) is None, _meaning(each) or 0.0, each))
