"""Conditions on labels, ``subject=3,4:sick!=true``, that choose recordings of an .npz or rows of a table."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from anomsdk.errors import InputError, printable, quoted
from anomsdk.sources.formats.arrays.npz import entries_of
from anomsdk.sources.formats.stored_samples import refusing

_CHOOSING = re.compile(r"(.*?\.(?:npz|csv|csv\.gz|parquet)):(.*)", re.IGNORECASE | re.DOTALL)
"""Path of a file that takes conditions, and the text behind its colon."""
_TRUTH = {"true": 1.0, "false": 0.0}
"""Truth values and the numbers that they equal."""


@dataclass(frozen=True)
class Condition:
    """A condition on one array of an .npz, or on one column of a table.

    Parameters
    ----------
    key : name of the array or column
    values : values as the user wrote them: one, or several separated by commas
    excluded : the label must be none of the values; by default it must be one of them
    """

    key: str
    values: str
    excluded: bool = False

    def picked(self, there: Collection[str], where: str) -> frozenset[str]:
        """Pick the values of a file that fulfil the condition.

        Parameters
        ----------
        there : all values that occur in the file, as text
        where : name of the file in messages

        Raises
        ------
        InputError : a value of the condition does not occur, so it is misspelt; the message lists those that occur

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
    """A condition on several files together: each of its values must occur in at least one of them.

    Parameters
    ----------
    there : values that occurred in the files so far
    """

    there: set[str] = field(default_factory=set, compare=False)

    def picked(self, there: Collection[str], where: str) -> frozenset[str]:
        """Pick values as `Condition.picked` does, and accept a value that only another file may have."""
        self.there.update(there)
        return super().picked(there, where)

    def _must_occur(self, there: Collection[str]) -> bool:
        return False

    def check(self, where: str) -> None:
        """Refuse a value that occurred in none of the files.

        Parameters
        ----------
        where : name of all the files together in messages
        """
        Condition(self.key, self.values, self.excluded).picked(self.there, where)


class NothingChosenError(InputError):
    """No recording of a file, or no row of a table, fulfils all conditions."""


def conditions_in(text: str, where: str, example: str) -> tuple[Condition, ...]:
    """Parse conditions such as ``key=value,value:key!=value``; a recording must fulfil all of them.

    Parameters
    ----------
    text : conditions, separated by colons
    where : name of the text's origin in messages
    example : correct conditions, which the message shows

    Raises
    ------
    InputError : a part of the text is no condition
    """
    found = []
    for part in text.split(":"):
        key, equals, values = part.partition("=")
        excluded = key.endswith("!")
        key = key.removesuffix("!").strip()
        if not key or not equals or not values.strip():
            raise InputError(f"{where}: {printable(part) or 'nothing'} is no condition; write {example}")
        found.append(Condition(key, values.strip(), excluded))
    return tuple(found)


def parsed(text: str) -> tuple[str, tuple[Condition, ...]]:
    """Divide ``file.npz:subject!=5`` into the path and the conditions behind it; a file of the whole name comes first.

    Raises
    ------
    InputError : the text behind the path is no condition
    """
    with refusing(printable(text)):
        if Path(text).exists() or not (found := _CHOOSING.fullmatch(text)):
            return text, ()
    name = Path(found[1]).name
    suffix = ".npz" if name.lower().endswith(".npz") else Path(name).suffix
    example = f"file{suffix}:key=value,value or file{suffix}:key!=value"
    return found[1], conditions_in(found[2], printable(text), example)


def picked(path: Path, where: str, n: int, conditions: Sequence[Condition]) -> tuple[int, ...]:
    """Pick the recordings of an .npz that fulfil all conditions; without conditions, all recordings of any file.

    Parameters
    ----------
    n : recordings in the file

    Returns
    -------
    indices : of the recordings, from 0, in the order of the file; at least one
    """
    left = set(range(n))
    for each in conditions:
        found = entries_of(path, where, each.key, n)
        values = each.picked(set(found), where)
        left = {index for index in left if found[index] in values}
    if not left:
        raise NothingChosenError(f"{where}: no recording fulfils all conditions; remove one of them")
    return tuple(sorted(left))


def _same(value: str, there: Collection[str]) -> set[str]:
    """Find the same text among the values; where there is none, the same number or truth value."""
    if value in there:
        return {value}
    meant = _meaning(value)
    return set() if meant is None else {each for each in there if _meaning(each) == meant}


def _meaning(text: str) -> float | None:
    """Read a number or a truth value; None for other text."""
    word = text.strip().lower()
    if word in _TRUTH:
        return _TRUTH[word]
    try:
        return float(word) if "_" not in word else None
    except ValueError:
        return None


def _in_order(values: Collection[str]) -> list[str]:
    """Sort numbers by size, and text behind them."""
    return sorted(values, key=lambda each: (_meaning(each) is None, _meaning(each) or 0.0, each))
